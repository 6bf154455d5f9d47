package server

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
)

func TestAProcessIsDescribed(t *testing.T) {
	process := DescribeProcess(testInstance, "orders", []string{"a policy that cannot be looked into"})
	folder, _ := os.Getwd()
	for name, pair := range map[string][2]any{
		"pid":      {process.Pid, uint32(os.Getpid())},
		"folder":   {process.Folder, filepath.Base(folder)},
		"language": {process.Language, "go"},
		"runtime":  {process.RuntimeVersion, runtime.Version()},
		"grpc":     {process.GrpcVersions[0], grpc.Version},
		"library":  {process.Library, "github.com/pickscope/pickscope/libraries/go"},
		"limits":   {process.Limitations[0], "a policy that cannot be looked into"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %v, not %v", name, pair[0], pair[1])
		}
	}
	started := time.Unix(0, int64(process.StartedUnixNs))
	if age := time.Since(started); age < 0 || age > 24*time.Hour {
		t.Errorf("it started %v ago", age)
	}
}

func TestWhatIsToldIsCut(t *testing.T) {
	limitations := slices.Repeat([]string{strings.Repeat("x", 300)}, 20)
	process := DescribeProcess(testInstance, strings.Repeat("é", 200), limitations)
	if process.Name != strings.Repeat("é", 128) {
		t.Errorf("the name is %q", process.Name)
	}
	if len(process.Limitations) != 16 || len(process.Limitations[0]) != 256 {
		t.Errorf("%d limitations, the first of %d bytes", len(process.Limitations), len(process.Limitations[0]))
	}
}

func TestTheNameOfAProcess(t *testing.T) {
	t.Setenv("PICKSCOPE_NAME", "by the environment")
	if name := ProcessName("by the code"); name != "by the code" {
		t.Errorf("told by the code it is %q", name)
	}
	if name := ProcessName(""); name != "by the environment" {
		t.Errorf("told by the environment it is %q", name)
	}
	t.Setenv("PICKSCOPE_NAME", "")
	if name := ProcessName(""); name != "server.test" { // The package that the test binary is of.
		t.Errorf("told by nobody it is %q", name)
	}
	for path, name := range map[string]string{
		"example.com/shop/cmd/orders": "orders",
		"example.com/orders/v2":       "orders",
		"orders":                      "orders",
		"example.com/shop/vendors":    "vendors",
		"command-line-arguments":      "",
		"":                            "",
	} {
		if got := packageName(path); got != name {
			t.Errorf("%q is called %q", path, got)
		}
	}
}
