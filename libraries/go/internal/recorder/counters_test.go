package recorder

import (
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
)

func TestEndpointCountersAddUp(t *testing.T) {
	var counters EndpointCounters
	for range 10 {
		counters.Picked()
	}
	counters.Ended(codes.OK)
	counters.Ended(codes.Unavailable)
	counters.Ended(codes.Code(99))
	counters.NeverStarted()

	counts := counters.read()
	if counts.Picks != 10 || counts.NeverStarted != 1 || counts.Started() != 9 {
		t.Errorf("picks %d, never started %d, started %d", counts.Picks, counts.NeverStarted, counts.Started())
	}
	if counts.Ended[codes.OK] != 1 || counts.Ended[codes.Unavailable] != 1 || counts.Ended[codes.Unknown] != 1 {
		t.Errorf("ended by code: %v", counts.Ended)
	}
	if counts.Inflight() != 6 || counters.Inflight() != 6 {
		t.Errorf("in flight: %d and %d", counts.Inflight(), counters.Inflight())
	}
}

// A reading in the middle of counting never has an end without its pick, and no end is ever taken back.
func TestEndpointCountersAreConsistentAtEveryMoment(t *testing.T) {
	var (
		counters EndpointCounters
		calls    sync.WaitGroup
	)
	const callers, each = 4, 20_000
	for caller := range callers {
		calls.Add(1)
		go func() {
			defer calls.Done()
			for i := range each {
				counters.Picked()
				if i%5 == 0 {
					counters.NeverStarted()
				} else {
					counters.Ended(codes.Code((caller + i) % codeCount))
				}
			}
		}()
	}
	done := make(chan struct{})
	go func() {
		calls.Wait()
		close(done)
	}()
	var before EndpointCounts
	for reading := true; reading; {
		select {
		case <-done:
			reading = false
		default:
		}
		counts := counters.read()
		if inflight := int64(counts.Inflight()); inflight < 0 {
			t.Fatalf("%d in flight: %+v", inflight, counts)
		}
		if inflight := int32(counters.Inflight()); inflight < 0 {
			t.Fatalf("%d in flight", inflight)
		}
		for code, ended := range counts.Ended {
			if ended < before.Ended[code] {
				t.Fatalf("the ends with code %d fell from %d to %d", code, before.Ended[code], ended)
			}
		}
		before = counts
	}
	if before.Picks != callers*each || before.Inflight() != 0 {
		t.Errorf("at rest: %+v", before)
	}
}
