//go:build unix

package auto

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// anotherUser is nobody in particular.
const anotherUser = 65533

func TestAProgramWithBorrowedRightsIsLeftAlone(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("it needs a program of a second user: run the tests as root")
	}
	folder := runtimeFolder(t)
	binary := filepath.Join(folder, "program")
	self, err := os.Executable()
	must(t, err)
	content, err := os.ReadFile(self)
	must(t, err)
	must(t, os.WriteFile(binary, content, 0o755))
	must(t, os.Chown(binary, anotherUser, anotherUser))
	must(t, os.Chmod(binary, 0o755|os.ModeSetuid))
	must(t, os.Chmod(folder, 0o755))

	got := runBinary(t, binary, filepath.Join(folder, "run"),
		"PICKSCOPE=1", "PICKSCOPE_LISTEN=0", "PICKSCOPE_TOKEN=of-who-started-it")
	if !strings.Contains(got.logged, "with other rights than those of the user who started it") {
		t.Errorf("logged is %q", got.logged)
	}
	if !strings.HasPrefix(got.said, "1 goroutines") || len(got.descriptors) != 0 {
		t.Errorf("there are %s, %v", got.said, got.descriptors)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
