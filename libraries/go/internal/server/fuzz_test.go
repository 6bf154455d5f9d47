package server

import (
	"net"
	"os"
	"strings"
	"testing"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
)

// FuzzConnection sends bytes of any kind, and then has a client with the token be answered.
func FuzzConnection(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
	f.Add([]byte(preface + settings + "\x00\x00\x08\x06\x00\x00\x00\x00\x0012345678"))
	f.Add([]byte(preface + settings + "\x00\x00\x04\x01\x05\x00\x00\x00\x01\x82\x87\x84\x83"))
	f.Add([]byte(preface + settings + "\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x08"))
	f.Add([]byte("\x16\x03\x01\x00\x05hello"))
	folder, err := os.MkdirTemp("", "ps")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { os.RemoveAll(folder) })
	f.Setenv("PICKSCOPE_RUNTIME_DIR", folder)
	options := testOptions()
	options.Token = aToken
	server, err := Open(options)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(server.Close)
	f.Fuzz(func(t *testing.T, sent []byte) {
		conn, err := net.Dial("unix", strings.TrimPrefix(server.Address(), "unix:"))
		if err != nil {
			t.Fatal(err)
		}
		conn.Write(sent)
		conn.Close()
		client := debugpb.NewDebugServiceClient(dial(t, server.Address()))
		if _, err := client.Describe(withToken(t, aToken), &debugpb.DescribeRequest{}); err != nil {
			t.Fatal(err)
		}
	})
}
