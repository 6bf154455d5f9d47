// Package gozero lets Pickscope look into go-zero's own, unmodified p2c_ewma: the two candidates of each pick with their
// lag, success, calls in flight and load, the draws that were rejected before, and why one of the two was taken.
//
// Import it for its effect, beside [github.com/pickscope/pickscope/libraries/go], where a program starts Pickscope from
// its code:
//
//	import _ "github.com/pickscope/pickscope/libraries/go/gozero"
//
// Where the environment is to decide, import gozero/auto instead, and nothing else.
//
// It knows the layout of go-zero's picker from v1.4.5 to v1.10.3, and compares it with the one that the program was built
// with. Where they differ, only the endpoint that was chosen is shown, and Pickscope says so.
package gozero

import (
	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
	"github.com/pickscope/pickscope/libraries/go/internal/inspect"
)

func init() {
	inspect.Register(inspect.Policy{
		Name:       "p2c_ewma",
		ScoreOrder: debugpb.ScoreOrder_SCORE_ORDER_LOWER_WINS,
		Open:       open,
	})
}
