package stream

import (
	"fmt"
	"math"
	"reflect"

	"google.golang.org/protobuf/proto"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
)

// attemptOf is one attempt of a call.
type attemptOf struct {
	call    uint64
	attempt uint32
}

// reader reads a stream as docs/protocol.md says that it may be read, and takes down whatever is otherwise.
type reader struct {
	faults []string

	messages  int
	kinds     []string
	process   *debugpb.Process
	complete  bool // The snapshot has ended.
	entities  map[uint32]bool
	used      map[uint32]bool // Ids that were referred to and never announced: of what was gone when the stream began.
	removed   map[uint32]bool
	names     map[uint32]string
	changes   []*debugpb.Change
	channels  map[uint32]*debugpb.ChannelCounters
	endpoints map[uint32]*debugpb.EndpointCounters
	drops     *debugpb.Drops
	lastPick  uint64
	lastEnd   uint64
	picks     []attemptOf
	ends      []attemptOf
	ended     map[attemptOf]bool
	longest   int // Bytes of a message.
}

func newReader() *reader {
	return &reader{
		entities:  map[uint32]bool{},
		used:      map[uint32]bool{},
		removed:   map[uint32]bool{},
		names:     map[uint32]string{},
		channels:  map[uint32]*debugpb.ChannelCounters{},
		endpoints: map[uint32]*debugpb.EndpointCounters{},
		drops:     &debugpb.Drops{},
		ended:     map[attemptOf]bool{},
	}
}

func (r *reader) fault(format string, args ...any) {
	if len(r.faults) < 10 {
		r.faults = append(r.faults, fmt.Sprintf("message %d: ", r.messages)+fmt.Sprintf(format, args...))
	}
}

// take reads a message as it comes over the wire.
func (r *reader) take(sent *debugpb.WatchResponse) error {
	encoded, err := proto.Marshal(sent)
	if err != nil {
		return err
	}
	message := &debugpb.WatchResponse{}
	if err := proto.Unmarshal(encoded, message); err != nil {
		return err
	}
	r.longest = max(r.longest, len(encoded))
	if len(encoded) > 1<<20 {
		r.fault("%d bytes", len(encoded))
	}
	r.messages++
	if message.Sequence != uint32(r.messages) {
		r.fault("the number is %d", message.Sequence)
	}
	r.read(message)
	return nil
}

func (r *reader) read(message *debugpb.WatchResponse) {
	kind := reflect.TypeOf(message.Body).Elem().Field(0).Name
	r.kinds = append(r.kinds, kind)
	switch kind {
	case "Process", "SnapshotBegin":
		if want := []string{"Process", "SnapshotBegin"}; r.messages > 2 || want[r.messages-1] != kind {
			r.fault("%s comes here", kind)
		}
	case "Strings", "Changes", "Counters":
	case "SnapshotEnd":
		r.complete = true
	default:
		if !r.complete {
			r.fault("%s within the snapshot", kind)
		}
	}
	switch body := message.Body.(type) {
	case *debugpb.WatchResponse_Process:
		r.process = body.Process
	case *debugpb.WatchResponse_Strings:
		r.readNames(body.Strings)
	case *debugpb.WatchResponse_Changes:
		for _, change := range body.Changes.Changes {
			r.readChange(change)
		}
	case *debugpb.WatchResponse_Picks:
		r.readPicks(body.Picks)
	case *debugpb.WatchResponse_Completions:
		r.readCompletions(body.Completions)
	case *debugpb.WatchResponse_Counters:
		r.readCounters(body.Counters)
	case *debugpb.WatchResponse_Drops:
		r.readDrops(body.Drops)
	}
}

func (r *reader) readNames(names *debugpb.Strings) {
	for i, id := range names.Ids {
		if _, known := r.names[id]; known {
			r.fault("the name %d comes twice", id)
		}
		r.names[id] = names.Values[i]
	}
}

// announce takes in an id, with those that it refers to.
func (r *reader) announce(id uint32, gone bool, refers ...uint32) {
	if r.used[id] {
		r.fault("%d was referred to before it came", id)
	}
	r.entities[id] = true
	if r.removed[id] {
		r.fault("%d comes back", id)
	}
	if gone {
		r.removed[id] = true
	}
	for _, other := range refers {
		r.refer(other)
		if !r.complete && other != 0 && !r.entities[other] {
			r.fault("%d comes before its parent %d", id, other)
		}
	}
}

func (r *reader) refer(id uint32) {
	if id != 0 && !r.entities[id] {
		r.used[id] = true
	}
}

func (r *reader) readChange(change *debugpb.Change) {
	r.changes = append(r.changes, change)
	switch entity := change.Entity.(type) {
	case *debugpb.Change_Channel:
		r.announce(entity.Channel.Id, entity.Channel.Closed)
	case *debugpb.Change_Policy:
		r.announce(entity.Policy.Id, entity.Policy.Removed, entity.Policy.Channel, entity.Policy.Parent)
	case *debugpb.Change_Endpoint:
		r.announce(entity.Endpoint.Id, entity.Endpoint.Removed, entity.Endpoint.Channel)
	case *debugpb.Change_Subconn:
		r.announce(entity.Subconn.Id, entity.Subconn.Removed, entity.Subconn.Endpoints...)
	case *debugpb.Change_Generation:
		r.announce(entity.Generation.Id, false, entity.Generation.Channel, entity.Generation.Policy)
		for _, endpoint := range entity.Generation.Endpoints {
			r.refer(endpoint)
		}
	case *debugpb.Change_ResolverUpdate:
		r.refer(entity.ResolverUpdate.Channel)
	}
}

func (r *reader) readPicks(batch *debugpb.PickBatch) {
	rows := int(batch.Rows)
	r.checkRows(rows, batch.TimeDeltaNs, batch.CallDelta, batch.Attempt, batch.Channel, batch.Generation, batch.Method,
		batch.Result, batch.Reason, batch.Policy, batch.Endpoint, batch.Code, batch.Flags, batch.CandidateCount,
		batch.RejectedDraws)
	var candidates, rejected uint32
	for i, count := range batch.CandidateCount {
		candidates += count
		if len(batch.RejectedDraws) > 0 {
			rejected += count * batch.RejectedDraws[i]
		}
	}
	if candidates > 16_384 {
		r.fault("%d candidates", candidates)
	}
	r.checkColumns(int(candidates), batch.CandidateEndpoint, batch.CandidateLagNs, batch.CandidateSuccess,
		batch.CandidateInflight, batch.CandidateScore, batch.CandidateIdleNs, batch.CandidateHealthy, batch.CandidatePeakNs)
	r.checkColumns(int(rejected), batch.RejectedEndpoint, batch.RejectedSuccess)
	for _, ids := range [][]uint32{batch.Channel, batch.Generation, batch.Policy, batch.Endpoint, batch.CandidateEndpoint,
		batch.RejectedEndpoint} {
		for _, id := range ids {
			r.refer(id)
		}
	}
	r.checkNames(batch.Method)
	time, call := batch.BaseTimeNs, batch.BaseCall
	for i := range rows {
		time, call = time+uint64(batch.TimeDeltaNs[i]), call+uint64(batch.CallDelta[i])
		r.checkTime("pick", time, &r.lastPick)
		it := attemptOf{call, batch.Attempt[i]}
		if r.ended[it] {
			r.fault("the pick of %v comes after its completion", it)
		}
		r.picks = append(r.picks, it)
	}
}

func (r *reader) readCompletions(batch *debugpb.CompletionBatch) {
	rows := int(batch.Rows)
	r.checkRows(rows, batch.TimeDeltaNs, batch.CallDelta, batch.Attempt, batch.Channel, batch.Method, batch.Endpoint,
		batch.Code, batch.LatencyNs, batch.LagNs, batch.Success, batch.Inflight, batch.Flags, batch.PeakNs)
	for _, ids := range [][]uint32{batch.Channel, batch.Endpoint} {
		for _, id := range ids {
			r.refer(id)
		}
	}
	r.checkNames(batch.Method)
	time, call := batch.BaseTimeNs, batch.BaseCall
	for i := range rows {
		time, call = time+uint64(batch.TimeDeltaNs[i]), call+uint64(batch.CallDelta[i])
		r.checkTime("completion", time, &r.lastEnd)
		it := attemptOf{call, batch.Attempt[i]}
		if r.ended[it] {
			r.fault("%v ends twice", it)
		}
		r.ended[it] = true
		r.ends = append(r.ends, it)
	}
}

func (r *reader) checkRows(rows int, columns ...any) {
	if rows == 0 || rows > 4096 {
		r.fault("%d rows", rows)
	}
	r.checkColumns(rows, columns...)
}

// checkColumns holds that a column is empty, or has one value of each row, not all of them the default.
func (r *reader) checkColumns(rows int, columns ...any) {
	for i, column := range columns {
		values := reflect.ValueOf(column)
		if values.Len() != 0 && values.Len() != rows {
			r.fault("column %d has %d of %d values", i, values.Len(), rows)
		}
	}
}

func (r *reader) checkNames(ids []uint32) {
	for _, id := range ids {
		if _, known := r.names[id]; !known && id != 0 {
			r.fault("the name %d was not told", id)
		}
	}
}

func (r *reader) checkTime(of string, time uint64, last *uint64) {
	if time < *last {
		r.fault("a %s at %d comes after one at %d", of, time, *last)
	}
	*last = time
}

func (r *reader) readCounters(counters *debugpb.Counters) {
	for _, now := range counters.Channels {
		r.refer(now.Channel)
		before := r.channels[now.Channel]
		for _, pair := range [][2]uint64{
			{before.GetPicksCompleted(), now.PicksCompleted}, {before.GetPicksQueued(), now.PicksQueued},
			{before.GetPicksFailed(), now.PicksFailed}, {before.GetPicksDropped(), now.PicksDropped},
			{before.GetEndedUnpicked(), now.EndedUnpicked},
		} {
			if pair[1] < pair[0] {
				r.fault("a counter of the channel %d fell from %d to %d", now.Channel, pair[0], pair[1])
			}
		}
		r.channels[now.Channel] = now
	}
	for _, now := range counters.Endpoints {
		r.readEndpoint(now)
	}
}

func (r *reader) readEndpoint(now *debugpb.EndpointCounters) {
	r.refer(now.Endpoint)
	before := r.endpoints[now.Endpoint]
	if now.Picks < before.GetPicks() || now.NeverStarted < before.GetNeverStarted() {
		r.fault("a counter of the endpoint %d fell: %v, then %v", now.Endpoint, before, now)
	}
	ended, known := endsOf(now), endsOf(before)
	for code, count := range known {
		if ended[code] < count {
			r.fault("the ends of the endpoint %d with code %d fell from %d to %d", now.Endpoint, code, count, ended[code])
		}
	}
	if now.Started+now.NeverStarted > now.Picks || total(ended) > now.Started {
		r.fault("the endpoint %d does not add up: %v", now.Endpoint, now)
	}
	if math.IsNaN(now.LagNs) && now.Derived {
		r.fault("derived, and unknown: %v", now)
	}
	r.endpoints[now.Endpoint] = now
}

func endsOf(counters *debugpb.EndpointCounters) map[uint32]uint64 {
	ends := map[uint32]uint64{}
	for i, code := range counters.GetCodes() {
		ends[code] = counters.CompletionsByCode[i]
	}
	return ends
}

func total(counts map[uint32]uint64) (sum uint64) {
	for _, count := range counts {
		sum += count
	}
	return sum
}

func (r *reader) readDrops(drops *debugpb.Drops) {
	if drops.Picks < r.drops.Picks || drops.Completions < r.drops.Completions {
		r.fault("drops fell: %v, then %v", r.drops, drops)
	}
	if drops.Cause == debugpb.DropCause_DROP_CAUSE_UNSPECIFIED {
		r.fault("rows were dropped for no cause")
	}
	r.drops = drops
}
