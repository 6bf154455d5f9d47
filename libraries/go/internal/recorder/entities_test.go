package recorder

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
)

const (
	ready = debugpb.ConnectivityState_CONNECTIVITY_STATE_READY
	idle  = debugpb.ConnectivityState_CONNECTIVITY_STATE_IDLE
)

func TestAMomentNamesParentsBeforeChildren(t *testing.T) {
	r := New()
	for range 3 {
		channel := r.AddChannel("dns:///cart", 7)
		root := channel.AddPolicy(nil, "outlier_detection", 0, "")
		leaf := channel.AddPolicy(root, "round_robin", 0, "why")
		endpoint := channel.AddEndpoint([]string{"10.0.0.4:1"})
		endpoint.AddSubconn("10.0.0.4:1", 9).SetState(ready, "")
		channel.AddGeneration(leaf, []*Endpoint{endpoint}, nil, 0)
		channel.AddEndpoint(nil).Remove()
		channel.AddPolicy(nil, "gone", 0, "").Remove()
	}
	r.Channels()[0].Close()
	var kinds []string
	r.Moment(func(moment Moment) {
		if len(moment.Channels) != 2 || len(moment.Endpoints) != 2 {
			t.Errorf("%d channels and %d endpoints", len(moment.Channels), len(moment.Endpoints))
		}
		for _, change := range moment.Changes {
			kinds = append(kinds, strings.TrimPrefix(fmt.Sprintf("%T", change.Entity), "*debugpb.Change_"))
		}
	})
	want := []string{"Channel", "Channel", "Policy", "Policy", "Policy", "Policy", "Endpoint", "Endpoint",
		"Subconn", "Subconn", "Generation", "Generation"}
	if !slices.Equal(kinds, want) {
		t.Errorf("%q", kinds)
	}
}

func TestChangesAreWholeAndStayAsTheyWere(t *testing.T) {
	r, w, endpoint := watched(t)
	endpoint.SetState(ready, "")
	endpoint.SetState(ready, "") // The same again is no news,
	endpoint.SetState(idle, "connection reset")
	endpoint.SetState(idle, "connection refused") // and another error is, of the same state.
	endpoint.Remove()
	endpoint.Remove()
	endpoint.SetState(ready, "")
	var told []*debugpb.Endpoint
	for _, change := range w.changes {
		told = append(told, change.GetEndpoint())
	}
	if len(told) != 4 {
		t.Fatalf("%d changes: %v", len(told), told)
	}
	for i, state := range []debugpb.ConnectivityState{ready, idle, idle, idle} {
		if told[i].State != state || told[i].Id != endpoint.ID() || !slices.Equal(told[i].Addresses, []string{"10.0.0.4:1"}) {
			t.Errorf("change %d: %v", i, told[i])
		}
	}
	if told[1].StateSinceNs != told[2].StateSinceNs || told[2].Error != "connection refused" || !told[3].Removed {
		t.Errorf("%v", told)
	}
	if r.Channels()[0].AddEndpoint(nil); w.changes[4].Endpoint == nil || w.changes[0].Endpoint != nil {
		t.Error("only what begins to count is told to do so")
	}
}

func TestAChannelIsClosedWhenItsCallsHaveEnded(t *testing.T) {
	r, w, endpoint := watched(t)
	channel := r.Channels()[0]
	endpoint.AddSubconn("10.0.0.4:1", 0)
	channel.AddPolicy(nil, "pick_first", 0, "")
	endpoint.Counters.Picked()
	channel.Close()
	if channel.Quiet() || len(r.Channels()) != 1 {
		t.Error("closed though a call is in flight")
	}
	endpoint.Counters.Ended(codes.OK)
	channel.Close()
	if !channel.Quiet() || !endpoint.Quiet() || len(r.Channels()) != 0 {
		t.Error("not closed though no call is in flight")
	}
	channel.Close()
	channel.SetState(ready)
	var gone []string
	for _, change := range w.changes {
		switch {
		case change.GetPolicy().GetRemoved():
			gone = append(gone, "policy")
		case change.GetSubconn().GetRemoved():
			gone = append(gone, "subconn")
		case change.GetEndpoint().GetRemoved():
			gone = append(gone, "endpoint")
		case change.GetChannel().GetClosed():
			gone = append(gone, "channel")
		}
	}
	if !slices.Equal(gone, []string{"policy", "subconn", "endpoint", "channel"}) {
		t.Errorf("gone: %q", gone)
	}
}

func TestTextsFromElsewhereAreBounded(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.4:1":                    "10.0.0.4:1",
		"caf\xc3":                       "caf",
		"\xff\xfe":                      "",
		strings.Repeat("x", 1000):       strings.Repeat("x", 256),
		strings.Repeat("é", 1000):       strings.Repeat("é", 128),
		"x" + strings.Repeat("é", 1000): "x" + strings.Repeat("é", 127),
	} {
		if got := Capped(text); got != want || !utf8.ValidString(got) {
			t.Errorf("%.10q became %.10q, of %d bytes", text, got, len(got))
		}
	}
	r, w, _ := watched(t)
	channel := r.Channels()[0]
	channel.ResolverUpdate(slices.Repeat([]string{"a\xff"}, 500), "\xffbroken")
	update := w.changes[0].GetResolverUpdate()
	if update.EndpointCount != 500 || len(update.Addresses) != maxAddresses || update.Error != "broken" {
		t.Errorf("%d endpoints, %d addresses, error %q", update.EndpointCount, len(update.Addresses), update.Error)
	}
	if _, err := proto.Marshal(w.changes[0]); err != nil {
		t.Error(err)
	}
}

// What went while nobody watched is held by nothing.
func TestNothingIsKeptOfWhatWent(t *testing.T) {
	r := New()
	channel := r.AddChannel("dns:///cart", 0)
	for range 1000 {
		endpoint := channel.AddEndpoint(nil)
		endpoint.AddSubconn("", 0).Remove()
		endpoint.Remove()
		channel.AddPolicy(nil, "pick_first", 0, "").Remove()
		r.AddChannel("dns:///other", 0).Close()
	}
	if held := len(channel.endpoints) + len(channel.subconns) + len(channel.policies) + len(r.channels); held != 1 {
		t.Errorf("%d are held", held)
	}
}
