package auto_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zeromicro/go-zero/core/logx"
	"github.com/zeromicro/go-zero/core/proc"
	"github.com/zeromicro/go-zero/zrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"

	_ "github.com/pickscope/pickscope/libraries/go/gozero/auto"
)

// backendsVariable has this program be a client of the backends that it names, instead of a test.
const backendsVariable = "PICKSCOPE_TEST_BACKENDS"

const (
	patience = 30 * time.Second
	// callers call at the same time, each this many times.
	callers, callsEach = 8, 250
)

func TestMain(m *testing.M) {
	if backends := os.Getenv(backendsVariable); backends != "" {
		callBackends(strings.Split(backends, ","))
		return
	}
	os.Exit(m.Run())
}

// callBackends is a go-zero program that nobody changed but for the import of auto. It calls until each backend has
// answered, says so, and does what it reads: it calls many times, or shuts down as go-zero does.
func callBackends(backends []string) {
	logx.Disable()
	client, err := zrpc.NewClient(zrpc.RpcClientConf{Endpoints: backends, NonBlock: true})
	if err != nil {
		panic(err)
	}
	seen := map[string]bool{}
	for len(seen) < len(backends) {
		seen[callOne(client)] = true
	}
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		switch lines.Text() {
		case "call":
			callMany(client)
			fmt.Println("called")
		case "shut down":
			proc.Shutdown()
			fmt.Println("shut down")
		}
	}
}

func callMany(client zrpc.Client) {
	var running sync.WaitGroup
	for range callers {
		running.Add(1)
		go func() {
			defer running.Done()
			for range callsEach {
				callOne(client)
			}
		}()
	}
	running.Wait()
}

// callOne gives the address that answered.
func callOne(client zrpc.Client) string {
	var header metadata.MD
	err := client.Conn().Invoke(context.Background(), "/shop.Cart/GetCart", &emptypb.Empty{}, &emptypb.Empty{},
		grpc.Header(&header), grpc.WaitForReady(true))
	if err != nil {
		panic(err)
	}
	return header.Get("backend")[0]
}

// backend counts what it is asked.
type backend struct {
	address string
	count   atomic.Uint64
}

func startBackend(t *testing.T, latency time.Duration) *backend {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	its := &backend{address: listener.Addr().String()}
	server := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		if err := stream.RecvMsg(&emptypb.Empty{}); err != nil {
			return err
		}
		its.count.Add(1)
		time.Sleep(latency) // What a backend takes, not what a test waits for.
		stream.SetHeader(metadata.Pairs("backend", its.address))
		return stream.SendMsg(&emptypb.Empty{})
	}))
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	return its
}

// TestAGoZeroProgramIsAttachedTo has a process attached by its debug socket: its picks are those that the backends counted,
// each explained by both candidates.
func TestAGoZeroProgramIsAttachedTo(t *testing.T) {
	backends := []*backend{startBackend(t, 0), startBackend(t, 200*time.Microsecond), startBackend(t, 2*time.Millisecond)}
	program := startProgram(t, backends)
	program.expect("ready")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	watched := watch(ctx, t, program.descriptor())
	before := countsOf(backends)
	program.say("call")
	program.expect("called")
	watched.readUntil(callers * callsEach)
	for i, backend := range backends {
		if picked, counted := watched.picks[backend.address], backend.count.Load()-before[i]; picked != counted {
			t.Errorf("%s counted %d calls, of %d picks", backend.address, counted, picked)
		}
	}
	if watched.explained+watched.raced != callers*callsEach || watched.raced > callers*callsEach/10 {
		t.Errorf("%d picks were explained, %d raced, of %d", watched.explained, watched.raced, callers*callsEach)
	}
	if watched.policies["p2c_ewma"] != debugpb.ScoreOrder_SCORE_ORDER_LOWER_WINS {
		t.Errorf("the policies are %v", watched.policies)
	}
	if len(watched.process.Limitations) > 0 {
		t.Error(watched.process.Limitations)
	}
	t.Logf("gRPC %v: %d picks explained, %d raced", watched.process.GrpcVersions, watched.explained, watched.raced)
}

// TestNothingIsLeftWhenGoZeroShutsDown, neither socket nor descriptor.
func TestNothingIsLeftWhenGoZeroShutsDown(t *testing.T) {
	program := startProgram(t, []*backend{startBackend(t, 0)})
	program.expect("ready")
	program.descriptor()
	program.say("shut down")
	program.expect("shut down")
	if files, _ := os.ReadDir(program.folder); len(files) > 0 {
		t.Errorf("there is %v", files)
	}
}

// TestNothingIsDoneUnasked holds auto to doing nothing where the environment does not ask for it.
func TestNothingIsDoneUnasked(t *testing.T) {
	program := startProgram(t, []*backend{startBackend(t, 0)}, "PICKSCOPE=")
	program.expect("ready")
	if files, _ := os.ReadDir(program.folder); len(files) > 0 {
		t.Errorf("there is %v", files)
	}
}

func countsOf(backends []*backend) (counts []uint64) {
	for _, backend := range backends {
		counts = append(counts, backend.count.Load())
	}
	return counts
}

// program is a client process.
type program struct {
	t      *testing.T
	folder string // Its runtime folder.
	input  io.Writer
	lines  *bufio.Scanner
}

func startProgram(t *testing.T, backends []*backend, environment ...string) *program {
	t.Helper()
	folder, err := os.MkdirTemp("", "pickscope") // Short, as sockets' paths have to be.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	var addresses []string
	for _, backend := range backends {
		addresses = append(addresses, backend.address)
	}
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), "PICKSCOPE=1", "PICKSCOPE_RUNTIME_DIR="+folder,
		backendsVariable+"="+strings.Join(addresses, ","))
	command.Env = append(command.Env, environment...)
	command.Stderr = os.Stderr
	input, _ := command.StdinPipe()
	output, _ := command.StdoutPipe()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		input.Close()
		command.Wait()
	})
	return &program{t, folder, input, bufio.NewScanner(output)}
}

func (p *program) say(line string) {
	fmt.Fprintln(p.input, line)
}

// expect waits until the program has written that.
func (p *program) expect(line string) {
	p.t.Helper()
	if !p.lines.Scan() || p.lines.Text() != line {
		p.t.Fatalf("it wrote %q instead of %q", p.lines.Text(), line)
	}
}

// descriptor is what it is found by.
type descriptor struct {
	Address, Token string
}

func (p *program) descriptor() (found descriptor) {
	p.t.Helper()
	files, _ := filepath.Glob(filepath.Join(p.folder, "*.json"))
	if len(files) != 1 {
		p.t.Fatalf("there are %d descriptors", len(files))
	}
	text, err := os.ReadFile(files[0])
	if err == nil {
		err = json.Unmarshal(text, &found)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return found
}

// watched is what a stream has told.
type watched struct {
	t         *testing.T
	stream    debugpb.DebugService_WatchClient
	process   *debugpb.Process
	addresses map[uint32]string
	policies  map[string]debugpb.ScoreOrder

	rows, explained, raced uint64
	picks                  map[string]uint64 // By address.
}

// watch attaches, and gives the stream when all that came before is told.
func watch(ctx context.Context, t *testing.T, from descriptor) *watched {
	t.Helper()
	conn, err := grpc.DialContext(ctx, from.Address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	ctx = metadata.AppendToOutgoingContext(ctx, "pickscope-token", from.Token)
	stream, err := debugpb.NewDebugServiceClient(conn).Watch(ctx, &debugpb.WatchRequest{ProtocolMajor: 1})
	if err != nil {
		t.Fatal(err)
	}
	w := &watched{
		t: t, stream: stream, addresses: map[uint32]string{}, policies: map[string]debugpb.ScoreOrder{},
		picks: map[string]uint64{},
	}
	for w.read().GetSnapshotEnd() == nil {
	}
	return w
}

// readUntil reads until that many rows of picks have come, and no more of a flush.
func (w *watched) readUntil(rows uint64) {
	for w.rows < rows {
		w.read()
	}
	for w.read().GetHeartbeat() == nil {
	}
}

func (w *watched) read() *debugpb.WatchResponse {
	w.t.Helper()
	message, err := w.stream.Recv()
	if err != nil {
		w.t.Fatalf("after %d rows: %v", w.rows, err)
	}
	if process := message.GetProcess(); process != nil {
		w.process = process
	}
	for _, change := range message.GetChanges().GetChanges() {
		if endpoint := change.GetEndpoint(); endpoint != nil {
			w.addresses[endpoint.Id] = endpoint.Addresses[0]
		}
		if policy := change.GetPolicy(); policy != nil {
			w.policies[policy.Name] = policy.ScoreOrder
		}
	}
	w.count(message.GetPicks())
	return message
}

func (w *watched) count(batch *debugpb.PickBatch) {
	at := 0
	for row := range int(batch.GetRows()) {
		candidates := int(cell(batch.CandidateCount, row))
		compared := batch.CandidateEndpoint[at : at+candidates]
		at += candidates
		w.rows++
		w.picks[w.addresses[batch.Endpoint[row]]]++
		isOne := candidates == 2 && (compared[0] == batch.Endpoint[row] || compared[1] == batch.Endpoint[row])
		switch {
		case isOne && cell(batch.Flags, row)&uint32(debugpb.PickFlag_PICK_FLAG_RACED) != 0:
			w.raced++
		case isOne && cell(batch.Reason, row) != debugpb.PickReason_PICK_REASON_UNSPECIFIED:
			w.explained++
		}
	}
}

// cell is what a column has in a row. One that is empty throughout is not sent.
func cell[T any](column []T, row int) (value T) {
	if row < len(column) {
		value = column[row]
	}
	return value
}
