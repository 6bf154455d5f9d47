package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
)

// runtimeFolders are those in which descriptors may lie, best first. A client writes to the first that works, a watcher
// looks in all of them, because the two may see different environments (systemd, cron, containers). Never a bare
// temporary folder: its names can be squatted.
func runtimeFolders() []string {
	var folders []string
	for _, folder := range append([]string{os.Getenv("PICKSCOPE_RUNTIME_DIR")}, systemFolders()...) {
		if filepath.IsAbs(folder) && !slices.Contains(folders, folder) {
			folders = append(folders, folder)
		}
	}
	return folders
}

// inRuntimeFolder has the first runtime folder used that is ours alone, made if need be, and in which `use` does not
// fail. Its error says for each folder why it cannot be used.
func inRuntimeFolder(use func(folder string) error) error {
	var faults []string
	for _, folder := range runtimeFolders() {
		err := openFolder(folder)
		if err == nil {
			err = use(folder)
		}
		if err == nil {
			return nil
		}
		faults = append(faults, err.Error())
	}
	return fmt.Errorf("no runtime folder can be used: %s. Name one in PICKSCOPE_RUNTIME_DIR "+
		"that is yours alone (mode 700) and can be written to", strings.Join(faults, "; "))
}

func openFolder(folder string) error {
	if len(socketPath(folder, strings.Repeat("0", instanceDigits))) > maxSocketPath {
		return fmt.Errorf("%s is too long for a socket's path", folder)
	}
	// Folders like /run/user/1000 are the system's to make.
	isOfHome := strings.HasPrefix(folder, home()+string(filepath.Separator))
	mayMakeParents := isOfHome || folder == os.Getenv("PICKSCOPE_RUNTIME_DIR")
	if err := makeFolder(folder, mayMakeParents); err != nil {
		return err
	}
	return folderFault(folder)
}

func makeFolder(folder string, withParents bool) error {
	if withParents {
		return os.MkdirAll(folder, 0o700)
	}
	if err := os.Mkdir(folder, 0o700); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// folderFault says what makes a folder unfit to be trusted; nil: it is ours alone.
func folderFault(folder string) error {
	info, err := os.Lstat(folder)
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		return fmt.Errorf("%s is a symbolic link", folder)
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a folder", folder)
	}
	return accessFault(folder, info)
}

// foldersAbove are those on the way to a folder, as it is named and as it is.
func foldersAbove(folder string) ([]string, error) {
	real, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return nil, err
	}
	var above []string
	for _, at := range []string{folder, real} {
		for parent := filepath.Dir(at); parent != at; at, parent = parent, filepath.Dir(parent) {
			above = append(above, parent)
		}
	}
	return above, nil
}

// home is the user's folder. Where nothing tells it, as in some services, it is a path that is used nowhere.
func home() string {
	if folder, err := os.UserHomeDir(); err == nil {
		return folder
	}
	if user, err := user.Current(); err == nil {
		return user.HomeDir
	}
	return "unknown"
}
