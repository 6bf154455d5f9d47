package observe_test

import (
	"context"
	"testing"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/resolver"

	"github.com/pickscope/pickscope/libraries/go/internal/recorder"
)

// benchConn is a channel that has connections at once, and keeps its picker.
type benchConn struct {
	balancer.ClientConn
	picker balancer.Picker
}

type benchSubConn struct {
	balancer.SubConn
	address string
}

func (*benchSubConn) Connect() {}

func (c *benchConn) Target() string { return "bench" }

func (c *benchConn) NewSubConn(a []resolver.Address, _ balancer.NewSubConnOptions) (balancer.SubConn, error) {
	return &benchSubConn{address: a[0].Addr}, nil
}

func (c *benchConn) UpdateState(state balancer.State) { c.picker = state.Picker }

// plain is a policy without Done.
type plain struct{ turns }

func (p *plain) Pick(balancer.PickInfo) (balancer.PickResult, error) {
	return balancer.PickResult{SubConn: p.conns[int(p.next.Add(1))%len(p.conns)]}, nil
}

// fixed is a policy whose picker a benchmark makes.
type fixed struct{}

func (fixed) Name() string { return "fixed" }

var fixedPicker func([]balancer.SubConn) balancer.Picker

func (fixed) Build(cc balancer.ClientConn, _ balancer.BuildOptions) balancer.Balancer {
	return &fixedBalancer{cc: cc}
}

type fixedBalancer struct {
	noIdle
	cc    balancer.ClientConn
	conns []balancer.SubConn
}

func (b *fixedBalancer) UpdateClientConnState(state balancer.ClientConnState) error {
	for _, address := range state.ResolverState.Addresses {
		sc, err := b.cc.NewSubConn([]resolver.Address{address}, balancer.NewSubConnOptions{})
		if err != nil {
			return err
		}
		b.conns = append(b.conns, sc)
	}
	b.cc.UpdateState(balancer.State{ConnectivityState: connectivity.Ready, Picker: fixedPicker(b.conns)})
	return nil
}
func (b *fixedBalancer) ResolverError(error)                                        {}
func (b *fixedBalancer) UpdateSubConnState(balancer.SubConn, balancer.SubConnState) {}
func (b *fixedBalancer) Close()                                                     {}

func init() { balancer.Register(fixed{}) }

func BenchmarkPick(b *testing.B) {
	policies := map[string]func([]balancer.SubConn) balancer.Picker{
		"done":   func(conns []balancer.SubConn) balancer.Picker { return &turns{conns: conns} },
		"noDone": func(conns []balancer.SubConn) balancer.Picker { return &plain{turns{conns: conns}} },
	}
	for name, policy := range policies {
		fixedPicker = policy
		cc := &benchConn{}
		built := balancer.Get("fixed").Build(cc, balancer.BuildOptions{})
		var state resolver.State
		for _, address := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
			state.Addresses = append(state.Addresses, resolver.Address{Addr: address})
		}
		if err := built.UpdateClientConnState(balancer.ClientConnState{ResolverState: state}); err != nil {
			b.Fatal(err)
		}
		var conns []balancer.SubConn
		for range 10 {
			result, _ := cc.picker.Pick(balancer.PickInfo{Ctx: context.Background()})
			conns = append(conns, result.SubConn)
		}
		b.Run(name+"/raw", func(b *testing.B) { picks(b, policy(conns)) })
		b.Run(name+"/detached", func(b *testing.B) { picks(b, cc.picker) })
		b.Run(name+"/attached", func(b *testing.B) {
			watcher := &view{}
			told.Watch(watcher, func(recorder.Moment) {})
			defer told.Unwatch(watcher)
			picks(b, cc.picker)
		})
	}
}

func picks(b *testing.B, picker balancer.Picker) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	info := balancer.PickInfo{FullMethodName: method, Ctx: ctx}
	done := balancer.DoneInfo{BytesSent: true}
	b.ReportAllocs()
	for range b.N {
		result, err := picker.Pick(info)
		if err != nil {
			b.Fatal(err)
		}
		if result.Done != nil {
			result.Done(done)
		}
	}
}
