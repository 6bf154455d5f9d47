//go:build unix

package server

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestTheTokenOfTheEnvironment(t *testing.T) {
	t.Setenv("PICKSCOPE_TOKEN", "")
	t.Setenv("PICKSCOPE_TOKEN_FILE", "")
	if token, err := ConfiguredToken(); token != "" || err != nil {
		t.Errorf("without one it is %q, %v", token, err)
	}
	t.Setenv("PICKSCOPE_TOKEN", aToken)
	if token, err := ConfiguredToken(); token != aToken || err != nil {
		t.Errorf("it is %q, %v", token, err)
	}
	t.Setenv("PICKSCOPE_TOKEN_FILE", "/somewhere")
	if _, err := ConfiguredToken(); err == nil || !strings.Contains(err.Error(), "not both") {
		t.Errorf("with both its fault is %v", err)
	}
}

func TestTokensThatAreNone(t *testing.T) {
	for token, fault := range map[string]string{
		"too-short":                 "has 9 characters, but needs 16 to 1024",
		strings.Repeat("long", 300): "has 1200 characters",
		"sixteen-chars-é-x":         "printable ASCII",
		"sixteen-chars-\n-x":        "printable ASCII",
		" space-at-its-end":         "no space at its ends",
	} {
		t.Setenv("PICKSCOPE_TOKEN", token)
		_, err := ConfiguredToken()
		if err == nil || !strings.Contains(err.Error(), fault) || strings.Contains(err.Error(), token) {
			t.Errorf("of %q the fault is: %v", token, err)
		}
	}
}

func TestTheTokenOfAFile(t *testing.T) {
	for name, test := range map[string]struct {
		make  func(file string) error
		fault string // "": none.
	}{
		"ours alone":    {writeToken(0o600), ""},
		"for the group": {writeToken(0o640), "is open to other users (mode 640): chmod 600 it"},
		"for all":       {writeToken(0o604), "is open to other users"},
		"a folder":      {func(file string) error { return os.Mkdir(file, 0o700) }, "is no file with a secret in it"},
		"a named pipe":  {func(file string) error { return syscall.Mkfifo(file, 0o600) }, "is no file with a secret"},
		"too long": {func(file string) error {
			return os.WriteFile(file, make([]byte, maxSecretLength+1), 0o600)
		}, "is no file with a secret"},
		"missing": {func(string) error { return nil }, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "token")
			must(t, test.make(file))
			t.Setenv("PICKSCOPE_TOKEN_FILE", file)
			token, err := ConfiguredToken()
			switch {
			case test.fault == "" && (token != aToken || err != nil):
				t.Errorf("it is %q, %v", token, err)
			case test.fault != "" && (err == nil || !strings.Contains(err.Error(), test.fault)):
				t.Errorf("its fault is %v", err)
			case err != nil && strings.Contains(err.Error(), aToken):
				t.Error("the token is in the error")
			}
		})
	}
}

func writeToken(mode os.FileMode) func(string) error {
	return func(file string) error {
		if err := os.WriteFile(file, []byte(aToken+"\n"), mode); err != nil {
			return err
		}
		return os.Chmod(file, mode)
	}
}
