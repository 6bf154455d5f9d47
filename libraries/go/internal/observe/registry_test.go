package observe_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
)

// dialPlain makes a channel to one backend by a resolver that grpc-go registers itself.
func dialPlain(t *testing.T, backend *backend, options ...grpc.DialOption) *client {
	t.Helper()
	view := watch(t)
	view.target = "passthrough:///" + backend.address
	options = append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))
	conn, err := grpc.Dial(view.target, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &client{conn, view, nil}
}

// newName is another one at each run of a test: what is registered stays.
func newName(prefix string) string {
	return fmt.Sprintf("%s_%d", prefix, schemes.Add(1))
}

func asksFor(policy string) grpc.DialOption {
	return grpc.WithDefaultServiceConfig(serviceConfig(policy, "{}"))
}

func TestChannelWithoutServiceConfig(t *testing.T) {
	c := dialPlain(t, startBackend(t, nil))
	if code := c.call(); code != codes.OK {
		t.Fatal(code)
	}
	checkTree(t, c, []string{"pick_first"})
	checkRows(t, c, 1)
}

func TestPolicyRegisteredLater(t *testing.T) {
	later := newName("later")
	balancer.Register(turnsBuilder(later))
	backend := startBackend(t, nil)
	c := dialPlain(t, backend, asksFor(later))
	if code := c.call(); code != codes.OK {
		t.Fatal(code)
	}
	if bindsAtDial && !hasDialHook {
		// In these versions the channel has its policy before anything of the observer is called.
		if !isReported(later) || c.channel() != nil {
			t.Errorf("limitations: %q; channel %v", observer.Limitations(), c.channel())
		}
		return
	}
	checkTree(t, c, []string{later})
	checkRows(t, c, 1)
	if isReported(later) {
		t.Errorf("limitations: %q", observer.Limitations())
	}
}

func TestPolicyRegisteredBeforeStart(t *testing.T) {
	balancer.Register(turnsBuilder("before_start"))
	observer.Rescan() // As pickscope.Start does.
	c := dialPlain(t, startBackend(t, nil), asksFor("before_start"))
	if code := c.call(); code != codes.OK {
		t.Fatal(code)
	}
	checkTree(t, c, []string{"before_start"})
}

func TestPolicyRegisteredLaterAndUnseen(t *testing.T) {
	unseen := newName("unseen")
	balancer.Register(turnsBuilder(unseen))
	c := dial(t, unseen, "{}", addressesOf(startBackends(t, 1))) // By a resolver of its own, that is not registered.
	if code := c.call(); code != codes.OK {
		t.Fatal(code)
	}
	if hasDialHook {
		// Whatever is registered before a channel is made is wrapped then: nothing is to be reported.
		checkTree(t, c, []string{unseen})
		return
	}
	observer.Limitations()
	if !isReported(unseen) || c.channel() != nil {
		t.Errorf("limitations: %q; channel %v", observer.Limitations(), c.channel())
	}
	observer.Rescan()
}

func isReported(policy string) bool {
	return slices.ContainsFunc(observer.Limitations(), func(sentence string) bool {
		return strings.Contains(sentence, `"`+policy+`"`) && len(sentence) <= 256
	})
}

func TestPolicyRegisteredAgain(t *testing.T) {
	balancer.Register(turnsBuilder("again"))
	observer.Rescan()
	balancer.Register(turnsBuilder("again"))
	observer.Rescan()
	c := dialPlain(t, startBackend(t, nil), asksFor("again"))
	c.call()
	checkTree(t, c, []string{"again"})
	checkRows(t, c, 1)
}

func TestWrappedBuilders(t *testing.T) {
	if _, parses := balancer.Get("configured").(balancer.ConfigParser); !parses {
		t.Error("a policy with a config has lost its parser")
	}
	if _, parses := balancer.Get("turns").(balancer.ConfigParser); parses {
		t.Error("a policy without a config has got a parser")
	}
	if name := balancer.Get("turns").Name(); name != "turns" {
		t.Errorf("a policy is named %q", name)
	}
	idles := balancer.Get("relay").Build(fakeConn{}, balancer.BuildOptions{})
	defer idles.Close()
	if _, exits := idles.(interface{ ExitIdle() }); exits != isIdler(&relay{}) {
		t.Errorf("ExitIdle: %v, without the observer %v", exits, isIdler(&relay{}))
	}
	withIdle := balancer.Get("halves").Build(fakeConn{}, balancer.BuildOptions{})
	defer withIdle.Close()
	if !isIdler(withIdle) {
		t.Error("a policy that leaves its idleness has lost that")
	}
}

func isIdler(b balancer.Balancer) bool {
	_, exits := b.(interface{ ExitIdle() })
	return exits
}

// fakeConn is a channel that does nothing.
type fakeConn struct{ balancer.ClientConn }

func (fakeConn) Target() string { return "fake" }

// TestChannelsWithoutTarget are told apart, with their trees, though all have the same name: none.
func TestChannelsWithoutTarget(t *testing.T) {
	for range 2 {
		server := startBackend(t, nil)
		view := watch(t)
		conn, err := grpc.Dial("", grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithDefaultServiceConfig(serviceConfig("relay", `{"child": "turns"}`)),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "tcp", server.address)
			}))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		c := &client{conn, view, nil}
		if code := c.call(); code != codes.OK {
			t.Fatal(code)
		}
		checkTree(t, c, []string{"relay", "turns"})
		checkRows(t, c, 1)
	}
}
