package channelz_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"
	channelzpb "google.golang.org/grpc/channelz/grpc_channelz_v1"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	pickscope "github.com/pickscope/pickscope/libraries/go"
	_ "github.com/pickscope/pickscope/libraries/go/channelz"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// client makes a channel to the debug server of this process, with its token.
func client(t *testing.T) (*grpc.ClientConn, context.Context) {
	t.Helper()
	folder, err := os.MkdirTemp("", "ps")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(folder) })
	t.Setenv("PICKSCOPE_RUNTIME_DIR", folder)
	server, err := pickscope.Start(pickscope.Options{})
	must(t, err)
	t.Cleanup(server.Close)
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	must(t, err)
	text, err := os.ReadFile(files[0])
	must(t, err)
	var descriptor struct{ Token string }
	must(t, json.Unmarshal(text, &descriptor))
	channel, err := grpc.Dial(server.Address(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	t.Cleanup(func() { channel.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return channel, metadata.AppendToOutgoingContext(ctx, "pickscope-token", descriptor.Token)
}

func TestTheChannelsOfTheProcessAreServed(t *testing.T) {
	channel, ctx := client(t)
	answer, err := channelzpb.NewChannelzClient(channel).GetTopChannels(ctx, &channelzpb.GetTopChannelsRequest{})
	must(t, err)
	for _, found := range answer.Channel {
		if found.Data.Target == channel.Target() && found.Data.CallsStarted > 0 {
			return
		}
	}
	t.Errorf("the channel to %s is not among %v", channel.Target(), answer.Channel)
}
