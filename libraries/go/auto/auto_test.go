package auto

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/grpc/balancer"
	_ "google.golang.org/grpc/balancer/roundrobin"
)

// The test binary is also a program that imports auto, where this variable says so. It tells what the import has done,
// and ends with its input.
const roleVariable = "PICKSCOPE_TEST_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) == "" {
		os.Exit(m.Run())
	}
	fmt.Printf("%d goroutines, round_robin is of %T\n", runtime.NumGoroutine(), balancer.Get("round_robin"))
	io.Copy(io.Discard, os.Stdin)
}

// ran is what became of a program.
type ran struct {
	said, logged string
	descriptors  []string // While it ran.
}

func run(t *testing.T, folder string, environment ...string) ran {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return runBinary(t, self, folder, environment...)
}

func runBinary(t *testing.T, binary, folder string, environment ...string) ran {
	t.Helper()
	command := exec.Command(binary)
	command.Env = append([]string{
		roleVariable + "=program", "PICKSCOPE_RUNTIME_DIR=" + folder,
		"GORACE=atexit_sleep_ms=0", // Else the race detector has it end a second later.
	}, environment...)
	var log strings.Builder
	command.Stderr = &log
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	said, _ := bufio.NewReader(stdout).ReadString('\n')
	descriptors, _ := filepath.Glob(filepath.Join(folder, "*.json"))
	stdin.Close()
	if err := command.Wait(); err != nil {
		t.Errorf("the program ends with %v", err)
	}
	return ran{said, log.String(), descriptors}
}

func runtimeFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "ps")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return folder
}

func TestNothingHappensUnlessItIsAskedFor(t *testing.T) {
	for _, variable := range []string{
		"", "PICKSCOPE=", "PICKSCOPE=0", "PICKSCOPE=off", "PICKSCOPE=true", "PICKSCOPE_LISTEN=0",
	} {
		got := run(t, runtimeFolder(t), variable)
		untouched := strings.HasPrefix(got.said, "1 goroutines") && !strings.Contains(got.said, "observe.")
		if !untouched || len(got.descriptors) != 0 || got.logged != "" {
			t.Errorf("with %q there are %s, %v, and logged is %q", variable, got.said, got.descriptors, got.logged)
		}
	}
}

func TestItHappensWhereItIsAskedFor(t *testing.T) {
	for _, variable := range []string{"PICKSCOPE=1", "PICKSCOPE=on", "PICKSCOPE=ON"} {
		got := run(t, runtimeFolder(t), variable)
		if len(got.descriptors) != 1 || got.logged != "" || !strings.Contains(got.said, "of *observe.") {
			t.Errorf("with %s there are %v, it says %q, logged is %q", variable, got.descriptors, got.said, got.logged)
		}
	}
}

func TestTheProgramRunsOnWithoutIt(t *testing.T) {
	got := run(t, runtimeFolder(t), "PICKSCOPE=1", "PICKSCOPE_LISTEN=nowhere")
	if !strings.Contains(got.logged, "cannot be attached to") || !strings.Contains(got.logged, "nowhere") {
		t.Errorf("logged is %q", got.logged)
	}
	if !strings.Contains(got.said, "round_robin") {
		t.Errorf("it says %q", got.said)
	}
}
