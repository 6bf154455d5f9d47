package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
)

const (
	descriptorVersion = 1
	// maxDescriptorLength, in bytes: a longer file is no descriptor.
	maxDescriptorLength = 16 << 10
	// maxSocketPath, in bytes; macOS allows 104.
	maxSocketPath = 100
	// instanceDigits are those of a process's instance, socketDigits as many of them as its socket is named by.
	instanceDigits, socketDigits = 32, 12
)

// descriptor is a JSON file, mode 0600, by which a watcher of the same user finds this process. It lies in a runtime
// folder as `<instance>.json`. See docs/protocol.md, "Finding a client".
type descriptor struct {
	DescriptorVersion int    `json:"descriptorVersion"`
	Instance          string `json:"instance"`
	PID               int    `json:"pid"`
	ProcessStart      string `json:"processStart"`
	HostName          string `json:"hostName"`
	Name              string `json:"name"`
	Folder            string `json:"folder"`
	Language          string `json:"language"`
	Address           string `json:"address"` // unix:/absolute/path or host:port.
	Token             string `json:"token"`
	Certificate       string `json:"certificate,omitempty"` // PEM: the one certificate to be trusted there.
}

func newDescriptor(self *debugpb.Process, address, token, certificate string) descriptor {
	return descriptor{
		DescriptorVersion: descriptorVersion,
		Instance:          self.Instance,
		PID:               int(self.Pid),
		ProcessStart:      processStart(int(self.Pid)),
		HostName:          self.HostName,
		Name:              self.Name,
		Folder:            self.Folder,
		Language:          self.Language,
		Address:           address,
		Token:             token,
		Certificate:       certificate,
	}
}

// write puts the descriptor into the folder, and gives its path. It is renamed into place, so that nobody reads half of
// it.
func (d descriptor) write(folder string) (file string, err error) {
	text, err := json.Marshal(d)
	if err != nil {
		return "", err
	}
	file = filepath.Join(folder, d.Instance+".json")
	draft := file + ".new"
	if err = writeNew(draft, text); err == nil {
		err = os.Rename(draft, file)
	}
	if err != nil {
		os.Remove(draft)
		return "", err
	}
	return file, nil
}

func writeNew(file string, text []byte) error {
	handle, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = handle.Write(text)
	return errors.Join(err, handle.Close())
}

// readDescriptor reads one that only our user can have written. Its error never quotes the content: that may be a
// token.
func readDescriptor(file string) (d descriptor, err error) {
	handle, err := os.OpenFile(file, openFlags|noFollow, 0)
	if err != nil {
		return d, err
	}
	defer handle.Close()
	info, err := handle.Stat()
	if err != nil {
		return d, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxDescriptorLength || !isOurs(info) {
		return d, fmt.Errorf("%s is no descriptor of ours", file)
	}
	text, err := io.ReadAll(io.LimitReader(handle, maxDescriptorLength))
	if err != nil {
		return d, err
	}
	if json.Unmarshal(text, &d) != nil || !isInstance(d.Instance) || d.PID <= 0 {
		return descriptor{}, fmt.Errorf("%s cannot be read as a descriptor", file)
	}
	return d, nil
}

// isInstance says whether the text is one that a process can have.
func isInstance(text string) bool {
	return len(text) == instanceDigits && strings.Trim(text, "0123456789abcdef") == ""
}

// isDescriptorName says whether a descriptor has such a name, or the draft of one that was not renamed any more.
func isDescriptorName(name string) bool {
	instance, isDescriptor := strings.CutSuffix(strings.TrimSuffix(name, ".new"), ".json")
	return isDescriptor && isInstance(instance)
}

// sweep removes what clients that are provably gone left behind. What cannot be read as a descriptor is not ours to
// remove.
func sweep(folder, hostName string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !isDescriptorName(entry.Name()) {
			continue
		}
		file := filepath.Join(folder, entry.Name())
		if d, err := readDescriptor(file); err == nil && d.isGone(hostName) {
			os.Remove(socketPath(folder, d.Instance))
			os.Remove(file)
		}
	}
	return nil
}

// isGone says whether the client that wrote the descriptor provably no longer serves. In doubt (another host): false.
func (d descriptor) isGone(hostName string) bool {
	if d.HostName != hostName {
		return false
	}
	if isProcessGone(d.PID) {
		return true
	}
	start := processStart(d.PID)
	if start != "" && d.ProcessStart != "" && start != d.ProcessStart {
		return true
	}
	socket, isUnix := strings.CutPrefix(d.Address, "unix:")
	if !isUnix {
		return false
	}
	_, err := os.Lstat(socket)
	return errors.Is(err, fs.ErrNotExist)
}

func socketPath(folder, instance string) string {
	return filepath.Join(folder, instance[:socketDigits]+".sock")
}

// processStart is when a process of this machine started, in the operating system's own unit: pids are reused, a pair
// of pid and start is not. It is "" where it cannot be read (no such process, or not Linux).
func processStart(pid int) string {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	// The second field is the command in parentheses and may hold spaces; the start is the 22nd field.
	rest := string(stat[strings.LastIndexByte(string(stat), ')')+1:])
	if fields := strings.Fields(rest); len(fields) > 19 {
		return fields[19]
	}
	return ""
}
