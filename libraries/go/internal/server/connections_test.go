package server

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
)

// isEnded waits until the other side has closed the connection.
func isEnded(conn net.Conn) bool {
	conn.SetReadDeadline(time.Now().Add(patience))
	_, err := io.Copy(io.Discard, conn)
	timeout, isTimeout := err.(net.Error)
	return !isTimeout || !timeout.Timeout()
}

func openConnections(server *Server) int {
	server.connections.mu.Lock()
	defer server.connections.mu.Unlock()
	return len(server.connections.all)
}

func TestAConnectionWithoutTheTokenIsEnded(t *testing.T) {
	options := testOptions()
	options.timing.proof = 300 * time.Millisecond
	server, folder := open(t, options)
	token := announced(t, folder).Token
	proven := dial(t, server.Address())
	describe(t, proven, token)

	silent, slow, refused := connect(t, server.Address()), connect(t, server.Address()), dial(t, server.Address())
	stop := make(chan struct{})
	defer close(stop)
	go func() { // A byte at a time: never quite a call.
		for _, char := range bytes.Repeat([]byte(preface+settings), 1000) {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				slow.Write([]byte{char})
			}
		}
	}()
	go debugpb.NewDebugServiceClient(refused).Describe(withToken(t, "wrong"), &debugpb.DescribeRequest{})
	if !isEnded(silent) || !isEnded(slow) {
		t.Error("one that shows no token is not ended")
	}
	eventually(t, "only the proven one is left", func() bool { return openConnections(server) == 1 })
	describe(t, proven, token)
}

func TestConnectionsAreBoundedAndThoseWithTheTokenStay(t *testing.T) {
	server, folder := open(t, testOptions())
	token := announced(t, folder).Token
	proven := dial(t, server.Address())
	watching := watch(t, proven, token)
	if _, err := watching.Recv(); err != nil {
		t.Fatal(err)
	}
	oldest := connect(t, server.Address())
	for range 4 * maxConnections {
		connect(t, server.Address())
	}
	if !isEnded(oldest) {
		t.Error("the oldest without the token is not ended")
	}
	eventually(t, "there are no more than may be", func() bool { return openConnections(server) <= maxConnections })
	for range 3 { // The watch goes on.
		if _, err := watching.Recv(); err != nil {
			t.Fatal(err)
		}
	}
	describe(t, dial(t, server.Address()), token)
}

// frozen is a connection of a client that can be stopped, as a process can.
type frozen struct {
	net.Conn
	stopped chan struct{}
}

func (f frozen) Read(into []byte) (int, error) {
	read, err := f.Conn.Read(into)
	select {
	case <-f.stopped:
		select {}
	default:
		return read, err
	}
}

func TestOneThatAnswersNoPingIsEnded(t *testing.T) {
	options := testOptions()
	options.timing = timing{ping: 50 * time.Millisecond, answer: 100 * time.Millisecond}
	server, folder := open(t, options)
	token := announced(t, folder).Token
	living := dial(t, server.Address())
	describe(t, living, token)

	stopped := make(chan struct{})
	dialer := func(context.Context, string) (net.Conn, error) {
		return frozen{connect(t, server.Address()), stopped}, nil
	}
	dead, err := grpc.Dial("stopped",
		grpc.WithContextDialer(dialer), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	describe(t, dead, token)
	close(stopped)
	eventually(t, "the one that was stopped is ended", func() bool { return openConnections(server) == 1 })
	describe(t, living, token)
}

func TestWhoMakesRoom(t *testing.T) {
	longAgo := time.Now().Add(-time.Minute).UnixNano()
	type change func([]*connection)
	for name, test := range map[string]struct {
		prepare change
		leaves  int
	}{
		"the oldest without the token": {func(all []*connection) {
			all[3].proven.Store(false)
			all[5].proven.Store(false)
		}, 3},
		"one that seems dead": {func(all []*connection) { all[7].lastRead.Store(longAgo) }, 7},
		"the newest":          {func([]*connection) {}, maxConnections},
	} {
		t.Run(name, func(t *testing.T) {
			room := &connections{proofTime: time.Hour}
			var made []*connection
			for range maxConnections {
				made = append(made, room.admit(ignored{}))
				made[len(made)-1].proven.Store(true)
			}
			test.prepare(made)
			made = append(made, room.admit(ignored{}))
			if len(room.all) != maxConnections {
				t.Fatalf("%d are open", len(room.all))
			}
			for index, conn := range made {
				if isOpen := slices.Contains(room.all, conn); isOpen == (index == test.leaves) {
					t.Errorf("number %d is open: %v", index, isOpen)
				}
			}
		})
	}
}

// ignored is a connection to nobody.
type ignored struct{ net.Conn }

func (ignored) Close() error { return nil }

func TestGarbageDoesNoHarm(t *testing.T) {
	server, folder := open(t, testOptions())
	token := announced(t, folder).Token
	random := rand.NewChaCha8([32]byte{1})
	for round := range 60 {
		garbage := make([]byte, 1000)
		random.Read(garbage)
		conn := connect(t, server.Address())
		if round%2 == 0 {
			io.WriteString(conn, preface)
		}
		conn.Write(garbage)
		conn.Close()
	}
	describe(t, dial(t, server.Address()), token)
}

func TestAWebPageGetsNoAnswer(t *testing.T) {
	options := testOptions()
	options.Listen = "0"
	server, _ := open(t, options)
	conn := connect(t, server.Address())
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	conn.SetReadDeadline(time.Now().Add(patience))
	if answer, _ := io.ReadAll(conn); len(answer) != 0 {
		t.Errorf("answered with %q", answer)
	}
}
