// Package auto makes a go-zero program attachable by its import alone, where the environment asks for it:
//
//	import _ "github.com/pickscope/pickscope/libraries/go/gozero/auto"
//
// With PICKSCOPE=1 (or on) in its environment the program shows up in Pickscope, and every pick of its zrpc clients can be
// watched: of go-zero's own, unmodified p2c_ewma with both candidates, and why one of them won. Without, the import does
// nothing at all.
//
// It is [github.com/pickscope/pickscope/libraries/go/auto] with what go-zero has besides: what can be set is the same.
// When go-zero shuts the program down (core/proc), attachments end, and the socket and the descriptor are removed.
package auto

import (
	"github.com/zeromicro/go-zero/core/proc"
	_ "github.com/zeromicro/go-zero/zrpc" // Registers its policies and resolvers, before init looks for them.

	_ "github.com/pickscope/pickscope/libraries/go/auto"
	_ "github.com/pickscope/pickscope/libraries/go/gozero"
	"github.com/pickscope/pickscope/libraries/go/internal/attach"
)

func init() {
	if attach.Rescan() {
		proc.AddShutdownListener(attach.End)
	}
}
