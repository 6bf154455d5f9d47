package gozero

import (
	"math"
	randv2 "math/rand/v2"
	"sync/atomic"

	"github.com/pickscope/pickscope/libraries/go/internal/inspect"
)

// go-zero's constants, by their names.
const (
	throttleSuccess = 500
	penalty         = int64(math.MaxInt32)
)

// pairSize is how many conns go-zero compares.
const pairSize = inspect.MaxCandidates

// dealer is the random source of go-zero's picker, and so knows which conns it draws. It notes what is known of them in the
// moment before go-zero reads it.
//
// go-zero draws a pair by Intn(n) and Intn(n-1), the second one raised where it would be the first again. Intn(n) gives v
// where the source gives v<<32 (math/rand, Int31n); so the dealer decides, and none of its draws is ever repeated.
type dealer struct {
	conns  []*subConn
	random randv2.Source

	decision *inspect.Decision // Of the pick that is under way.
	picked   [pairSize]int64   // When its candidates were picked last, by go-zero's clock; 0: never.
	// second of a pair whose first was drawn, as Intn(n-1) is to give it; -1: none is pending.
	second int64
	// surprised: by what was read, go-zero had no reason to draw again.
	surprised bool
}

// begin comes before each pick. Up to two conns are not drawn.
func (d *dealer) begin(decision *inspect.Decision) {
	d.decision, d.second, d.surprised = decision, -1, false
	decision.CandidateCount, decision.RejectedDraws = 0, 0
	if len(d.conns) <= pairSize {
		for i := range d.conns {
			d.note(i, i)
		}
		decision.CandidateCount = len(d.conns)
	}
}

// Int63 makes it a rand.Source.
func (d *dealer) Int63() int64 {
	next := d.second
	d.second = -1
	if next < 0 {
		next = d.deal()
	}
	return next << 32
}

// Seed makes it a rand.Source. Nobody calls it.
func (d *dealer) Seed(int64) {}

// deal draws a pair, and gives its first.
func (d *dealer) deal() int64 {
	if d.decision.CandidateCount > 0 {
		d.reject()
	}
	bits, n := d.random.Uint64(), uint64(len(d.conns))
	first := bits >> 32 * n >> 32
	second := bits & math.MaxUint32 * (n - 1) >> 32
	d.second = int64(second)
	if second >= first {
		second++
	}
	d.note(0, int(first))
	d.note(1, int(second))
	d.decision.CandidateCount = pairSize
	return int64(first)
}

// note writes what is known of a conn into one of the candidates.
func (d *dealer) note(slot, conn int) {
	its := d.conns[conn]
	lag, success := atomic.LoadUint64(&its.lag), atomic.LoadUint64(&its.success)
	inflight := atomic.LoadInt64(&its.inflight)
	d.picked[slot] = atomic.LoadInt64(&its.pick)
	candidate := &d.decision.Candidates[slot]
	candidate.Status = statusOf(lag, success, inflight)
	candidate.Conn = conn
	candidate.Score = float64(load(lag, inflight))
	candidate.Healthy = success > throttleSuccess
}

// reject notes that go-zero did not take the pair that it drew.
func (d *dealer) reject() {
	decision := d.decision
	pair := &decision.Candidates
	hasRoom := decision.RejectedDraws < inspect.MaxRejectedDraws
	if !hasRoom || pair[0].Healthy && pair[1].Healthy {
		d.surprised = true
	}
	if !hasRoom {
		return
	}
	at := pairSize * decision.RejectedDraws
	for i := range pair {
		decision.Rejected[at+i] = inspect.Rejected{Conn: pair[i].Conn, Success: pair[i].Success}
	}
	decision.RejectedDraws++
}

// idle is how long a candidate has not been picked, ns.
func (d *dealer) idle(slot int, now int64) float64 {
	if d.picked[slot] == 0 {
		return math.Inf(1)
	}
	return float64(now - d.picked[slot])
}

// load is what go-zero compares; the lower one wins.
func load(lag uint64, inflight int64) int64 {
	load := int64(math.Sqrt(float64(lag+1))) * (inflight + 1)
	if load == 0 {
		return penalty
	}
	return load
}

func statusOf(lag, success uint64, inflight int64) inspect.Status {
	return inspect.Status{LagNs: float64(lag), Success: float32(success), Inflight: uint32(max(inflight, 0))}
}
