package observe

import (
	"context"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/codes"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
	"github.com/pickscope/pickscope/libraries/go/internal/recorder"
)

// callID is a call and the number of its attempt.
type callID struct {
	call    uint64
	attempt uint32
}

// calls are those of a channel that may be picked for again: queued ones, failed ones, and those whose last attempt
// ended with an error.
//
// What all attempts of a call share, and no other call, is the channel that tells of the end of its context: grpc-go
// makes one for each call (stream.go, newClientStream). So no more wait here than the program has calls.
type calls struct {
	count atomic.Int64

	mu      sync.Mutex
	waiting map[<-chan struct{}]*waiting
}

// waiting is a call between two picks.
type waiting struct {
	id       callID // Of the pick to come.
	method   uint32
	result   debugpb.PickResult // Of its last pick.
	code     codes.Code         // That it ends with, if it does not wait.
	isReady  bool               // It waits for ready: it was picked for again after a failed pick.
	isPicked bool               // The attempt has had a completed pick.
	isEnded  bool               // The attempt has ended; only the call goes on, perhaps.
	stop     func() bool
}

// take ends the waiting of a call, and gives its id; a new one if it did not wait.
func (c *channel) take(ctx context.Context) (id callID, before *waiting) {
	if before = c.calls.take(ctx); before != nil {
		return before.id, before
	}
	return callID{c.observer.recorder.NextCall(), 1}, nil
}

// take gives the call if it waited; nil if it did not.
func (c *calls) take(ctx context.Context) *waiting {
	if c.count.Load() == 0 {
		return nil
	}
	found := c.remove(ctx.Done())
	if found != nil {
		found.stop()
	}
	return found
}

func (c *calls) remove(key <-chan struct{}) *waiting {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := c.waiting[key]
	if found != nil {
		delete(c.waiting, key)
		c.count.Add(-1)
	}
	return found
}

// wait remembers a call until it is picked for again, or its context ends.
func (c *channel) wait(ctx context.Context, call waiting) {
	key := ctx.Done()
	if key == nil {
		return
	}
	c.calls.mu.Lock()
	defer c.calls.mu.Unlock()
	if c.calls.waiting[key] != nil {
		return
	}
	if c.calls.waiting == nil {
		c.calls.waiting = map[<-chan struct{}]*waiting{}
	}
	call.stop = context.AfterFunc(ctx, func() {
		if ended := c.calls.remove(key); ended != nil {
			c.endedWaiting(ended, ctx.Err())
		}
	})
	c.calls.waiting[key] = &call
	c.calls.count.Add(1)
}

// pickFailed notes a pick that gave no subconn. before: the same call when it waited, or nil.
func (c *channel) pickFailed(ctx context.Context, call waiting, before *waiting) {
	if before != nil {
		call.isPicked = before.isPicked
		call.isReady = before.isReady || before.result == debugpb.PickResult_PICK_RESULT_FAILED
	}
	if call.result == debugpb.PickResult_PICK_RESULT_DROPPED {
		c.endedWaiting(&call, nil)
		return
	}
	c.wait(ctx, call)
}

// repicks notes that an attempt is picked for again.
func (c *channel) repicks(a *attempt) {
	if a.ctx != nil {
		c.wait(a.ctx, waiting{id: callID{a.row.Call, a.row.Attempt}, method: a.row.Method, isPicked: true})
	}
}

// mayRetry notes that grpc-go may begin another attempt of the call.
func (c *channel) mayRetry(a *attempt) {
	if a.ctx != nil && a.ctx.Err() == nil {
		next := callID{a.row.Call, a.row.Attempt + 1}
		c.wait(a.ctx, waiting{id: next, method: a.row.Method, isEnded: true})
	}
}

// endedWaiting notes the end of a call that waited.
func (c *channel) endedWaiting(call *waiting, err error) {
	if call.isEnded {
		return
	}
	if !call.isPicked {
		c.record.Counters.EndedUnpicked.Add(1)
	}
	if !c.observer.recorder.Watched() {
		return
	}
	row := recorder.CompletionRow{
		Call: call.id.call, Attempt: call.id.attempt, Channel: c.record.ID(), Method: call.method, Code: call.endCode(err),
	}
	c.observer.recorder.Rows.AddCompletion(&row, 0, nil, nil)
}

// endCode is the code that the call ends with. grpc-go cancels the context of each call that ends, also where that is
// because a pick failed; whoever waits for ready and cancels the call before the next picker looks the same.
func (w *waiting) endCode(err error) codes.Code {
	failed := w.result == debugpb.PickResult_PICK_RESULT_FAILED && !w.isReady && err == context.Canceled
	if failed || w.result == debugpb.PickResult_PICK_RESULT_DROPPED {
		return w.code
	}
	return codeOf(err)
}
