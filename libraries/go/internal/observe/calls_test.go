package observe_test

import (
	"context"
	"errors"
	"math"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/status"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
	"github.com/pickscope/pickscope/libraries/go/internal/recorder"
)

// The results of picks, in short.
const (
	completed = debugpb.PickResult_PICK_RESULT_COMPLETED
	queued    = debugpb.PickResult_PICK_RESULT_QUEUED
	failed    = debugpb.PickResult_PICK_RESULT_FAILED
	dropped   = debugpb.PickResult_PICK_RESULT_DROPPED
)

// nobody is an address that nothing answers at: the first packet is lost.
func nobody() resolver.State {
	return resolver.State{Addresses: []resolver.Address{{Addr: "nobody"}}}
}

// neverConnects has every connection attempt wait until it is given up.
func neverConnects() grpc.DialOption {
	return grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
}

func TestQueuedThenPicked(t *testing.T) {
	server := startBackend(t, nil)
	mayConnect := make(chan struct{})
	c := dial(t, "round_robin", "{}", addressesOf([]*backend{server}), grpc.WithContextDialer(
		func(ctx context.Context, address string) (net.Conn, error) {
			<-mayConnect
			return (&net.Dialer{}).DialContext(ctx, "tcp", address)
		}))
	ended := make(chan codes.Code)
	go func() { ended <- c.call() }()
	eventually(t, "a queued pick", func() bool { return c.countOf(queued) > 0 })
	close(mayConnect)
	if code := <-ended; code != codes.OK {
		t.Fatal(code)
	}
	picks, ends := c.read()
	last := picks[len(picks)-1]
	if last.Result != completed {
		t.Errorf("last pick: %v", last.Result)
	}
	for _, row := range picks {
		if row.Call != last.Call || row.Attempt != 1 || row.Method != last.Method {
			t.Errorf("call %d, attempt %d, method %d of a pick; the last is of %d", row.Call, row.Attempt, row.Method, last.Call)
		}
	}
	if len(ends) != 1 || ends[0].Call != last.Call || ends[0].Code != codes.OK {
		t.Errorf("ends: %+v", ends)
	}
	if channel, _ := c.counts(); channel.EndedUnpicked != 0 || channel.Completed != 1 {
		t.Errorf("counts: %+v", channel)
	}
}

func TestDeadlineWhileQueued(t *testing.T) {
	c := dial(t, "round_robin", "{}", nobody(), neverConnects())
	ctx, cancel := context.WithCancel(context.Background())
	deadline, cancelDeadline := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancelDeadline()
	if code := c.callWith(deadline); code != codes.DeadlineExceeded {
		t.Fatal(code)
	}
	go func() {
		eventually(t, "two queued calls", func() bool { return c.callsWith(queued) == 2 })
		cancel()
	}()
	if code := c.callWith(ctx); code != codes.Canceled {
		t.Fatal(code)
	}
	c.wantUnpicked(t, codes.DeadlineExceeded, codes.Canceled)
}

func TestFailedPick(t *testing.T) {
	c := dial(t, "round_robin", "{}", nobody(), grpc.WithContextDialer(
		func(context.Context, string) (net.Conn, error) { return nil, errors.New("no way there") }))
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	if code := c.callWith(ctx); code != codes.Unavailable {
		t.Fatal(code)
	}
	// Whoever waits for ready fails to be picked too, and ends by another reason.
	waits, cancelWait := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancelWait()
	if code := c.callWith(waits, grpc.WaitForReady(true)); code != codes.DeadlineExceeded {
		t.Fatal(code)
	}
	c.wantUnpicked(t, codes.Unavailable, codes.DeadlineExceeded)
	if c.countOf(failed) == 0 {
		t.Error("no failed pick")
	}
	eventually(t, "the endpoint's error", func() bool {
		endpoint := c.endpoints()["nobody"]
		return endpoint.GetState() == debugpb.ConnectivityState_CONNECTIVITY_STATE_TRANSIENT_FAILURE && endpoint.Error != ""
	})
}

func TestDroppedPick(t *testing.T) {
	ends := map[codes.Code]codes.Code{codes.ResourceExhausted: codes.ResourceExhausted, codes.NotFound: codes.NotFound}
	if restrictsCodes {
		ends[codes.NotFound] = codes.Internal
	}
	for code, end := range ends {
		t.Run(code.String(), func(t *testing.T) {
			c := dial(t, "turns", "{}", addressesOf(startBackends(t, 1)))
			c.waitReady(t, 1)
			drop := status.Error(code, "dropped")
			turnsErr.Store(&drop)
			defer turnsErr.Store(nil)
			if got := c.call(); got != end {
				t.Fatal(got)
			}
			c.wantUnpicked(t, end)
			picks, _ := c.read()
			last := picks[len(picks)-1]
			if last.Result != dropped || last.Code != end || last.Endpoint != 0 || last.Generation == 0 {
				t.Errorf("pick %+v", last)
			}
		})
	}
}

func TestCountsWhileNobodyWatches(t *testing.T) {
	server := startBackend(t, func(_ context.Context, call int64) error {
		if call%2 == 0 {
			return status.Error(codes.NotFound, "none")
		}
		return nil
	})
	c := dial(t, "turns", "{}", addressesOf([]*backend{server}))
	c.waitReady(t, 1)
	told.Unwatch(c.view)
	for range 10 {
		c.call()
	}
	drop := status.Error(codes.ResourceExhausted, "dropped")
	turnsErr.Store(&drop)
	c.call()
	turnsErr.Store(nil)
	channel, endpoints := c.counts()
	counts := endpoints[server.address]
	if channel.Completed != 10 || channel.Dropped != 1 || channel.EndedUnpicked != 1 {
		t.Errorf("channel: %+v", channel)
	}
	if counts.Picks != 10 || counts.Ended[codes.OK] != 5 || counts.Ended[codes.NotFound] != 5 || counts.Inflight() != 0 {
		t.Errorf("endpoint: %+v", counts)
	}
}

func TestRetry(t *testing.T) {
	server := startBackend(t, func(_ context.Context, call int64) error {
		if call < 3 {
			return status.Error(codes.Unavailable, "not yet")
		}
		return nil
	})
	retries := `{
		"loadBalancingConfig": [{"round_robin": {}}],
		"methodConfig": [{"name": [{}], "retryPolicy": {
			"maxAttempts": 4, "initialBackoff": "0.01s", "maxBackoff": "0.01s", "backoffMultiplier": 1,
			"retryableStatusCodes": ["UNAVAILABLE"]}}]}`
	c := dial(t, "round_robin", "{}", addressesOf([]*backend{server}), grpc.WithDefaultServiceConfig(retries))
	c.waitReady(t, 1)
	if code := c.call(); code != codes.OK {
		t.Fatal(code)
	}
	picks, ends := c.read()
	picks = picks[len(picks)-3:]
	for i, row := range picks {
		if row.Call != picks[0].Call || row.Attempt != uint32(i+1) || row.Result != completed {
			t.Errorf("pick %d: %+v", i, row)
		}
	}
	want := []codes.Code{codes.Unavailable, codes.Unavailable, codes.OK}
	if len(ends) != len(want) {
		t.Fatalf("%d ends", len(ends))
	}
	for i, row := range ends {
		if row.Call != picks[0].Call || row.Attempt != uint32(i+1) || row.Code != want[i] {
			t.Errorf("end %d: %+v", i, row)
		}
	}
	checkCounts(t, c, []*backend{server})
}

// refused are credentials that no call gets.
type refused struct{}

func (refused) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return nil, status.Error(codes.Unauthenticated, "refused")
}
func (refused) RequireTransportSecurity() bool { return false }

var _ credentials.PerRPCCredentials = refused{}

func TestNeverStarted(t *testing.T) {
	server := startBackend(t, nil)
	c := dial(t, "round_robin", "{}", addressesOf([]*backend{server}))
	c.waitReady(t, 1)
	code := c.call(grpc.PerRPCCredentials(refused{}))
	if code == codes.OK {
		t.Fatal(code)
	}
	_, endpoints := c.counts()
	counts := endpoints[server.address]
	if counts.Picks != 1 || counts.NeverStarted != 1 || counts.Started() != 0 || counts.Inflight() != 0 {
		t.Errorf("counts: %+v", counts)
	}
	_, ends := c.read()
	if len(ends) != 1 || !math.IsNaN(ends[0].LatencyNs) || ends[0].Code != code {
		t.Errorf("ends: %+v", ends)
	}
}

// TestAllCallsAreCounted has many calls end in all ways at once, with backends that come and go.
func TestAllCallsAreCounted(t *testing.T) {
	backends := startBackends(t, 4)
	c := dial(t, "round_robin", "{}", addressesOf(backends))
	c.waitReady(t, 4)
	const callers, each = 8, 50
	var wait sync.WaitGroup
	for caller := range callers {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for i := range each {
				if caller == 0 && i%10 == 0 {
					c.resolver.UpdateState(addressesOf(backends[:2+i%3]))
				}
				c.call()
			}
		}()
	}
	wait.Wait()
	var started, succeeded, seen uint64
	_, endpoints := c.counts()
	for address, counts := range endpoints {
		started += counts.Started()
		succeeded += counts.Ended[codes.OK]
		if counts.Inflight() != 0 {
			t.Errorf("%s: %d in flight", address, counts.Inflight())
		}
	}
	for _, backend := range backends {
		seen += uint64(backend.calls.Load())
	}
	// A stream on a connection that is being closed does not reach the backend; grpc-go makes another attempt.
	if started < seen || succeeded != seen || seen != callers*each {
		t.Errorf("started %d, succeeded %d, the backends have seen %d", started, succeeded, seen)
	}
	_, ends := c.read()
	for _, row := range ends {
		if !math.IsNaN(row.LatencyNs) {
			started--
		}
	}
	if started != 0 {
		t.Errorf("%d started attempts have no end", started)
	}
}

func (v *view) countOf(result debugpb.PickResult) (count int) {
	picks, _ := v.read()
	for _, row := range picks {
		if row.Result == result {
			count++
		}
	}
	return count
}

// callsWith is how many calls have had a pick with that result.
func (v *view) callsWith(result debugpb.PickResult) int {
	calls := map[uint64]bool{}
	picks, _ := v.read()
	for _, row := range picks {
		if row.Result == result {
			calls[row.Call] = true
		}
	}
	return len(calls)
}

// wantUnpicked waits until calls with these codes have ended that were never picked, and holds that no other call
// ended.
func (v *view) wantUnpicked(t *testing.T, want ...codes.Code) {
	t.Helper()
	eventually(t, "ends of all calls", func() bool {
		channel, _ := v.counts()
		_, ends := v.read()
		return channel.EndedUnpicked >= uint64(len(want)) && len(ends) >= len(want)
	})
	channel, _ := v.counts()
	_, ends := v.read()
	if channel.EndedUnpicked != uint64(len(want)) || len(ends) != len(want) || channel.Completed != 0 {
		t.Fatalf("counts %+v, ends %+v", channel, ends)
	}
	picks, _ := v.read()
	for _, row := range ends {
		if !slices.Contains(want, row.Code) || row.Endpoint != 0 || !math.IsNaN(row.LatencyNs) || !isOf(row, picks) {
			t.Errorf("end %+v, want one of %v", row, want)
		}
	}
}

func isOf(end recorder.CompletionRow, picks []recorder.PickRow) bool {
	for _, pick := range picks {
		if pick.Call == end.Call && pick.Attempt == end.Attempt && pick.Method == end.Method {
			return true
		}
	}
	return false
}
