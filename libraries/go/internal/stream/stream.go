// Package stream tells what a recorder sees, in the messages of docs/protocol.md: to those who watch, to what is kept of the
// past, and into recording files.
package stream

import (
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

// flushInterval lies between what happens and its message, at most; beatInterval between heartbeats, and between counters.
const (
	flushInterval = 50 * time.Millisecond
	beatInterval  = time.Second
)

// Bytes of changes: in one message, though a gRPC client takes 4 MB; waiting for a reader, with more it has to begin anew;
// and what each takes besides those of its message.
const (
	maxMessageBytes = 1 << 20
	maxPendingBytes = 4 << 20
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

// stream tells what happens, flush after flush, from a moment on; and when asked to, all that exists. One goroutine at a
// time uses it, but for what the recorder tells it.
type stream struct {
	source Source
	sink   sink
	// err ends the stream: of the sink, or errTooSlow. Nothing is sent any more.
	err error

	next      recorder.Position // The rows to be told next.
	namesTold int
	counters  counters
	drops     dropped
	// slow says that so many rows came during one sending that it was the reader's fault, should some be gone.
	slow bool

	picks              []recorder.PickRow
	completions        []recorder.CompletionRow
	pickMessages       pickColumns
	completionMessages completionColumns

	filling chan struct{} // It is time for a flush.
	abort   func(error)   // Told, within a change, that too many changes wait.

	mu           sync.Mutex // Guards what follows; the recorder's lock may be held.
	pending      []recorder.Change
	pendingBytes int
	overflown    bool // Changes were lost.
}

func newStream(source Source, sink sink, abort func(error)) *stream {
	return &stream{
		source:      source,
		sink:        sink,
		picks:       make([]recorder.PickRow, maxRows),
		completions: make([]recorder.CompletionRow, maxRows),
		filling:     make(chan struct{}, 1),
		abort:       abort,
	}
}

// watch begins with what exists at this moment, which it gives.
func (s *stream) watch() recorder.Moment {
	var begun recorder.Moment
	s.source.Recorder.Watch(s, func(now recorder.Moment) { begun = now })
	s.next = begun.Next
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
func (s *stream) fork(sink sink, abort func(error)) *stream {
	fork := newStream(s.source, sink, abort)
	s.source.Recorder.Watch(fork, func(recorder.Moment) {
		s.mu.Lock()
		defer s.mu.Unlock()
		fork.pending, fork.pendingBytes, fork.overflown = slices.Clone(s.pending), s.pendingBytes, s.overflown
	})
	fork.next, fork.namesTold, fork.drops, fork.slow = s.next, s.namesTold, s.drops, s.slow
	fork.counters = s.counters.clone()
	return fork
}

func (s *stream) close() {
	s.source.Recorder.Unwatch(s)
}

// Changed implements recorder.Watcher.
func (s *stream) Changed(change recorder.Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.overflown {
		return
	}
	s.pending = append(s.pending, change)
	s.pendingBytes += proto.Size(change) + changeOverhead
	if s.pendingBytes > maxPendingBytes/4 {
		s.Filling()
	}
	if s.pendingBytes > maxPendingBytes {
		s.overflown, s.pending = true, nil
		s.abort(errTooSlow)
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

// flushUntil tells the rows before a position, and at most so many of the changes that wait.
func (s *stream) flushUntil(end recorder.Position, changes int) {
	for s.err == nil {
		// Completions first: so their picks are among those that are read, or were told before.
		completions := s.readCompletions(end.Completions)
		picks := s.readPicks(end.Picks)
		s.slow = false
		// Only then what the rows refer to, which so is told before them: all of it was there before they were.
		told := s.takeChanges(changes)
		changes -= len(told)
		s.tellNames()
		s.tellChanges(told)
		for batch := range inBatches(picks, pickStamp) {
			s.send(s.pickMessages.of(batch))
		}
		for batch := range inBatches(completions, completionStamp) {
			s.send(s.completionMessages.of(batch))
		}
		if len(completions)+len(picks) == 0 {
			return
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
	if s.slow {
		s.drops.cause = debugpb.DropCause_DROP_CAUSE_SLOW_WATCHER
	}
}

// takeChanges takes at most so many of those that wait.
func (s *stream) takeChanges(most int) []*debugpb.Change {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.overflown {
		s.err = errTooSlow
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
	s.namesTold = 0
	s.tellNames()
	s.tellChanges(moment.Changes)
	s.tellCounters(countersOf(moment, &s.source.Recorder.Rows))
	s.send(&debugpb.WatchResponse{Body: &debugpb.WatchResponse_SnapshotEnd{SnapshotEnd: &debugpb.SnapshotEnd{}}})
}

func (s *stream) tellNames() {
	for names := range slices.Chunk(s.source.Recorder.Methods.Names(s.namesTold), maxNames) {
		ids := make([]uint32, len(names))
		for i := range ids {
			ids[i] = uint32(s.namesTold + i)
		}
		s.namesTold += len(names)
		s.send(&debugpb.WatchResponse{Body: &debugpb.WatchResponse_Strings{
			Strings: &debugpb.Strings{Ids: ids, Values: names},
		}})
	}
}

func (s *stream) tellChanges(changes []*debugpb.Change) {
	part, bytes := &debugpb.Changes{}, 0
	for i, change := range changes {
		part.Changes = append(part.Changes, change)
		bytes += proto.Size(change)
		if i < len(changes)-1 && bytes+proto.Size(changes[i+1]) < maxMessageBytes {
			continue
		}
		s.send(&debugpb.WatchResponse{Body: &debugpb.WatchResponse_Changes{Changes: part}})
		part, bytes = &debugpb.Changes{}, 0
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

// pace calls flush and beat when it is time, until one of them fails, or stop is closed.
func (s *stream) pace(stop <-chan struct{}, flush, beat func() error) error {
	flushes, beats := time.NewTicker(flushInterval), time.NewTicker(beatInterval)
	defer flushes.Stop()
	defer beats.Stop()
	for {
		var err error
		select {
		case <-stop:
			return nil
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
