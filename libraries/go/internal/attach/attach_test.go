//go:build unix

package attach

import (
	"bytes"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// prepare gives a runtime folder of the test's own, and closes what server is left when the test ends.
func prepare(t *testing.T) (folder string) {
	t.Helper()
	folder, err := os.MkdirTemp("", "ps")
	must(t, err)
	t.Setenv("PICKSCOPE_RUNTIME_DIR", folder)
	t.Cleanup(func() {
		program.Lock()
		defer program.Unlock()
		if program.server != nil {
			program.server.end()
		}
		os.RemoveAll(folder)
	})
	return folder
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func descriptors(folder string) []string {
	files, _ := filepath.Glob(filepath.Join(folder, "*.json"))
	return files
}

// logged gives what is logged from now on.
func logged(t *testing.T) func() string {
	t.Helper()
	var mu sync.Mutex
	var log bytes.Buffer
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	slog.SetDefault(slog.New(slog.NewTextHandler(writer(func(line []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return log.Write(line)
	}), nil)))
	return func() string { mu.Lock(); defer mu.Unlock(); return log.String() }
}

type writer func([]byte) (int, error)

func (w writer) Write(line []byte) (int, error) { return w(line) }

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("in vain waited until %s", what)
		}
	}
}

func TestOneServerAProcess(t *testing.T) {
	folder := prepare(t)
	first, err := Start(Wish{Name: "first"})
	must(t, err)
	second, err := Start(Wish{Name: "second"})
	must(t, err)
	if first != second || len(descriptors(folder)) != 1 {
		t.Errorf("there are %v", descriptors(folder))
	}
	first.Close()
	second.Close()
	if left := descriptors(folder); len(left) != 0 {
		t.Errorf("left are %v", left)
	}
	again, err := Start(Wish{})
	must(t, err)
	if again == first || len(descriptors(folder)) != 1 {
		t.Errorf("after that there are %v", descriptors(folder))
	}
	first.Close() // It is closed already: the new one stays.
	if len(descriptors(folder)) != 1 {
		t.Error("a server is closed by another")
	}
}

func TestWhatIsOfferedGivesWayToAWish(t *testing.T) {
	folder := prepare(t)
	must(t, Offer())
	must(t, Offer())
	offered := program.server
	wished, err := Start(Wish{Listen: "0"})
	must(t, err)
	if wished == offered || !strings.HasPrefix(wished.Address(), "127.0.0.1:") || len(descriptors(folder)) != 1 {
		t.Errorf("it is at %s, announced in %v", wished.Address(), descriptors(folder))
	}
	must(t, Offer())
	if program.server != wished {
		t.Error("a wish gives way to an offer")
	}
}

func TestWhatIsOfferedIsGivenToWhoWishesNothingElse(t *testing.T) {
	prepare(t)
	must(t, Offer())
	offered := program.server
	started, err := Start(Wish{})
	must(t, err)
	other, err := Start(Wish{Listen: "0"}) // By now the program wants the one that it was given.
	must(t, err)
	if started != offered || other != offered {
		t.Error("the server is another")
	}
}

func TestCloseLeavesNoGoroutine(t *testing.T) {
	folder := prepare(t)
	t.Setenv("PICKSCOPE_RECORD_SIGNAL", "SIGIO")
	recordOnSignal("SIGIO", nil)() // What the runtime starts for signals stays.
	before := runtime.NumGoroutine()
	started, err := Start(Wish{Keep: time.Minute})
	must(t, err)
	if runtime.NumGoroutine() <= before {
		t.Error("it does nothing")
	}
	started.Close()
	eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
	if left, _ := filepath.Glob(filepath.Join(folder, "*")); len(left) != 0 {
		t.Errorf("left are %v", left)
	}
}

func TestAFailureMakesRoom(t *testing.T) {
	folder := prepare(t)
	t.Setenv("PICKSCOPE_TOKEN", "short")
	if _, err := Start(Wish{}); err == nil || !strings.Contains(err.Error(), "PICKSCOPE_TOKEN") {
		t.Errorf("it fails with %v", err)
	}
	t.Setenv("PICKSCOPE_TOKEN", "")
	if _, err := Start(Wish{}); err != nil || len(descriptors(folder)) != 1 {
		t.Errorf("then there are %v, %v", descriptors(folder), err)
	}
}

func TestAnAddressThatAnotherHasIsSaid(t *testing.T) {
	prepare(t)
	log := logged(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer taken.Close()
	t.Setenv("PICKSCOPE_LISTEN", taken.Addr().String())
	started, err := Start(Wish{})
	must(t, err)
	if !strings.HasPrefix(started.Address(), "unix:") || !strings.Contains(log(), taken.Addr().String()+" is taken") {
		t.Errorf("it is at %s, and said is %q", started.Address(), log())
	}
	started.Close()
	if _, err := Start(Wish{Listen: taken.Addr().String()}); err == nil {
		t.Error("a wish for an address that another has is not refused")
	}
}

func TestARecordingAtASignal(t *testing.T) {
	prepare(t)
	log, recordings := logged(t), t.TempDir()
	t.Setenv("PICKSCOPE_KEEP", "60s")
	t.Setenv("PICKSCOPE_RECORD_SIGNAL", "SIGUSR2")
	t.Setenv("PICKSCOPE_RECORDINGS", recordings)
	started, err := Start(Wish{})
	must(t, err)
	saved := func() []string { files, _ := filepath.Glob(filepath.Join(recordings, "*.pickscope")); return files }
	for count := 1; count <= 2; count++ {
		must(t, syscall.Kill(os.Getpid(), syscall.SIGUSR2))
		eventually(t, "it is recorded, and said", func() bool {
			return len(saved()) == count && strings.Count(log(), "are recorded") == count
		})
	}
	if !strings.Contains(log(), saved()[0]) {
		t.Errorf("said is %q", log())
	}
	t.Setenv("PICKSCOPE_RECORDINGS", saved()[0]) // A file.
	must(t, syscall.Kill(os.Getpid(), syscall.SIGUSR2))
	eventually(t, "it is said why there is none", func() bool {
		return strings.Contains(log(), "no recording is written")
	})

	started.Close()
	must(t, syscall.Kill(os.Getpid(), syscall.SIGUSR2)) // Nobody listens any more, and the process goes on.
}

func TestASignalThatIsNone(t *testing.T) {
	for _, name := range []string{"SIGURG", "SIGTERM", "USR2", "12"} {
		log := logged(t)
		recordOnSignal(name, nil)()
		if !strings.Contains(log(), "SIGIO, SIGUSR2") {
			t.Errorf("of %s is said %q", name, log())
		}
	}
}

func TestWithoutAServerThereIsNoRecording(t *testing.T) {
	prepare(t)
	if _, err := SaveRecording(""); err == nil || !strings.Contains(err.Error(), "PICKSCOPE_KEEP") {
		t.Errorf("it fails with %v", err)
	}
}

func TestARecordingWhileTheServerIsClosed(t *testing.T) {
	prepare(t)
	started, err := Start(Wish{Keep: time.Minute})
	must(t, err)
	var all sync.WaitGroup
	for range 4 {
		all.Add(1)
		go func() {
			defer all.Done()
			for range 20 {
				file := filepath.Join(t.TempDir(), "recording")
				if _, err := SaveRecording(file); err != nil && !strings.Contains(err.Error(), "nothing is kept") {
					t.Errorf("it fails with %v", err)
				}
			}
		}()
	}
	started.Close()
	all.Wait()
}
