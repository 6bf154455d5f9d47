package recorder

import (
	"slices"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/codes"
)

// codeCount is the number of gRPC's status codes.
const codeCount = 17

// ChannelCounters are exact, since the channel was created. Completed picks are those of its endpoints: most picks are,
// and count once that way.
type ChannelCounters struct {
	Queued, Failed, Dropped, EndedUnpicked atomic.Uint64

	mu        sync.Mutex
	endpoints []*Endpoint // That are still picked.
	completed uint64      // Of those that are picked no more.
}

func (c *ChannelCounters) add(endpoint *Endpoint) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endpoints = append(c.endpoints, endpoint)
}

func (c *ChannelCounters) readCompleted() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endpoints = slices.DeleteFunc(c.endpoints, func(endpoint *Endpoint) bool {
		isQuiet := endpoint.Quiet()
		if isQuiet {
			c.completed += endpoint.Counters.picks.Load()
		}
		return isQuiet
	})
	completed := c.completed
	for _, endpoint := range c.endpoints {
		completed += endpoint.Counters.picks.Load()
	}
	return completed
}

// ChannelCounts are the counters at one moment.
type ChannelCounts struct {
	Completed, Queued, Failed, Dropped, EndedUnpicked uint64
}

func (c *ChannelCounters) read() ChannelCounts {
	return ChannelCounts{
		Completed:     c.readCompleted(),
		Queued:        c.Queued.Load(),
		Failed:        c.Failed.Load(),
		Dropped:       c.Dropped.Load(),
		EndedUnpicked: c.EndedUnpicked.Load(),
	}
}

// EndpointCounters are exact, since the endpoint was created.
type EndpointCounters struct {
	picks        atomic.Uint64
	neverStarted atomic.Uint64
	succeeded    atomic.Uint64            // Ends with OK.
	failed       atomic.Uint64            // All others, so that few are read where only the calls in flight are asked for.
	failedBy     [codeCount]atomic.Uint64 // The same, by code.
}

// Picked counts a completed pick.
func (c *EndpointCounters) Picked() {
	c.picks.Add(1)
}

// Ended counts the end of an attempt whose stream was created. A code outside of gRPC's counts as UNKNOWN.
func (c *EndpointCounters) Ended(code codes.Code) {
	if code == codes.OK {
		c.succeeded.Add(1)
		return
	}
	c.failedBy[known(code)].Add(1)
	c.failed.Add(1)
}

// NeverStarted counts the end of an attempt that got no stream.
func (c *EndpointCounters) NeverStarted() {
	c.neverStarted.Add(1)
}

// Inflight is the number of attempts that have not ended.
func (c *EndpointCounters) Inflight() uint32 {
	var ended uint64
	picks := c.together(func() { ended = c.succeeded.Load() + c.failed.Load() + c.neverStarted.Load() })
	return uint32(picks - ended)
}

// readings of the ends are tried for one that no pick comes into.
const readings = 4

// together reads the ends, and gives the picks that they belong to. Read later than the ends, so that none is without
// its pick, the picks would be too many if some came in between: then it reads again. That is not for ever, as a pick
// may wait.
func (c *EndpointCounters) together(readEnds func()) (picks uint64) {
	picks = c.picks.Load()
	for range readings {
		before := picks
		readEnds()
		if picks = c.picks.Load(); picks == before {
			break
		}
	}
	return picks
}

// EndpointCounts are the counters at one moment.
type EndpointCounts struct {
	Picks, NeverStarted uint64
	Ended               [codeCount]uint64
}

func (c *EndpointCounters) read() (counts EndpointCounts) {
	counts.Picks = c.together(func() {
		for code := range c.failedBy {
			counts.Ended[code] = c.failedBy[code].Load()
		}
		counts.Ended[codes.OK] = c.succeeded.Load()
		counts.NeverStarted = c.neverStarted.Load()
	})
	return counts
}

// Started is the number of attempts that got a stream. grpc-go tells of one that did not only when it ends; until then
// it counts as started.
func (c EndpointCounts) Started() uint64 {
	return c.Picks - c.NeverStarted
}

// Inflight is the number of attempts that have not ended.
func (c EndpointCounts) Inflight() uint64 {
	inflight := c.Started()
	for _, ended := range c.Ended {
		inflight -= ended
	}
	return inflight
}

func known(code codes.Code) codes.Code {
	if code < codeCount {
		return code
	}
	return codes.Unknown
}
