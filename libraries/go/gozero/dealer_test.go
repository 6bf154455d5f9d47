package gozero

import (
	"math"
	"math/rand"
	randv2 "math/rand/v2"
	"testing"

	"google.golang.org/grpc/balancer"

	"github.com/pickscope/pickscope/libraries/go/internal/inspect"
)

// constant is a random source that gives the same again and again.
type constant uint64

func (c constant) Uint64() uint64 { return uint64(c) }

// FuzzDraws holds the dealer to what go-zero makes of its numbers by math/rand, whatever they are and how many conns there
// are.
func FuzzDraws(f *testing.F) {
	for _, bits := range []uint64{0, 1, math.MaxUint32, math.MaxUint32 << 32, math.MaxUint64, 0xdeadbeefcafe} {
		for _, conns := range []uint16{3, 4, 5, 64, 100, math.MaxUint16} {
			f.Add(bits, conns)
		}
	}
	f.Fuzz(func(t *testing.T, bits uint64, count uint16) {
		conns := make([]*subConn, max(count, 3))
		for i := range conns {
			conns[i] = &subConn{}
		}
		var decision inspect.Decision
		its := dealer{conns: conns, random: constant(bits)}
		its.begin(&decision)
		random := rand.New(&its)
		first, second := random.Intn(len(conns)), random.Intn(len(conns)-1)
		if second >= first {
			second++
		}
		if decision.Candidates[0].Conn != first || decision.Candidates[1].Conn != second || first == second {
			t.Fatalf("go-zero draws %d and %d, which is told as %+v", first, second, decision.Candidates)
		}
	})
}

// TestDrawsAreUniform counts how often each ordered pair is drawn.
func TestDrawsAreUniform(t *testing.T) {
	const conns, draws = 5, 200_000
	picker := openPicker(t, conns)
	picker.dealer.random = randv2.NewPCG(1, 2)
	warm(picker)
	counts := map[[2]int]float64{}
	for range draws {
		decision, result := pick(t, picker)
		result.Done(balancer.DoneInfo{})
		counts[[2]int{decision.Candidates[0].Conn, decision.Candidates[1].Conn}]++
	}
	const pairs = conns * (conns - 1)
	expected, chiSquare := float64(draws)/pairs, 0.0
	for _, count := range counts {
		chiSquare += (count - expected) * (count - expected) / expected
	}
	// Of a thousand random seeds one would give more, with 19 degrees of freedom.
	if len(counts) != pairs || chiSquare > 43.8 {
		t.Fatalf("χ² is %v: %v", chiSquare, counts)
	}
}
