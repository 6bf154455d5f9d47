// Package stream tells what a recorder sees, in the messages of docs/protocol.md: to those who watch, to what is kept
// of the past, and into recording files.
package stream

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
	"github.com/pickscope/pickscope/libraries/go/internal/recorder"
)

// The version of the protocol that is spoken.
const (
	ProtocolMajor = 1
	ProtocolMinor = 2
)

// flushInterval lies between what happens and its message, at most; beatInterval between heartbeats, and between
// counters.
const (
	flushInterval = 50 * time.Millisecond
	beatInterval  = time.Second
)

// Bytes of changes: in one message, and one change more, though a gRPC client takes 4 MB; waiting for a reader, with
// more it has to begin anew. And what a change takes besides its own bytes: in a message, and in memory.
const (
	maxChangesBytes = 900_000
	maxPendingBytes = 4 << 20
	changeHead      = 5
	changeOverhead  = 200
)

// maxNames of 256 bytes each go into one message.
const maxNames = 2048

// errTooSlow ends a stream whose reader has lost what it cannot do without.
var errTooSlow = status.Error(codes.Aborted,
	"The watcher reads too slowly and has missed what it needs; it has to open another stream.")

// Source is what is told of.
type Source struct {
	Recorder *recorder.Recorder
	// Describe says who this process is. Each time another message, which may be changed.
	Describe func() *debugpb.Process
	// RefusedCalls counts the calls to the debug server that were refused so far.
	RefusedCalls func() uint64
}

// dropped are rows that a stream left out.
type dropped struct {
	picks, completions uint64
	cause              debugpb.DropCause
}

// sink is where the messages of a stream go. Its methods may wait for who reads them.
type sink interface {
	// send takes a message, which it has to number. The message is its sender's again afterwards.
	send(*debugpb.WatchResponse) error
	// drop takes what was left out since the last time.
	drop(dropped) error
}

// stream tells what happens, flush after flush, from a moment on; and when asked to, all that exists. One goroutine at
// a time uses it, but for what the recorder tells it.
type stream struct {
	// The stream ends with the context, which it ends itself when it loses changes: by errTooSlow.
	ctx    context.Context
	end    context.CancelCauseFunc
	source Source
	sink   sink
	err    error // Nothing is sent any more: what the sink, or the context, said.

	next      recorder.Position // The rows to be told next.
	namesTold int
	counters  counters
	drops     dropped
	// Whether so many rows came during one sending of this flush, or of the one before, that it is the reader's fault
	// if some are gone.
	slow, wasSlow bool

	picks              []recorder.PickRow
	completions        []recorder.CompletionRow
	pickMessages       pickColumns
	completionMessages completionColumns

	filling chan struct{} // It is time for a flush.

	mu           sync.Mutex // Guards what follows; the recorder's lock may be held.
	pending      []recorder.Change
	pendingBytes int
}

func newStream(ctx context.Context, end context.CancelCauseFunc, source Source, sink sink) *stream {
	return &stream{
		ctx:         ctx,
		end:         end,
		source:      source,
		sink:        sink,
		picks:       make([]recorder.PickRow, maxRows),
		completions: make([]recorder.CompletionRow, maxRows),
		filling:     make(chan struct{}, 1),
	}
}

// watch begins with what exists at this moment, which it gives.
func (s *stream) watch() recorder.Moment {
	var begun recorder.Moment
	s.source.Recorder.Watch(s, func(now recorder.Moment) { begun = now })
	s.unwatchAtEnd()
	s.next = begun.Next
	s.namesTold = len(s.source.Recorder.Methods.Names(0))
	s.counters.begin(begun)
	return begun
}

// upToMoment tells all that has happened up to this moment, which it gives, with the counters.
func (s *stream) upToMoment() recorder.Moment {
	var (
		moment  recorder.Moment
		changes int
	)
	s.source.Recorder.Moment(func(now recorder.Moment) {
		s.mu.Lock()
		defer s.mu.Unlock()
		moment, changes = now, len(s.pending)
	})
	s.flushUntil(moment.Next, changes)
	s.pulse()
	return moment
}

// fork goes on from here on its own, for another reader who was told all that this one was.
func (s *stream) fork(ctx context.Context, end context.CancelCauseFunc, sink sink) *stream {
	fork := newStream(ctx, end, s.source, sink)
	s.source.Recorder.Watch(fork, func(recorder.Moment) {
		s.mu.Lock()
		defer s.mu.Unlock()
		fork.pending, fork.pendingBytes = slices.Clone(s.pending), s.pendingBytes
		if s.ctx.Err() != nil {
			end(errTooSlow) // It has lost changes just now.
		}
	})
	fork.unwatchAtEnd()
	fork.next, fork.namesTold, fork.drops = s.next, s.namesTold, s.drops
	fork.counters = s.counters.clone()
	return fork
}

// unwatchAtEnd does so also while the sink waits, be it for ever.
func (s *stream) unwatchAtEnd() {
	context.AfterFunc(s.ctx, func() { s.source.Recorder.Unwatch(s) })
}

// Changed implements recorder.Watcher.
func (s *stream) Changed(change recorder.Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return
	}
	s.pending = append(s.pending, change)
	s.pendingBytes += proto.Size(change) + changeOverhead
	if s.pendingBytes > maxPendingBytes/4 {
		s.Filling()
	}
	if s.pendingBytes > maxPendingBytes {
		s.pending = nil
		s.end(errTooSlow)
	}
}

// Filling implements recorder.Watcher.
func (s *stream) Filling() {
	select {
	case s.filling <- struct{}{}:
	default:
	}
}

// flush tells what has happened so far.
func (s *stream) flush() error {
	s.flushUntil(s.source.Recorder.Rows.Head(), math.MaxInt)
	return s.err
}

// beat tells what has happened so far, with the counters.
func (s *stream) beat() error {
	s.flush()
	s.pulse()
	return s.err
}

func (s *stream) pulse() {
	s.tellCounters(s.counters.changed(&s.source.Recorder.Rows))
	if s.drops.picks+s.drops.completions > 0 && s.err == nil {
		s.err = s.sink.drop(s.drops)
		s.drops = dropped{}
	}
	s.send(&debugpb.WatchResponse{Body: &debugpb.WatchResponse_Heartbeat{Heartbeat: &debugpb.Heartbeat{
		Clock:        recorder.ClockPair(),
		RefusedCalls: s.source.RefusedCalls(),
	}}})
}

// flushUntil tells at most so many of the changes that wait, and the rows before a position. That was read before the
// changes are: so all that the rows refer to is told before them, for it was there before they were. And as it is of
// one moment, no call ends there before it was picked.
func (s *stream) flushUntil(end recorder.Position, changes int) {
	s.wasSlow, s.slow = s.slow, false
	told := s.takeChanges(changes)
	names := s.source.Recorder.Methods.Names(s.namesTold)
	s.tellNames(s.namesTold, names)
	s.namesTold += len(names)
	s.tellChanges(told)
	for picks := s.readPicks(end.Picks); len(picks) > 0; picks = s.readPicks(end.Picks) {
		for batch := range inBatches(picks, pickStamp) {
			s.send(s.pickMessages.of(batch))
		}
	}
	for rows := s.readCompletions(end.Completions); len(rows) > 0; rows = s.readCompletions(end.Completions) {
		for batch := range inBatches(rows, completionStamp) {
			s.send(s.completionMessages.of(batch))
		}
	}
}

// readPicks gives the next rows before a position, as many as go into one message.
func (s *stream) readPicks(end uint64) []recorder.PickRow {
	read, lost := s.source.Recorder.Rows.ReadPicks(s.next.Picks, s.picks[:until(end, s.next.Picks, maxRows)])
	s.next.Picks += lost
	read = until(end, s.next.Picks, read)
	s.next.Picks += uint64(read)
	s.noteDropped(lost, 0)
	return s.picks[:read]
}

func (s *stream) readCompletions(end uint64) []recorder.CompletionRow {
	room := s.completions[:until(end, s.next.Completions, maxRows)]
	read, lost := s.source.Recorder.Rows.ReadCompletions(s.next.Completions, room)
	s.next.Completions += lost
	read = until(end, s.next.Completions, read)
	s.next.Completions += uint64(read)
	s.noteDropped(0, lost)
	return s.completions[:read]
}

// until says how many of so many rows at a position lie before `end`.
func until(end, position uint64, rows int) int {
	if end < position {
		return 0
	}
	return int(min(end-position, uint64(rows)))
}

// noteDropped counts rows whose place newer ones have taken.
func (s *stream) noteDropped(picks, completions uint64) {
	if picks+completions == 0 {
		return
	}
	s.drops.picks += picks
	s.drops.completions += completions
	s.drops.cause = debugpb.DropCause_DROP_CAUSE_RING_FULL
	if s.slow || s.wasSlow {
		s.drops.cause = debugpb.DropCause_DROP_CAUSE_SLOW_WATCHER
	}
}

// takeChanges takes at most so many of those that wait.
func (s *stream) takeChanges(most int) []*debugpb.Change {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		s.err = context.Cause(s.ctx)
	}
	count := min(most, len(s.pending))
	taken := make([]*debugpb.Change, 0, count)
	for _, change := range s.pending[:count] {
		taken = append(taken, change.Change)
		s.pendingBytes -= proto.Size(change) + changeOverhead
		s.counters.add(change)
	}
	s.pending = slices.Delete(s.pending, 0, count)
	return taken
}

// tellAll tells of what existed at a moment.
func (s *stream) tellAll(moment recorder.Moment) {
	s.send(&debugpb.WatchResponse{Body: &debugpb.WatchResponse_Process{Process: s.source.Describe()}})
	s.send(&debugpb.WatchResponse{Body: &debugpb.WatchResponse_SnapshotBegin{SnapshotBegin: &debugpb.SnapshotBegin{}}})
	// Those that came since are for the next flush: who reads on from before skips this.
	s.tellNames(0, s.source.Recorder.Methods.Names(0)[:s.namesTold])
	s.tellChanges(moment.Changes)
	s.tellCounters(countersOf(moment, &s.source.Recorder.Rows))
	s.send(&debugpb.WatchResponse{Body: &debugpb.WatchResponse_SnapshotEnd{SnapshotEnd: &debugpb.SnapshotEnd{}}})
}

// tellNames tells the names of methods whose ids are `first` and above.
func (s *stream) tellNames(first int, names []string) {
	for part := range slices.Chunk(names, maxNames) {
		ids := make([]uint32, len(part))
		for i := range ids {
			ids[i] = uint32(first + i)
		}
		first += len(part)
		s.send(&debugpb.WatchResponse{Body: &debugpb.WatchResponse_Strings{
			Strings: &debugpb.Strings{Ids: ids, Values: part},
		}})
	}
}

func (s *stream) tellChanges(changes []*debugpb.Change) {
	begin, bytes := 0, 0
	for i, change := range changes {
		bytes += proto.Size(change) + changeHead
		if i+1 < len(changes) && bytes < maxChangesBytes {
			continue
		}
		part := &debugpb.Changes{Changes: changes[begin : i+1]}
		s.send(&debugpb.WatchResponse{Body: &debugpb.WatchResponse_Changes{Changes: part}})
		begin, bytes = i+1, 0
	}
}

func (s *stream) tellCounters(counters []*debugpb.Counters) {
	for _, part := range counters {
		s.send(&debugpb.WatchResponse{Body: &debugpb.WatchResponse_Counters{Counters: part}})
	}
}

func (s *stream) send(message *debugpb.WatchResponse) {
	if s.err != nil {
		return
	}
	rows := &s.source.Recorder.Rows
	begun := rows.Head()
	s.err = s.sink.send(message)
	ended := rows.Head()
	s.slow = s.slow || ended.Picks-begun.Picks > recorder.PickCapacity/2 ||
		ended.Completions-begun.Completions > recorder.CompletionCapacity/2
}

// pace calls flush and beat when it is time, until one of them fails, or the stream ends.
func (s *stream) pace(flush, beat func() error) error {
	flushes, beats := time.NewTicker(flushInterval), time.NewTicker(beatInterval)
	defer flushes.Stop()
	defer beats.Stop()
	for {
		var err error
		select {
		case <-s.ctx.Done():
			err = context.Cause(s.ctx)
		case <-flushes.C:
			err = flush()
		case <-s.filling:
			err = flush()
		case <-beats.C:
			err = beat()
		}
		if err != nil {
			return err
		}
	}
}
