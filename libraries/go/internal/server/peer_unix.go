//go:build linux || darwin || freebsd || dragonfly

package server

import (
	"net"
	"os"
)

// isPeerAllowed says whether the process at the other end is of our user, or of root, who can read our memory anyway.
// On TCP nobody knows: there the token alone counts.
func isPeerAllowed(conn net.Conn) bool {
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return true
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	allowed := false
	err = raw.Control(func(fd uintptr) {
		uid, err := peerUID(int(fd))
		allowed = err == nil && (uid == os.Geteuid() || uid == 0)
	})
	return err == nil && allowed
}
