package server

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/pickscope/pickscope/libraries/go/internal/stream"
)

// What a person does who wants a recording of a process that keeps nothing.
var (
	errNothingKept = errors.New("nothing is kept of this process, so there is nothing to record: start it with " +
		"PICKSCOPE_KEEP=60s in its environment, or with pickscope.Options.Keep")
	errNothingKeptAnyMore = errors.New("nothing is kept of this process any more: " +
		"start it with a larger PICKSCOPE_KEEP_BYTES")
)

// maxNameRunes are those of the program's name in a file's name.
const maxNameRunes = 64

// SaveRecording writes what is kept into a file that is not there yet, for the user alone, and gives its path. file: by
// default a new one in PICKSCOPE_RECORDINGS, or in a folder of the user's own. s may be nil: no server, so nothing is
// kept.
func (s *Server) SaveRecording(file string) (string, error) {
	if s == nil || s.past == nil {
		return "", errNothingKept
	}
	if s.past.Seconds() == 0 {
		return "", errNothingKeptAnyMore
	}
	var err error
	if file == "" {
		file, err = newRecordingFile(s.listening.self.Name)
	} else {
		file, err = filepath.Abs(file)
	}
	if err != nil {
		return "", err
	}
	return file, writeRecording(s.past, file)
}

// writeRecording fails where the name is taken, also by a symbolic link.
func writeRecording(past *stream.Past, file string) error {
	handle, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriter(handle)
	err = stream.WriteRecording(past, buffered)
	err = errors.Join(err, buffered.Flush(), handle.Close())
	if err != nil {
		os.Remove(file)
	}
	return err
}

// newRecordingFile is where a recording goes that nobody named.
func newRecordingFile(program string) (string, error) {
	folder, err := recordingsFolder()
	if err != nil {
		return "", err
	}
	name := []rune(strings.Join(strings.FieldsFunc(program, isNoNameRune), "-"))
	moment := time.Now().UTC().Format("20060102T150405.000Z")
	return filepath.Join(folder, fmt.Sprintf("%s-%d-%s.pickscope",
		string(name[:min(len(name), maxNameRunes)]), os.Getpid(), moment)), nil
}

// isNoNameRune says which characters of a program's name are left out of a file's.
func isNoNameRune(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !strings.ContainsRune("._-", r)
}

// recordingsFolder is made if need be. One that was named may be shared with others: the file itself is not.
func recordingsFolder() (string, error) {
	if named := os.Getenv("PICKSCOPE_RECORDINGS"); named != "" {
		folder, err := filepath.Abs(named)
		return folder, errors.Join(err, os.MkdirAll(folder, 0o700))
	}
	folder := filepath.Join(stateFolder(), "recordings")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	if err := folderFault(folder); err != nil {
		return "", fmt.Errorf("%w: name another with PICKSCOPE_RECORDINGS", err)
	}
	return folder, nil
}
