// The conformance suite's client in Go: attachable, and does what it is told; see orders.ts.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/status"

	pickscope "github.com/pickscope/pickscope/libraries/go"
	_ "github.com/pickscope/pickscope/libraries/go/channelz"
	_ "github.com/pickscope/pickscope/libraries/go/gozero/auto"
	"github.com/zeromicro/go-zero/core/logx"
	_ "github.com/zeromicro/go-zero/zrpc" // Brings p2c_ewma.
)

type order struct {
	ID   int             `json:"id"`
	Do   string          `json:"do"`
	With json.RawMessage `json:"with"`
}

type answer struct {
	ID    int    `json:"id"`
	Gives any    `json:"gives"`
	Error string `json:"error,omitempty"`
}

// said is what the resolver brings: a list, or an error.
type said struct {
	Addresses []string `json:"addresses"`
	Error     string   `json:"error"`
}

type dial struct {
	said
	Policy       string         `json:"policy"`
	MethodConfig map[string]any `json:"methodConfig"`
}

type call struct {
	Method       string `json:"method"`
	Calls        int    `json:"calls"`
	Parallel     bool   `json:"parallel"`
	WaitForReady bool   `json:"waitForReady"`
	DeadlineMs   int    `json:"deadlineMs"`
}

// quick is like the one of the client in Node.
var quick = backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 200 * time.Millisecond}

// client makes the channels, and resolves their targets `test:NAME` to what it is told.
type client struct {
	mu        sync.Mutex
	channels  map[string]*grpc.ClientConn
	said      map[string]said
	resolvers map[string]resolver.ClientConn
}

func main() {
	// go-zero logs where the answers go.
	logx.Disable()
	c := &client{
		channels:  map[string]*grpc.ClientConn{},
		said:      map[string]said{},
		resolvers: map[string]resolver.ClientConn{},
	}
	resolver.Register(c)
	var writing sync.Mutex
	// It ends with the suite.
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var o order
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			panic(err)
		}
		// Dialling is done in the order in which it is asked for; calls last, and others go on meanwhile.
		tell := func() {
			line := c.answer(o)
			writing.Lock()
			defer writing.Unlock()
			fmt.Println(line)
		}
		if o.Do == "call" {
			go tell()
		} else {
			tell()
		}
	}
}

func (c *client) answer(o order) string {
	a := answer{ID: o.ID}
	gives, err := c.do(o)
	if err != nil {
		a.Error = err.Error()
	} else {
		a.Gives = gives
	}
	line, err := json.Marshal(a)
	if err != nil {
		panic(err)
	}
	return string(line)
}

func (c *client) do(o order) (any, error) {
	var on struct{ Channel, File string }
	if err := json.Unmarshal(o.With, &on); err != nil {
		return nil, err
	}
	switch o.Do {
	case "dial":
		return nil, c.dial(on.Channel, parsed[dial](o))
	case "connect":
		c.channel(on.Channel).Connect()
		return nil, nil
	case "resolve":
		return nil, c.resolve(on.Channel, parsed[said](o))
	case "call":
		return calls(c.channel(on.Channel), parsed[call](o)), nil
	case "close":
		return nil, c.channel(on.Channel).Close()
	case "save":
		return pickscope.SaveRecording(on.File)
	}
	return nil, fmt.Errorf("there is no order %q", o.Do)
}

func parsed[T any](o order) T {
	var with T
	if err := json.Unmarshal(o.With, &with); err != nil {
		panic(err)
	}
	return with
}

func (c *client) channel(name string) *grpc.ClientConn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.channels[name]
}

func (c *client) dial(name string, d dial) error {
	config := map[string]any{"loadBalancingConfig": []any{map[string]any{d.Policy: map[string]any{}}}}
	if d.MethodConfig != nil {
		d.MethodConfig["name"] = []any{map[string]any{}}
		config["methodConfig"] = []any{d.MethodConfig}
	}
	text, err := json.Marshal(config)
	if err != nil {
		return err
	}
	if d.Addresses != nil {
		if err := c.resolve(name, d.said); err != nil {
			return err
		}
	}
	conn, err := grpc.NewClient("test:"+name,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(string(text)),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: quick, MinConnectTimeout: 20 * time.Second}),
	)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.channels[name] = conn
	return nil
}

// calls makes unary calls, and gives their status codes.
func calls(conn *grpc.ClientConn, c call) []codes.Code {
	all := make([]codes.Code, c.Calls)
	var running sync.WaitGroup
	for i := range all {
		one := func() { all[i] = callOnce(conn, c) }
		if c.Parallel {
			running.Add(1)
			go func() {
				defer running.Done()
				one()
			}()
		} else {
			one()
		}
	}
	running.Wait()
	return all
}

func callOnce(conn *grpc.ClientConn, c call) codes.Code {
	deadline := 20 * time.Second
	if c.DeadlineMs > 0 {
		deadline = time.Duration(c.DeadlineMs) * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	var request, response []byte
	options := []grpc.CallOption{grpc.ForceCodec(bytesAsTheyAre{}), grpc.WaitForReady(c.WaitForReady)}
	return status.Code(conn.Invoke(ctx, c.Method, &request, &response, options...))
}

// Scheme is that of resolver.Builder.
func (c *client) Scheme() string { return "test" }

// Build is that of resolver.Builder.
func (c *client) Build(
	target resolver.Target, cc resolver.ClientConn, _ resolver.BuildOptions,
) (resolver.Resolver, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := target.Endpoint()
	c.resolvers[name] = cc
	if said, has := c.said[name]; has {
		return listening{}, said.tell(cc)
	}
	return listening{}, nil
}

func (c *client) resolve(name string, s said) error {
	c.mu.Lock()
	c.said[name] = s
	cc := c.resolvers[name]
	c.mu.Unlock()
	if cc == nil {
		return nil
	}
	return s.tell(cc)
}

func (s said) tell(cc resolver.ClientConn) error {
	if s.Error != "" {
		cc.ReportError(errors.New(s.Error))
		return nil
	}
	var state resolver.State
	for _, address := range s.Addresses {
		state.Addresses = append(state.Addresses, resolver.Address{Addr: address})
	}
	return cc.UpdateState(state)
}

// listening is a resolver that speaks when the client is told to, not when it is asked.
type listening struct{}

func (listening) ResolveNow(resolver.ResolveNowOptions) {}
func (listening) Close()                                {}

// bytesAsTheyAre is a codec.
type bytesAsTheyAre struct{}

func (bytesAsTheyAre) Name() string { return "proto" }

func (bytesAsTheyAre) Marshal(message any) ([]byte, error) { return *message.(*[]byte), nil }

func (bytesAsTheyAre) Unmarshal(data []byte, message any) error {
	*message.(*[]byte) = append([]byte(nil), data...)
	return nil
}
