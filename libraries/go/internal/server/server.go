// Package server serves the debug protocol inside this process, and makes it known to the watchers of this machine.
//
// Go's own HTTP/2 server carries it, in front of a grpc.Server of the program's grpc-go: so every call passes the guard
// before gRPC sees it, the HTTP/2 is as new as the Go that built the program, and garbage that is sent here writes no
// line into the program's log.
package server

import (
	"cmp"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"google.golang.org/grpc"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
	"github.com/pickscope/pickscope/libraries/go/internal/recorder"
	"github.com/pickscope/pickscope/libraries/go/internal/stream"
)

// Options say what is served, and where.
type Options struct {
	Recorder *recorder.Recorder
	// Describe tells of this process, but not of what is kept.
	Describe func() *debugpb.Process

	// Listen is a port of 127.0.0.1, or host:port. By default it is a unix socket (Windows: a free port of 127.0.0.1).
	Listen string
	// UnlessTaken has the default do where that address is taken, as it is by the first of several like processes.
	UnlessTaken bool
	// Token lets in too, besides the random one of the descriptor.
	Token string
	// Certificate is what Listen speaks TLS with.
	Certificate *tls.Certificate

	// Keep says how much of the past is kept; by default nothing is.
	Keep stream.KeepLimits
	// Warn is told what the program should know, as a sentence.
	Warn func(string)

	timing timing
}

// timing is what a test would not wait for. 0: as it is.
type timing struct {
	heal, proof, ping, answer time.Duration
}

// Server is open until it is closed.
type Server struct {
	past        *stream.Past
	guard       *guard
	grpc        *grpc.Server
	http        *http.Server
	connections *connections
	listening   *listening
}

// Open begins to serve. Its error says why it cannot: no folder, an address that is none, or is in use.
func Open(options Options) (*Server, error) {
	token := newToken()
	s := &Server{guard: newGuard(token, options.Token)}
	s.prepare(options)
	err := s.listen(options, token)
	if options.UnlessTaken && errors.Is(err, addressInUse) {
		options.Listen, options.Certificate = "", nil
		err = s.listen(options, token)
	}
	if err != nil {
		s.end()
		return nil, err
	}
	return s, nil
}

func (s *Server) prepare(options Options) {
	source := stream.Source{
		Recorder:     options.Recorder,
		RefusedCalls: s.guard.refused.Load,
		Describe:     options.Describe, // The watchers' Describe adds what is kept.
	}
	if options.Keep.Seconds > 0 {
		s.past = stream.NewPast(source, options.Keep, options.Warn)
	}
	s.grpc = newServices(source, s.past)
	s.guard.next = s.grpc
}

func (s *Server) listen(options Options, token string) error {
	at, err := placeOf(options)
	if err != nil {
		return err
	}
	s.http = newHTTPServer(s.guard, options)
	s.connections = &connections{proofTime: cmp.Or(options.timing.proof, proofTime)}
	s.listening = &listening{
		place:       at,
		self:        options.Describe(),
		token:       token,
		certificate: certificatePEM(options.Certificate),
		serve: func(listener net.Listener) {
			serve(s.http, door{listener, s.connections}, options.Certificate != nil)
		},
	}
	return s.listening.open(cmp.Or(options.timing.heal, healInterval))
}

func placeOf(options Options) (place, error) {
	if options.Listen == "" {
		return place{tcp: defaultAddress}, nil
	}
	address, err := tcpAddress(options.Listen)
	return place{tcp: address, known: options.Token != ""}, err
}

// newHTTPServer makes one that prints nothing, whatever it is sent.
func newHTTPServer(handler http.Handler, options Options) *http.Server {
	server := &http.Server{
		Handler:                      handler,
		Protocols:                    new(http.Protocols),
		DisableGeneralOptionsHandler: true,
		MaxHeaderBytes:               16 << 10,
		ConnContext:                  withConnection,
		ErrorLog:                     log.New(io.Discard, "", 0),
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: 32,
			// What is read of calls that nobody takes, and most of what a connection may send ahead.
			MaxReceiveBufferPerConnection: 64 << 10,
			MaxReceiveBufferPerStream:     32 << 10,
			SendPingTimeout:               cmp.Or(options.timing.ping, pingTime),
			PingTimeout:                   cmp.Or(options.timing.answer, answerTime),
		},
	}
	if options.Certificate == nil {
		server.Protocols.SetUnencryptedHTTP2(true)
		return server
	}
	server.Protocols.SetHTTP2(true)
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*options.Certificate}}
	return server
}

// serve returns when the listener or the server is closed.
func serve(server *http.Server, listener net.Listener, withTLS bool) {
	if withTLS {
		_ = server.ServeTLS(listener, "", "")
	} else {
		_ = server.Serve(listener)
	}
}

func newToken() string {
	var token [32]byte
	rand.Read(token[:]) // Never fails: see its documentation.
	return hex.EncodeToString(token[:])
}

// Address is unix:/absolute/path, or host:port.
func (s *Server) Address() string {
	return s.listening.reachableAt()
}

// Past is what is kept, or nil.
func (s *Server) Past() *stream.Past {
	return s.past
}

// Close ends all attachments and removes the socket and the descriptor. It returns when no call is served any more.
func (s *Server) Close() {
	s.listening.close()
	s.end()
}

func (s *Server) end() {
	if s.http != nil {
		s.http.Close()
	}
	s.grpc.Stop()
	s.guard.close()
	if s.past != nil {
		s.past.Close()
	}
}
