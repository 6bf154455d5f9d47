//go:build !unix

package attach

import "os"

// recordSignals are none here.
var recordSignals map[string]os.Signal
