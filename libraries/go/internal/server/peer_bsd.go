//go:build darwin || freebsd || dragonfly

package server

import (
	"syscall"
	"unsafe"
)

// xucred is struct xucred of <sys/ucred.h>, as far as it is needed; what follows is room for the rest.
type xucred struct {
	version uint32
	uid     uint32
	rest    [120]byte
}

const (
	solLocal      = 0 // SOL_LOCAL of <sys/un.h>.
	localPeercred = 1 // LOCAL_PEERCRED of <sys/un.h>.
)

// peerUID gives the user at the other end of a unix socket.
func peerUID(socket int) (int, error) {
	var peer xucred
	size := uint32(unsafe.Sizeof(peer))
	_, _, errno := syscall.Syscall6(syscall.SYS_GETSOCKOPT, uintptr(socket), solLocal, localPeercred,
		uintptr(unsafe.Pointer(&peer)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return 0, errno
	}
	return int(peer.uid), nil
}
