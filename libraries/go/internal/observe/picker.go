package observe

import (
	"context"
	"sync/atomic"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
	"github.com/pickscope/pickscope/libraries/go/internal/inspect"
	"github.com/pickscope/pickscope/libraries/go/internal/recorder"
)

// All of this runs inside of calls.

// picker stands for the picker of a root policy. Its rows are those of the whole tree.
type picker struct {
	inner      balancer.Picker
	node       *node
	channel    *channel
	recorder   *recorder.Recorder
	inspected  *inspectedPicker // nil: the policy does not tell what it compares.
	generation atomic.Pointer[recorder.Generation]
	method     atomic.Pointer[method]
}

// method is the one that was picked for first, with its id: most channels have one that is called most.
type method struct {
	name string
	id   uint32
}

// Pick has the policy pick, and notes it.
func (p *picker) Pick(info balancer.PickInfo) (balancer.PickResult, error) {
	if p.recorder.Watched() {
		return p.pickWatched(info)
	}
	result, err := p.inner.Pick(info)
	if err != nil {
		p.unpicked(info, err, nil)
		return result, err
	}
	endpoint := p.channel.conns.get(result.SubConn)
	if endpoint == nil {
		return result, nil
	}
	p.channel.calls.take(info.Ctx)
	endpoint.record.Counters.Picked()
	if result.Done == nil {
		result.Done = endpoint.plainEnd
	} else {
		result.Done = begin(endpoint, result.Done).end
	}
	return result, nil
}

// pickWatched is Pick while someone watches.
func (p *picker) pickWatched(info balancer.PickInfo) (balancer.PickResult, error) {
	a := newAttempt()
	a.decision.clear()
	result, err := p.decide(info, a)
	a.row.Policy = a.decision.policy
	if a.row.Policy == 0 {
		a.row.Policy = p.node.decidingID.Load()
	}
	if err != nil {
		p.unpicked(info, err, &a.row)
		a.release()
		return result, err
	}
	a.endpoint = a.decision.chosen()
	if a.endpoint == nil {
		a.endpoint = p.channel.conns.get(result.SubConn)
	}
	if a.endpoint == nil {
		a.release()
		return result, nil
	}
	a.inner = result.Done
	p.picked(info, a)
	result.Done = a.end
	return result, nil
}

// picked counts a completed pick, and tells it.
func (p *picker) picked(info balancer.PickInfo, a *attempt) {
	endpoint := a.endpoint.record
	endpoint.Counters.Picked()
	a.ctx, a.source = info.Ctx, endpoint.StatusSource()
	call, _ := p.channel.take(info.Ctx)
	p.describe(&a.row, info, call)
	a.decision.write(&a.row)
	a.row.Result, a.row.Code, a.row.Endpoint = debugpb.PickResult_PICK_RESULT_COMPLETED, codes.OK, endpoint.ID()
	p.recorder.Rows.AddPick(&a.row, endpoint)
}

// decide picks. Where policies are nested, the context carries what the one that decides is to fill in.
func (p *picker) decide(info balancer.PickInfo, a *attempt) (balancer.PickResult, error) {
	if p.inspected != nil {
		a.decision.inspected = p.inspected
		return p.inspected.Pick(info, &a.decision.Decision)
	}
	if !p.node.isParent.Load() {
		return p.inner.Pick(info)
	}
	info.Ctx = &slot{info.Ctx, &a.decision}
	return p.inner.Pick(info)
}

// describe fills in of a row what all rows have.
func (p *picker) describe(row *recorder.PickRow, info balancer.PickInfo, call callID) {
	row.Call, row.Attempt = call.call, call.attempt
	row.Channel = p.channel.record.ID()
	row.Generation = p.generationInUse().ID()
	row.Method = p.methodID(info.FullMethodName)
}

// generationInUse is that of this picker. One of a root that waits for its turn has none, until it is picked with.
func (p *picker) generationInUse() *recorder.Generation {
	generation := p.generation.Load()
	if generation == nil {
		generation = p.channel.takeOver(p)
	}
	return generation
}

func (p *picker) methodID(name string) uint32 {
	known := p.method.Load()
	if known != nil && known.name == name {
		return known.id
	}
	id := p.recorder.Methods.ID(name)
	if known == nil {
		p.method.Store(&method{name, id})
	}
	return id
}

// unpicked notes a pick that gave no subconn. row: nil while nobody watches.
func (p *picker) unpicked(info balancer.PickInfo, err error, row *recorder.PickRow) {
	result, code := p.countUnpicked(err)
	call, before := p.channel.take(info.Ctx)
	if row != nil {
		*row = recorder.PickRow{Policy: row.Policy, Result: result, Code: code}
		p.describe(row, info, call)
		p.recorder.Rows.AddPick(row, nil)
	}
	now := waiting{id: call, method: p.methodID(info.FullMethodName), result: result, code: code}
	p.channel.pickFailed(info.Ctx, now, before)
}

// countUnpicked counts by what grpc-go makes of a picker's error (picker_wrapper.go), and gives the code that a call
// that does not wait ends with.
func (p *picker) countUnpicked(err error) (debugpb.PickResult, codes.Code) {
	counters := &p.channel.record.Counters
	if err == balancer.ErrNoSubConnAvailable {
		counters.Queued.Add(1)
		return debugpb.PickResult_PICK_RESULT_QUEUED, codes.OK
	}
	if told, ok := status.FromError(err); ok {
		counters.Dropped.Add(1)
		return debugpb.PickResult_PICK_RESULT_DROPPED, endingCode(told.Code())
	}
	counters.Failed.Add(1)
	return debugpb.PickResult_PICK_RESULT_FAILED, codes.Unavailable
}

// endingCode is what a call ends with whose policy says so.
func endingCode(code codes.Code) codes.Code {
	if !restrictsCodes {
		return code
	}
	switch code {
	case codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.FailedPrecondition, codes.Aborted,
		codes.OutOfRange, codes.DataLoss:
		return codes.Internal
	default:
		return code
	}
}

// nestedPicker stands for the picker of a policy below another. It tells the root's what it decided.
type nestedPicker struct {
	inner     balancer.Picker
	policy    uint32
	recorder  *recorder.Recorder
	inspected *inspectedPicker
}

// Pick has the policy pick. What is below it tells first.
func (p *nestedPicker) Pick(info balancer.PickInfo) (balancer.PickResult, error) {
	if !p.recorder.Watched() {
		return p.inner.Pick(info)
	}
	slot, _ := info.Ctx.Value(slotKey{}).(*slot)
	if slot == nil {
		return p.inner.Pick(info)
	}
	slot.decision.clear()
	slot.decision.policy = p.policy
	if p.inspected == nil {
		return p.inner.Pick(info)
	}
	slot.decision.inspected = p.inspected
	return p.inspected.Pick(info, &slot.decision.Decision)
}

// slot is the context of a pick in a tree of policies.
type slot struct {
	context.Context
	decision *decision
}

type slotKey struct{}

// Value gives the slot itself by its key.
func (s *slot) Value(key any) any {
	if key == (slotKey{}) {
		return s
	}
	return s.Context.Value(key)
}

// decision is what a policy decided, and which.
type decision struct {
	inspect.Decision
	policy    uint32           // 0: not told.
	inspected *inspectedPicker // nil: no candidates are told.
}

// clear makes it that of a policy that tells nothing. What its counts cover is written anew.
func (d *decision) clear() {
	d.policy, d.inspected = 0, nil
	d.Reason, d.Raced, d.CandidateCount, d.RejectedDraws = debugpb.PickReason_PICK_REASON_UNSPECIFIED, false, 0, 0
}

// chosen is the endpoint that was taken; nil: not told.
func (d *decision) chosen() *endpoint {
	if d.inspected == nil {
		return nil
	}
	return d.inspected.endpoints[d.Chosen]
}

// write puts the decision of a completed pick into a row.
func (d *decision) write(row *recorder.PickRow) {
	row.Reason, row.Flags = d.Reason, 0
	if d.Raced {
		row.Flags = uint32(debugpb.PickFlag_PICK_FLAG_RACED)
	}
	row.CandidateCount, row.RejectedDraws = uint8(d.CandidateCount), uint8(d.RejectedDraws)
	for i, candidate := range d.Candidates[:d.CandidateCount] {
		row.Candidates[i] = recorder.CandidateRow{
			Endpoint: d.inspected.endpoints[candidate.Conn].record.ID(),
			Inflight: candidate.Inflight,
			LagNs:    candidate.LagNs,
			Score:    candidate.Score,
			IdleNs:   candidate.IdleNs,
			Success:  candidate.Success,
			Healthy:  candidate.Healthy,
		}
	}
	for i, rejected := range d.Rejected[:d.RejectedDraws*d.CandidateCount] {
		row.Rejected[i] = recorder.RejectedRow{
			Endpoint: d.inspected.endpoints[rejected.Conn].record.ID(),
			Success:  rejected.Success,
		}
	}
}
