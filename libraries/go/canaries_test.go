package pickscope_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pickscope "github.com/pickscope/pickscope/libraries/go"
	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
)

// canary stands in all that is never to be sent.
const canary = "canary-3f1c"

// backend answers every call with canaries in header, payload and trailer, or in a status message.
func backend(t *testing.T) (address string) {
	t.Helper()
	handler := func(_ any, stream grpc.ServerStream) error {
		stream.SetHeader(metadata.Pairs("x-header", canary))
		stream.SetTrailer(metadata.Pairs("x-trailer", canary))
		method, _ := grpc.MethodFromServerStream(stream)
		if strings.HasSuffix(method, "/Fail") {
			return status.Error(codes.ResourceExhausted, canary)
		}
		if err := stream.RecvMsg(new(healthpb.HealthCheckRequest)); err != nil {
			return err
		}
		return stream.SendMsg(&healthpb.HealthCheckRequest{Service: canary})
	}
	server := grpc.NewServer(grpc.UnknownServiceHandler(handler))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

type contextKey struct{}

// callBackend makes calls with canaries in context, metadata and payload.
func callBackend(t *testing.T, channel *grpc.ClientConn) {
	t.Helper()
	ctx := context.WithValue(t.Context(), contextKey{}, canary)
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+canary)
	request, answer := &healthpb.HealthCheckRequest{Service: canary}, new(healthpb.HealthCheckRequest)
	must(t, channel.Invoke(ctx, "/shop.Cart/GetCart", request, answer))
	if err := channel.Invoke(ctx, "/shop.Cart/Fail", request, answer); status.Code(err) != codes.ResourceExhausted {
		t.Fatal(err)
	}
	if answer.Service != canary {
		t.Fatal("the backend does not answer with the canary")
	}
}

func TestWhatIsNeverSent(t *testing.T) {
	folder, err := os.MkdirTemp("", "ps")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(folder) })
	t.Setenv("PICKSCOPE_RUNTIME_DIR", folder)
	t.Setenv("SOME_SECRET", canary)
	t.Setenv("PICKSCOPE_TOKEN", "token-"+canary)
	arguments := os.Args
	os.Args = append(arguments[:len(arguments):len(arguments)], "--password="+canary)
	t.Cleanup(func() { os.Args = arguments })

	server, err := pickscope.Start(pickscope.Options{Name: "tested", Keep: time.Minute})
	must(t, err)
	t.Cleanup(server.Close)
	address := backend(t)
	channel, err := grpc.Dial(address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"round_robin":{}}]}`))
	must(t, err)
	t.Cleanup(func() { channel.Close() })

	sent, token := watched(t, server, folder, func() { callBackend(t, channel) })
	file, err := pickscope.SaveRecording(filepath.Join(folder, "recording"))
	must(t, err)
	recording, err := os.ReadFile(file)
	must(t, err)
	for what, content := range map[string][]byte{"the stream": sent, "the recording": recording} {
		if !bytes.Contains(content, []byte("/shop.Cart/GetCart")) || !bytes.Contains(content, []byte(address)) {
			t.Errorf("%s does not tell of the calls", what)
		}
		if bytes.Contains(content, []byte(canary)) || bytes.Contains(content, []byte(token)) {
			t.Errorf("%s tells of what is never to be sent", what)
		}
	}
}

// watched gives all that a watcher is sent until it has seen the completions of two calls, and the descriptor's token.
func watched(t *testing.T, server *pickscope.Server, folder string, calls func()) (sent []byte, token string) {
	t.Helper()
	token = tokenIn(t, folder)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	ctx = metadata.AppendToOutgoingContext(ctx, "pickscope-token", token)
	channel, err := grpc.Dial(server.Address(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	t.Cleanup(func() { channel.Close() })
	client := debugpb.NewDebugServiceClient(channel)
	described, err := client.Describe(ctx, &debugpb.DescribeRequest{})
	must(t, err)
	sent, err = proto.Marshal(described)
	must(t, err)
	watch, err := client.Watch(ctx, &debugpb.WatchRequest{ProtocolMajor: 1, Past: true})
	must(t, err)
	calls()
	for ended := 0; ended < 2; {
		message, err := watch.Recv()
		must(t, err)
		encoded, err := proto.Marshal(message)
		must(t, err)
		sent = append(sent, encoded...)
		ended += int(message.GetCompletions().GetRows())
	}
	return sent, token
}

func tokenIn(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	must(t, err)
	text, err := os.ReadFile(files[0])
	must(t, err)
	var descriptor struct{ Token string }
	must(t, json.Unmarshal(text, &descriptor))
	return descriptor.Token
}
