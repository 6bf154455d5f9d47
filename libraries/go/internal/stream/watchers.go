package stream

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
)

// maxWatchers at a time; what is kept of the past counts as none of them.
const maxWatchers = 8

// patience is after how long a watcher that takes nothing gives its place to others, or up to twice that.
const patience = time.Minute

// Watchers are those that watch this process: each has a stream of its own.
type Watchers struct {
	source   Source
	past     *Past
	patience time.Duration
	watching atomic.Int32
}

// NewWatchers lets watchers in. past: what is kept, or nil.
func NewWatchers(source Source, past *Past) *Watchers {
	if past != nil {
		source = past.source
	}
	return &Watchers{source: source, past: past, patience: patience}
}

// Describe says who this process is, as the watchers are told: with what is kept of the past.
func (w *Watchers) Describe() *debugpb.Process {
	return w.source.Describe()
}

// Watch is DebugService.Watch; see there for its errors.
func (w *Watchers) Watch(request *debugpb.WatchRequest, call debugpb.DebugService_WatchServer) error {
	if major := request.GetProtocolMajor(); major != ProtocolMajor {
		return status.Errorf(codes.FailedPrecondition,
			"This client speaks version %d.%d of the protocol, the watcher version %d.", ProtocolMajor, ProtocolMinor, major)
	}
	defer w.watching.Add(-1)
	if w.watching.Add(1) > maxWatchers {
		return status.Errorf(codes.ResourceExhausted,
			"%d watchers are attached already, and no more are let in: detach one of them, then attach again.", maxWatchers)
	}
	return w.serve(request, call)
}

// serve returns also where a Send waits for the watcher, which ends that Send.
func (w *Watchers) serve(request *debugpb.WatchRequest, call debugpb.DebugService_WatchServer) error {
	ctx, end := context.WithCancelCause(call.Context())
	defer end(nil)
	delivery := &delivery{ctx: ctx, call: call}
	done := make(chan error, 1)
	go func() { done <- w.tell(ctx, end, request, &outlet{take: delivery.take}) }()
	looks := time.NewTicker(w.patience)
	defer looks.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-looks.C:
			if delivery.isStuck() {
				return errTooSlow
			}
		}
	}
}

// tell tells the watcher all there is to tell, until ctx ends.
func (w *Watchers) tell(
	ctx context.Context, end context.CancelCauseFunc, request *debugpb.WatchRequest, to *outlet,
) error {
	if request.GetPast() && w.past != nil && w.past.Seconds() > 0 {
		live, err := w.past.replay(ctx, end, int64(min(request.GetPastSinceNs(), math.MaxInt64)), to)
		if err != nil {
			return err
		}
		return live.pace(live.flush, live.beat)
	}
	live := newStream(ctx, end, w.source, to)
	live.tellAll(live.watch())
	return live.pace(live.flush, live.beat)
}

// delivery sends the messages of one call, and sees whether the watcher takes them.
type delivery struct {
	ctx  context.Context
	call debugpb.DebugService_WatchServer
	// Rises when a message begins to be sent, and again when it was taken.
	steps    atomic.Uint64
	lastLook uint64
}

func (d *delivery) take(message *debugpb.WatchResponse) error {
	if d.ctx.Err() != nil {
		return context.Cause(d.ctx)
	}
	d.steps.Add(1)
	defer d.steps.Add(1)
	return d.call.Send(message)
}

// isStuck says whether the message that was being sent at the last look still is.
func (d *delivery) isStuck() bool {
	steps := d.steps.Load()
	stuck := steps%2 == 1 && steps == d.lastLook
	d.lastLook = steps
	return stuck
}
