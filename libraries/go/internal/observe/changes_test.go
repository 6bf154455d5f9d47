package observe_test

import (
	"errors"
	"slices"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/resolver"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
)

const (
	idle     = debugpb.ConnectivityState_CONNECTIVITY_STATE_IDLE
	ready    = debugpb.ConnectivityState_CONNECTIVITY_STATE_READY
	shutdown = debugpb.ConnectivityState_CONNECTIVITY_STATE_SHUTDOWN

	byUpdate   = debugpb.GenerationCause_GENERATION_CAUSE_RESOLVER_UPDATE
	byReady    = debugpb.GenerationCause_GENERATION_CAUSE_ENDPOINT_READY
	byNotReady = debugpb.GenerationCause_GENERATION_CAUSE_ENDPOINT_NOT_READY
)

func TestStates(t *testing.T) {
	backends := startBackends(t, 2)
	c := dial(t, "round_robin", "{}", addressesOf(backends))
	c.waitReady(t, 2)
	eventually(t, "a channel in READY", func() bool { return c.channel().State == ready })
	endpoints, subconns := c.endpoints(), c.subconns()
	if len(endpoints) != 2 || len(subconns) != 2 || c.channel().ChannelzId == 0 {
		t.Fatalf("endpoints %v, subconns %v, channel %v", endpoints, subconns, c.channel())
	}
	for _, subconn := range subconns {
		endpoint := endpoints[subconn.Address]
		if endpoint.GetState() != ready || subconn.State != ready || subconn.Endpoints[0] != endpoint.Id {
			t.Errorf("subconn %v of %v", subconn, endpoint)
		}
	}
	generations := c.generations()
	if last := generations[len(generations)-1]; last.Cause != byReady || !last.HistoryKept || last.Policy == 0 {
		t.Errorf("generation %v", last)
	}
	if updates := c.updates(); len(updates) != 1 || updates[0].EndpointCount != 2 || len(updates[0].Addresses) != 2 {
		t.Errorf("updates %v", updates)
	}
}

func TestKilledBackend(t *testing.T) {
	backends := startBackends(t, 2)
	c := dial(t, "round_robin", "{}", addressesOf(backends))
	c.waitReady(t, 2)
	backends[0].server.Stop()
	eventually(t, "an endpoint with an error", func() bool { return c.endpoints()[backends[0].address].GetError() != "" })
	c.waitReady(t, 1)
	causes := c.causes()
	if !slices.Contains(causes, byNotReady) {
		t.Errorf("causes %v", causes)
	}
	for range 4 {
		if code := c.call(); code != codes.OK {
			t.Error(code)
		}
	}
	if seen := backends[1].calls.Load(); seen != 4 {
		t.Errorf("the other backend has seen %d calls", seen)
	}
	startBackendAt(t, backends[0].address, nil)
	c.ResetConnectBackoff()
	c.waitReady(t, 2)
}

func TestResolverAddsAndRemoves(t *testing.T) {
	for _, policy := range []string{"round_robin", "turns", "open_turns"} {
		t.Run(policy, func(t *testing.T) {
			backends := startBackends(t, 3)
			c := dial(t, policy, "{}", addressesOf(backends[:2]))
			c.waitReady(t, 2)
			before := c.endpoints()
			c.resolver.UpdateState(addressesOf(backends[1:]))
			eventually(t, "the third instead of the first", func() bool {
				endpoints := c.endpoints()
				first, third := endpoints[backends[0].address], endpoints[backends[2].address]
				return len(endpoints) == 2 && first == nil && third.GetState() == ready
			})
			c.waitReady(t, 2)
			if now := c.endpoints()[backends[1].address]; now.GetId() != before[backends[1].address].GetId() {
				t.Error("the endpoint that stayed is another one")
			}
			eventually(t, "no subconn of the first", func() bool { return len(c.subconns()) == 2 })
			for range 4 {
				c.call()
			}
			checkCounts(t, c, backends[1:])
			if !slices.Contains(c.causes(), byUpdate) && !slices.Contains(c.causes(), byNotReady) {
				t.Errorf("causes %v", c.causes())
			}
		})
	}
}

func TestResolverRepeats(t *testing.T) {
	backends := startBackends(t, 2)
	c := dial(t, "round_robin", "{}", addressesOf(backends))
	c.waitReady(t, 2)
	c.resolver.UpdateState(addressesOf(backends))
	eventually(t, "another update", func() bool { return len(c.updates()) == 2 })
	for range 4 {
		c.call()
	}
	for address, endpoint := range c.endpoints() {
		if endpoint.State != ready {
			t.Errorf("%s is in %v", address, endpoint.State)
		}
	}
	generations := c.generations()
	if last := generations[len(generations)-1]; len(last.Endpoints) != 2 {
		t.Errorf("generation %v", last)
	}
	checkRows(t, c, 4)
}

func TestResolverFails(t *testing.T) {
	c := dial(t, "round_robin", "{}", addressesOf(startBackends(t, 1)))
	c.waitReady(t, 1)
	c.resolver.ReportError(errors.New("no such host"))
	eventually(t, "a failed resolution", func() bool {
		updates := c.updates()
		return updates[len(updates)-1].Error == "no such host"
	})
	if len(c.endpoints()) != 1 {
		t.Errorf("endpoints %v", c.endpoints())
	}
	c.resolver.UpdateState(resolver.State{})
	eventually(t, "an empty list", func() bool {
		updates := c.updates()
		last := updates[len(updates)-1]
		return last.EndpointCount == 0 && last.Error == ""
	})
	eventually(t, "no endpoints", func() bool { return len(c.endpoints()) == 0 })
}

func TestPickFirstGoesOn(t *testing.T) {
	backends := startBackends(t, 2)
	c := dial(t, "pick_first", "{}", addressesOf(backends))
	c.waitReady(t, 1)
	c.call()
	c.resolver.UpdateState(addressesOf(backends[1:]))
	eventually(t, "one endpoint, in use", func() bool {
		endpoints := c.endpoints()
		return len(endpoints) == 1 && endpoints[backends[1].address].GetState() == ready
	})
	if code := c.call(); code != codes.OK {
		t.Fatal(code)
	}
	picks, _ := c.read()
	if last := picks[len(picks)-1]; last.Endpoint != c.endpoints()[backends[1].address].GetId() {
		t.Errorf("picked %d of %v", last.Endpoint, c.endpoints())
	}
}

func TestGracefulSwitch(t *testing.T) {
	backends := startBackends(t, 2)
	mayConnect := make(chan struct{})
	waits := grpc.WithContextDialer(dialerThatWaits(backends[1].address, mayConnect))
	c := dial(t, "round_robin", "{}", addressesOf(backends[:1]), waits)
	c.waitReady(t, 1)
	c.call()
	state := addressesOf(backends[1:])
	state.ServiceConfig = c.parse(serviceConfig("turns", "{}"))
	c.resolver.UpdateState(state)
	// The new policy has no connection yet: the old one is picked with.
	eventually(t, "two roots", func() bool { return len(c.policies()) == 2 })
	before := len(c.generations())
	if code := c.call(); code != codes.OK {
		t.Fatal(code)
	}
	if seen := backends[0].calls.Load(); seen != 2 || len(c.generations()) != before {
		t.Errorf("the first backend has seen %d calls; %d new generations", seen, len(c.generations())-before)
	}
	close(mayConnect)
	eventually(t, "one root", func() bool { return len(c.policies()) == 1 })
	c.waitReady(t, 1)
	if code := c.call(); code != codes.OK {
		t.Fatal(code)
	}
	checkSwitched(t, c, backends)
}

// checkSwitched holds that the last pick was of the policy and endpoint that were switched to.
func checkSwitched(t *testing.T, c *client, backends []*backend) {
	t.Helper()
	picks, _ := c.read()
	last := picks[len(picks)-1]
	if c.policies()[last.Policy].GetName() != "turns" || last.Endpoint != c.endpoints()[backends[1].address].GetId() {
		t.Errorf("pick %+v, policies %v, endpoints %v", last, c.policies(), c.endpoints())
	}
	generations := c.generations()
	if newest := generations[len(generations)-1]; newest.Id != last.Generation || newest.Policy != last.Policy {
		t.Errorf("generation %v", newest)
	}
	if len(c.endpoints()) != 1 || len(c.subconns()) != 1 {
		t.Errorf("endpoints %v, subconns %v", c.endpoints(), c.subconns())
	}
	checkCounts(t, c, backends)
}

func TestClose(t *testing.T) {
	backends := startBackends(t, 2)
	c := dial(t, "round_robin", "{}", addressesOf(backends))
	c.waitReady(t, 2)
	c.call()
	c.Close()
	eventually(t, "a closed channel", func() bool { return c.channel().Closed })
	if c.channel().State != shutdown || len(c.policies()) != 0 || len(c.endpoints()) != 0 || len(c.subconns()) != 0 {
		t.Errorf("%v has %v, %v, %v", c.channel(), c.policies(), c.endpoints(), c.subconns())
	}
}

// causes are those of the generations, in order.
func (v *view) causes() (causes []debugpb.GenerationCause) {
	for _, generation := range v.generations() {
		causes = append(causes, generation.Cause)
	}
	return causes
}
