package gozero

import (
	"time"
	_ "unsafe" // For go:linkname.

	"github.com/zeromicro/go-zero/core/timex"
)

// initTime is what go-zero counts its time from (core/timex).
//
//go:linkname initTime github.com/zeromicro/go-zero/core/timex.initTime
var initTime time.Time

// setClock has go-zero's clock show that time, from which it goes on.
func setClock(now time.Duration) {
	initTime = time.Now().Add(-now)
}

// goZeroNow is the time by go-zero's clock, ns.
func goZeroNow() int64 {
	return int64(timex.Now())
}
