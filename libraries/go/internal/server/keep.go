package server

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/pickscope/pickscope/libraries/go/internal/stream"
)

const (
	maxKeepSeconds             = 24 * 3600
	minKeepBytes, maxKeepBytes = 1 << 20, 1 << 30
	defaultKeepBytes           = 16 << 20
)

var (
	timeUnits = map[string]float64{"s": 1, "m": 60, "h": 3600}
	sizeUnits = map[string]float64{"kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30}
)

// KeepLimits says how much of the past is kept: what was told, else PICKSCOPE_KEEP, by default nothing; at most
// PICKSCOPE_KEEP_BYTES. warn is told, as a sentence, what of the environment cannot be understood, and what holds
// instead.
func KeepLimits(told time.Duration, warn func(string)) stream.KeepLimits {
	seconds := told.Seconds()
	if told == 0 {
		seconds = configuredSeconds(os.Getenv("PICKSCOPE_KEEP"), warn)
	}
	if seconds <= 0 {
		return stream.KeepLimits{}
	}
	return stream.KeepLimits{Seconds: seconds, Bytes: configuredBytes(os.Getenv("PICKSCOPE_KEEP_BYTES"), warn)}
}

func configuredSeconds(text string, warn func(string)) float64 {
	if text == "" || text == "0" || strings.EqualFold(text, "off") {
		return 0
	}
	seconds := amount(text, timeUnits)
	if seconds >= 1 && seconds <= maxKeepSeconds {
		return seconds
	}
	warn(fmt.Sprintf("%q is no time to keep (PICKSCOPE_KEEP): write 60s, 2m, or at most 24h. Nothing is kept.", text))
	return 0
}

func configuredBytes(text string, warn func(string)) int {
	if text == "" {
		return defaultKeepBytes
	}
	bytes := amount(text, sizeUnits)
	if bytes >= minKeepBytes && bytes <= maxKeepBytes {
		return int(bytes)
	}
	warn(fmt.Sprintf("%q is no size to keep (PICKSCOPE_KEEP_BYTES): write 1MB to 1GB. At most 16MB are kept.", text))
	return defaultKeepBytes
}

// amount reads "1.5h", or "2 MB"; it is NaN where the text is none.
func amount(text string, units map[string]float64) float64 {
	text = strings.ToLower(strings.TrimSpace(text))
	digits := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyz")
	number, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	unit, known := units[text[len(digits):]]
	if err != nil || !known {
		return math.NaN()
	}
	return number * unit
}
