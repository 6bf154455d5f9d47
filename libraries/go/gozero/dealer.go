package gozero

import (
	"math"
	randv2 "math/rand/v2"

	"github.com/pickscope/pickscope/libraries/go/internal/inspect"
)

// pickTimes is go-zero's: how many pairs are drawn at most, until both of one are healthy.
const pickTimes = 1 + inspect.MaxRejectedDraws

// pairSize is how many conns go-zero compares.
const pairSize = inspect.MaxCandidates

// dealer is the random source of go-zero's picker, and so knows which conns it draws. It reads what is known of them in
// the moment before go-zero does.
//
// go-zero draws a pair by Intn(n) and Intn(n-1), the second one raised where it would be the first again. Intn(n) gives v
// where the source gives v<<32 (math/rand, Int31n); so the dealer decides, and none of its draws is ever repeated.
type dealer struct {
	conns  []*subConn
	random randv2.Source
	// second of a pair whose first was drawn, as Intn(n-1) is to give it; -1: none is pending.
	second int64
	draws  int
	tape   [pickTimes][pairSize]reading
}

// begin comes before each pick. Up to two conns are not drawn.
func (d *dealer) begin() {
	d.draws, d.second = 0, -1
	if len(d.conns) <= pairSize {
		for i := range d.conns {
			d.tape[0][i] = read(d.conns, i)
		}
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
	bits, n := d.random.Uint64(), uint64(len(d.conns))
	first := bits >> 32 * n >> 32
	second := bits & math.MaxUint32 * (n - 1) >> 32
	d.second = int64(second)
	if second >= first {
		second++
	}
	pair := &d.tape[min(d.draws, pickTimes-1)]
	pair[0], pair[1] = read(d.conns, int(first)), read(d.conns, int(second))
	d.draws++
	return int64(first)
}

// pair is what go-zero compared: the last that it drew, or all that there are.
func (d *dealer) pair() []reading {
	if len(d.conns) <= pairSize {
		return d.tape[0][:len(d.conns)]
	}
	if d.draws == 0 {
		return nil
	}
	return d.tape[min(d.draws, pickTimes)-1][:]
}

// rejected tells the draws before the last one. healthy: both of the last are, or go-zero did not ask. explained: going by
// what was read, go-zero drew as often as it did.
func (d *dealer) rejected(decision *inspect.Decision) (healthy, explained bool) {
	decision.RejectedDraws = 0
	if d.draws == 0 {
		return true, true
	}
	last := min(d.draws, pickTimes) - 1
	explained = d.draws <= pickTimes
	for draw := range last {
		pair := &d.tape[draw]
		explained = explained && !(pair[0].healthy() && pair[1].healthy())
		for i := range pair {
			decision.Rejected[pairSize*draw+i] = inspect.Rejected{Conn: pair[i].conn, Success: float32(pair[i].success)}
		}
	}
	decision.RejectedDraws = last
	healthy = d.tape[last][0].healthy() && d.tape[last][1].healthy()
	return healthy, explained && (healthy || d.draws == pickTimes)
}
