package recorder

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
)

// witness is a watcher that notes what it is told.
type witness struct {
	changes []Change
	fills   atomic.Int64
}

func (w *witness) Changed(change Change) { w.changes = append(w.changes, change) }
func (w *witness) Filling()              { w.fills.Add(1) }

// watched is a recorder that is watched, with a channel of one endpoint.
func watched(t testing.TB) (*Recorder, *witness, *Endpoint) {
	r, w := New(), &witness{}
	endpoint := r.AddChannel("dns:///cart", 0).AddEndpoint([]string{"10.0.0.4:1"})
	r.Watch(w, func(Moment) {})
	t.Cleanup(func() { r.Unwatch(w) })
	return r, w, endpoint
}

// pick counts one and adds a row; it gives when that was.
func pick(r *Recorder, endpoint *Endpoint) int64 {
	endpoint.Counters.Picked()
	completed := debugpb.PickResult_PICK_RESULT_COMPLETED
	row := PickRow{Call: r.NextCall(), Attempt: 1, Endpoint: endpoint.ID(), Result: completed}
	r.Rows.AddPick(&row, endpoint)
	return row.Time
}

func end(r *Recorder, endpoint *Endpoint, started int64, source StatusSource, code codes.Code) {
	endpoint.Counters.Ended(code)
	r.Rows.AddCompletion(&CompletionRow{Endpoint: endpoint.ID(), Code: code}, started, endpoint, source)
}

func lastPick(t *testing.T, r *Recorder) PickRow {
	t.Helper()
	rows := make([]PickRow, 1)
	if read, _ := r.Rows.ReadPicks(r.Rows.Head().Picks-1, rows); read != 1 {
		t.Fatal("there is no row")
	}
	return rows[0]
}

func lastCompletion(t *testing.T, r *Recorder) CompletionRow {
	t.Helper()
	rows := make([]CompletionRow, 1)
	if read, _ := r.Rows.ReadCompletions(r.Rows.Head().Completions-1, rows); read != 1 {
		t.Fatal("there is no row")
	}
	return rows[0]
}

func TestRowsAreKeptWhileSomeoneWatches(t *testing.T) {
	r := New()
	endpoint := r.AddChannel("dns:///cart", 0).AddEndpoint(nil)
	if r.Watched() {
		t.Error("watched by nobody")
	}
	if at := pick(r, endpoint); at == 0 || r.Rows.Head() != (Position{}) {
		t.Errorf("at %d a row was kept for nobody: %v", at, r.Rows.Head())
	}
	first, second := &witness{}, &witness{}
	r.Watch(first, func(Moment) {})
	r.Watch(second, func(Moment) {})
	r.Unwatch(first)
	r.Unwatch(first)
	pick(r, endpoint)
	if !r.Watched() || r.Rows.Head().Picks != 1 {
		t.Errorf("watched: %v, rows: %v", r.Watched(), r.Rows.Head())
	}
	r.Unwatch(second)
	pick(r, endpoint)
	if r.Watched() || r.Rows.Head().Picks != 1 {
		t.Errorf("watched: %v, rows: %v", r.Watched(), r.Rows.Head())
	}
	if read, lost := r.Rows.ReadPicks(0, make([]PickRow, 5)); read != 0 || lost != 0 {
		t.Errorf("read %d of rows that are gone, and lost %d", read, lost)
	}
}

func TestRowsAreReadInTheirOrderUntilOverwritten(t *testing.T) {
	r, _, endpoint := watched(t)
	into := make([]PickRow, PickCapacity)
	for _, test := range []struct {
		add      int
		from     uint64
		room     int
		read     int
		lost     uint64
		firstRow uint64
	}{
		{add: 10, from: 0, room: 100, read: 10, firstRow: 0},
		{add: 0, from: 3, room: 5, read: 5, firstRow: 3},
		{add: 0, from: 10, room: 5, read: 0},
		{add: 0, from: 12, room: 5, read: 0},
		{add: PickCapacity - 10, from: 0, room: PickCapacity, read: PickCapacity, firstRow: 0},
		{add: 1, from: 0, room: PickCapacity, read: PickCapacity, lost: 1, firstRow: 1},
		{add: 99, from: 50, room: 300, read: 300, lost: 50, firstRow: 100},
		{add: 0, from: PickCapacity - 20, room: 500, read: 120, firstRow: PickCapacity - 20},
		{add: 2 * PickCapacity, from: 100, room: 1, read: 1, lost: 2 * PickCapacity, firstRow: 2*PickCapacity + 100},
	} {
		t.Run(fmt.Sprintf("%+v", test), func(t *testing.T) {
			for range test.add {
				pick(r, endpoint)
			}
			read, lost := r.Rows.ReadPicks(test.from, into[:test.room])
			if read != test.read || lost != test.lost {
				t.Fatalf("read %d, lost %d", read, lost)
			}
			for i, row := range into[:read] {
				if row.Call != test.firstRow+uint64(i)+1 {
					t.Fatalf("row %d is that of call %d", i, row.Call)
				}
			}
		})
	}
}

func TestReadersAreToldThatRingsFill(t *testing.T) {
	r, w, endpoint := watched(t)
	for range PickCapacity / 4 {
		pick(r, endpoint)
	}
	if w.fills.Load() != 1 {
		t.Errorf("told %d times of a quarter of picks", w.fills.Load())
	}
	for range CompletionCapacity / 2 {
		end(r, endpoint, 0, nil, codes.OK)
	}
	if w.fills.Load() != 3 {
		t.Errorf("told %d times of a quarter of picks and a half of completions", w.fills.Load())
	}
}

// Many pick at once while others read: all rows come once, in the order of their times.
func TestRowsOfManyAtOnce(t *testing.T) {
	r, _, endpoint := watched(t)
	const callers, each = 4, 5000 // Fewer than the ring holds.
	var all, reader sync.WaitGroup
	for range callers {
		all.Add(1)
		go func() {
			defer all.Done()
			for range each {
				end(r, endpoint, pick(r, endpoint), nil, codes.OK)
			}
		}()
	}
	reader.Add(1)
	go func() {
		defer reader.Done()
		seen, last, next := map[uint64]bool{}, int64(0), uint64(0)
		rows := make([]PickRow, 1000)
		for next < callers*each {
			read, lost := r.Rows.ReadPicks(next, rows)
			if lost > 0 {
				t.Errorf("lost %d", lost)
				return
			}
			for _, row := range rows[:read] {
				if seen[row.Call] || row.Time < last {
					t.Errorf("call %d at %d, after %d, seen before: %v", row.Call, row.Time, last, seen[row.Call])
					return
				}
				seen[row.Call], last = true, row.Time
			}
			next += uint64(read)
			r.Rows.Knowledge(endpoint)
		}
	}()
	all.Wait()
	reader.Wait()
	if counts := endpoint.Counts(); counts.Picks != callers*each || counts.Inflight() != 0 {
		t.Errorf("at rest: %+v", counts)
	}
}

func TestAChosenEndpointIsItsOnlyCandidate(t *testing.T) {
	r, _, endpoint := watched(t)
	pick(r, endpoint)
	first := lastPick(t, r)
	if first.CandidateCount != 1 || first.Flags != uint32(debugpb.PickFlag_PICK_FLAG_DERIVED) {
		t.Errorf("%d candidates, flags %d", first.CandidateCount, first.Flags)
	}
	candidate := first.Candidates[0]
	if candidate.Endpoint != endpoint.ID() || candidate.Inflight != 0 || candidate.LagNs != 0 || candidate.Success != 1000 ||
		!math.IsNaN(candidate.Score) || !math.IsInf(candidate.IdleNs, 1) || !candidate.Healthy {
		t.Errorf("the first time: %+v", candidate)
	}
	pick(r, endpoint)
	second := lastPick(t, r)
	candidate = second.Candidates[0]
	if candidate.Inflight != 1 || candidate.IdleNs != float64(second.Time-first.Time) {
		t.Errorf("the second time: %+v", candidate)
	}
}

func TestAveragesAreDerivedWhereThePolicyKeepsNone(t *testing.T) {
	r, w, endpoint := watched(t)
	if lag, success, inflight, derived := r.Rows.Knowledge(endpoint); !math.IsNaN(lag) || success == success ||
		inflight != 0 || derived {
		t.Errorf("before anything is known: %v, %v, %d, %v", lag, success, inflight, derived)
	}
	started := pick(r, endpoint)
	pick(r, endpoint)
	end(r, endpoint, started, nil, codes.Unavailable)
	row := lastCompletion(t, r)
	if row.LatencyNs != float64(row.Time-started) || row.LagNs != row.LatencyNs || row.Success != 0 ||
		row.Inflight != 1 || row.Flags != uint32(debugpb.CompletionFlag_COMPLETION_FLAG_DERIVED) {
		t.Errorf("%+v", row)
	}
	if lag, success, inflight, derived := r.Rows.Knowledge(endpoint); lag != row.LagNs || success != 0 || inflight != 1 ||
		!derived {
		t.Errorf("then: %v, %v, %d, %v", lag, success, inflight, derived)
	}

	end(r, endpoint, 0, nil, codes.OK)
	row = lastCompletion(t, r)
	if !math.IsNaN(row.LatencyNs) || !math.IsNaN(row.LagNs) || row.Success == row.Success {
		t.Errorf("of one that began before anyone watched: %+v", row)
	}

	r.Unwatch(w)
	if _, _, _, derived := r.Rows.Knowledge(endpoint); derived {
		t.Error("known though nobody watches")
	}
	r.Watch(w, func(Moment) {})
	if _, _, _, derived := r.Rows.Knowledge(endpoint); derived {
		t.Error("known from when another watched")
	}
}

type status struct{ lag float64 }

func (s *status) Status() (float64, float32, uint32) { return s.lag, 900, 7 }

func TestCompletionsTellWhatTheirPolicyKnows(t *testing.T) {
	r, _, endpoint := watched(t)
	channel := r.Channels()[0]
	policy := channel.AddPolicy(nil, "p2c_ewma", debugpb.ScoreOrder_SCORE_ORDER_LOWER_WINS, "")
	before, present := &status{1e6}, &status{2e6}
	cause := debugpb.GenerationCause_GENERATION_CAUSE_ENDPOINT_READY
	first := channel.AddGeneration(policy, []*Endpoint{endpoint}, []StatusSource{before}, cause)
	if !first.message.GetGeneration().HistoryKept {
		t.Error("history was lost that there was none of")
	}
	started := pick(r, endpoint)
	end(r, endpoint, started, before, codes.OK)
	if row := lastCompletion(t, r); row.LagNs != 1e6 || row.Success != 900 || row.Inflight != 7 || row.Flags != 0 {
		t.Errorf("%+v", row)
	}
	end(r, endpoint, 0, before, codes.Unavailable)
	if row := lastCompletion(t, r); row.LagNs != 1e6 || !math.IsNaN(row.LatencyNs) {
		t.Errorf("of one that never started: %+v", row)
	}

	second := channel.AddGeneration(policy, []*Endpoint{endpoint}, []StatusSource{present}, cause)
	if second.message.GetGeneration().HistoryKept {
		t.Error("the history that was lost was kept")
	}
	end(r, endpoint, started, before, codes.OK)
	if row := lastCompletion(t, r); !math.IsNaN(row.LagNs) || row.Inflight != 0 {
		t.Errorf("of an earlier picker: %+v", row)
	}
	if lag, _, _, derived := r.Rows.Knowledge(endpoint); lag != 2e6 || derived {
		t.Errorf("known: %v, derived: %v", lag, derived)
	}

	channel.AddGeneration(policy, nil, nil, cause)
	if endpoint.StatusSource() != nil {
		t.Error("the policy still knows of an endpoint that its picker does not hold")
	}
}

func BenchmarkAddPickAndCompletion(b *testing.B) {
	r, _, endpoint := watched(b)
	b.ReportAllocs()
	for b.Loop() {
		end(r, endpoint, pick(r, endpoint), nil, codes.OK)
	}
}
