//go:build unix

package server

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// unmappedUser is whom files seem to belong to whose owner the user namespace of a container does not know, such as the
// host's root.
const unmappedUser = 65534

// systemFolders are the runtime folders that nobody names.
func systemFolders() []string {
	folders := []string{
		filepath.Join("/run/user", strconv.Itoa(os.Geteuid()), "pickscope"),
		stateFolder(),
		// Short enough for a socket's path where the ones above are not.
		filepath.Join(home(), ".pickscope"),
	}
	if runtime := os.Getenv("XDG_RUNTIME_DIR"); runtime != "" {
		return append([]string{filepath.Join(runtime, "pickscope")}, folders...)
	}
	return folders
}

// stateFolder is where this user's programs keep what outlasts them.
func stateFolder() string {
	state := os.Getenv("XDG_STATE_HOME")
	if state == "" {
		state = filepath.Join(home(), ".local", "state")
	}
	return filepath.Join(state, "pickscope")
}

// accessFault says who else may look into a folder, or replace it.
func accessFault(folder string, info fs.FileInfo) error {
	if uid := owner(info); uid != os.Geteuid() {
		return fmt.Errorf("%s belongs to another user (uid %d)", folder, uid)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("%s is open to other users (mode %o, not 700)", folder, mode)
	}
	above, err := foldersAbove(folder)
	if err != nil {
		return err
	}
	for _, parent := range above {
		if isOthersToChange(parent) {
			return fmt.Errorf("%s could be replaced by other users, who may change what is in %s", folder, parent)
		}
	}
	return nil
}

// isOthersToChange says whether someone else may rename what is ours in there.
func isOthersToChange(folder string) bool {
	info, err := os.Lstat(folder)
	if err != nil {
		return true
	}
	if uid := owner(info); uid != 0 && uid != os.Geteuid() && uid != unmappedUser {
		return true
	}
	if info.Mode()&(fs.ModeSticky|fs.ModeSymlink) != 0 {
		return false
	}
	// A group of one's own, as many systems give each user, has nobody else in it.
	others := fs.FileMode(0o022)
	if gid := int(info.Sys().(*syscall.Stat_t).Gid); gid == 0 || gid == os.Getegid() {
		others = 0o002
	}
	return info.Mode()&others != 0
}

// secretFault says who else can have read or written a file: it is to be ours, or of root, who may let our group read
// it, as with secrets that are mounted into a container.
func secretFault(info fs.FileInfo) error {
	open := fs.FileMode(0o077)
	if uid := owner(info); uid != os.Geteuid() {
		if uid != 0 {
			return fmt.Errorf("belongs to another user (uid %d)", uid)
		}
		open = 0o027
	}
	if mode := info.Mode().Perm(); mode&open != 0 {
		return fmt.Errorf("is open to other users (mode %o): chmod 600 it", mode)
	}
	return nil
}

// isOurs says whether a file is our user's, and closed to others.
func isOurs(info fs.FileInfo) bool {
	return owner(info) == os.Geteuid() && info.Mode().Perm()&0o077 == 0
}

func owner(info fs.FileInfo) int {
	return int(info.Sys().(*syscall.Stat_t).Uid)
}

// openFlags let a file be read neither through a symbolic link, nor by waiting where someone has put a named pipe.
const openFlags = os.O_RDONLY | syscall.O_NONBLOCK

// noFollow lets a file not be opened through a symbolic link.
const noFollow = syscall.O_NOFOLLOW

// isProcessGone says whether there provably is no process of this id.
func isProcessGone(pid int) bool {
	return syscall.Kill(pid, 0) == syscall.ESRCH
}

// addressInUse is how the system says that another listens there.
const addressInUse = syscall.EADDRINUSE

// defaultAddress is where a server listens that nobody told where: at a unix socket.
const defaultAddress = ""
