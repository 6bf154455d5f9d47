package recorder

import (
	"time"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
)

var processStart = time.Now()

// Now is the client's monotonic clock, ns since the package was loaded; above 0.
func Now() int64 {
	return int64(time.Since(processStart)) + 1
}

// ClockPair is this moment on both clocks.
func ClockPair() *debugpb.Clock {
	return &debugpb.Clock{MonotonicNs: uint64(Now()), WallUnixNs: uint64(time.Now().UnixNano())}
}
