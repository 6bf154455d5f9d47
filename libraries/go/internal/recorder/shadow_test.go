package recorder

import (
	"math"
	"testing"

	"google.golang.org/grpc/codes"
)

// The averages are those of docs/protocol.md, "Derived averages".
func TestShadowIsTheMeanWeightedByAge(t *testing.T) {
	known := shadow{success: fullSuccess}
	ends := []struct {
		at      int64
		latency float64
		code    codes.Code
	}{
		{1, 5e6, codes.OK}, {1e6, 1e6, codes.Unavailable}, {3e9, 7e6, codes.NotFound}, {20e9, 2e6, codes.Internal},
		{20e9, 9e6, codes.OK}, {90e9, 4e6, codes.DeadlineExceeded},
	}
	for i, end := range ends {
		known.complete(end.latency, end.at, end.code)
		var lag, success, weights float64
		for _, before := range ends[:i+1] {
			weight := math.Exp(-float64(end.at-before.at) / 10e9)
			weights += weight
			lag += weight * before.latency
			if acceptable(before.code) {
				success += weight * 1000
			}
		}
		if near(known.lag, lag/weights) && near(known.success, success/weights) {
			continue
		}
		t.Errorf("after %d: lag %v, success %v; want %v, %v", i+1, known.lag, known.success, lag/weights, success/weights)
	}
}

func TestRemainingIsExponential(t *testing.T) {
	for ns := int64(0); ns < 1e11; ns = ns*5/4 + 1 {
		if got, want := remaining(ns), math.Exp(-float64(ns)/10e9); math.Abs(got-want) > 1e-13 {
			t.Errorf("after %d ns: %v, not %v", ns, got, want)
		}
	}
}

func near(a, b float64) bool {
	return math.Abs(a-b) <= 1e-9*math.Max(math.Abs(a), math.Abs(b))
}
