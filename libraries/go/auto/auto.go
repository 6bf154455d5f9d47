// Package auto makes a program attachable by its import alone, where the environment asks for it:
//
//	import _ "github.com/pickscope/pickscope/libraries/go/auto"
//
// With PICKSCOPE=1 (or on) in its environment the program shows up in Pickscope, and every pick of its grpc-go clients
// can be watched. Without, the import does nothing at all: no policy is wrapped, no goroutine started, no file opened.
//
// Where it cannot be done, the reason is logged by log/slog, and the program runs on without it. What can be set is
// that of package pickscope.
package auto

import (
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/pickscope/pickscope/libraries/go/internal/attach"
)

func init() {
	if isWanted(os.Getenv("PICKSCOPE")) {
		offer()
	}
}

func isWanted(text string) bool {
	return text == "1" || strings.EqualFold(text, "on")
}

func offer() {
	if err := attach.Offer(); err != nil {
		slog.Warn(fmt.Sprintf(
			"Pickscope: this process cannot be attached to: %v. The program runs on without it.", err))
	}
}
