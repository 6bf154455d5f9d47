package gozero

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
	"github.com/pickscope/pickscope/libraries/go/internal/inspect"
)

// Those that the Node library's port is held to; the README beside them says what they are.
const vectors = "../../node/test/vectors/p2c_ewma/*.jsonl.gz"

// epoch is the time by go-zero's clock when a scenario begins: far from 0, as go-zero has it.
const epoch = 400 * 24 * time.Hour

// maxLate is how late go-zero may read its clock after it was set. The vectors come no closer to the second after which a
// pick is forced, so that a pick which is not later than that decides as theirs.
const maxLate = 100 * time.Microsecond

// step is a line of a scenario.
type step struct {
	Op   string
	T    time.Duration // Since the scenario began.
	Call int

	// Of a pick.
	Tries      [][2]int
	Candidates []int
	Loads      []float64
	Forced     bool
	Chosen     int

	// Of a pick and of a completion: after it.
	Inflight int64

	// Of a completion.
	Conn    int
	Code    codes.Code
	Lag     uint64
	Success uint64
	Load    int64
}

func TestGoldenVectors(t *testing.T) {
	files, err := filepath.Glob(vectors)
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors in %s: %v", vectors, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			header, steps := readVectors(t, file)
			newReplay(t, header.Conns).play(steps)
		})
	}
}

type header struct{ Conns int }

func readVectors(t *testing.T, path string) (header header, steps []step) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := json.NewDecoder(bufio.NewReader(unzipped))
	if err := lines.Decode(&header); err != nil {
		t.Fatal(err)
	}
	for lines.More() {
		var next step
		if err := lines.Decode(&next); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, next)
	}
	if len(steps) < 100 {
		t.Fatalf("only %d steps", len(steps))
	}
	return header, steps
}

// replay has the real picker of go-zero do what a scenario says, behind the inspector.
//
// go-zero's clock is set before each step, and its random source is the vector's. As the clock does not stand still, a
// completion measures some µs that the vector has not; what is written from it is set to the vector's after it was
// checked, so that the next step begins equal.
type replay struct {
	t      *testing.T
	picker *picker
	draws  *script
	calls  map[int]call
}

type call struct {
	done func(balancer.DoneInfo)
	t    time.Duration // Of the vector's pick.
	late time.Duration // How much later than that it was, at most.
}

// script has the dealer draw what is written there.
type script struct {
	conns int
	tries [][2]int
}

func (s *script) Uint64() uint64 {
	next := s.tries[0]
	s.tries = s.tries[1:]
	first, second := next[0], next[1]
	if second > first {
		second--
	}
	return upper(first, s.conns)<<32 | upper(second, s.conns-1)
}

// upper gives the 32 bits of which the dealer makes `drawn` of n.
func upper(drawn, n int) uint64 {
	return uint64((drawn<<32 + n - 1) / n)
}

func newReplay(t *testing.T, conns int) *replay {
	r := &replay{t: t, picker: openPicker(t, conns), draws: &script{conns: conns}, calls: map[int]call{}}
	r.picker.dealer.random = r.draws
	return r
}

func (r *replay) play(steps []step) {
	for _, next := range steps {
		switch next.Op {
		case "pick":
			r.pick(next)
		case "done":
			r.done(next)
		default:
			r.t.Fatalf("unknown step %q", next.Op)
		}
	}
}

func (r *replay) pick(want step) {
	decision, result := r.pickInTime(want)
	late := lateness(goZeroNow(), want)
	chosen := r.picker.conns[want.Chosen]
	got := struct {
		chosen, candidates, rejected int
		inflight                     int64
		raced                        bool
		reason                       debugpb.PickReason
	}{decision.Chosen, decision.CandidateCount, decision.RejectedDraws, chosen.inflight, decision.Raced, decision.Reason}
	expected := got
	expected.chosen, expected.inflight, expected.raced = want.Chosen, want.Inflight, false
	expected.candidates, expected.rejected = max(1, len(want.Candidates)), max(0, len(want.Tries)-1)
	expected.reason = r.reasonOf(want, &decision)
	if got != expected || result.SubConn != chosen.conn || len(r.draws.tries) > 0 {
		r.t.Fatalf("call %d: %+v instead of %+v", want.Call, got, expected)
	}
	r.checkDrawn(want, &decision)
	chosen.pick = int64(epoch + want.T)
	r.calls[want.Call] = call{result.Done, want.T, late}
}

// pickInTime picks again, as if it had not, where the machine took so long that another branch might have been taken.
func (r *replay) pickInTime(want step) (inspect.Decision, balancer.PickResult) {
	for {
		before := make([]subConn, len(r.picker.conns))
		for i, conn := range r.picker.conns {
			before[i] = *conn
		}
		r.draws.tries = want.Tries
		setClock(epoch + want.T)
		decision, result := pick(r.t, r.picker)
		if lateness(r.picker.conns[decision.Chosen].pick, want) <= maxLate {
			return decision, result
		}
		for i, conn := range r.picker.conns {
			*conn = before[i]
		}
	}
}

// lateness is how much later than the vector's something was, by go-zero's clock.
func lateness(now int64, want step) time.Duration {
	return time.Duration(now) - epoch - want.T
}

// reasonOf is what the vector says by its draws, loads and `forced`.
func (r *replay) reasonOf(want step, decision *inspect.Decision) debugpb.PickReason {
	switch {
	case len(want.Candidates) == 0:
		return onlyOne
	case want.Forced:
		return forced
	case len(want.Tries) == 3 && !(decision.Candidates[0].Healthy && decision.Candidates[1].Healthy):
		return noHealthyPair
	case want.Loads[0] == want.Loads[1]:
		return tie
	default:
		return betterScore
	}
}

func (r *replay) checkDrawn(want step, decision *inspect.Decision) {
	for i, conn := range want.Candidates {
		if got := decision.Candidates[i]; got.Conn != conn || got.Score != want.Loads[i] {
			r.t.Fatalf("call %d: candidate %+v instead of %d with the load %v", want.Call, got, conn, want.Loads[i])
		}
	}
	for i, pair := range want.Tries[:decision.RejectedDraws] {
		if got := decision.Rejected[2*i:]; got[0].Conn != pair[0] || got[1].Conn != pair[1] {
			r.t.Fatalf("call %d: rejected %+v instead of %v", want.Call, got[:2], pair)
		}
	}
}

func (r *replay) done(want step) {
	ended, conn := r.calls[want.Call], r.picker.conns[want.Conn]
	before := conn.lag
	setClock(epoch + want.T)
	ended.done(balancer.DoneInfo{Err: failure(r.t, want.Code)})
	late := lateness(conn.last, want)
	got := r.picker.Status(want.Conn)
	// The latency is longer by as much as it ended later, and shorter by as much as it began later. And it counts more the
	// later it ended, compared with go-zero's decay time, 10 s.
	tolerance := 1 + float64(max(late, ended.late)) + math.Abs(float64(before)-float64(want.T-ended.t))*float64(late)/10e9
	if math.Abs(got.LagNs-float64(want.Lag)) > tolerance {
		r.t.Fatalf("end of call %d: lag %v instead of %d ± %v", want.Call, got.LagNs, want.Lag, tolerance)
	}
	if math.Abs(float64(got.Success)-float64(want.Success)) > 1 || int64(got.Inflight) != want.Inflight {
		r.t.Fatalf("end of call %d: %+v instead of %+v", want.Call, got, want)
	}
	conn.lag, conn.success, conn.last = want.Lag, want.Success, int64(epoch+want.T)
	if now := load(conn.lag, conn.inflight); now != want.Load {
		r.t.Fatalf("end of call %d: load %d instead of %d", want.Call, now, want.Load)
	}
}

// failure is an error with that code. The vectors' go-zero counts ResourceExhausted as a failure; where the one that is
// tested does not yet, another stands for it.
func failure(t *testing.T, code codes.Code) error {
	if code == codes.OK {
		return nil
	}
	if code == codes.ResourceExhausted && !isFailure(t, code) {
		code = codes.Unavailable
	}
	return status.Error(code, "")
}

func isFailure(t *testing.T, code codes.Code) bool {
	picker := openPicker(t, 1)
	_, result := pick(t, picker)
	result.Done(balancer.DoneInfo{Err: status.Error(code, "")})
	return picker.Status(0).Success < 1000
}

func TestTheVectorsShowEveryCode(t *testing.T) {
	files, _ := filepath.Glob(vectors)
	var seen []codes.Code
	for _, file := range files {
		_, steps := readVectors(t, file)
		for _, step := range steps {
			if step.Op == "done" && !slices.Contains(seen, step.Code) {
				seen = append(seen, step.Code)
			}
		}
	}
	if len(seen) != 17 {
		t.Fatalf("only %v", seen)
	}
}
