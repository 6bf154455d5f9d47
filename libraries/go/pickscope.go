// Package pickscope makes a program's grpc-go clients attachable: Pickscope, an extension of VS Code, then shows every
// pick of their load balancers, of whatever policy, with what was compared where the policy is one that can be looked
// into.
//
// Start does it from code. To have it done by an import alone, where the environment variable PICKSCOPE is 1, see
// package auto beside this one; for go-zero, whose p2c_ewma it looks into, see package gozero/auto.
//
// # What it does
//
// Every policy that is registered with grpc-go is wrapped, under its name. Picks are counted; while someone watches
// they are also kept in rings of a fixed size. A debug server listens on a unix socket that only the process's own user
// can open, and that user finds it by a descriptor beside it. It opens no network port unless it is told to, and sends
// nothing by itself.
//
// A program that runs with other rights than those of the user who started it (setuid, setgid) is left alone: its
// environment is that user's.
//
// Neither metadata, nor payloads, nor status messages are recorded. docs/trust.md in Pickscope's repository says
// precisely what is promised, and docs/protocol.md what is sent.
//
// # When the program ends
//
// Go runs no code at the end of a process, and this package catches no signal that would change how the program ends.
// So call Close, or leave it: the socket and the descriptor then stay, are ignored from then on, and the next program
// that starts a debug server removes them.
//
// # Environment
//
//	PICKSCOPE_NAME           how the process names itself
//	PICKSCOPE_LISTEN         listen on TCP: a port of 127.0.0.1, or host:port; where it is taken, on the unix socket
//	PICKSCOPE_TOKEN          lets in besides the descriptor's random token; at least 16 characters
//	PICKSCOPE_TOKEN_FILE     a file with that token, closed to others
//	PICKSCOPE_TLS_CERT       files with the certificate and the private key in PEM, with which TCP speaks TLS;
//	PICKSCOPE_TLS_KEY        the key's closed to others
//	PICKSCOPE_RUNTIME_DIR    the folder of socket and descriptor, closed to others
//	PICKSCOPE_KEEP           how long the past is kept with nobody attached: 60s, 2m, at most 24h
//	PICKSCOPE_KEEP_BYTES     and how much of it at most, 1MB to 1GB; by default 16MB
//	PICKSCOPE_RECORD_SIGNAL  SIGUSR2 or SIGIO: at it, what is kept is written to a file
//	PICKSCOPE_RECORDINGS     the folder of those files
package pickscope

import (
	"crypto/tls"
	"fmt"
	"time"

	"github.com/pickscope/pickscope/libraries/go/internal/attach"
)

// maxKeep is the longest that can be kept.
const maxKeep = 24 * time.Hour

// Options are what Start is told. The zero value leaves all to the environment.
type Options struct {
	// Name is how the process names itself. By default PICKSCOPE_NAME, else the last part of the main package's path.
	Name string
	// Listen has the server listen on TCP instead of a unix socket: a port of 127.0.0.1, or host:port. By default
	// PICKSCOPE_LISTEN. On TCP, too, every call needs the token.
	Listen string
	// Certificate is what TCP speaks TLS with. By default what the files hold that PICKSCOPE_TLS_CERT and
	// PICKSCOPE_TLS_KEY name; without, TCP is not encrypted.
	Certificate *tls.Certificate
	// Keep has the last seconds kept with nobody attached, so that one who attaches after an incident sees them: 1 s to
	// 24 h, negative: nothing. By default PICKSCOPE_KEEP, else nothing. At most 16 MB are, or PICKSCOPE_KEEP_BYTES.
	Keep time.Duration
}

// Server is this process's debug server.
type Server struct {
	server *attach.Server
}

// Start makes this process attachable. While a server runs, that one is given again; one that package auto has opened
// gives way to options that say anything.
//
// Call it before the first grpc.Dial or grpc.NewClient: what was dialled before is not seen. Like balancer.Register it
// belongs into an init function or the beginning of main. Its error says why the process cannot be attached to; the
// program may run on.
func Start(options Options) (*Server, error) {
	if options.Keep > 0 && (options.Keep < time.Second || options.Keep > maxKeep) {
		return nil, fmt.Errorf("pickscope: Keep is %v, but can be 1s to %v", options.Keep, maxKeep)
	}
	server, err := attach.Start(attach.Wish(options))
	if err != nil {
		return nil, fmt.Errorf("pickscope: this process cannot be attached to: %w", err)
	}
	return &Server{server}, nil
}

// Address is unix:/absolute/path, or host:port.
func (s *Server) Address() string {
	return s.server.Address()
}

// Close ends all attachments and removes the socket and the descriptor. A second time does nothing. The policies stay
// wrapped, and counted, so that Start can be called again.
func (s *Server) Close() {
	s.server.Close()
}

// SaveRecording writes what is kept (see Options.Keep) into a file that Pickscope opens, for the user alone (mode
// 0600), and gives its path.
//
// file must not be there yet. "" is a new one in the folder PICKSCOPE_RECORDINGS, or in a folder of the user's own. It
// fails if nothing is kept, or the file cannot be written.
func SaveRecording(file string) (string, error) {
	path, err := attach.SaveRecording(file)
	if err != nil {
		return "", fmt.Errorf("pickscope: %w", err)
	}
	return path, nil
}
