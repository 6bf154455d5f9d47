//go:build unix

package server

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// deadPID is of a process that has ended.
func deadPID(t *testing.T) int {
	t.Helper()
	ended := exec.Command("true")
	must(t, ended.Run())
	return ended.Process.Pid
}

// leftOver writes the descriptor of a process that may have ended, and its socket.
func leftOver(t *testing.T, folder string, spoil func(*descriptor)) (file string) {
	t.Helper()
	self := testOptions().Describe()
	self.Instance = strings.Repeat("ab", 16)
	socket := socketPath(folder, self.Instance)
	must(t, os.WriteFile(socket, nil, 0o600))
	left := newDescriptor(self, "unix:"+socket, newToken(), "")
	spoil(&left)
	file, err := left.write(folder)
	must(t, err)
	return file
}

func TestWhatTheDeadLeftIsSwept(t *testing.T) {
	hostName := testOptions().Describe().HostName
	for name, test := range map[string]struct {
		spoil func(*descriptor)
		swept bool
	}{
		"a living process":    {func(*descriptor) {}, false},
		"no such process":     {func(d *descriptor) { d.PID = deadPID(t) }, true},
		"another process":     {func(d *descriptor) { d.ProcessStart = "1" }, processStart(os.Getpid()) != ""},
		"a start unknown":     {func(d *descriptor) { d.ProcessStart = "" }, false},
		"another machine":     {func(d *descriptor) { d.PID, d.HostName = deadPID(t), "another" }, false},
		"its socket is gone":  {func(d *descriptor) { d.Address = "unix:/nowhere/at.sock" }, true},
		"a port that is free": {func(d *descriptor) { d.Address = "127.0.0.1:1" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			folder := privateFolder(t)
			file := leftOver(t, folder, test.spoil)
			must(t, sweep(folder, hostName))
			if _, err := os.Lstat(file); os.IsNotExist(err) != test.swept {
				t.Errorf("the descriptor: %v", err)
			}
			_, err := os.Lstat(socketPath(folder, strings.Repeat("ab", 16)))
			if os.IsNotExist(err) != test.swept {
				t.Errorf("the socket: %v", err)
			}
		})
	}
}

func TestWhatIsNotOursIsNotSwept(t *testing.T) {
	folder := privateFolder(t)
	elsewhere := leftOver(t, privateFolder(t), func(d *descriptor) { d.PID = deadPID(t) })
	dead, err := os.ReadFile(elsewhere)
	must(t, err)
	name := strings.Repeat("cd", 16)
	kept := map[string]func(path string) error{
		"notes.json":          func(path string) error { return os.WriteFile(path, dead, 0o600) },
		name + ".txt":         func(path string) error { return os.WriteFile(path, dead, 0o600) },
		name[:30] + "ee.json": func(path string) error { return os.WriteFile(path, dead, 0o644) },
		name[:30] + "ff.json": func(path string) error { return os.WriteFile(path, []byte("{"), 0o600) },
		name[:30] + "00.json": func(path string) error { return os.Symlink(elsewhere, path) },
		name[:30] + "11.json": func(path string) error { return os.Mkdir(path, 0o700) },
		name[:30] + "22.json": func(path string) error {
			return os.WriteFile(path, append(dead, make([]byte, maxDescriptorLength)...), 0o600)
		},
		"x" + name[1:] + ".json": func(path string) error { return os.WriteFile(path, dead, 0o600) },
	}
	for name, makeIt := range kept {
		must(t, makeIt(filepath.Join(folder, name)))
	}
	draft := filepath.Join(folder, name+".json.new")
	must(t, os.WriteFile(draft, dead, 0o600))

	must(t, sweep(folder, testOptions().Describe().HostName))
	for name := range kept {
		if _, err := os.Lstat(filepath.Join(folder, name)); err != nil {
			t.Errorf("%s is swept", name)
		}
	}
	if _, err := os.Lstat(draft); !os.IsNotExist(err) {
		t.Error("the draft of a dead process is not swept")
	}
}

func TestADescriptorIsAsDocumented(t *testing.T) {
	_, folder := open(t, testOptions())
	text, err := os.ReadFile(filepath.Join(folder, testInstance+".json"))
	must(t, err)
	var fields map[string]any
	must(t, json.Unmarshal(text, &fields))
	for _, name := range []string{
		"instance", "processStart", "hostName", "name", "folder", "language", "address", "token",
	} {
		if _, isText := fields[name].(string); !isText {
			t.Errorf("%s is %v", name, fields[name])
		}
	}
	if fields["descriptorVersion"] != 1.0 || fields["pid"] != float64(os.Getpid()) {
		t.Errorf("the descriptor says %v", fields)
	}
	if token := fields["token"].(string); len(token) != 64 || strings.Trim(token, "0123456789abcdef") != "" {
		t.Error("the token is not 64 hex digits")
	}
	if _, there := fields["certificate"]; there {
		t.Error("there is a certificate without TLS")
	}
}

func FuzzDescriptor(f *testing.F) {
	whole, _ := json.Marshal(newDescriptor(testOptions().Describe(), "unix:/run/x.sock", newToken(), ""))
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte(`{"instance":"","pid":-1}`))
	folder := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		file := filepath.Join(folder, "fuzzed.json")
		must(t, os.WriteFile(file, text, 0o600))
		read, err := readDescriptor(file)
		if err == nil && (!isInstance(read.Instance) || read.PID <= 0) {
			t.Errorf("taken for a descriptor: %q", text)
		}
	})
}
