package gozero

import (
	"errors"
	"math"
	"math/rand"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/balancer/base"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
	"github.com/pickscope/pickscope/libraries/go/internal/inspect"
)

const (
	onlyOne       = debugpb.PickReason_PICK_REASON_ONLY_ONE
	betterScore   = debugpb.PickReason_PICK_REASON_BETTER_SCORE
	tie           = debugpb.PickReason_PICK_REASON_TIE
	forced        = debugpb.PickReason_PICK_REASON_FORCED
	noHealthyPair = debugpb.PickReason_PICK_REASON_NO_HEALTHY_PAIR
	unspecified   = debugpb.PickReason_PICK_REASON_UNSPECIFIED
)

func pick(t *testing.T, from inspect.Picker) (inspect.Decision, balancer.PickResult) {
	t.Helper()
	var decision inspect.Decision
	result, err := from.Pick(balancer.PickInfo{}, &decision)
	if err != nil {
		t.Fatal(err)
	}
	return decision, result
}

// warm makes all conns known and just picked, so that no pick is forced.
func warm(picker *picker) {
	for _, conn := range picker.conns {
		conn.lag, conn.pick = 1e6, int64(math.MaxInt64/2)
	}
}

func TestThePolicyIsRegistered(t *testing.T) {
	policy, known := inspect.Of("p2c_ewma")
	if !known || policy.Open == nil || policy.ScoreOrder != debugpb.ScoreOrder_SCORE_ORDER_LOWER_WINS {
		t.Fatalf("%+v", policy)
	}
}

func TestOnlyOne(t *testing.T) {
	picker := openPicker(t, 1)
	decision, result := pick(t, picker)
	if decision.Reason != onlyOne || decision.CandidateCount != 1 || result.SubConn != picker.Conns()[0] {
		t.Fatalf("%+v", decision)
	}
	candidate := decision.Candidates[0]
	if candidate.Score != 1 || candidate.Inflight != 0 || !math.IsInf(candidate.IdleNs, 1) || !candidate.Healthy {
		t.Fatalf("as it was before its first pick: %+v", candidate)
	}
	if status := picker.Status(0); status.Inflight != 1 || status.Success != 1000 || status.LagNs != 0 {
		t.Fatalf("as it is after it: %+v", status)
	}
}

func TestTheLowerLoadWins(t *testing.T) {
	picker := openPicker(t, 2)
	warm(picker)
	picker.conns[0].lag, picker.conns[0].inflight = 99, 2
	picker.conns[1].lag, picker.conns[1].inflight = 399, 0
	decision, _ := pick(t, picker)
	if decision.Reason != betterScore || decision.Chosen != 1 || decision.Raced {
		t.Fatalf("%+v", decision)
	}
	if decision.Candidates[0].Score != 30 || decision.Candidates[1].Score != 20 {
		t.Fatalf("%+v", decision.Candidates)
	}
}

func TestATieKeepsTheFirst(t *testing.T) {
	picker := openPicker(t, 2)
	warm(picker)
	if decision, _ := pick(t, picker); decision.Reason != tie || decision.Chosen != 0 || decision.Raced {
		t.Fatalf("%+v", decision)
	}
}

func TestTheLoserIsForcedWhenItWasNotPickedForLong(t *testing.T) {
	picker := openPicker(t, 2)
	warm(picker)
	picker.conns[0].lag, picker.conns[0].pick = 1e12, 1
	decision, _ := pick(t, picker)
	if decision.Reason != forced || decision.Chosen != 0 || decision.Raced {
		t.Fatalf("%+v", decision)
	}
	if idle := decision.Candidates[0].IdleNs; idle <= 1e9 || math.IsInf(idle, 1) {
		t.Fatalf("idle for %v", idle)
	}
}

func TestHealthIsAskedFromThreeOn(t *testing.T) {
	for backends, reason := range map[int]debugpb.PickReason{2: tie, 3: noHealthyPair} {
		picker := openPicker(t, backends)
		warm(picker)
		for _, conn := range picker.conns {
			conn.success = 500
		}
		decision, _ := pick(t, picker)
		if decision.Reason != reason || decision.Raced || decision.Candidates[0].Healthy {
			t.Errorf("of %d: %+v", backends, decision)
		}
		if rejected := decision.RejectedDraws; rejected != max(0, 2*(backends-2)) {
			t.Errorf("of %d: %d draws rejected", backends, rejected)
		}
	}
}

func TestRejectedDrawsAreTold(t *testing.T) {
	picker := openPicker(t, 4)
	warm(picker)
	picker.conns[3].success = 17
	rejectedOnce := false
	for range 1000 {
		decision, _ := pick(t, picker)
		for _, rejected := range decision.Rejected[:2*decision.RejectedDraws] {
			if success := picker.Status(rejected.Conn).Success; rejected.Success != success {
				t.Fatalf("%+v, but its success is %v", rejected, success)
			}
		}
		if decision.RejectedDraws == 1 {
			rejectedOnce = true
			draw := decision.Rejected[:2]
			if draw[0].Conn != 3 && draw[1].Conn != 3 || draw[0].Conn == draw[1].Conn {
				t.Fatalf("both are healthy, or the same: %+v", draw)
			}
		}
	}
	if !rejectedOnce {
		t.Error("no draw was rejected")
	}
}

// interrupted lets something happen when go-zero has drawn a pair, and not yet compared it.
type interrupted struct {
	*dealer
	happens func(first, second int)
}

func (s interrupted) Int63() int64 {
	drawn := s.dealer.Int63()
	if s.second < 0 {
		s.happens(s.decision.Candidates[0].Conn, s.decision.Candidates[1].Conn)
	}
	return drawn
}

func openInterrupted(t *testing.T, happens func(picker *picker, first, second int)) *picker {
	t.Helper()
	its := buildPicker(t, 3)
	opened, err := open(its)
	if err != nil {
		t.Fatal(err)
	}
	picker := opened.(*picker)
	warm(picker)
	mirrored, _ := mirror(its)
	source := interrupted{&picker.dealer, func(first, second int) { happens(picker, first, second) }}
	picker.twin = twin(its, mirrored, rand.New(source))
	return picker
}

func TestACompletionThatTurnsTheChoiceIsFlagged(t *testing.T) {
	picker := openInterrupted(t, func(picker *picker, first, _ int) { picker.conns[first].lag = 1e18 })
	decision, result := pick(t, picker)
	if !decision.Raced || decision.Reason != unspecified {
		t.Fatalf("%+v", decision)
	}
	if picker.Conns()[decision.Chosen] != result.SubConn || decision.Chosen != decision.Candidates[1].Conn {
		t.Fatalf("the chosen one is told all the same: %+v", decision)
	}
}

func TestACompletionThatTurnsNothingIsNotFlagged(t *testing.T) {
	picker := openInterrupted(t, func(picker *picker, _, second int) { picker.conns[second].lag = 1e18 })
	if decision, _ := pick(t, picker); decision.Raced || decision.Reason != tie {
		t.Fatalf("%+v", decision)
	}
}

func TestHealthThatChangesBetweenReadingsIsFlagged(t *testing.T) {
	ill := openInterrupted(t, func(picker *picker, first, _ int) { picker.conns[first].success = 0 })
	if decision, _ := pick(t, ill); !decision.Raced || decision.RejectedDraws == 0 {
		t.Errorf("a draw was rejected that was healthy when it was read: %+v", decision)
	}
	well := openInterrupted(t, func(picker *picker, _, _ int) {
		for _, conn := range picker.conns {
			conn.success = 1000
		}
	})
	for _, conn := range well.conns {
		conn.success = 0
	}
	if decision, _ := pick(t, well); !decision.Raced || decision.RejectedDraws != 0 {
		t.Errorf("a draw was taken that was ill when it was read: %+v", decision)
	}
}

// wayward takes a connection that go-zero did not draw.
type wayward struct{ conn balancer.SubConn }

func (w wayward) Pick(balancer.PickInfo) (balancer.PickResult, error) {
	return balancer.PickResult{SubConn: w.conn}, nil
}

func TestAnAlgorithmThatIsUnknownTellsOnlyWhatWasChosen(t *testing.T) {
	picker := openPicker(t, 5)
	picker.twin = wayward{picker.Conns()[4]}
	decision, _ := pick(t, picker)
	if decision.Chosen != 4 || !decision.Raced || decision.CandidateCount != 0 || decision.RejectedDraws != 0 {
		t.Fatalf("%+v", decision)
	}
}

func TestAPickerOfNothingHasNothingToTell(t *testing.T) {
	if opened, err := open(base.NewErrPicker(balancer.ErrNoSubConnAvailable)); opened != nil || err != nil {
		t.Fatal(opened, err)
	}
}

func TestLayoutsAreCompared(t *testing.T) {
	type ours struct {
		Conns []*struct{ Lag uint64 }
		Stamp int64
	}
	for _, other := range []struct {
		its        reflect.Type
		difference string
	}{
		{reflect.TypeFor[*struct {
			Conns []*struct{ Lag uint64 }
			Stamp int64
		}](), ""},
		{reflect.TypeFor[*struct{ Conns []*struct{ Lag uint64 } }](), "has 1 fields instead of 2"},
		{reflect.TypeFor[*struct {
			Stamp int64
			Conns []*struct{ Lag uint64 }
		}](), "has Stamp at 0 instead of Conns at 0"},
		{reflect.TypeFor[*struct {
			Conns []*struct{ Lag int64 }
			Stamp int64
		}](), "int64 instead of uint64"},
		{reflect.TypeFor[*struct {
			Conns []struct{ Lag uint64 }
			Stamp int64
		}](), "struct { Lag uint64 } instead of *struct { Lag uint64 }"},
		{reflect.TypeFor[ours](), "gozero.ours instead of *gozero.ours"},
	} {
		found := layoutDifference(other.its, reflect.TypeFor[*ours]())
		if found != other.difference && (other.difference == "" || !strings.HasSuffix(found, other.difference)) {
			t.Errorf("%s: %q", other.its, found)
		}
	}
}

func TestAnUnknownLayoutIsReported(t *testing.T) {
	opened, err := open(wayward{})
	if opened != nil || err == nil {
		t.Fatal(opened, err)
	}
	for _, word := range []string{"p2c_ewma", "go-zero", "gozero.wayward", "only what it chose", "update"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %q", err, word)
		}
	}
	if len(err.Error()) > 256 {
		t.Errorf("%d characters are more than are told: %s", len(err.Error()), err)
	}
}

func TestErrorsOfThePickerArePassedOn(t *testing.T) {
	picker := openPicker(t, 2)
	picker.twin = base.NewErrPicker(errors.New("no"))
	if _, err := picker.Pick(balancer.PickInfo{}, &inspect.Decision{}); err == nil || err.Error() != "no" {
		t.Fatal(err)
	}
}
