package observe_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/balancer"
	_ "google.golang.org/grpc/balancer/leastrequest"
	_ "google.golang.org/grpc/balancer/weightedroundrobin"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	_ "google.golang.org/grpc/xds"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
)

// These policies, and what they need, are not in the version of grpc-go that the library asks for. Whoever tests with
// another one copies this file to where its package is.

// grpcs are policies that grpc-go registers, by name, with a config and the nodes of the tree that becomes of it.
var grpcs = []struct {
	policy, config string
	nodes          []string
	spreads        bool
}{
	{"weighted_round_robin", "{}", []string{"weighted_round_robin"}, true},
	{"least_request_experimental", "{}", []string{"least_request_experimental"}, false},
	{"ring_hash_experimental", `{"requestHashHeader": "x-shop"}`, []string{"ring_hash_experimental"}, false},
	{"outlier_detection_experimental", `{"childPolicy": [{"round_robin": {}}]}`,
		[]string{"outlier_detection_experimental", "round_robin"}, true},
	{"outlier_detection_experimental", `{"childPolicy": [{"pick_first": {}}]}`,
		[]string{"outlier_detection_experimental", "pick_first"}, false},
	{"outlier_detection_experimental", `{"childPolicy": [{"open_turns": {}}]}`,
		[]string{"outlier_detection_experimental", "open_turns"}, true},
}

func TestPoliciesOfGrpc(t *testing.T) {
	for _, tree := range grpcs {
		if balancer.Get(tree.policy) == nil {
			t.Logf("this version has no %s", tree.policy)
			continue
		}
		t.Run(tree.policy, func(t *testing.T) {
			backends := startBackends(t, 3)
			c := dial(t, tree.policy, tree.config, addressesOf(backends))
			if tree.spreads {
				c.waitReady(t, 3)
			}
			for range 30 {
				if code := c.call(); code != codes.OK {
					t.Fatal(code)
				}
			}
			if tree.nodes[len(tree.nodes)-1] != "pick_first" { // Which in older versions makes one subconn of all addresses.
				checkCounts(t, c, backends)
			}
			checkRows(t, c, 30)
			checkTree(t, c, tree.nodes)
		})
	}
}

func TestIdleChannel(t *testing.T) {
	backends := startBackends(t, 1)
	c := dial(t, "round_robin", "{}", addressesOf(backends), grpc.WithIdleTimeout(50*time.Millisecond))
	if code := c.call(); code != codes.OK {
		t.Fatal(code)
	}
	eventually(t, "an idle channel", func() bool {
		return len(c.policies()) == 0 && c.channel().State == idle && !c.channel().Closed
	})
	if state := c.endpoints()[backends[0].address].GetState(); state != idle || len(c.subconns()) != 0 {
		t.Errorf("endpoint in %v, subconns %v", state, c.subconns())
	}
	if code := c.call(); code != codes.OK {
		t.Fatal(code)
	}
	checkCounts(t, c, backends)
	eventually(t, "an idle channel again", func() bool { return len(c.policies()) == 0 })
	c.Close()
	eventually(t, "a closed channel", func() bool { return c.channel().Closed })
}

func TestDroppedChannel(t *testing.T) {
	view := watch(t)
	view.target = "passthrough:///" + startBackend(t, nil).address
	callOnce(t, view.target)
	eventually(t, "a closed channel", func() bool {
		runtime.GC()
		return view.channel().GetClosed()
	})
}

// callOnce makes a channel, and drops it without closing it.
func callOnce(t *testing.T, target string) {
	t.Helper()
	conn, err := grpc.NewClient(target, grpc.WithIdleTimeout(50*time.Millisecond),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Invoke(context.Background(), method, &emptypb.Empty{}, &emptypb.Empty{}); err != nil {
		t.Fatal(err)
	}
}

func TestHealthOfEndpoints(t *testing.T) {
	var isIll atomic.Bool
	backends := []*backend{startBackend(t, nil), startBackend(t, func(context.Context, int64) error {
		if isIll.Load() {
			return status.Error(codes.Internal, "ill")
		}
		return nil
	})}
	c := dial(t, "outlier_detection_experimental", `{
		"interval": "0.05s", "baseEjectionTime": "100s",
		"failurePercentageEjection": {"threshold": 10, "enforcementPercentage": 100, "minimumHosts": 2, "requestVolume": 4},
		"childPolicy": [{"round_robin": {}}]}`, addressesOf(backends))
	c.waitReady(t, 2)
	isIll.Store(true)
	eventually(t, "an ejected endpoint", func() bool {
		for range 10 {
			c.call()
		}
		generations := c.generations()
		return len(generations[len(generations)-1].Endpoints) == 1
	})
	picked := c.generations()[len(c.generations())-1].Endpoints[0]
	if picked != c.endpoints()[backends[0].address].GetId() {
		t.Errorf("the picker holds %d of %v", picked, c.endpoints())
	}
	if c.endpoints()[backends[1].address].GetState() == debugpb.ConnectivityState_CONNECTIVITY_STATE_READY {
		t.Error("the ejected endpoint is in READY")
	}
}
