package server

import "syscall"

// peerUID gives the user at the other end of a unix socket.
func peerUID(socket int) (int, error) {
	peer, err := syscall.GetsockoptUcred(socket, syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	if err != nil {
		return 0, err
	}
	return int(peer.Uid), nil
}
