//go:build !unix

package server

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// systemFolders are the runtime folders that nobody names.
func systemFolders() []string {
	return []string{stateFolder()}
}

// stateFolder is where this user's programs keep what outlasts them.
func stateFolder() string {
	local := os.Getenv("LOCALAPPDATA")
	if local == "" {
		local = filepath.Join(home(), "AppData", "Local")
	}
	return filepath.Join(local, "pickscope")
}

// Here a file's mode says nothing of who may read it: the user's own folder is closed to others.

func accessFault(string, fs.FileInfo) error { return nil }

func secretFault(fs.FileInfo) error { return nil }

func isOurs(fs.FileInfo) bool { return true }

const (
	openFlags = os.O_RDONLY
	noFollow  = 0
)

// How Windows says that there is no such process, and that another listens there (winerror.h).
const (
	invalidParameter = syscall.Errno(87)
	addressInUse     = syscall.Errno(10048)
)

// isProcessGone says whether there provably is no process of this id.
func isProcessGone(pid int) bool {
	process, err := os.FindProcess(pid)
	if err != nil {
		return errors.Is(err, invalidParameter)
	}
	process.Release()
	return false
}

// defaultAddress is where a server listens that nobody told where: Node, in which the extension runs, has no unix
// sockets on Windows.
const defaultAddress = "127.0.0.1:0"
