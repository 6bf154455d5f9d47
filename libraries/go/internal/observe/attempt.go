package observe

import (
	"context"
	"sync"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pickscope/pickscope/libraries/go/internal/recorder"
)

// attempt is one from its completed pick to its end. grpc-go calls PickResult.Done once, after which the attempt is
// used again, so that none is allocated for a pick.
type attempt struct {
	end      func(balancer.DoneInfo) // Its own finish, bound once.
	endpoint *endpoint
	inner    func(balancer.DoneInfo) // The policy's; may be nil.

	// Of one that was picked while someone watched; else the context is nil, and nothing is known.
	ctx      context.Context
	source   recorder.StatusSource
	row      recorder.PickRow
	decision decision
}

var attempts sync.Pool

func newAttempt() *attempt {
	a, _ := attempts.Get().(*attempt)
	if a == nil {
		a = &attempt{}
		a.end = a.finish
	}
	return a
}

// begin gives an attempt that was picked while nobody watched.
func begin(endpoint *endpoint, inner func(balancer.DoneInfo)) *attempt {
	a := newAttempt()
	a.endpoint, a.inner = endpoint, inner
	return a
}

// release ends the use of an attempt.
func (a *attempt) release() {
	a.endpoint, a.inner = nil, nil
	if a.ctx != nil {
		a.ctx, a.source = nil, nil
	}
	attempts.Put(a)
}

func (a *attempt) finish(info balancer.DoneInfo) {
	if a.inner != nil {
		a.inner(info)
	}
	a.endpoint.count(info)
	if a.endpoint.channel.observer.recorder.Watched() {
		a.tell(info)
	}
	a.release()
}

// endPlain ends an attempt of which nothing is known but its endpoint.
func (e *endpoint) endPlain(info balancer.DoneInfo) {
	e.count(info)
	if e.channel.observer.recorder.Watched() {
		begin(e, nil).tell(info)
	}
}

// count counts the end of an attempt. Without a stream nothing was sent (grpc-go's stream.go, csAttempt.finish).
func (e *endpoint) count(info balancer.DoneInfo) {
	if info.BytesSent {
		e.record.Counters.Ended(codeOf(info.Err))
		return
	}
	e.record.Counters.NeverStarted()
}

// tell writes a row of the end, unless the call is picked again at once: its connection was gone (picker_wrapper.go).
func (a *attempt) tell(info balancer.DoneInfo) {
	c := a.endpoint.channel
	if a.ctx == nil {
		a.row = recorder.PickRow{Call: c.observer.recorder.NextCall(), Attempt: 1}
	}
	if !info.BytesSent && info.Err == nil {
		c.repicks(a)
		return
	}
	row := recorder.CompletionRow{
		Call:     a.row.Call,
		Attempt:  a.row.Attempt,
		Channel:  c.record.ID(),
		Method:   a.row.Method,
		Endpoint: a.endpoint.record.ID(),
		Code:     codeOf(info.Err),
	}
	started := a.row.Time
	if !info.BytesSent {
		started = 0
	}
	c.observer.recorder.Rows.AddCompletion(&row, started, a.endpoint.record, a.source)
	if info.Err != nil {
		c.mayRetry(a)
	}
}

func codeOf(err error) codes.Code {
	if err == nil {
		return codes.OK
	}
	if told, ok := status.FromError(err); ok {
		return told.Code()
	}
	return status.FromContextError(err).Code()
}
