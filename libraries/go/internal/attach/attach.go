// Package attach makes this process attachable: once, whoever asks for it, package pickscope or package auto.
package attach

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
	"github.com/pickscope/pickscope/libraries/go/internal/observe"
	"github.com/pickscope/pickscope/libraries/go/internal/recorder"
	"github.com/pickscope/pickscope/libraries/go/internal/server"
)

// Wish is what the program's code asks for; the environment says the rest.
type Wish struct {
	Name        string
	Listen      string
	Certificate *tls.Certificate
	Keep        time.Duration
}

// Server is the debug server of this process. While it runs there is no other.
type Server struct {
	*server.Server
	stopListening func() // For the signal at which a recording is written.
	close         sync.Once
}

// program is what of this library there is once in a process.
var program struct {
	sync.Mutex
	observer *observe.Observer
	recorder *recorder.Recorder
	instance string

	server *Server
	// offered: nobody in the program's code asked for the server.
	offered bool
}

// Start observes what is registered by now, and opens the debug server. While one runs, it is given again; one that was
// only offered gives way to a wish.
func Start(wish Wish) (*Server, error) {
	program.Lock()
	defer program.Unlock()
	if program.server != nil && (!program.offered || wish == Wish{}) {
		program.offered = false
		return program.server, nil
	}
	if program.server != nil {
		program.server.end()
	}
	program.offered = false
	return start(wish)
}

// Offer opens the debug server, unless one runs, as the environment asks for it.
func Offer() error {
	program.Lock()
	defer program.Unlock()
	if program.server != nil {
		return nil
	}
	_, err := start(Wish{})
	program.offered = err == nil
	return err
}

// Rescan has observed what was registered since the debug server was opened. It says whether there is one.
func Rescan() bool {
	program.Lock()
	defer program.Unlock()
	if program.server == nil {
		return false
	}
	observed()
	return true
}

// End closes the debug server, if one runs.
func End() {
	program.Lock()
	defer program.Unlock()
	if program.server != nil {
		program.server.end()
	}
}

// SaveRecording writes what is kept into a file, one recording after the other, and gives its path.
func SaveRecording(file string) (string, error) {
	program.Lock()
	running := program.server
	program.Unlock()
	return running.SaveRecording(file)
}

// SaveRecording is as the function. s may be nil: no server, so nothing is kept.
func (s *Server) SaveRecording(file string) (string, error) {
	saving.Lock()
	defer saving.Unlock()
	if s == nil {
		return (*server.Server)(nil).SaveRecording(file)
	}
	return s.Server.SaveRecording(file)
}

var saving sync.Mutex

// Close ends all attachments, and removes the socket and the descriptor. A second time does nothing.
func (s *Server) Close() {
	program.Lock()
	defer program.Unlock()
	s.end()
}

func (s *Server) end() {
	s.close.Do(func() {
		s.stopListening()
		s.Server.Close()
	})
	if program.server == s {
		program.server = nil
	}
}

// errBorrowedRights refuses a program whose environment is that of somebody else than whom its rights are of.
var errBorrowedRights = errors.New("it runs with other rights than those of the user who started it (setuid or setgid)")

func start(wish Wish) (*Server, error) {
	if os.Getuid() != os.Geteuid() || os.Getgid() != os.Getegid() {
		return nil, errBorrowedRights
	}
	observed()
	options, err := optionsFor(wish)
	if err != nil {
		return nil, err
	}
	opened, err := server.Open(options)
	if err != nil {
		return nil, err
	}
	if options.Listen != "" && strings.HasPrefix(opened.Address(), "unix:") {
		warn(fmt.Sprintf("%s is taken, so this process can only be attached to on its machine, at %s.",
			options.Listen, opened.Address()))
	}
	running := &Server{Server: opened}
	running.stopListening = recordOnSignal(os.Getenv("PICKSCOPE_RECORD_SIGNAL"), running.SaveRecording)
	program.server = running
	return running, nil
}

// observed has all observed that is registered by now.
func observed() {
	if program.observer != nil {
		program.observer.Rescan()
		return
	}
	program.recorder = recorder.New()
	program.observer = observe.Install(program.recorder)
	program.instance = newInstance()
}

func newInstance() string {
	var instance [16]byte
	rand.Read(instance[:])
	return hex.EncodeToString(instance[:])
}

func optionsFor(wish Wish) (server.Options, error) {
	observer, instance, name := program.observer, program.instance, server.ProcessName(wish.Name)
	options := server.Options{
		Recorder:    program.recorder,
		Describe:    func() *debugpb.Process { return server.DescribeProcess(instance, name, observer.Limitations()) },
		Listen:      wish.Listen,
		Certificate: wish.Certificate,
		Keep:        server.KeepLimits(wish.Keep, warn),
		Warn:        warn,
	}
	if wish.Listen == "" {
		options.Listen = os.Getenv("PICKSCOPE_LISTEN")
		// Children inherit the environment: the first of them gets the address.
		options.UnlessTaken = true
	}
	var err error
	if wish.Certificate == nil {
		if options.Certificate, err = server.ConfiguredCertificate(); err != nil {
			return options, err
		}
	}
	options.Token, err = server.ConfiguredToken()
	return options, err
}

// warn tells one who asked for it, by a variable or an option.
func warn(sentence string) {
	slog.Warn("Pickscope: " + sentence)
}
