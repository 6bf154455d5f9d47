//go:build unix

package attach

import (
	"os"
	"syscall"
)

// recordSignals are those that neither end a Go program nor mean something to a terminal. SIGURG, which the Node
// library knows besides, is how Go's runtime interrupts goroutines.
var recordSignals = map[string]os.Signal{"SIGUSR2": syscall.SIGUSR2, "SIGIO": syscall.SIGIO}
