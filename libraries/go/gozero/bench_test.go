package gozero

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/balancer"

	"github.com/pickscope/pickscope/libraries/go/internal/observe"
	"github.com/pickscope/pickscope/libraries/go/internal/recorder"
)

// modes of a policy: as it is, with Pickscope and nobody watching, and while somebody watches.
const (
	raw = iota
	detached
	attached
	modes
)

var modeNames = [modes]string{"raw", "detached", "attached"}

var benchmarked = []string{"p2c_ewma", "round_robin"}

// BenchmarkPick prints what a pick and its end cost in each mode, ns and allocations, and what a mode adds to the raw one.
// parallel: on each of GOMAXPROCS goroutines, which pick from one picker at the same time.
//
// In each round all modes have their turn; the medians of the rounds are printed, as other work on the machine disturbs
// some of them.
func BenchmarkPick(b *testing.B) {
	builders := buildersByMode()
	for _, policy := range benchmarked {
		for _, backends := range []int{3, 10, 100} {
			compare := func(goroutines int) func(*testing.B) {
				return func(b *testing.B) { comparePicks(b, builders[policy], backends, goroutines) }
			}
			b.Run(fmt.Sprintf("%s/%d/serial", policy, backends), compare(1))
			b.Run(fmt.Sprintf("%s/%d/parallel", policy, backends), compare(runtime.GOMAXPROCS(0)))
		}
	}
}

// BenchmarkClock prints what reading the clock costs: a raw pick of p2c_ewma and its end do so three times by go-zero's,
// and an attached one twice more by Pickscope's.
func BenchmarkClock(b *testing.B) {
	b.Run("goZero", func(b *testing.B) {
		for b.Loop() {
			goZeroNow()
		}
	})
	b.Run("pickscope", func(b *testing.B) {
		for b.Loop() {
			recorder.Now()
		}
	})
}

// buildersByMode gives the policies in each mode.
func buildersByMode() map[string][modes]balancer.Builder {
	found := map[string][modes]balancer.Builder{}
	for mode := range modes {
		observeAs(mode)
		for _, policy := range benchmarked {
			builders := found[policy]
			builders[mode] = balancer.Get(policy)
			found[policy] = builders
		}
		for _, policy := range benchmarked {
			balancer.Register(found[policy][raw])
		}
	}
	return found
}

func observeAs(mode int) {
	if mode == raw {
		return
	}
	r := recorder.New()
	observe.Install(r)
	if mode == attached {
		r.Watch(watcher{}, func(recorder.Moment) {})
	}
}

// watcher has rows written, and reads none.
type watcher struct{}

func (watcher) Changed(recorder.Change) {}
func (watcher) Filling()                {}

func comparePicks(b *testing.B, builders [modes]balancer.Builder, backends, goroutines int) {
	var pickers [modes]balancer.Picker
	for mode, builder := range builders {
		pickers[mode] = buildPickerOf(b, builder, backends)
	}
	var costs, added [modes][]float64
	for i := 0; b.Loop(); i++ {
		var round [modes]float64
		for turn := range modes {
			mode := (i + turn) % modes
			round[mode] = costOf(pickers[mode], goroutines)
		}
		for mode := range modes {
			costs[mode] = append(costs[mode], round[mode])
			added[mode] = append(added[mode], round[mode]-round[raw])
		}
	}
	b.ReportMetric(0, "ns/op")
	for mode, name := range modeNames {
		b.ReportMetric(median(costs[mode]), name+"-ns")
		b.ReportMetric(allocations(pickers[mode]), name+"-allocs")
		if mode != raw {
			b.ReportMetric(median(added[mode]), name+"-adds-ns")
		}
	}
}

// allocations are those of one pick and its end.
func allocations(picker balancer.Picker) float64 {
	const picks = 1000
	return math.Floor(testing.AllocsPerRun(10, func() { pickAndEnd(picker, picks) }) / picks)
}

// costOf picks and ends some calls on each goroutine, and gives ns of one of them. They are so few that most rounds are not
// interrupted by what else the machine does.
func costOf(picker balancer.Picker, goroutines int) float64 {
	const picks = 500
	if goroutines == 1 {
		start := time.Now()
		pickAndEnd(picker, picks)
		return float64(time.Since(start)) / picks
	}
	var running sync.WaitGroup
	start := time.Now()
	for range goroutines {
		running.Add(1)
		go func() {
			defer running.Done()
			pickAndEnd(picker, picks)
		}()
	}
	running.Wait()
	return float64(time.Since(start)) / picks
}

func pickAndEnd(picker balancer.Picker, picks int) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	info := balancer.PickInfo{Ctx: ctx, FullMethodName: "/shop.Cart/GetCart"}
	done := balancer.DoneInfo{BytesSent: true, BytesReceived: true}
	for range picks {
		result, err := picker.Pick(info)
		if err != nil {
			panic(err)
		}
		if result.Done != nil {
			result.Done(done)
		}
	}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
