package server

import (
	"strings"
	"testing"
	"time"

	"github.com/pickscope/pickscope/libraries/go/internal/stream"
)

func TestWhatIsKept(t *testing.T) {
	const defaultBytes = 16 << 20
	for name, test := range map[string]struct {
		told        time.Duration
		keep, bytes string
		expected    stream.KeepLimits
		warning     string // "": none.
	}{
		"nothing":             {0, "", "", stream.KeepLimits{}, ""},
		"off":                 {0, "OFF", "", stream.KeepLimits{}, ""},
		"zero":                {0, "0", "", stream.KeepLimits{}, ""},
		"seconds":             {0, "60s", "", stream.KeepLimits{Seconds: 60, Bytes: defaultBytes}, ""},
		"minutes":             {0, " 1.5 M ", "", stream.KeepLimits{Seconds: 90, Bytes: defaultBytes}, ""},
		"a day":               {0, "24h", "", stream.KeepLimits{Seconds: 86400, Bytes: defaultBytes}, ""},
		"more than a day":     {0, "25h", "", stream.KeepLimits{}, `"25h" is no time to keep`},
		"no unit":             {0, "60", "", stream.KeepLimits{}, `"60" is no time to keep`},
		"no number":           {0, "s", "", stream.KeepLimits{}, `"s" is no time to keep`},
		"endless":             {0, "infs", "", stream.KeepLimits{}, `is no time to keep`},
		"negative":            {0, "-5s", "", stream.KeepLimits{}, `is no time to keep`},
		"bytes":               {0, "60s", "32MB", stream.KeepLimits{Seconds: 60, Bytes: 32 << 20}, ""},
		"too many":            {0, "60s", "2GB", stream.KeepLimits{Seconds: 60, Bytes: defaultBytes}, `"2GB" is no size`},
		"bytes without unit":  {0, "60s", "1000000", stream.KeepLimits{Seconds: 60, Bytes: defaultBytes}, `is no size`},
		"the code says":       {2 * time.Minute, "60s", "1gb", stream.KeepLimits{Seconds: 120, Bytes: 1 << 30}, ""},
		"the code says never": {-1, "60s", "", stream.KeepLimits{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PICKSCOPE_KEEP", test.keep)
			t.Setenv("PICKSCOPE_KEEP_BYTES", test.bytes)
			var warnings strings.Builder
			got := KeepLimits(test.told, func(warning string) { warnings.WriteString(warning) })
			if got != test.expected {
				t.Errorf("kept are %v", got)
			}
			warned := warnings.String()
			if (test.warning == "") != (warned == "") || !strings.Contains(warned, test.warning) {
				t.Errorf("the warning is %q", warned)
			}
		})
	}
}
