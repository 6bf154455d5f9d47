package server

import (
	"os"
	"path"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"google.golang.org/grpc"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
	"github.com/pickscope/pickscope/libraries/go/internal/recorder"
	"github.com/pickscope/pickscope/libraries/go/internal/stream"
)

const (
	libraryName    = "github.com/pickscope/pickscope/libraries/go"
	libraryVersion = "0.1.0"

	maxLimitations = 16
)

var capabilities = []string{"picks", "completions", "candidates", "subconns", "resolver", "generations", "started"}

// DescribeProcess tells of this process. instance: 32 hex digits, random; name: see ProcessName; limitations: a
// sentence each.
func DescribeProcess(instance, name string, limitations []string) *debugpb.Process {
	hostName, _ := os.Hostname()
	folder, _ := os.Getwd()
	clock := recorder.ClockPair()
	return &debugpb.Process{
		Instance:       instance,
		Pid:            uint32(os.Getpid()),
		Name:           recorder.Capped(name),
		Folder:         recorder.Capped(filepath.Base(folder)),
		HostName:       recorder.Capped(hostName),
		StartedUnixNs:  clock.WallUnixNs - clock.MonotonicNs,
		Language:       "go",
		RuntimeVersion: runtime.Version(),
		Library:        libraryName,
		LibraryVersion: libraryVersion,
		GrpcVersions:   []string{grpc.Version},
		ProtocolMajor:  stream.ProtocolMajor,
		ProtocolMinor:  stream.ProtocolMinor,
		Capabilities:   capabilities,
		Clock:          clock,
		Limitations:    firstCapped(limitations),
	}
}

// ProcessName is what the program was told to be called, else PICKSCOPE_NAME, else the last part of the main package's
// path, else the executable's base name.
func ProcessName(told string) string {
	if told != "" {
		return told
	}
	if name := os.Getenv("PICKSCOPE_NAME"); name != "" {
		return name
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		if name := packageName(info.Path); name != "" {
			return name
		}
	}
	executable, _ := os.Executable()
	return strings.TrimSuffix(filepath.Base(executable), ".exe")
}

// packageName is "orders" for "example.com/shop/cmd/orders" and for "example.com/orders/v2"; "" for what `go run
// main.go` runs.
func packageName(packagePath string) string {
	if version, isVersion := strings.CutPrefix(path.Base(packagePath), "v"); isVersion && isNumber(version) {
		packagePath = path.Dir(packagePath)
	}
	if packagePath == "" || packagePath == "command-line-arguments" {
		return ""
	}
	return path.Base(packagePath)
}

func isNumber(text string) bool {
	_, err := strconv.ParseUint(text, 10, 32)
	return err == nil
}

func firstCapped(limitations []string) []string {
	var first []string
	for _, limitation := range limitations[:min(len(limitations), maxLimitations)] {
		first = append(first, recorder.Capped(limitation))
	}
	return first
}
