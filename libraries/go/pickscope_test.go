package pickscope_test

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	pickscope "github.com/pickscope/pickscope/libraries/go"
)

// Call Start at the beginning of main, before the first channel is made.
func ExampleStart() {
	folder, _ := os.MkdirTemp("", "ps") // Yours need not: by default it is a folder of the user's own.
	defer os.RemoveAll(folder)
	os.Setenv("PICKSCOPE_RUNTIME_DIR", folder)
	defer os.Unsetenv("PICKSCOPE_RUNTIME_DIR")

	server, err := pickscope.Start(pickscope.Options{Name: "orders"})
	if err != nil {
		slog.Warn(err.Error()) // The program runs on without it.
		return
	}
	defer server.Close()
	fmt.Println(server.Address()[:len("unix:/")])
	// Output: unix:/
}

// Keep the last minute, and write it down when something has gone wrong.
func ExampleSaveRecording() {
	folder, _ := os.MkdirTemp("", "ps")
	defer os.RemoveAll(folder)
	os.Setenv("PICKSCOPE_RUNTIME_DIR", folder)
	defer os.Unsetenv("PICKSCOPE_RUNTIME_DIR")

	server, err := pickscope.Start(pickscope.Options{Keep: time.Minute})
	if err != nil {
		slog.Warn(err.Error())
		return
	}
	defer server.Close()
	file, err := pickscope.SaveRecording(folder + "/incident.pickscope")
	fmt.Println(strings.TrimPrefix(file, folder), err)
	// Output: /incident.pickscope <nil>
}

func TestWhatCannotBeKeptIsRefused(t *testing.T) {
	for _, keep := range []time.Duration{time.Millisecond, 25 * time.Hour} {
		_, err := pickscope.Start(pickscope.Options{Keep: keep})
		if err == nil || !strings.Contains(err.Error(), "Keep is") {
			t.Errorf("%v: %v", keep, err)
		}
	}
}

func TestErrorsSayWhatHappened(t *testing.T) {
	_, err := pickscope.Start(pickscope.Options{Listen: "nowhere"})
	if err == nil || !strings.HasPrefix(err.Error(), "pickscope: this process cannot be attached to: ") {
		t.Errorf("Start fails with %v", err)
	}
	_, err = pickscope.SaveRecording("")
	if err == nil || !strings.HasPrefix(err.Error(), "pickscope: nothing is kept") {
		t.Errorf("SaveRecording fails with %v", err)
	}
}
