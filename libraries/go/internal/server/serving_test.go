package server

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
	"github.com/pickscope/pickscope/libraries/go/internal/recorder"
)

const testInstance = "00112233445566778899aabbccddeeff"

// How HTTP/2 begins.
const (
	preface  = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	settings = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
)

// patience is how long a test waits for what is to happen.
const patience = 20 * time.Second

// runtimeFolder makes a folder whose path is short enough for a socket, and names it in the environment.
func runtimeFolder(t *testing.T) string {
	t.Helper()
	temporary, err := os.MkdirTemp("", "ps")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(temporary) })
	folder := filepath.Join(temporary, "run")
	t.Setenv("PICKSCOPE_RUNTIME_DIR", folder)
	return folder
}

func testOptions() Options {
	return Options{
		Recorder: recorder.New(),
		Describe: func() *debugpb.Process { return DescribeProcess(testInstance, "tested", nil) },
		Warn:     func(string) {},
	}
}

// open serves in a folder of its own until the test ends.
func open(t *testing.T, options Options) (server *Server, folder string) {
	t.Helper()
	folder = runtimeFolder(t)
	server, err := Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server, folder
}

// announced reads the only descriptor in a folder.
func announced(t *testing.T, folder string) descriptor {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("there is not one descriptor in %s: %v %v", folder, files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var found descriptor
	if err := json.Unmarshal(text, &found); err != nil {
		t.Fatal(err)
	}
	return found
}

// dial makes a channel to a debug server, without a token.
func dial(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	channel, err := grpc.Dial(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { channel.Close() })
	return channel
}

// withToken is a context of calls with a token, which end with the test's patience.
func withToken(t *testing.T, token string) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return metadata.AppendToOutgoingContext(ctx, strings.ToLower(tokenHeader), token)
}

// watch begins to watch, with the token.
func watch(t *testing.T, channel *grpc.ClientConn, token string) debugpb.DebugService_WatchClient {
	t.Helper()
	request := &debugpb.WatchRequest{ProtocolMajor: 1}
	stream, err := debugpb.NewDebugServiceClient(channel).Watch(withToken(t, token), request)
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

// describe calls once, and fails the test where there is no answer.
func describe(t *testing.T, channel *grpc.ClientConn, token string) {
	t.Helper()
	client := debugpb.NewDebugServiceClient(channel)
	if _, err := client.Describe(withToken(t, token), &debugpb.DescribeRequest{}); err != nil {
		t.Fatal(err)
	}
}

// connect opens a plain connection.
func connect(t *testing.T, address string) net.Conn {
	t.Helper()
	network := "tcp"
	if socket, isUnix := strings.CutPrefix(address, "unix:"); isUnix {
		network, address = "unix", socket
	}
	conn, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("in vain waited until %s", what)
		}
	}
}
