package gozero

import (
	"math/rand"
	randv2 "math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/balancer"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
	"github.com/pickscope/pickscope/libraries/go/internal/inspect"
)

// forcePick is go-zero's: one that was not picked for longer is taken the next time that it loses, ns.
const forcePick = int64(time.Second)

// picker has go-zero's code pick, from go-zero's conns, and knows what it was that go-zero compared.
//
// The picker that go-zero made stays as it is, and goes on picking while nobody watches; its twin picks when somebody does.
type picker struct {
	twin  balancer.Picker
	conns []*subConn
	// lock is that of the picker which go-zero made. It keeps picks away that nobody watches: while we hold it, only
	// completions change what is known of a conn.
	lock   *sync.Mutex
	dealer dealer // Guarded by lock.
}

func open(its balancer.Picker) (inspect.Picker, error) {
	mirrored, err := mirror(its)
	if mirrored == nil {
		return nil, err
	}
	p := &picker{lock: &mirrored.lock, conns: mirrored.conns}
	p.dealer = dealer{conns: mirrored.conns, random: randv2.NewPCG(randv2.Uint64(), randv2.Uint64())}
	p.twin = twin(its, mirrored, rand.New(&p.dealer))
	return p, nil
}

func (p *picker) Conns() []balancer.SubConn {
	conns := make([]balancer.SubConn, len(p.conns))
	for i, conn := range p.conns {
		conns[i] = conn.conn
	}
	return conns
}

func (p *picker) Status(conn int) inspect.Status {
	its := p.conns[conn]
	return statusOf(atomic.LoadUint64(&its.lag), atomic.LoadUint64(&its.success), atomic.LoadInt64(&its.inflight))
}

func (p *picker) Pick(info balancer.PickInfo, decision *inspect.Decision) (balancer.PickResult, error) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.dealer.begin(decision)
	result, err := p.twin.Pick(info)
	if err == nil {
		p.explain(result.SubConn, decision)
	}
	return result, err
}

// explain says how go-zero came to the conn that it chose.
func (p *picker) explain(conn balancer.SubConn, decision *inspect.Decision) {
	chosen := p.candidate(conn, decision)
	if chosen < 0 {
		p.giveUp(conn, decision)
		return
	}
	decision.Chosen = decision.Candidates[chosen].Conn
	// What go-zero has just noted there: the time of this pick, by the clock that it compared with.
	now := atomic.LoadInt64(&p.conns[decision.Chosen].pick)
	for i := range decision.CandidateCount {
		decision.Candidates[i].IdleNs = p.dealer.idle(i, now)
	}
	taken, reason := p.choose(decision, now)
	decision.Reason, decision.Raced = reason, false
	if taken != chosen || p.dealer.surprised {
		decision.Reason, decision.Raced = debugpb.PickReason_PICK_REASON_UNSPECIFIED, true
	}
}

// candidate is which of the candidates a conn is; -1: none.
func (p *picker) candidate(conn balancer.SubConn, decision *inspect.Decision) int {
	for i := range decision.CandidateCount {
		if p.conns[decision.Candidates[i].Conn].conn == conn {
			return i
		}
	}
	return -1
}

// giveUp tells only what was chosen: go-zero took none of those that it drew, so it does not work as it is known here.
func (p *picker) giveUp(conn balancer.SubConn, decision *inspect.Decision) {
	at := slices.IndexFunc(p.conns, func(its *subConn) bool { return its.conn == conn })
	*decision = inspect.Decision{Chosen: max(at, 0), Raced: true}
}

// choose is go-zero's: which of the candidates is taken, and by which of its branches; -1: it would have drawn again.
func (p *picker) choose(decision *inspect.Decision, now int64) (taken int, reason debugpb.PickReason) {
	if decision.CandidateCount == 1 {
		return 0, debugpb.PickReason_PICK_REASON_ONLY_ONE
	}
	first, second := &decision.Candidates[0], &decision.Candidates[1]
	// Two that are all are not asked for their health.
	healthy := len(p.conns) == pairSize || first.Healthy && second.Healthy
	if !healthy && decision.RejectedDraws < inspect.MaxRejectedDraws {
		return -1, debugpb.PickReason_PICK_REASON_UNSPECIFIED
	}
	// Strictly: a tie keeps the first that was drawn.
	if first.Score > second.Score {
		taken = 1
	}
	loser := 1 - taken
	switch {
	case now-p.dealer.picked[loser] > forcePick:
		return loser, debugpb.PickReason_PICK_REASON_FORCED
	case !healthy:
		return taken, debugpb.PickReason_PICK_REASON_NO_HEALTHY_PAIR
	case first.Score == second.Score:
		return taken, debugpb.PickReason_PICK_REASON_TIE
	default:
		return taken, debugpb.PickReason_PICK_REASON_BETTER_SCORE
	}
}
