//go:build unix

package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
)

// The test binary is also the program of another process, where this variable says so.
const roleVariable, tokenVariable = "PICKSCOPE_TEST_ROLE", "PICKSCOPE_TEST_TOKEN"

func TestMain(m *testing.M) {
	switch role, address, _ := strings.Cut(os.Getenv(roleVariable), " "); role {
	case "describe":
		fmt.Print(outcome(describeOnce(address, os.Getenv(tokenVariable))))
	case "open":
		fmt.Print(outcome(openOnce()))
	case "serve":
		fmt.Print(outcome(serveUntilStdinEnds()))
	default:
		os.Exit(m.Run())
	}
}

func outcome(err error) string {
	if err != nil {
		return err.Error()
	}
	return "ok"
}

func describeOnce(address, token string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	channel, err := grpc.Dial(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer channel.Close()
	ctx = metadata.AppendToOutgoingContext(ctx, strings.ToLower(tokenHeader), token)
	_, err = debugpb.NewDebugServiceClient(channel).Describe(ctx, &debugpb.DescribeRequest{})
	return err
}

func openOnce() error {
	server, err := Open(testOptions())
	if err == nil {
		server.Close()
	}
	return err
}

func serveUntilStdinEnds() error {
	server, err := Open(testOptions())
	if err != nil {
		return err
	}
	fmt.Println(server.Address())
	io.Copy(io.Discard, os.Stdin)
	return nil // Not closed: as a program does that just ends.
}

// program runs this test binary in a role, as another user unless uid is our own.
func program(t *testing.T, uid int, role string, environment ...string) *exec.Cmd {
	t.Helper()
	binary := t.TempDir() + "/program"
	self, err := os.Executable()
	must(t, err)
	content, err := os.ReadFile(self)
	must(t, err)
	must(t, os.WriteFile(binary, content, 0o755))
	for at := binary; at != "/" && at != os.TempDir(); at = at[:strings.LastIndexByte(at, '/')] {
		must(t, os.Chmod(at, 0o755))
	}
	command := exec.Command(binary)
	command.Dir = "/"
	// Else the race detector has it end a second later.
	command.Env = append([]string{roleVariable + "=" + role, "GORACE=atexit_sleep_ms=0"}, environment...)
	if uid != os.Geteuid() {
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	}
	return command
}

// expose opens what protects the socket, as a program might do by mistake.
func expose(t *testing.T, folder string) {
	t.Helper()
	for at := folder; at != os.TempDir(); at = at[:strings.LastIndexByte(at, '/')] {
		must(t, os.Chmod(at, 0o755))
	}
	must(t, os.Chmod(socketPath(folder, testInstance), 0o666))
}

func TestAnotherUserIsNotLetInEvenWithTheToken(t *testing.T) {
	asRoot(t)
	server, folder := open(t, testOptions())
	token := tokenVariable + "=" + announced(t, folder).Token
	expose(t, folder)

	ours, err := program(t, os.Geteuid(), "describe "+server.Address(), token).CombinedOutput()
	if string(ours) != "ok" || err != nil {
		t.Errorf("our own user gets %q, %v", ours, err)
	}
	theirs, _ := program(t, anotherUser, "describe "+server.Address(), token).CombinedOutput()
	if !strings.Contains(string(theirs), "Unavailable") {
		t.Errorf("another user gets %q", theirs)
	}
}

func TestAnotherUserCannotReachTheSocket(t *testing.T) {
	asRoot(t)
	server, folder := open(t, testOptions())
	token := tokenVariable + "=" + announced(t, folder).Token
	theirs, _ := program(t, anotherUser, "describe "+server.Address(), token).CombinedOutput()
	if !strings.Contains(string(theirs), "permission denied") {
		t.Errorf("another user gets %q", theirs)
	}
}

func TestAProgramOfAnotherUserDoesNotUseOurFolder(t *testing.T) {
	asRoot(t)
	folder := privateFolder(t)
	theirs, _ := program(t, anotherUser, "open", "PICKSCOPE_RUNTIME_DIR="+folder, "HOME=/nonexistent").CombinedOutput()
	if !strings.Contains(string(theirs), folder+" belongs to another user (uid 0)") {
		t.Errorf("it gets %q", theirs)
	}
}

func TestWhatAProgramLeavesWhenItEndsIsSwept(t *testing.T) {
	folder := runtimeFolder(t)
	command := program(t, os.Geteuid(), "serve", "PICKSCOPE_RUNTIME_DIR="+folder)
	stdin, err := command.StdinPipe()
	must(t, err)
	stdout, err := command.StdoutPipe()
	must(t, err)
	must(t, command.Start())
	socket := make([]byte, 1)
	_, err = stdout.Read(socket)
	must(t, err)
	stdin.Close()
	io.Copy(io.Discard, stdout)
	must(t, command.Wait())

	left := announced(t, folder)
	if _, err := net.Dial("unix", strings.TrimPrefix(left.Address, "unix:")); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("what it left answers: %v", err)
	}
	server, err := Open(testOptions())
	must(t, err)
	defer server.Close()
	if found := announced(t, folder); found.PID != os.Getpid() {
		t.Errorf("the descriptor is that of %d", found.PID)
	}
}

func TestNothingIsPrinted(t *testing.T) {
	folder := runtimeFolder(t)
	command := program(t, os.Geteuid(), "serve", "PICKSCOPE_RUNTIME_DIR="+folder)
	stdin, err := command.StdinPipe()
	must(t, err)
	var output strings.Builder
	command.Stdout, command.Stderr = &output, &output
	must(t, command.Start())
	eventually(t, "it serves", func() bool {
		_, err := os.Stat(folder + "/" + testInstance + ".json")
		return err == nil
	})
	address, token := announced(t, folder).Address, announced(t, folder).Token
	for _, sent := range []string{
		"GET / HTTP/1.1\r\n\r\n",
		preface + strings.Repeat("garbage", 100),
		preface + settings + "\x00\x00\x04\x01\x05\x00\x00\x00\x02\xff\xff\xff\xff",
		"\x16\x03\x01\x00\x05hello",
	} {
		conn := connect(t, address)
		io.WriteString(conn, sent)
		conn.(*net.UnixConn).CloseWrite()
		isEnded(conn)
	}
	_ = describeOnce(address, "wrong")
	must(t, describeOnce(address, token))
	stdin.Close()
	must(t, command.Wait())
	if got := output.String(); got != "unix:"+socketPath(folder, testInstance)+"\nok" {
		t.Errorf("printed is %q", got)
	}
}
