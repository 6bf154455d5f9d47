//go:build unix

package server

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// privateFolder makes one that is ours alone, with a short path.
func privateFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "ps")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return folder
}

func TestRuntimeFoldersAreInTheDocumentedOrder(t *testing.T) {
	t.Setenv("PICKSCOPE_RUNTIME_DIR", "/named")
	t.Setenv("XDG_RUNTIME_DIR", "/xdg")
	t.Setenv("XDG_STATE_HOME", "/state")
	t.Setenv("HOME", "/home/me")
	ofSystem := "/run/user/" + strconv.Itoa(os.Geteuid()) + "/pickscope"
	expected := []string{"/named", "/xdg/pickscope", ofSystem, "/state/pickscope", "/home/me/.pickscope"}
	if got := runtimeFolders(); !slices.Equal(got, expected) {
		t.Errorf("the folders are %v", got)
	}

	t.Setenv("PICKSCOPE_RUNTIME_DIR", "relative/ones/are/left/out")
	t.Setenv("XDG_RUNTIME_DIR", "")
	t.Setenv("XDG_STATE_HOME", "")
	expected = []string{ofSystem, "/home/me/.local/state/pickscope", "/home/me/.pickscope"}
	if got := runtimeFolders(); !slices.Equal(got, expected) {
		t.Errorf("the folders are %v", got)
	}
}

func TestAFolderThatIsOursAloneHasNoFault(t *testing.T) {
	if err := folderFault(privateFolder(t)); err != nil {
		t.Error(err)
	}
}

func TestFoldersThatAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(t *testing.T, folder string) (spoilt string)
		fault string
	}{
		"open to a group":  {chmod(0o750), "is open to other users (mode 750, not 700)"},
		"open to all":      {chmod(0o701), "is open to other users (mode 701, not 700)"},
		"a symbolic link":  {linked, "is a symbolic link"},
		"a file":           {asFile, "is not a folder"},
		"in an open one":   {inOpenFolder, "could be replaced by other users, who may change what is in"},
		"through a link":   {throughLink, "could be replaced by other users, who may change what is in"},
		"not there":        {func(_ *testing.T, folder string) string { return folder + "/missing" }, "no such file"},
		"of another user":  {ofAnotherUser, "belongs to another user (uid 65533)"},
		"in another's one": {inFolderOfAnotherUser, "could be replaced by other users, who may change what is in"},
	} {
		t.Run(name, func(t *testing.T) {
			err := folderFault(test.spoil(t, privateFolder(t)))
			if err == nil || !strings.Contains(err.Error(), test.fault) {
				t.Errorf("its fault is %v", err)
			}
		})
	}
}

func chmod(mode os.FileMode) func(*testing.T, string) string {
	return func(t *testing.T, folder string) string {
		must(t, os.Chmod(folder, mode))
		return folder
	}
}

func linked(t *testing.T, folder string) string {
	link := folder + ".link"
	must(t, os.Symlink(folder, link))
	t.Cleanup(func() { os.Remove(link) })
	return link
}

func asFile(t *testing.T, folder string) string {
	file := filepath.Join(folder, "file")
	must(t, os.WriteFile(file, nil, 0o600))
	return file
}

func inOpenFolder(t *testing.T, folder string) string {
	inner := filepath.Join(folder, "inner")
	must(t, os.Mkdir(inner, 0o700))
	must(t, os.Chmod(folder, 0o777))
	return inner
}

func throughLink(t *testing.T, folder string) string {
	inner := inOpenFolder(t, folder)
	link := filepath.Join(privateFolder(t), "link")
	must(t, os.Symlink(folder, link))
	return filepath.Join(link, filepath.Base(inner))
}

// anotherUser is nobody in particular.
const anotherUser = 65533

// asRoot leaves a test out that needs a second user of the machine, who only root can become.
func asRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("it needs a second user: run the tests as root")
	}
}

func ofAnotherUser(t *testing.T, folder string) string {
	asRoot(t)
	must(t, os.Chown(folder, anotherUser, anotherUser))
	return folder
}

func inFolderOfAnotherUser(t *testing.T, folder string) string {
	asRoot(t)
	inner := filepath.Join(folder, "inner")
	must(t, os.Mkdir(inner, 0o700))
	must(t, os.Chown(folder, anotherUser, anotherUser))
	return inner
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheFirstFolderThatWorksIsUsed(t *testing.T) {
	base := privateFolder(t)
	open := filepath.Join(base, "open")
	must(t, os.Mkdir(open, 0o700))
	must(t, os.Chmod(open, 0o755))
	t.Setenv("PICKSCOPE_RUNTIME_DIR", open)
	t.Setenv("XDG_RUNTIME_DIR", filepath.Join(privateFolder(t), "missing", "runtime")) // The system's to make.
	t.Setenv("XDG_STATE_HOME", filepath.Join(base, strings.Repeat("long", 25)))
	t.Setenv("HOME", base)

	var tried []string
	use := func(folder string) error {
		tried = append(tried, folder)
		if strings.HasPrefix(folder, "/run/user") {
			return errors.New("not here")
		}
		return nil
	}
	must(t, inRuntimeFolder(use))
	if used := tried[len(tried)-1]; used != filepath.Join(base, ".pickscope") {
		t.Errorf("used was %s", used)
	}
	info, err := os.Stat(filepath.Join(base, ".pickscope"))
	must(t, err)
	if info.Mode().Perm() != 0o700 {
		t.Errorf("it was made with mode %o", info.Mode().Perm())
	}

	err = inRuntimeFolder(func(string) error { return errors.New("the disk is full") })
	for _, part := range []string{
		"mode 755, not 700", "too long for a socket", "the disk is full", "PICKSCOPE_RUNTIME_DIR",
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not said in: %v", part, err)
		}
	}
}

func TestSocketAndDescriptorAreClosedToOthers(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	server, folder := open(t, testOptions())
	found := announced(t, folder)
	if "unix:"+socketPath(folder, testInstance) != server.Address() || found.Address != server.Address() {
		t.Errorf("it is at %s, announced as %s", server.Address(), found.Address)
	}
	for path, mode := range map[string]os.FileMode{
		folder: 0o700,
		filepath.Join(folder, testInstance+".json"): 0o600,
		socketPath(folder, testInstance):            0o600,
	} {
		info, err := os.Lstat(path)
		must(t, err)
		if info.Mode().Perm() != mode {
			t.Errorf("%s has mode %o", path, info.Mode().Perm())
		}
	}
}
