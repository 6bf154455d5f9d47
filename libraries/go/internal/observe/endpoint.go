package observe

import (
	"slices"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/connectivity"

	"github.com/pickscope/pickscope/libraries/go/internal/recorder"
)

// endpoint is what a policy picks. Its channel's lock guards what may change.
type endpoint struct {
	record    *recorder.Endpoint
	channel   *channel
	addresses []string
	isGiven   bool   // Whether the resolver brought these addresses as one, rather than a policy put them together.
	err       string // Of the last failed connection, since one was READY: a policy that stays in failure has it.
	states    [tiers]map[any]stateOf
	plainEnd  func(balancer.DoneInfo)
}

// tier is who says in which state an endpoint is. Where there is a better one, the others do not count.
type tier int

const (
	byLeaf   tier = iota // A policy that holds this endpoint alone (gRFC A61).
	byPolicy             // A policy in between, of what it shows as subconns: so outlier_detection may eject.
	byGrpc               // grpc-go, of the subconns.
	tiers
)

// stateOf is what was said, in the tree below a root.
type stateOf struct {
	root  *node
	state connectivity.State
}

// set notes the state of a leaf or subconn.
func (e *endpoint) set(tier tier, of any, state stateOf) {
	if e.states[tier] == nil {
		e.states[tier] = map[any]stateOf{}
	}
	e.states[tier][of] = state
	e.tellState()
}

func (e *endpoint) unset(tier tier, of any) {
	delete(e.states[tier], of)
	e.tellState()
}

// statesByRank are the states of which an endpoint has the first that is said of it.
var statesByRank = []connectivity.State{
	connectivity.Ready, connectivity.Connecting, connectivity.TransientFailure, connectivity.Idle,
}

func (e *endpoint) tellState() {
	said := e.said(func(*node) bool { return true })
	best := connectivity.Idle
	if i := slices.IndexFunc(statesByRank, func(state connectivity.State) bool { return said[state] }); i >= 0 {
		best = statesByRank[i]
	}
	err := ""
	switch best {
	case connectivity.Ready:
		e.err = ""
	case connectivity.TransientFailure:
		err = e.err
	}
	e.record.SetState(protocolState(best), err)
}

// isReady says whether the endpoint can be picked in the tree below a root.
func (e *endpoint) isReady(root *node) bool {
	return e.said(func(in *node) bool { return in == root })[connectivity.Ready]
}

// said gives the states that the best tier says, of those that there are, in some trees.
func (e *endpoint) said(in func(root *node) bool) map[connectivity.State]bool {
	said := map[connectivity.State]bool{}
	for _, states := range e.states {
		for _, one := range states {
			if in(one.root) {
				said[one.state] = true
			}
		}
		if len(said) > 0 {
			break
		}
	}
	return said
}
