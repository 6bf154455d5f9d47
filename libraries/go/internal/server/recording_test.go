//go:build unix

package server

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
	"github.com/pickscope/pickscope/libraries/go/internal/stream"
)

// keeping serves with a minute kept.
func keeping(t *testing.T) *Server {
	t.Helper()
	options := testOptions()
	options.Keep = stream.KeepLimits{Seconds: 60, Bytes: defaultKeepBytes}
	options.Describe = func() *debugpb.Process { return DescribeProcess(testInstance, "the shop/of ¿all?", nil) }
	server, _ := open(t, options)
	return server
}

func TestARecordingIsANewFileForTheUserAlone(t *testing.T) {
	server := keeping(t)
	file := filepath.Join(t.TempDir(), "incident.pickscope")
	saved, err := server.SaveRecording(file)
	must(t, err)
	content, err := os.ReadFile(saved)
	must(t, err)
	if saved != file || !bytes.HasPrefix(content, []byte("PICKSCOPE\x00\x01\x00")) {
		t.Errorf("%s begins with %q", saved, content[:min(len(content), 12)])
	}
	info, err := os.Lstat(saved)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("it has mode %o", info.Mode().Perm())
	}
	if _, err := server.SaveRecording(file); !os.IsExist(err) {
		t.Errorf("a second time: %v", err)
	}
	again, err := os.ReadFile(file)
	if must(t, err); !bytes.Equal(again, content) {
		t.Error("the file that was there is another")
	}
}

func TestARecordingIsNotWrittenThroughALink(t *testing.T) {
	server, folder := keeping(t), t.TempDir()
	target, link := filepath.Join(folder, "target"), filepath.Join(folder, "link")
	must(t, os.Symlink(target, link))
	if _, err := server.SaveRecording(link); !os.IsExist(err) {
		t.Errorf("through a link: %v", err)
	}
	if _, err := os.Lstat(target); !os.IsNotExist(err) {
		t.Errorf("the target: %v", err)
	}
}

func TestWhereARecordingGoesThatNobodyNamed(t *testing.T) {
	server, state := keeping(t), privateFolder(t)
	t.Setenv("XDG_STATE_HOME", state)
	saved, err := server.SaveRecording("")
	must(t, err)
	name := regexp.MustCompile(`^the-shop-of-all-\d+-\d{8}T\d{6}\.\d{3}Z\.pickscope$`)
	folder := filepath.Join(state, "pickscope", "recordings")
	if filepath.Dir(saved) != folder || !name.MatchString(filepath.Base(saved)) {
		t.Errorf("it is %s", saved)
	}

	must(t, os.Chmod(filepath.Dir(saved), 0o755))
	if _, err := server.SaveRecording(""); err == nil || !strings.Contains(err.Error(), "PICKSCOPE_RECORDINGS") {
		t.Errorf("into a folder that is open to others: %v", err)
	}
	shared := filepath.Join(state, "shared", "by all")
	t.Setenv("PICKSCOPE_RECORDINGS", shared)
	saved, err = server.SaveRecording("")
	if must(t, err); filepath.Dir(saved) != shared {
		t.Errorf("it is %s", saved)
	}
}

func TestWithoutAPastThereIsNoRecording(t *testing.T) {
	server, _ := open(t, testOptions())
	for name, it := range map[string]*Server{"a server that keeps nothing": server, "no server": nil} {
		if _, err := it.SaveRecording(""); err == nil || !strings.Contains(err.Error(), "PICKSCOPE_KEEP=60s") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
