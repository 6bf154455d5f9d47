package server

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
)

// healInterval is the time between looks at whether watchers still find what they need.
const healInterval = 5 * time.Second

// place is where a server listens.
type place struct {
	tcp string // host:port; "": a unix socket.
	// known: watchers can do without a descriptor, as they know address and token.
	known bool
}

// listening is a listener, its socket and its descriptor, for as long as the server is open.
type listening struct {
	place
	self        *debugpb.Process
	token       string
	certificate string
	// serve serves what the listener accepts, until that is closed.
	serve func(net.Listener)

	stop chan struct{}
	wait sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener
	address  string
	files    []ownFile
	ended    bool
}

// ownFile is one that we made, to be told from another one of the same name, which may even get the same inode.
type ownFile struct {
	path string
	info fs.FileInfo
}

func (f ownFile) isPresent() bool {
	info, err := os.Lstat(f.path)
	return err == nil && os.SameFile(info, f.info) && info.ModTime().Equal(f.info.ModTime())
}

func (l *listening) open(interval time.Duration) error {
	l.stop = make(chan struct{})
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.begin(); err != nil {
		l.end()
		return err
	}
	l.wait.Add(1)
	go l.healEvery(interval)
	return nil
}

func (l *listening) begin() error {
	if l.tcp != "" {
		if err := l.listenOnTCP(); err != nil {
			return err
		}
	}
	return l.appear()
}

func (l *listening) close() {
	close(l.stop)
	l.mu.Lock()
	l.end()
	l.mu.Unlock()
	l.wait.Wait()
}

func (l *listening) end() {
	l.ended = true
	if l.listener != nil {
		l.listener.Close()
	}
	l.removeFiles()
}

func (l *listening) reachableAt() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.address
}

// appear makes itself known in a runtime folder, and listens there if it does not on TCP.
func (l *listening) appear() error {
	if err := inRuntimeFolder(l.appearIn); err != nil && !l.known {
		return err
	}
	return nil
}

func (l *listening) appearIn(folder string) error {
	if err := sweep(folder, l.self.HostName); err != nil {
		return err
	}
	l.removeFiles()
	err := l.makeFiles(folder)
	if err != nil {
		l.removeFiles()
	}
	return err
}

func (l *listening) makeFiles(folder string) error {
	if l.tcp == "" {
		if err := l.listenIn(folder); err != nil {
			return err
		}
	}
	file, err := newDescriptor(l.self, onThisMachine(l.address), l.token, l.certificate).write(folder)
	if err != nil {
		return err
	}
	return l.own(file)
}

func (l *listening) own(file string) error {
	info, err := os.Lstat(file)
	if err != nil {
		os.Remove(file)
		return err
	}
	l.files = append(l.files, ownFile{file, info})
	return nil
}

func (l *listening) removeFiles() {
	for _, file := range l.files {
		os.Remove(file.path)
	}
	l.files = nil
}

func (l *listening) listenOnTCP() error {
	listener, err := net.Listen("tcp", l.tcp)
	if err != nil {
		return err
	}
	host, _, _ := net.SplitHostPort(l.tcp)
	l.address = net.JoinHostPort(host, strconv.Itoa(listener.Addr().(*net.TCPAddr).Port))
	l.begunWith(listener)
	return nil
}

func (l *listening) listenIn(folder string) error {
	file := socketPath(folder, l.self.Instance)
	if l.listener != nil {
		l.listener.Close()
	}
	os.Remove(file)
	listener, err := net.Listen("unix", file)
	if err != nil {
		return err
	}
	// Removing is ours: the end of the old listener would take the new one's file.
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	// The folder is closed to others already; this keeps the socket so should the folder be opened.
	err = errors.Join(os.Chmod(file, 0o600), l.own(file))
	if err != nil {
		listener.Close()
		return err
	}
	l.address = "unix:" + file
	l.begunWith(listener)
	return nil
}

func (l *listening) begunWith(listener net.Listener) {
	l.listener = listener
	l.wait.Add(1)
	go func() {
		defer l.wait.Done()
		l.serve(listener)
	}()
}

func (l *listening) healEvery(interval time.Duration) {
	defer l.wait.Done()
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			l.heal()
		case <-l.stop:
			return
		}
	}
}

// heal makes anew what was taken away. Watchers that are attached notice nothing of it. Where it fails it is tried
// again.
func (l *listening) heal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	isPresent := len(l.files) > 0
	for _, file := range l.files {
		isPresent = isPresent && file.isPresent()
	}
	if !isPresent && !l.ended {
		_ = l.appear()
	}
}

// tcpAddress reads "7700", ":7700" or "host:7700"; without a host it is 127.0.0.1.
func tcpAddress(text string) (string, error) {
	if !strings.Contains(text, ":") {
		text = ":" + text
	}
	host, port, err := net.SplitHostPort(text)
	if _, notANumber := strconv.ParseUint(port, 10, 16); err != nil || notANumber != nil {
		return "", fmt.Errorf("%q is no address to listen at: give a port, or host:port", strings.TrimPrefix(text, ":"))
	}
	return net.JoinHostPort(cmp.Or(host, "127.0.0.1"), port), nil
}

// onThisMachine is where a watcher on this machine connects to.
func onThisMachine(address string) string {
	for _, everywhere := range []string{"0.0.0.0:", "[::]:"} {
		if port, found := strings.CutPrefix(address, everywhere); found {
			return "127.0.0.1:" + port
		}
	}
	return address
}
