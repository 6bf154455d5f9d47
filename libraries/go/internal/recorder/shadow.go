package recorder

import (
	"math"

	"google.golang.org/grpc/codes"
)

// decayTime is after how long a completion counts 1/e, ns: go-zero's, so that averages of all policies can be compared.
const decayTime = 10e9

// fullSuccess is a success of all calls.
const fullSuccess = 1000

// shadow is what is shown of an endpoint whose policy keeps no averages: kept by the observer, and no part of any
// choice.
//
// Each average is that of all completions, weighted by their age: Σ x·e^(−age/10 s) / Σ e^(−age/10 s). See
// docs/protocol.md, "Derived averages".
type shadow struct {
	watch   uint64  // It belongs to this stretch of watching; another one begins anew.
	lag     float64 // Mean latency, ns.
	success float64 // Mean success, 0..1000.
	weight  float64 // Sum of the weights, as of `last`.
	last    int64   // Time of the last completion, ns; 0: none.
	picked  int64   // Time of the last pick, ns; 0: none.
}

// complete adds a call that took `latency` ns and ended at `now`.
func (s *shadow) complete(latency float64, now int64, code codes.Code) {
	if s.last != 0 {
		s.weight *= remaining(now - s.last)
	}
	s.weight++
	s.last = now
	s.lag += (latency - s.lag) / s.weight
	success := 0.0
	if acceptable(code) {
		success = fullSuccess
	}
	s.success += (success - s.success) / s.weight
}

// remaining is how much a completion counts after so many ns: e^(−ns/10 s).
func remaining(ns int64) float64 {
	age := float64(ns) / decayTime
	if age < 1e-3 {
		// The beginning of the series, which tells as much as a float64 does, in a fifth of the time.
		return 1 - age*(1-age/2*(1-age/3))
	}
	return math.Exp(-age)
}

// idle is the time since the last pick, ns; +Inf: there was none.
func (s *shadow) idle(now int64) float64 {
	if s.picked == 0 {
		return math.Inf(1)
	}
	return float64(now - s.picked)
}

// acceptable is go-zero's codes.Acceptable (zrpc/internal/codes/accept.go).
func acceptable(code codes.Code) bool {
	switch code {
	case codes.DeadlineExceeded, codes.Internal, codes.Unavailable, codes.DataLoss, codes.Unimplemented,
		codes.ResourceExhausted:
		return false
	default:
		return true
	}
}
