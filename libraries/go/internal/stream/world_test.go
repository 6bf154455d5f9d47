package stream

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
	"github.com/pickscope/pickscope/libraries/go/internal/recorder"
)

func sourceOf(r *recorder.Recorder) Source {
	return Source{
		Recorder:     r,
		Describe:     func() *debugpb.Process { return &debugpb.Process{Name: "cart", Clock: recorder.ClockPair()} },
		RefusedCalls: func() uint64 { return 3 },
	}
}

// world is a program: its channels, and the calls that they make.
type world struct {
	*recorder.Recorder
	channels []*channel
	calls    []*call              // In flight.
	all      []*recorder.Endpoint // Those that are gone, too.
	picks    uint64
	ends     uint64
}

type channel struct {
	*recorder.Channel
	policies   []*recorder.Policy
	endpoints  []*recorder.Endpoint
	subconns   []*recorder.Subconn
	generation *recorder.Generation
}

type call struct {
	id, method uint32
	call       uint64
	endpoint   *recorder.Endpoint
	started    int64
	source     recorder.StatusSource
}

func newWorld() *world {
	return &world{Recorder: recorder.New()}
}

func (w *world) addChannel() *channel {
	c := &channel{Channel: w.AddChannel(fmt.Sprintf("dns:///shop-%d", len(w.channels)), 0)}
	c.policies = []*recorder.Policy{c.AddPolicy(nil, "p2c_ewma", debugpb.ScoreOrder_SCORE_ORDER_LOWER_WINS, "")}
	w.addEndpoint(c)
	w.channels = append(w.channels, c)
	return c
}

func (w *world) addEndpoint(c *channel) {
	endpoint := c.AddEndpoint([]string{fmt.Sprintf("10.0.0.%d:1", len(c.endpoints))})
	c.endpoints, w.all = append(c.endpoints, endpoint), append(w.all, endpoint)
	c.subconns = append(c.subconns, endpoint.AddSubconn("10.0.0.1:1", 0))
}

// averages are what a policy knows.
type averages struct{ lag float64 }

func (s *averages) Status() (float64, float32, uint32) { return s.lag, 1000, 1 }

func (c *channel) regenerate(keepsAverages bool) {
	var statuses []recorder.StatusSource
	if keepsAverages {
		for i := range c.endpoints {
			statuses = append(statuses, &averages{float64(i)})
		}
	}
	c.generation = c.AddGeneration(c.policies[0], c.endpoints, statuses, 0)
}

// pick has a call picked: by what a policy knows if it keeps averages, else by none.
func (w *world) pick(c *channel, method string) {
	if c.generation == nil || len(c.endpoints) == 0 {
		w.addRow(c, &recorder.PickRow{Result: debugpb.PickResult_PICK_RESULT_QUEUED}, nil, method)
		c.Counters.Queued.Add(1)
		return
	}
	number := int(w.picks) % len(c.endpoints)
	endpoint, other := c.endpoints[number], c.endpoints[(number+1)%len(c.endpoints)]
	row := &recorder.PickRow{
		Result:     debugpb.PickResult_PICK_RESULT_COMPLETED,
		Endpoint:   endpoint.ID(),
		Generation: c.generation.ID(),
		Policy:     c.policies[0].ID(),
	}
	if endpoint.StatusSource() != nil && endpoint != other {
		row.CandidateCount, row.RejectedDraws = 2, uint8(number%3)
		for i := range row.Candidates {
			row.Candidates[i] = recorder.CandidateRow{
				Endpoint: []*recorder.Endpoint{endpoint, other}[i].ID(), LagNs: 5, Score: 7, IdleNs: math.Inf(1), Healthy: true,
			}
		}
		for i := range row.Rejected[:2*row.RejectedDraws] {
			row.Rejected[i] = recorder.RejectedRow{Endpoint: other.ID(), Success: 1}
		}
	}
	endpoint.Counters.Picked()
	w.addRow(c, row, endpoint, method)
	w.calls = append(w.calls, &call{
		id: c.ID(), call: row.Call, method: row.Method,
		endpoint: endpoint, started: row.Time, source: endpoint.StatusSource(),
	})
}

func (w *world) addRow(c *channel, row *recorder.PickRow, endpoint *recorder.Endpoint, method string) {
	row.Call, row.Attempt, row.Channel, row.Method = w.NextCall(), 1, c.ID(), w.Methods.ID(method)
	w.Rows.AddPick(row, endpoint)
	w.picks++
}

// end ends the oldest call. Every fifth never started.
func (w *world) end(code codes.Code) {
	if len(w.calls) == 0 {
		return
	}
	it := w.calls[0]
	w.calls = w.calls[1:]
	w.ends++
	if w.ends%5 == 0 {
		it.started = 0
		it.endpoint.Counters.NeverStarted()
	} else {
		it.endpoint.Counters.Ended(code)
	}
	w.Rows.AddCompletion(&recorder.CompletionRow{
		Call: it.call, Attempt: 1, Channel: it.id, Method: it.method, Endpoint: it.endpoint.ID(), Code: code,
	}, it.started, it.endpoint, it.source)
}

// close closes a channel whose calls have ended.
func (w *world) close(number int) {
	c := w.channels[number]
	for _, it := range w.calls {
		if it.id == c.ID() {
			it.endpoint.Counters.Ended(codes.Canceled)
			w.Rows.AddCompletion(&recorder.CompletionRow{
				Call: it.call, Attempt: 1, Channel: it.id, Method: it.method, Endpoint: it.endpoint.ID(), Code: codes.Canceled,
			}, it.started, it.endpoint, it.source)
			w.ends++
		}
	}
	w.calls = slices.DeleteFunc(w.calls, func(it *call) bool { return it.id == c.ID() })
	c.Close()
	w.channels = slices.Delete(w.channels, number, number+1)
}

// watching is one who watches a world.
type watching struct {
	*stream
	*reader
	// What there had been when it began.
	picksBefore, endsBefore uint64
}

func (w *world) watch(t testing.TB) *watching {
	it := &watching{reader: newReader(), picksBefore: w.picks, endsBefore: w.ends}
	ctx, end := context.WithCancelCause(t.Context())
	it.stream = newStream(ctx, end, sourceOf(w.Recorder), &outlet{take: it.reader.take})
	it.tellAll(it.stream.watch())
	t.Cleanup(func() { end(nil) })
	return it
}

// checkFaults holds that the stream was as it should be.
func (r *reader) checkFaults(t testing.TB) {
	t.Helper()
	for _, fault := range r.faults {
		t.Error(fault)
	}
}

// check holds that it was told of everything, at rest.
func (it *watching) check(t testing.TB, w *world) {
	t.Helper()
	it.checkFaults(t)
	if told, all := uint64(len(it.reader.picks))+it.reader.drops.Picks, w.picks-it.picksBefore; told != all {
		t.Errorf("%d picks and %d drops, of %d picks", len(it.reader.picks), it.reader.drops.Picks, all)
	}
	if told, all := uint64(len(it.reader.ends))+it.reader.drops.Completions, w.ends-it.endsBefore; told != all {
		t.Errorf("%d completions and %d drops, of %d completions", len(it.reader.ends), it.reader.drops.Completions, all)
	}
}

// checkCounters holds that a reader knows the counters of what it was told of.
func (r *reader) checkCounters(t testing.TB, endpoints []*recorder.Endpoint) {
	t.Helper()
	for _, endpoint := range endpoints {
		counts, told := endpoint.Counts(), r.endpoints[endpoint.ID()]
		if !r.entities[endpoint.ID()] {
			continue
		}
		if told.GetPicks() != counts.Picks || told.GetNeverStarted() != counts.NeverStarted ||
			told.GetStarted() != counts.Started() || told.GetStarted()-total(endsOf(told)) != counts.Inflight() {
			t.Errorf("the counters of the endpoint %d: %+v, told were %v", endpoint.ID(), counts, told)
		}
	}
}
