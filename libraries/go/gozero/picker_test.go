package gozero

import (
	"fmt"
	"os"
	"reflect"
	"testing"

	"github.com/zeromicro/go-zero/core/logx"
	_ "github.com/zeromicro/go-zero/zrpc"
	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/resolver"
)

func TestMain(m *testing.M) {
	logx.DisableStat()
	os.Exit(m.Run())
}

// fakeConn is a connection to nothing.
type fakeConn struct {
	balancer.SubConn
	setState func(balancer.SubConnState)
}

func (*fakeConn) Connect() {}

// fakeChannel is what go-zero's balancer works for.
type fakeChannel struct {
	balancer.ClientConn
	policy balancer.Balancer
	conns  []*fakeConn
	picker balancer.Picker
}

func (c *fakeChannel) Target() string { return "fake:///backends" }

func (c *fakeChannel) UpdateState(state balancer.State) { c.picker = state.Picker }

func (c *fakeChannel) NewSubConn(_ []resolver.Address, options balancer.NewSubConnOptions) (balancer.SubConn, error) {
	conn := &fakeConn{}
	conn.setState = func(state balancer.SubConnState) { c.policy.UpdateSubConnState(conn, state) }
	// From grpc-go 1.58 on, the state of a connection goes to a listener.
	if listener := reflect.ValueOf(options).FieldByName("StateListener"); listener.IsValid() {
		conn.setState = listener.Interface().(func(balancer.SubConnState))
	}
	c.conns = append(c.conns, conn)
	return conn, nil
}

// buildPicker has go-zero's own p2c_ewma make a picker over that many READY connections.
func buildPicker(t testing.TB, backends int) balancer.Picker {
	t.Helper()
	return buildPickerOf(t, balancer.Get("p2c_ewma"), backends)
}

func buildPickerOf(t testing.TB, policy balancer.Builder, backends int) balancer.Picker {
	t.Helper()
	channel := &fakeChannel{}
	channel.policy = policy.Build(channel, balancer.BuildOptions{})
	t.Cleanup(channel.policy.Close)
	var addresses []resolver.Address
	for i := range backends {
		addresses = append(addresses, resolver.Address{Addr: fmt.Sprintf("10.0.0.%d:50051", i)})
	}
	state := balancer.ClientConnState{ResolverState: resolver.State{Addresses: addresses}}
	if err := channel.policy.UpdateClientConnState(state); err != nil {
		t.Fatal(err)
	}
	for _, conn := range channel.conns {
		conn.setState(balancer.SubConnState{ConnectivityState: connectivity.Ready})
	}
	return channel.picker
}

// openPicker looks into a picker of go-zero's over that many READY connections.
func openPicker(t testing.TB, backends int) *picker {
	t.Helper()
	opened, err := open(buildPicker(t, backends))
	if err != nil {
		t.Fatal(err)
	}
	return opened.(*picker)
}
