// Package inspect is the seam between what observes every policy and what can look inside of one: how a picker tells what
// it compared.
package inspect

import (
	"google.golang.org/grpc/balancer"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
)

// A Policy whose pickers can be looked into.
type Policy struct {
	// Name under which it is registered, "p2c_ewma".
	Name string
	// ScoreOrder says how the scores of its candidates are compared.
	ScoreOrder debugpb.ScoreOrder
	// Open looks into a picker that the policy has just made, before anyone picks with it.
	//
	// (nil, nil): there is nothing to be told of it, as of one that queues every call. An error says, as a sentence, why
	// the picker cannot be looked into: its layout is unknown.
	Open func(balancer.Picker) (Picker, error)
}

// A Picker that tells what it compares.
type Picker interface {
	// Conns are those that it picks from; Candidate.Conn is an index of it. It never changes.
	Conns() []balancer.SubConn
	// Pick has the picker pick, and says how it came to that. Safe for concurrent use. It writes all fields of the decision
	// that its counts cover, unless it returns an error.
	Pick(balancer.PickInfo, *Decision) (balancer.PickResult, error)
	// Status is what the policy knows now of the conn with that index.
	Status(conn int) Status
}

// Status is what a policy keeps of a subconn.
type Status struct {
	LagNs    float64 // EWMA of latency; 0 before the first completion.
	Success  float32 // EWMA of success, 0..1000.
	Inflight uint32  // Calls in flight, as the policy counts them.
}

// MaxCandidates are compared in one pick, and MaxRejectedDraws may come before them.
const (
	MaxCandidates    = 2
	MaxRejectedDraws = 2
)

// Decision is how a pick came about.
type Decision struct {
	Reason debugpb.PickReason
	// Chosen is the index of the conn that was taken.
	Chosen int
	// Raced says that completions raced the reading, so that the candidates do not explain the choice.
	Raced bool
	// Candidates in the order in which they were drawn, as they were before the pick.
	Candidates     [MaxCandidates]Candidate
	CandidateCount int
	// Rejected draws, each of as many conns as there are candidates, one after the other.
	Rejected      [MaxCandidates * MaxRejectedDraws]Rejected
	RejectedDraws int
}

// Candidate is one that was compared.
type Candidate struct {
	Status
	Conn    int
	Score   float64 // What was compared; see Policy.ScoreOrder.
	IdleNs  float64 // Since its last pick; +Inf: never picked by this picker.
	Healthy bool
}

// Rejected is one that was drawn and not compared.
type Rejected struct {
	Conn    int
	Success float32
}

var policies = map[string]Policy{}

// Register makes a policy known. Call it from init.
func Register(policy Policy) {
	policies[policy.Name] = policy
}

// Of gives the policy of that name, if it can be looked into.
func Of(name string) (policy Policy, known bool) {
	policy, known = policies[name]
	return policy, known
}
