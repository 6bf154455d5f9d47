package server

import (
	"testing"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
)

func TestDescribeAndWatch(t *testing.T) {
	server, folder := open(t, testOptions())
	client := debugpb.NewDebugServiceClient(dial(t, server.Address()))
	ctx := withToken(t, announced(t, folder).Token)

	described, err := client.Describe(ctx, &debugpb.DescribeRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if got := described.Process; got.Instance != testInstance || got.Language != "go" || got.Name != "tested" {
		t.Errorf("described as %v", got)
	}

	watch, err := client.Watch(ctx, &debugpb.WatchRequest{ProtocolMajor: 1})
	if err != nil {
		t.Fatal(err)
	}
	for sequence, ended := uint32(1), false; !ended; sequence++ {
		message, err := watch.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if message.Sequence != sequence {
			t.Fatalf("sequence %d, not %d", message.Sequence, sequence)
		}
		_, ended = message.Body.(*debugpb.WatchResponse_SnapshotEnd)
	}
}
