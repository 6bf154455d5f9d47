package observe_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/serviceconfig"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
	"github.com/pickscope/pickscope/libraries/go/internal/observe"
	"github.com/pickscope/pickscope/libraries/go/internal/recorder"
)

// What is observed is one for the process, as in a program.
var (
	told     = recorder.New()
	observer *observe.Observer
)

func TestMain(m *testing.M) {
	observer = observe.Install(told)
	os.Exit(m.Run())
}

const method = "/shop.Cart/GetCart"

// soon is how long a test waits for what has to happen.
const soon = 20 * time.Second

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(soon); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("never: %s", what)
}

// backend is a gRPC server on loopback that counts calls.
type backend struct {
	address string
	server  *grpc.Server
	calls   atomic.Int64
	answer  func(ctx context.Context, call int64) error // nil: OK.
}

func startBackend(t *testing.T, answer func(ctx context.Context, call int64) error) *backend {
	t.Helper()
	return startBackendAt(t, "127.0.0.1:0", answer)
}

func startBackendAt(t *testing.T, address string, answer func(ctx context.Context, call int64) error) *backend {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	b := &backend{address: listener.Addr().String(), answer: answer}
	b.server = grpc.NewServer(grpc.UnknownServiceHandler(b.handle))
	go b.server.Serve(listener)
	t.Cleanup(b.server.Stop)
	return b
}

func (b *backend) handle(_ any, stream grpc.ServerStream) error {
	call := b.calls.Add(1)
	if err := stream.RecvMsg(&emptypb.Empty{}); err != nil {
		return err
	}
	if b.answer != nil {
		if err := b.answer(stream.Context(), call); err != nil {
			return err
		}
	}
	return stream.SendMsg(&emptypb.Empty{})
}

func startBackends(t *testing.T, count int) []*backend {
	backends := make([]*backend, count)
	for i := range backends {
		backends[i] = startBackend(t, nil)
	}
	return backends
}

func addressesOf(backends []*backend) resolver.State {
	var state resolver.State
	for _, backend := range backends {
		state.Addresses = append(state.Addresses, resolver.Address{Addr: backend.address})
	}
	return state
}

// client is a channel of which a test is told everything.
type client struct {
	*grpc.ClientConn
	*view
	resolver *source
}

// source is a resolver that brings what a test says.
type source struct {
	scheme string
	first  resolver.State
	resolver.ClientConn
}

func (s *source) Scheme() string { return s.scheme }

func (s *source) Build(_ resolver.Target, cc resolver.ClientConn, _ resolver.BuildOptions) (resolver.Resolver, error) {
	s.ClientConn = cc
	cc.UpdateState(s.first)
	return s, nil
}

func (s *source) ResolveNow(resolver.ResolveNowOptions) {}

func (s *source) Close() {}

var schemes atomic.Int64

// dial makes a channel with a policy. config: that of the policy, as JSON.
func dial(t *testing.T, policy, config string, state resolver.State, options ...grpc.DialOption) *client {
	t.Helper()
	scheme := fmt.Sprintf("test%d", schemes.Add(1))
	source := &source{scheme: scheme, first: state}
	view := watch(t)
	options = append([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithResolvers(source),
		grpc.WithDefaultServiceConfig(serviceConfig(policy, config)),
	}, options...)
	target := scheme + ":///shop"
	conn, err := grpc.Dial(target, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	view.target = target
	return &client{conn, view, source}
}

func serviceConfig(policy, config string) string {
	return fmt.Sprintf(`{"loadBalancingConfig": [{%q: %s}]}`, policy, config)
}

// call makes a call that waits until it can be made, and gives its code.
func (c *client) call(options ...grpc.CallOption) codes.Code {
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	return c.callWith(ctx, append(options, grpc.WaitForReady(true))...)
}

func (c *client) callWith(ctx context.Context, options ...grpc.CallOption) codes.Code {
	return status.Code(c.Invoke(ctx, method, &emptypb.Empty{}, &emptypb.Empty{}, options...))
}

// view is what a watcher sees of one channel.
type view struct {
	target string

	mu      sync.Mutex
	changes []recorder.Change
	next    recorder.Position
	picks   []recorder.PickRow
	ends    []recorder.CompletionRow
	lost    uint64
}

func watch(t *testing.T) *view {
	v := &view{}
	told.Watch(v, func(moment recorder.Moment) { v.next = moment.Next })
	t.Cleanup(func() { told.Unwatch(v) })
	return v
}

// Changed implements recorder.Watcher.
func (v *view) Changed(change recorder.Change) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.changes = append(v.changes, change)
}

// Filling implements recorder.Watcher.
func (v *view) Filling() {}

// read takes what rows there are, and gives a copy of all so far of this channel.
func (v *view) read() (picks []recorder.PickRow, ends []recorder.CompletionRow) {
	channel := v.channel().GetId()
	v.mu.Lock()
	defer v.mu.Unlock()
	somePicks, someEnds := make([]recorder.PickRow, 1000), make([]recorder.CompletionRow, 1000)
	for {
		read, lost := told.Rows.ReadPicks(v.next.Picks, somePicks)
		v.next.Picks += uint64(read) + lost
		v.lost += lost
		v.picks = append(v.picks, somePicks[:read]...)
		ended, lost := told.Rows.ReadCompletions(v.next.Completions, someEnds)
		v.next.Completions += uint64(ended) + lost
		v.lost += lost
		v.ends = append(v.ends, someEnds[:ended]...)
		if read == 0 && ended == 0 {
			break
		}
	}
	for _, row := range v.picks {
		if row.Channel == channel {
			picks = append(picks, row)
		}
	}
	for _, row := range v.ends {
		if row.Channel == channel {
			ends = append(ends, row)
		}
	}
	return picks, ends
}

// each calls `visit` with the changes so far, in order.
func (v *view) each(visit func(recorder.Change)) {
	v.mu.Lock()
	changes := slices.Clone(v.changes)
	v.mu.Unlock()
	for _, change := range changes {
		visit(change)
	}
}

// channel is the newest state of the channel; nil: it was not told of.
func (v *view) channel() (channel *debugpb.Channel) {
	v.each(func(change recorder.Change) {
		if told := change.GetChannel(); told != nil && told.Target == v.target {
			channel = told
		}
	})
	return channel
}

// policies are those that run, by their ids.
func (v *view) policies() map[uint32]*debugpb.Policy {
	id, found := v.channel().GetId(), map[uint32]*debugpb.Policy{}
	v.each(func(change recorder.Change) {
		policy := change.GetPolicy()
		if policy == nil || policy.Channel != id {
			return
		}
		found[policy.Id] = policy
		if policy.Removed {
			delete(found, policy.Id)
		}
	})
	return found
}

// endpoints are those that exist, by their addresses.
func (v *view) endpoints() map[string]*debugpb.Endpoint {
	id, byID := v.channel().GetId(), map[uint32]*debugpb.Endpoint{}
	v.each(func(change recorder.Change) {
		if endpoint := change.GetEndpoint(); endpoint != nil && endpoint.Channel == id {
			byID[endpoint.Id] = endpoint
		}
	})
	found := map[string]*debugpb.Endpoint{}
	for _, endpoint := range byID {
		if !endpoint.Removed {
			found[strings.Join(endpoint.Addresses, ", ")] = endpoint
		}
	}
	return found
}

// subconns are those that exist, of the channel's endpoints.
func (v *view) subconns() []*debugpb.Subconn {
	byID := map[uint32]*debugpb.Subconn{}
	v.each(func(change recorder.Change) {
		if subconn := change.GetSubconn(); subconn != nil {
			byID[subconn.Id] = subconn
		}
	})
	var found []*debugpb.Subconn
	for _, endpoint := range v.endpoints() {
		for _, subconn := range byID {
			if subconn.Endpoints[0] == endpoint.Id && !subconn.Removed {
				found = append(found, subconn)
			}
		}
	}
	return found
}

func (v *view) generations() (found []*debugpb.Generation) {
	id := v.channel().GetId()
	v.each(func(change recorder.Change) {
		if generation := change.GetGeneration(); generation != nil && generation.Channel == id {
			found = append(found, generation)
		}
	})
	return found
}

func (v *view) updates() (found []*debugpb.ResolverUpdate) {
	id := v.channel().GetId()
	v.each(func(change recorder.Change) {
		if update := change.GetResolverUpdate(); update != nil && update.Channel == id {
			found = append(found, update)
		}
	})
	return found
}

// waitReady waits until the channel's picker holds so many endpoints.
func (v *view) waitReady(t *testing.T, endpoints int) {
	t.Helper()
	eventually(t, fmt.Sprintf("a picker of %d endpoints", endpoints), func() bool {
		all := v.generations()
		return len(all) > 0 && len(all[len(all)-1].Endpoints) == endpoints
	})
}

// counts are the exact ones of the channel, and of its endpoints by their addresses: an endpoint may go and come again.
func (v *view) counts() (channel recorder.ChannelCounts, endpoints map[string]recorder.EndpointCounts) {
	id := v.channel().GetId()
	endpoints = map[string]recorder.EndpointCounts{}
	v.each(func(change recorder.Change) {
		if change.Channel != nil && change.Channel.ID() == id {
			channel = change.Channel.Counts()
		}
		if change.Endpoint != nil && change.GetEndpoint().Channel == id {
			address := strings.Join(change.GetEndpoint().Addresses, ", ")
			endpoints[address] = sum(endpoints[address], change.Endpoint.Counts())
		}
	})
	return channel, endpoints
}

func sum(a, b recorder.EndpointCounts) recorder.EndpointCounts {
	a.Picks += b.Picks
	a.NeverStarted += b.NeverStarted
	for code, count := range b.Ended {
		a.Ended[code] += count
	}
	return a
}

// dialerThatWaits gives no connection to an address before it may.
func dialerThatWaits(address string, may <-chan struct{}) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, to string) (net.Conn, error) {
		if to == address {
			select {
			case <-may:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		return (&net.Dialer{}).DialContext(ctx, "tcp", to)
	}
}

// parse gives a service config as a resolver brings it.
func (c *client) parse(config string) *serviceconfig.ParseResult {
	return c.resolver.ParseServiceConfig(config)
}
