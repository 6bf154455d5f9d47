package gozero

import (
	"math"
	"sync/atomic"

	"github.com/pickscope/pickscope/libraries/go/internal/inspect"
)

// go-zero's constants, by their names.
const (
	throttleSuccess = 500
	penalty         = int64(math.MaxInt32)
)

// reading is what go-zero knew of a conn at one moment.
type reading struct {
	conn     int
	lag      uint64 // ns
	success  uint64 // 0..1000
	inflight int64
	pick     int64 // Time of its last pick, ns; 0: never.
}

func read(conns []*subConn, conn int) reading {
	its := conns[conn]
	return reading{
		conn:     conn,
		lag:      atomic.LoadUint64(&its.lag),
		success:  atomic.LoadUint64(&its.success),
		inflight: atomic.LoadInt64(&its.inflight),
		pick:     atomic.LoadInt64(&its.pick),
	}
}

func (r *reading) healthy() bool {
	return r.success > throttleSuccess
}

// load is what go-zero compares; the lower one wins.
func (r *reading) load() int64 {
	load := int64(math.Sqrt(float64(r.lag+1))) * (r.inflight + 1)
	if load == 0 {
		return penalty
	}
	return load
}

func (r *reading) idle(now int64) float64 {
	if r.pick == 0 {
		return math.Inf(1)
	}
	return float64(now - r.pick)
}

func (r *reading) status() inspect.Status {
	return inspect.Status{
		LagNs:    float64(r.lag),
		Success:  float32(r.success),
		Inflight: uint32(max(r.inflight, 0)),
	}
}

// describe tells it as a candidate of a pick at `now`, by go-zero's clock.
func (r *reading) describe(candidate *inspect.Candidate, now int64) {
	*candidate = inspect.Candidate{
		Status:  r.status(),
		Conn:    r.conn,
		Score:   float64(r.load()),
		IdleNs:  r.idle(now),
		Healthy: r.healthy(),
	}
}
