package stream

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
	"github.com/pickscope/pickscope/libraries/go/internal/recorder"
)

func TestAStreamBeginsWithWhatExistsAndGoesOnInOrder(t *testing.T) {
	w := newWorld()
	w.addChannel().regenerate(false)
	it := w.watch(t)
	w.pick(w.channels[0], "/shop.Cart/Get")
	w.end(codes.OK)
	w.channels[0].SetState(debugpb.ConnectivityState_CONNECTIVITY_STATE_READY)
	if err := it.beat(); err != nil {
		t.Fatal(err)
	}
	it.check(t, w)
	want := []string{"Process", "SnapshotBegin", "Changes", "Counters", "SnapshotEnd",
		"Strings", "Changes", "Picks", "Completions", "Counters", "Heartbeat"}
	if !slices.Equal(it.kinds, want) {
		t.Errorf("%q", it.kinds)
	}
	if err := it.beat(); err != nil || !slices.Equal(it.kinds[len(want):], []string{"Heartbeat"}) {
		t.Errorf("when nothing happens: %q", it.kinds[len(want):])
	}
}

func TestCountersAreToldUntilTheLastCallHasEnded(t *testing.T) {
	w := newWorld()
	w.addChannel().regenerate(false)
	it := w.watch(t)
	for range 3 {
		w.pick(w.channels[0], "/shop.Cart/Get")
	}
	it.beat()
	w.channels[0].endpoints[0].Remove()
	for range 5 {
		it.beat()
	}
	w.end(codes.OK)
	it.beat()
	w.end(codes.Unavailable)
	w.close(0)
	it.beat()
	it.checkFaults(t)
	it.checkCounters(t, w.all)
	for range 3 {
		it.beat()
	}
	if kept := len(it.counters.endpoints) + len(it.counters.channels); kept != 0 {
		t.Errorf("%d of what is gone are still looked at", kept)
	}
}

// A picker may have been about to pick it when it was removed.
func TestAPickOfAnEndpointThatWasJustRemovedIsCounted(t *testing.T) {
	w := newWorld()
	w.addChannel().regenerate(false)
	it := w.watch(t)
	w.channels[0].endpoints[0].Remove()
	it.beat()
	w.pick(w.channels[0], "/shop.Cart/Get")
	w.end(codes.OK)
	it.beat()
	it.check(t, w)
	it.checkCounters(t, w.all)
}

func TestAnEndpointThatComesAndGoesBetweenTwoBeatsIsCounted(t *testing.T) {
	w := newWorld()
	w.addChannel()
	it := w.watch(t)
	w.addEndpoint(w.channels[0])
	w.channels[0].regenerate(false)
	for range 2 {
		w.pick(w.channels[0], "/shop.Cart/Get")
	}
	for _, endpoint := range w.all {
		endpoint.Remove()
	}
	w.end(codes.OK)
	it.beat()
	w.end(codes.OK)
	it.beat()
	it.check(t, w)
	it.checkCounters(t, w.all)
}

func TestRowsThatDoNotFitTogetherComeInSeveralBatches(t *testing.T) {
	for _, test := range []struct {
		name   string
		stamps []stamp
		want   []int
	}{
		{"close together", []stamp{{1, 1}, {2, 5}, {2, 4}, {1 + math.MaxUint32, 3}}, []int{4}},
		{
			"a long time apart",
			[]stamp{{1, 1}, {1 + math.MaxUint32, 2}, {2 * (1 + math.MaxUint32), 3}, {1 << 40, 4}},
			[]int{2, 1, 1},
		},
		{
			"far apart",
			[]stamp{{1, 1}, {2, 1 + math.MaxInt32}, {3, 1}, {4, 2 + math.MaxInt32}, {5, 1 << 60}, {6, 1}},
			[]int{3, 1, 1, 1},
		},
		{"none", nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var (
				rows   []recorder.PickRow
				counts []int
				told   []stamp
			)
			for _, stamp := range test.stamps {
				rows = append(rows, recorder.PickRow{Time: stamp.time, Call: stamp.call})
			}
			for batch := range inBatches(rows, pickStamp) {
				counts = append(counts, len(batch))
				message := (&pickColumns{}).of(batch).GetPicks()
				at := stamp{int64(message.BaseTimeNs), message.BaseCall}
				for i := range batch {
					at.time += int64(message.TimeDeltaNs[i])
					at.call += uint64(int64(message.CallDelta[i]))
					told = append(told, at)
				}
			}
			if !slices.Equal(counts, test.want) || !slices.Equal(told, test.stamps) {
				t.Errorf("%d: %v", counts, told)
			}
		})
	}
}

func TestColumnsOfDefaultsAreEmpty(t *testing.T) {
	var columns pickColumns
	rows := []recorder.PickRow{
		{Time: 1, Call: 1, Attempt: 1},
		{Time: 2, Call: 2, Attempt: 2, Endpoint: 3, CandidateCount: 1},
	}
	rows[1].Candidates[0].LagNs = math.NaN()
	first := columns.of(rows).GetPicks()
	if !slices.Equal(first.Endpoint, []uint32{0, 3}) || !slices.Equal(first.CandidateCount, []uint32{0, 1}) ||
		len(first.CandidateLagNs) != 1 || len(first.CandidateScore) != 0 || len(first.Code) != 0 {
		t.Errorf("%v", first)
	}
	second := columns.of(rows[:1]).GetPicks()
	if len(second.Endpoint)+len(second.CandidateLagNs)+len(second.CandidateCount) != 0 || len(second.Attempt) != 1 {
		t.Errorf("the next batch in the same memory: %v", second)
	}
}

func TestLargeSnapshotsComeInParts(t *testing.T) {
	w := newWorld()
	c := w.addChannel()
	for range 9000 {
		c.AddEndpoint([]string{strings.Repeat("x", 250)})
	}
	for i := range 5000 {
		w.Methods.ID(fmt.Sprintf("/%0255d", i))
	}
	it := w.watch(t)
	it.checkFaults(t)
	parts := map[string]int{}
	for _, kind := range it.kinds {
		parts[kind]++
	}
	if parts["Changes"] != 3 || parts["Counters"] != 3 || parts["Strings"] != 3 || len(it.names) != 4098 {
		t.Errorf("%v, %d names", parts, len(it.names))
	}
}

// slowly is a reader for whom so many rows come while it takes a message.
type slowly struct {
	*outlet
	meanwhile func()
}

func (s *slowly) send(message *debugpb.WatchResponse) error {
	if meanwhile := s.meanwhile; meanwhile != nil {
		s.meanwhile = nil
		meanwhile()
	}
	return s.outlet.send(message)
}

func TestRowsThatAreOverwrittenAreCountedWithTheirCause(t *testing.T) {
	w := newWorld()
	w.addChannel().regenerate(false)
	it := w.watch(t)
	slow := &slowly{outlet: it.sink.(*outlet)}
	it.sink = slow
	calls := func(count int) {
		for range count {
			w.pick(w.channels[0], "/shop.Cart/Get")
			w.end(codes.OK)
		}
	}
	dropped := func() string {
		return fmt.Sprint(it.reader.drops.Picks, it.reader.drops.Completions, it.reader.drops.Cause)
	}

	calls(recorder.PickCapacity + 20)
	it.beat()
	if got := dropped(); got != "20 20 DROP_CAUSE_RING_FULL" {
		t.Errorf("more than the ring holds: %s", got)
	}
	slow.meanwhile = func() { calls(recorder.PickCapacity + 300) }
	it.beat() // It is slow with what comes at the end of this one,
	it.beat()
	if got := dropped(); got != "320 320 DROP_CAUSE_SLOW_WATCHER" {
		t.Errorf("with one who reads slowly: %s", got)
	}
	calls(100)
	slow.meanwhile = func() { calls(recorder.PickCapacity) }
	it.beat() // and with the first message of this one, so that the completions are gone that it had yet to read.
	it.beat()
	if got := dropped(); got != "320 420 DROP_CAUSE_SLOW_WATCHER" {
		t.Errorf("with one who reads as slowly as the ring allows: %s", got)
	}
	calls(recorder.PickCapacity + 1)
	it.beat()
	if got := dropped(); got != "321 421 DROP_CAUSE_RING_FULL" {
		t.Errorf("again more than the ring holds: %s", got)
	}
	it.check(t, w)
}

func TestRowsComeAfterWhatTheyReferTo(t *testing.T) {
	w := newWorld()
	c := w.addChannel()
	it := w.watch(t)
	slow := &slowly{outlet: it.sink.(*outlet)}
	it.sink = slow
	for i, calls := range []int{1, 2, 10, recorder.PickCapacity + 5, 3} {
		c.ResolverUpdate([]string{"10.0.0.4:50051"}, "")
		slow.meanwhile = func() {
			w.addEndpoint(c)
			c.regenerate(i%2 == 0)
			for range calls {
				w.pick(c, fmt.Sprintf("/shop.Cart/%d", i))
				w.end(codes.OK)
			}
		}
		it.flush()
	}
	it.beat()
	it.check(t, w)
	it.checkCounters(t, w.all)
}

func TestAReaderWhoLosesChangesIsEnded(t *testing.T) {
	w := newWorld()
	c := w.addChannel()
	it := w.watch(t)
	slow := &slowly{outlet: it.sink.(*outlet), meanwhile: func() {
		for range 20_000 {
			c.ResolverUpdate([]string{"10.0.0.4:50051"}, "connection refused")
		}
	}}
	it.sink = slow
	before := it.messages
	if err := it.beat(); err != nil {
		t.Errorf("what had happened could be told: %v", err)
	}
	if err := it.beat(); !errors.Is(err, errTooSlow) || !errors.Is(context.Cause(it.ctx), errTooSlow) {
		t.Errorf("it goes on, though changes were lost: %v", err)
	}
	if it.messages != before+1 {
		t.Errorf("%d messages after the loss", it.messages-before)
	}
	if it.pending != nil {
		t.Errorf("%d changes are still held", len(it.pending))
	}
}

func TestALargeChangeSetReachesOneWhoReads(t *testing.T) {
	w := newWorld()
	c := w.addChannel()
	it := w.watch(t)
	told := make(chan error, 1)
	go func() { told <- it.pace(it.flush, it.beat) }()
	for range 30 {
		for range 500 {
			c.ResolverUpdate([]string{"10.0.0.4:50051"}, "connection refused")
		}
		for waiting := true; waiting && it.ctx.Err() == nil; {
			it.stream.mu.Lock()
			waiting = it.pendingBytes > maxPendingBytes/4
			it.stream.mu.Unlock()
		}
	}
	it.end(errors.New("enough"))
	if err := <-told; err == nil || err.Error() != "enough" {
		t.Errorf("it ended: %v", err)
	}
	it.checkFaults(t)
}

// All at once: many goroutines call and change, readers of each kind come and go.
func TestManyAtOnce(t *testing.T) {
	r := recorder.New()
	past := NewPast(sourceOf(r), KeepLimits{Seconds: 60, Bytes: 16 << 20}, func(warning string) { t.Error(warning) })
	ctx, stop := context.WithCancel(t.Context())
	var programs, readers sync.WaitGroup
	for number := range 2 {
		programs.Add(1)
		go func() {
			defer programs.Done()
			for ctx.Err() == nil {
				runProgram(r, number)
			}
		}()
	}
	for number := range 3 {
		readers.Add(1)
		go func() {
			defer readers.Done()
			for range 3 {
				read := newReader()
				if !readOn(ctx, sourceOf(r), past, number%2 == 0, read, 40) {
					t.Error("the stream ended")
				}
				read.checkFaults(t)
			}
		}()
	}
	readers.Wait()
	stop()
	programs.Wait()
	past.Close()
	eventually(t, "nobody watches", func() bool { return !r.Watched() })
}

// eventually waits until something holds; the test's own time limit is the only one.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for !holds() {
		if t.Context().Err() != nil {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// runProgram is a channel from its beginning to its end.
func runProgram(r *recorder.Recorder, number int) {
	w := &world{Recorder: r}
	c := w.addChannel()
	for round := range 20 {
		w.addEndpoint(c)
		c.regenerate(round%2 == 0)
		for i := range 300 {
			w.pick(c, fmt.Sprintf("/shop.Cart/%d-%d", number, i%50))
			if i%3 > 0 {
				w.end(codes.Code(i % 17))
			}
		}
		c.endpoints[0].SetState(debugpb.ConnectivityState_CONNECTIVITY_STATE_READY, "")
		if round%5 == 4 {
			c.endpoints[0].Remove()
			c.subconns[0].Remove()
			c.endpoints, c.subconns = c.endpoints[1:], c.subconns[1:]
		}
	}
	w.close(0)
}

// readOn reads so many messages, if it is let: changes may come faster than it reads.
func readOn(ctx context.Context, source Source, past *Past, fromPast bool, read *reader, messages int) bool {
	ctx, end := context.WithCancelCause(ctx)
	enough := errors.New("enough")
	to := &outlet{take: func(message *debugpb.WatchResponse) error {
		if read.messages >= messages && read.complete {
			return enough
		}
		return read.take(message)
	}}
	defer end(enough)
	err := NewWatchers(source, past).tell(ctx, end, &debugpb.WatchRequest{Past: fromPast}, to)
	return errors.Is(err, enough) || errors.Is(err, errTooSlow)
}
