package gozero

import (
	"math"
	"math/rand/v2"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
	"github.com/pickscope/pickscope/libraries/go/internal/inspect"
)

// known is what go-zero knows of a conn, read by reflection.
type known struct {
	lag, success   uint64
	inflight, pick int64
}

// reflectedConn shows the fields of a conn of go-zero's as they are when it is asked.
type reflectedConn struct {
	lag, success, inflight, pick reflect.Value
}

func reflected(its balancer.Picker) (found []reflectedConn) {
	conns := reflect.ValueOf(its).Elem().FieldByName("conns")
	for i := range conns.Len() {
		field := conns.Index(i).Elem().FieldByName
		found = append(found, reflectedConn{field("lag"), field("success"), field("inflight"), field("pick")})
	}
	return found
}

func readAll(conns []reflectedConn, into []known) {
	for i, conn := range conns {
		into[i] = known{conn.lag.Uint(), conn.success.Uint(), conn.inflight.Int(), conn.pick.Int()}
	}
}

// load is go-zero's formula, as docs/protocol.md has it.
func (k known) load() float64 {
	return math.Trunc(math.Sqrt(float64(k.lag+1))) * float64(k.inflight+1)
}

// TestLivePicks has a million picks explained, and holds each explanation to go-zero's formulas and to what reflection
// showed before the pick. With -short there are fewer: the race detector makes it ten times slower.
func TestLivePicks(t *testing.T) {
	picks := 1_000_000
	if testing.Short() {
		picks = 100_000
	}
	sizes := []int{1, 2, 3, 5, 10, 40}
	reasons := map[debugpb.PickReason]int{}
	for _, size := range sizes {
		world := newLiveWorld(t, size)
		for range picks/len(sizes) + 1 {
			reasons[world.turn()]++
		}
	}
	for _, reason := range []debugpb.PickReason{onlyOne, betterScore, tie, forced, noHealthyPair} {
		if reasons[reason] == 0 {
			t.Errorf("no pick was %v", reason)
		}
	}
	if reasons[unspecified] > 0 {
		t.Errorf("%d picks were not explained, though nothing raced them", reasons[unspecified])
	}
	t.Log(reasons)
}

// liveWorld is a picker with calls under way, which end one by one.
type liveWorld struct {
	t             *testing.T
	its           []reflectedConn
	picker        inspect.Picker
	conns         []balancer.SubConn
	before, after []known
	calls         []balancer.PickResult
	now           time.Duration
	turns         int
}

func newLiveWorld(t *testing.T, size int) *liveWorld {
	its := buildPicker(t, size)
	picker, err := open(its)
	if err != nil {
		t.Fatal(err)
	}
	return &liveWorld{
		t: t, its: reflected(its), picker: picker, conns: picker.Conns(),
		before: make([]known, size), after: make([]known, size), now: epoch,
	}
}

// turn picks, ends some calls, and lets some time pass, a second and more now and then.
func (w *liveWorld) turn() debugpb.PickReason {
	w.turns++
	var decision inspect.Decision
	readAll(w.its, w.before)
	result, err := w.picker.Pick(balancer.PickInfo{}, &decision)
	if err != nil {
		w.t.Fatal(err)
	}
	readAll(w.its, w.after)
	w.check(&decision, result)
	w.calls = append(w.calls, result)
	for len(w.calls) > 20 || len(w.calls) > 0 && rand.IntN(2) == 0 {
		w.endOne()
	}
	if rand.IntN(4) == 0 {
		w.now += time.Duration(rand.ExpFloat64() * 2e4)
		if rand.IntN(500) == 0 {
			w.now += time.Duration(rand.ExpFloat64() * 1e9)
		}
		setClock(w.now)
	}
	return decision.Reason
}

// endOne ends a call of those under way. Of the conns, each second one fails half of its calls at times.
func (w *liveWorld) endOne() {
	last := len(w.calls) - 1
	i := rand.IntN(len(w.calls))
	ended := w.calls[i]
	w.calls[i] = w.calls[last]
	w.calls = w.calls[:last]
	var err error
	isIll := w.turns/1000%2 == 1
	for conn := range w.conns {
		if w.conns[conn] == ended.SubConn && conn%2 == 1 && isIll && rand.IntN(2) == 0 {
			err = status.Error(codes.Unavailable, "")
		}
	}
	ended.Done(balancer.DoneInfo{Err: err})
}

func (w *liveWorld) check(decision *inspect.Decision, result balancer.PickResult) {
	if w.conns[decision.Chosen] != result.SubConn {
		w.t.Fatalf("it took another one: %+v", decision)
	}
	for i := range w.before {
		if taken := w.after[i].inflight - w.before[i].inflight; (taken == 1) != (i == decision.Chosen) {
			w.t.Fatalf("%d has %d calls more: %+v", i, taken, decision)
		}
	}
	now := w.after[decision.Chosen].pick
	for _, candidate := range decision.Candidates[:decision.CandidateCount] {
		if want := w.candidate(candidate.Conn, now); candidate != want {
			w.t.Fatalf("%+v instead of %+v", candidate, want)
		}
	}
	for _, rejected := range decision.Rejected[:2*decision.RejectedDraws] {
		if rejected.Success != float32(w.before[rejected.Conn].success) {
			w.t.Fatalf("rejected %+v, but it was %+v", rejected, w.before[rejected.Conn])
		}
	}
	if why := unexplained(decision, len(w.conns)); decision.Raced || why != "" {
		w.t.Fatalf("%s: %+v", why, decision)
	}
}

func (w *liveWorld) candidate(conn int, now int64) inspect.Candidate {
	before := w.before[conn]
	candidate := inspect.Candidate{
		Status: inspect.Status{
			LagNs: float64(before.lag), Success: float32(before.success), Inflight: uint32(before.inflight),
		},
		Conn: conn, Score: before.load(), IdleNs: float64(now - before.pick), Healthy: before.success > 500,
	}
	if before.pick == 0 {
		candidate.IdleNs = math.Inf(1)
	}
	return candidate
}

// unexplained says why a decision of a picker of that many conns does not follow from what it tells; "": it does.
func unexplained(decision *inspect.Decision, conns int) string {
	if decision.CandidateCount != min(conns, 2) {
		return "it has not as many candidates as go-zero compares"
	}
	first, second := decision.Candidates[0], decision.Candidates[1]
	if conns == 1 {
		return unless(decision.Reason == onlyOne && decision.Chosen == first.Conn, "it is the only one")
	}
	for draw := range decision.RejectedDraws {
		pair := decision.Rejected[2*draw:]
		if pair[0].Conn == pair[1].Conn || pair[0].Success > 500 && pair[1].Success > 500 {
			return "the draw was no reason to draw again"
		}
	}
	isHealthy := conns == 2 || first.Healthy && second.Healthy
	if first.Conn == second.Conn || !isHealthy && decision.RejectedDraws < 2 {
		return "the draw was a reason to draw again"
	}
	winner, loser := first, second
	if first.Score > second.Score {
		winner, loser = second, first
	}
	switch {
	case loser.IdleNs > 1e9:
		return unless(decision.Reason == forced && decision.Chosen == loser.Conn, "the loser is forced")
	case decision.Chosen != winner.Conn:
		return "the other one wins"
	case !isHealthy:
		return unless(decision.Reason == noHealthyPair, "one is ill")
	case first.Score == second.Score:
		return unless(decision.Reason == tie, "it is a tie")
	default:
		return unless(decision.Reason == betterScore, "one score is better")
	}
}

func unless(holds bool, why string) string {
	if holds {
		return ""
	}
	return why
}

// TestLivePicksRaced has calls picked and ended by several goroutines at once, one of which nobody watches. A pick is
// flagged exactly if what was read does not explain it.
func TestLivePicksRaced(t *testing.T) {
	const each, pickers, conns = 50_000, 4, 5
	its := buildPicker(t, conns)
	picker, err := open(its)
	if err != nil {
		t.Fatal(err)
	}
	var raced atomic.Int64
	var running sync.WaitGroup
	ending := make(chan balancer.PickResult, 16)
	for range pickers {
		running.Add(1)
		go func() {
			defer running.Done()
			for range each {
				var decision inspect.Decision
				result, _ := picker.Pick(balancer.PickInfo{}, &decision)
				if why := unexplained(&decision, conns); (why != "") != decision.Raced {
					t.Errorf("flagged: %v; %q: %+v", decision.Raced, why, decision)
				}
				if decision.Raced {
					raced.Add(1)
				}
				ending <- result
				endAny(ending)
			}
		}()
	}
	running.Add(1)
	go func() {
		defer running.Done()
		for range each {
			result, _ := its.Pick(balancer.PickInfo{})
			ending <- result
			endAny(ending)
		}
	}()
	running.Wait()
	for len(ending) > 0 {
		endAny(ending)
	}
	for conn := range conns {
		if inflight := picker.Status(conn).Inflight; inflight != 0 {
			t.Errorf("%d calls are left", inflight)
		}
	}
	t.Logf("%d of %d were raced", raced.Load(), each*pickers)
}

func endAny(ending <-chan balancer.PickResult) {
	result := <-ending
	var err error
	if rand.IntN(3) == 0 {
		err = status.Error(codes.Unavailable, "")
	}
	result.Done(balancer.DoneInfo{Err: err})
}
