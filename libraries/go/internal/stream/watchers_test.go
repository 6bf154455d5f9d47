package stream

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
	"github.com/pickscope/pickscope/libraries/go/internal/recorder"
)

// eachServer runs a test behind gRPC's own transport, and behind that of net/http, which the debug server uses.
func eachServer[T testingOf[T]](t T, test func(t T, serve func(*Watchers) debugpb.DebugServiceClient)) {
	t.Run("grpc", func(t T) {
		test(t, func(w *Watchers) debugpb.DebugServiceClient {
			server, listener := serverOf(t, w)
			go server.Serve(listener)
			return clientOf(t, listener)
		})
	})
	t.Run("http", func(t T) {
		test(t, func(w *Watchers) debugpb.DebugServiceClient {
			server, listener := serverOf(t, w)
			protocols := new(http.Protocols)
			protocols.SetUnencryptedHTTP2(true)
			outer := &http.Server{Handler: server, Protocols: protocols}
			t.Cleanup(func() { outer.Close() })
			go outer.Serve(listener)
			return clientOf(t, listener)
		})
	})
}

// testingOf is *testing.T or *testing.B.
type testingOf[T any] interface {
	testing.TB
	Run(name string, test func(T)) bool
}

type service struct {
	debugpb.UnimplementedDebugServiceServer
	watchers *Watchers
}

func (s *service) Watch(request *debugpb.WatchRequest, call debugpb.DebugService_WatchServer) error {
	return s.watchers.Watch(request, call)
}

func serverOf(t testing.TB, w *Watchers) (*grpc.Server, net.Listener) {
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	debugpb.RegisterDebugServiceServer(server, &service{watchers: w})
	t.Cleanup(server.Stop)
	return server, listener
}

func clientOf(t testing.TB, listener net.Listener) debugpb.DebugServiceClient {
	conn, err := grpc.Dial("unix:"+listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return debugpb.NewDebugServiceClient(conn)
}

// attach watches until the end of the test, or until it is told to stop.
func attach(t testing.TB, client debugpb.DebugServiceClient, request *debugpb.WatchRequest) (
	call debugpb.DebugService_WatchClient, stop context.CancelFunc,
) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	call, err := client.Watch(ctx, request)
	if err != nil {
		t.Fatal(err)
	}
	return call, stop
}

func readToEnd(call debugpb.DebugService_WatchClient, read *reader) error {
	for {
		message, err := call.Recv()
		if err != nil {
			return err
		}
		if err := read.take(message); err != nil {
			return err
		}
	}
}

var version1 = &debugpb.WatchRequest{ProtocolMajor: 1}

func TestWatchersOfOtherVersionsAreToldSo(t *testing.T) {
	eachServer(t, func(t *testing.T, serve func(*Watchers) debugpb.DebugServiceClient) {
		client := serve(NewWatchers(sourceOf(recorder.New()), nil))
		call, _ := attach(t, client, &debugpb.WatchRequest{ProtocolMajor: 2})
		_, err := call.Recv()
		want := status.Error(codes.FailedPrecondition,
			"This client speaks version 1.2 of the protocol, the watcher version 2.")
		if !errors.Is(err, want) {
			t.Errorf("%v", err)
		}
	})
}

func TestEightWatchAndTheNextWhenOneLeaves(t *testing.T) {
	eachServer(t, func(t *testing.T, serve func(*Watchers) debugpb.DebugServiceClient) {
		w := newWorld()
		w.addChannel()
		past := NewPast(sourceOf(w.Recorder), KeepLimits{Seconds: 60, Bytes: 1 << 20}, func(string) {})
		defer past.Close()
		client := serve(NewWatchers(sourceOf(w.Recorder), past))
		var leave context.CancelFunc
		for i := range maxWatchers {
			var call debugpb.DebugService_WatchClient
			call, leave = attach(t, client, &debugpb.WatchRequest{ProtocolMajor: 1, Past: i%2 == 0})
			message, err := call.Recv()
			if err != nil || message.GetProcess().GetKeepSeconds() != 60 {
				t.Fatalf("%v, %v", message, err)
			}
		}
		call, _ := attach(t, client, version1)
		_, err := call.Recv()
		if want := status.Error(codes.ResourceExhausted, "8 watchers are attached already, and no more are let in: "+
			"detach one of them, then attach again."); !errors.Is(err, want) {
			t.Fatalf("%v", err)
		}
		leave()
		eventually(t, "one more is let in", func() bool {
			call, _ := attach(t, client, version1)
			_, err := call.Recv()
			return err == nil
		})
	})
}

func TestOneWhoTakesNothingGivesItsPlaceUp(t *testing.T) {
	eachServer(t, func(t *testing.T, serve func(*Watchers) debugpb.DebugServiceClient) {
		w := newWorld()
		w.addChannel().regenerate(true)
		watchers := NewWatchers(sourceOf(w.Recorder), nil)
		watchers.patience = 20 * time.Millisecond
		client := serve(watchers)
		call, _ := attach(t, client, version1)
		read := newReader()
		first, err := call.Recv()
		if err != nil {
			t.Fatal(err)
		}
		read.take(first)
		eventually(t, "the watcher is there no more", func() bool {
			for range 1000 { // Until there is more than fits on the way to it.
				w.pick(w.channels[0], "/shop.Cart/Get")
			}
			return watchers.watching.Load() == 0 && !w.Watched()
		})
		if err := readToEnd(call, read); !errors.Is(err, errTooSlow) {
			t.Errorf("it read on: %v", err)
		}
		read.checkFaults(t)
	})
}

func TestOneWhoMissesChangesIsToldToBeginAnew(t *testing.T) {
	eachServer(t, func(t *testing.T, serve func(*Watchers) debugpb.DebugServiceClient) {
		w := newWorld()
		c := w.addChannel()
		watchers := NewWatchers(sourceOf(w.Recorder), nil)
		client := serve(watchers)
		call, _ := attach(t, client, version1)
		read := newReader()
		first, err := call.Recv()
		if err != nil {
			t.Fatal(err)
		}
		read.take(first)
		eventually(t, "the watcher is there no more", func() bool {
			for range 1000 {
				c.ResolverUpdate([]string{"10.0.0.4:50051", "10.0.0.5:50051"}, "connection refused")
			}
			return watchers.watching.Load() == 0 && !w.Watched()
		})
		if err := readToEnd(call, read); !errors.Is(err, errTooSlow) {
			t.Errorf("it read on: %v", err)
		}
		read.checkFaults(t)
	})
}

func TestOneWhoDetachesIsForgotten(t *testing.T) {
	eachServer(t, func(t *testing.T, serve func(*Watchers) debugpb.DebugServiceClient) {
		w := newWorld()
		w.addChannel()
		watchers := NewWatchers(sourceOf(w.Recorder), nil)
		call, stop := attach(t, serve(watchers), version1)
		if _, err := call.Recv(); err != nil {
			t.Fatal(err)
		}
		stop()
		eventually(t, "nobody watches", func() bool { return watchers.watching.Load() == 0 && !w.Watched() })
	})
}

// What is told over a socket is whole, while rows come as fast as they are read.
func TestOneWhoReadsAll(t *testing.T) {
	eachServer(t, func(t *testing.T, serve func(*Watchers) debugpb.DebugServiceClient) {
		w := newWorld()
		w.addChannel().regenerate(true)
		call, stop := attach(t, serve(NewWatchers(sourceOf(w.Recorder), nil)), version1)
		read := newReader()
		for !read.complete {
			message, err := call.Recv()
			if err != nil {
				t.Fatal(err)
			}
			read.take(message)
		}
		go func() {
			for range 20_000 {
				w.pick(w.channels[0], "/shop.Cart/Get")
				w.end(codes.OK)
			}
		}()
		for len(read.picks)+len(read.ends) < 40_000 {
			message, err := call.Recv()
			if err != nil {
				t.Fatal(err)
			}
			read.take(message)
		}
		stop()
		if err := readToEnd(call, read); status.Code(err) != codes.Canceled && !errors.Is(err, io.EOF) {
			t.Errorf("it ended: %v", err)
		}
		read.checkFaults(t)
	})
}
