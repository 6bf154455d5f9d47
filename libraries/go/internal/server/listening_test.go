//go:build unix

package server

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
)

func TestWhatIsTakenAwayIsMadeAnew(t *testing.T) {
	for name, takeAway := range map[string]func(folder string) error{
		"the socket":           func(folder string) error { return os.Remove(socketPath(folder, testInstance)) },
		"the descriptor":       func(folder string) error { return os.Remove(folder + "/" + testInstance + ".json") },
		"the folder":           os.RemoveAll,
		"for another's socket": replaceSocket,
	} {
		t.Run(name, func(t *testing.T) {
			options := testOptions()
			options.timing.heal = 10 * time.Millisecond
			server, folder := open(t, options)
			token := announced(t, folder).Token
			watching := watch(t, dial(t, server.Address()), token)

			must(t, takeAway(folder))
			eventually(t, "it can be called anew", func() bool {
				conn, err := net.Dial("unix", socketPath(folder, testInstance))
				if err != nil {
					return false
				}
				conn.Close()
				_, err = os.Stat(filepath.Join(folder, testInstance+".json"))
				return err == nil
			})
			if again := announced(t, folder).Token; again != token {
				t.Error("the token is another")
			}
			describe(t, dial(t, server.Address()), token)
			for range 3 { // Who is attached notices nothing.
				_, err := watching.Recv()
				must(t, err)
			}
		})
	}
}

func replaceSocket(folder string) error {
	socket := socketPath(folder, testInstance)
	return errors.Join(os.Remove(socket), os.WriteFile(socket, nil, 0o600))
}

func TestCloseLeavesNothing(t *testing.T) {
	folder := runtimeFolder(t)
	before := runtime.NumGoroutine()
	server, err := Open(testOptions())
	must(t, err)
	token := announced(t, folder).Token
	channel := dial(t, server.Address())
	watching := watch(t, channel, token)
	_, err = watching.Recv()
	must(t, err)
	connect(t, server.Address())
	go debugpb.NewDebugServiceClient(channel).Describe(withToken(t, "wrong"), &debugpb.DescribeRequest{})
	eventually(t, "a call is refused", func() bool { return server.guard.refused.Load() == 1 })

	server.Close()
	for err == nil {
		_, err = watching.Recv()
	}
	channel.Close()
	eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
	if left, _ := filepath.Glob(filepath.Join(folder, "*")); len(left) != 0 {
		t.Errorf("left are %v", left)
	}
}

func TestAnAddressOnRequest(t *testing.T) {
	for listen, expected := range map[string]string{
		"7700":        "127.0.0.1:7700",
		":7700":       "127.0.0.1:7700",
		"0.0.0.0:0":   "0.0.0.0:0",
		"[::1]:80":    "[::1]:80",
		"localhost:1": "localhost:1",
	} {
		if got, err := tcpAddress(listen); got != expected || err != nil {
			t.Errorf("%q is %q, %v", listen, got, err)
		}
	}
	for _, listen := range []string{"host", "70000", "host:", "a:b:1", "http://x:1", "-1", " 7"} {
		if got, err := tcpAddress(listen); err == nil || !strings.Contains(err.Error(), "is no address to listen at") {
			t.Errorf("%q is %q, %v", listen, got, err)
		}
	}
}

func TestOnTCPTheTokenIsNeededToo(t *testing.T) {
	options := testOptions()
	options.Listen, options.Token = "0.0.0.0:0", "a-token-of-the-user's"
	server, folder := open(t, options)
	found := announced(t, folder)
	if port := strings.TrimPrefix(server.Address(), "0.0.0.0:"); found.Address != "127.0.0.1:"+port {
		t.Errorf("it is at %s, announced as %s", server.Address(), found.Address)
	}
	channel := dial(t, found.Address)
	describe(t, channel, found.Token)
	describe(t, channel, options.Token)
	_, err := debugpb.NewDebugServiceClient(channel).Describe(withToken(t, "wrong"), &debugpb.DescribeRequest{})
	if err == nil || server.guard.refused.Load() != 1 {
		t.Errorf("answered with %v", err)
	}
}

func TestAnAddressThatIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer taken.Close()
	runtimeFolder(t)
	options := testOptions()
	options.Listen = taken.Addr().String()

	_, err = Open(options)
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("it fails with %v", err)
	}
	options.UnlessTaken = true
	server, err := Open(options)
	must(t, err)
	defer server.Close()
	if !strings.HasPrefix(server.Address(), "unix:") {
		t.Errorf("it is at %s", server.Address())
	}
}

func TestWithoutAFolderOneWhoKnowsTheTokenCanCome(t *testing.T) {
	folder := runtimeFolder(t)
	must(t, os.WriteFile(folder, nil, 0o600))
	for _, name := range []string{"XDG_RUNTIME_DIR", "XDG_STATE_HOME", "HOME"} {
		t.Setenv(name, filepath.Join(folder, "in-a-file"))
	}
	options := testOptions()
	options.Listen, options.Token = "0", aToken
	server, err := Open(options)
	must(t, err)
	defer server.Close()
	describe(t, dial(t, server.Address()), aToken)
}
