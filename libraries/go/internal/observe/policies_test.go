package observe_test

import (
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
)

// spreading are policies that pick all endpoints of a list, by the config that they need.
var spreading = map[string]string{
	"round_robin": "{}",
}

func TestPolicyThatSpreads(t *testing.T) {
	for policy, config := range spreading {
		t.Run(policy, func(t *testing.T) {
			backends := startBackends(t, 3)
			c := dial(t, policy, config, addressesOf(backends))
			c.waitReady(t, 3)
			for range 30 {
				if code := c.call(); code != codes.OK {
					t.Fatal(code)
				}
			}
			checkCounts(t, c, backends)
			checkRows(t, c, 30)
			if c.policies()[policy] == nil {
				t.Errorf("policy %s is not among %v", policy, c.policies())
			}
		})
	}
}

func TestPickFirst(t *testing.T) {
	backends := startBackends(t, 3)
	c := dial(t, "pick_first", "{}", addressesOf(backends))
	c.waitReady(t, 1)
	for range 10 {
		if code := c.call(); code != codes.OK {
			t.Fatal(code)
		}
	}
	channel, endpoints := c.counts()
	var picks uint64
	for _, counts := range endpoints {
		picks += counts.Picks
	}
	if picks != 10 || channel.Completed != 10 {
		t.Errorf("%d picks, want 10", picks)
	}
	checkRows(t, c, 10)
	if len(c.policies()) != 1 {
		t.Errorf("policies: %v", c.policies())
	}
}

// checkCounts holds the counters against what the backends saw, after all calls have ended.
func checkCounts(t *testing.T, c *client, backends []*backend) {
	t.Helper()
	var completed uint64
	channel, endpoints := c.counts()
	for _, backend := range backends {
		counts := endpoints[backend.address]
		if calls := uint64(backend.calls.Load()); counts.Started() != calls || counts.Inflight() != 0 {
			t.Errorf("%s: started %d, in flight %d; the backend has seen %d",
				backend.address, counts.Started(), counts.Inflight(), calls)
		}
		completed += counts.Picks
	}
	if channel.Completed != completed {
		t.Errorf("channel: %d completed picks, its endpoints: %d", channel.Completed, completed)
	}
}

// checkRows holds that each of so many calls has one row of its pick, and one of its end, and that all they refer to was
// told.
func checkRows(t *testing.T, c *client, calls int) {
	t.Helper()
	picks, ends := c.read()
	completed := map[uint64]uint32{}
	for _, row := range picks {
		if row.Result != debugpb.PickResult_PICK_RESULT_COMPLETED {
			continue
		}
		if completed[row.Call] != 0 {
			t.Errorf("call %d was picked twice", row.Call)
		}
		completed[row.Call] = row.Endpoint
		checkRefers(t, c, row.Generation, row.Policy, row.Endpoint)
	}
	if len(completed) != calls || len(ends) != calls {
		t.Errorf("%d calls have rows of picks, and %d of ends; want %d", len(completed), len(ends), calls)
	}
	for _, row := range ends {
		if completed[row.Call] != row.Endpoint || row.LatencyNs <= 0 || row.Code != codes.OK || row.Attempt != 1 {
			t.Errorf("end %+v of a pick of %d", row, completed[row.Call])
		}
	}
}

func checkRefers(t *testing.T, c *client, generation, policy, endpoint uint32) {
	t.Helper()
	known := map[uint32]bool{}
	for _, one := range c.generations() {
		known[one.Id] = true
	}
	for _, one := range c.policies() {
		known[one.Id] = true
	}
	for _, one := range c.endpoints() {
		known[one.Id] = true
	}
	if !known[generation] || !known[policy] || !known[endpoint] {
		t.Errorf("a row refers to generation %d, policy %d, endpoint %d; told were %v", generation, policy, endpoint, known)
	}
}
