package observe_test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
)

// spreading are policies that pick all endpoints of a list, by the config that they need, and what becomes of them in
// the tree: the names of its nodes.
var spreading = []struct {
	policy, config string
	nodes          []string
}{
	{"round_robin", "{}", []string{"round_robin"}},
	{"turns", "{}", []string{"turns"}},
	{"open_turns", "{}", []string{"open_turns"}},
	{"configured", `{"greeting": "hello"}`, []string{"configured"}},
	{"relay", `{"child": "turns"}`, []string{"relay", "turns"}},
	{"relay", `{"child": "open_turns"}`, []string{"relay", "open_turns"}},
	{"relay", `{"child": "round_robin"}`, []string{"relay", "round_robin"}},
	{"halves", "{}", []string{"halves", "open_turns", "open_turns"}},
}

func TestPolicyThatSpreads(t *testing.T) {
	for _, tree := range spreading {
		t.Run(strings.Join(tree.nodes, "_"), func(t *testing.T) {
			backends := startBackends(t, 4)
			c := dial(t, tree.policy, tree.config, addressesOf(backends))
			c.waitReady(t, 4)
			for range 40 {
				if code := c.call(); code != codes.OK {
					t.Fatal(code)
				}
			}
			for _, backend := range backends {
				if backend.calls.Load() == 0 {
					t.Errorf("%s was not picked", backend.address)
				}
			}
			checkCounts(t, c, backends)
			checkRows(t, c, 40)
			checkTree(t, c, tree.nodes)
		})
	}
}

// checkTree holds that the tree has nodes of these names, and that rows name the lowest.
func checkTree(t *testing.T, c *client, names []string) {
	t.Helper()
	var found []string
	byID := map[uint32]string{}
	for _, policy := range c.policies() {
		found = append(found, policy.Name)
		byID[policy.Id] = policy.Name
		if isRoot := policy.Name == names[0]; isRoot != (policy.Parent == 0) {
			t.Errorf("parent of %s: %d", policy.Name, policy.Parent)
		}
	}
	slices.Sort(found)
	if want := slices.Sorted(slices.Values(names)); !slices.Equal(found, want) {
		t.Errorf("tree of %v, want %v", found, want)
	}
	picks, _ := c.read()
	for _, row := range picks {
		lowest, decided := names[len(names)-1], byID[row.Policy]
		if row.Result == debugpb.PickResult_PICK_RESULT_COMPLETED && decided != lowest {
			t.Fatalf("%q decided, want %s", decided, lowest)
		}
	}
}

func TestPolicyThatTells(t *testing.T) {
	for _, tree := range spreading {
		lowest := tree.nodes[len(tree.nodes)-1]
		if lowest != "open_turns" {
			continue
		}
		t.Run(tree.policy, func(t *testing.T) {
			backends := startBackends(t, 4)
			c := dial(t, tree.policy, tree.config, addressesOf(backends))
			c.waitReady(t, 4)
			for range 8 {
				c.call()
			}
			picks, ends := c.read()
			for _, row := range picks[len(picks)-8:] {
				candidate := row.Candidates[0]
				if row.Reason != debugpb.PickReason_PICK_REASON_TURN || row.CandidateCount != 1 || row.Flags != 0 ||
					candidate.Endpoint != row.Endpoint || candidate.Score != 3 {
					t.Errorf("row %+v", row)
				}
			}
			for _, row := range ends {
				if row.LagNs != 7 || row.Success != 900 || row.Flags != 0 {
					t.Errorf("end %+v", row)
				}
			}
			generations := c.generations()
			if last := generations[len(generations)-1]; last.HistoryKept {
				t.Error("history kept, though the policy kept none over")
			}
		})
	}
}

func TestPolicyGetsItsConfig(t *testing.T) {
	c := dial(t, "configured", `{"greeting": "hello"}`, addressesOf(startBackends(t, 1)))
	c.waitReady(t, 1)
	if given := configuredPolicy.given.Load(); given == nil || *given != "hello" {
		t.Errorf("the policy was given %v", given)
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
		t.Errorf("%d picks, the channel has %d; want 10", picks, channel.Completed)
	}
	checkRows(t, c, 10)
	checkTree(t, c, []string{"pick_first"})
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

// checkRows holds that each of so many calls has one row of its pick, and one of its end, and that all they refer to
// was told.
func checkRows(t *testing.T, c *client, calls int) {
	t.Helper()
	picks, ends := c.read()
	completed := map[uint64]uint32{}
	var again uint64
	for _, row := range picks {
		if row.Result != debugpb.PickResult_PICK_RESULT_COMPLETED {
			continue
		}
		if completed[row.Call] != 0 {
			again++
		}
		completed[row.Call] = row.Endpoint
		checkRefers(t, c, row.Generation, row.Policy, row.Endpoint)
	}
	var neverStarted uint64 // As their connection was not in READY any more: they are picked again.
	_, endpoints := c.counts()
	for _, counts := range endpoints {
		neverStarted += counts.NeverStarted
	}
	if again != neverStarted {
		t.Errorf("%d picks are of calls that had one, and %d never started", again, neverStarted)
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

// checkRefers holds that what a row refers to exists.
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
