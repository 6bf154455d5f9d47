package observe_test

import (
	"encoding/json"
	"errors"
	"sync/atomic"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/balancer/base"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/serviceconfig"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
	"github.com/pickscope/pickscope/libraries/go/internal/inspect"
)

// Policies as a program may have of its own. They are registered before the observer is installed.
func init() {
	balancer.Register(turnsBuilder("turns"))
	balancer.Register(turnsBuilder("open_turns"))
	inspect.Register(inspect.Policy{
		Name: "open_turns", ScoreOrder: debugpb.ScoreOrder_SCORE_ORDER_LOWER_WINS, Open: openTurns,
	})
	balancer.Register(relayBuilder{})
	balancer.Register(halvesBuilder{})
	balancer.Register(configuredPolicy)
}

// turnsBuilder makes a policy on grpc-go's base, whose pickers take one after the other.
func turnsBuilder(name string) balancer.Builder {
	return base.NewBalancerBuilder(name, turnsPickers{}, base.Config{})
}

type turnsPickers struct{}

func (turnsPickers) Build(info base.PickerBuildInfo) balancer.Picker {
	if len(info.ReadySCs) == 0 {
		return base.NewErrPicker(balancer.ErrNoSubConnAvailable)
	}
	p := &turns{}
	for sc := range info.ReadySCs {
		p.conns = append(p.conns, sc)
	}
	return p
}

type turns struct {
	conns []balancer.SubConn
	next  atomic.Uint32
	ended atomic.Uint32
}

// turnsErr is what all pickers of turns fail with; nil: they do not.
var turnsErr atomic.Pointer[error]

func (p *turns) Pick(balancer.PickInfo) (balancer.PickResult, error) {
	if err := turnsErr.Load(); err != nil {
		return balancer.PickResult{}, *err
	}
	sc := p.conns[int(p.next.Add(1))%len(p.conns)]
	return balancer.PickResult{SubConn: sc, Done: func(balancer.DoneInfo) { p.ended.Add(1) }}, nil
}

// openTurns looks into a picker of turns, as the observer asks for it.
func openTurns(picker balancer.Picker) (inspect.Picker, error) {
	switch picker := picker.(type) {
	case *turns:
		return openedTurns{picker}, nil
	default:
		return nil, nil
	}
}

type openedTurns struct{ *turns }

func (o openedTurns) Conns() []balancer.SubConn { return o.conns }

func (o openedTurns) Status(int) inspect.Status {
	return inspect.Status{LagNs: 7, Success: 900, Inflight: o.next.Load() - o.ended.Load()}
}

func (o openedTurns) Pick(info balancer.PickInfo, decision *inspect.Decision) (balancer.PickResult, error) {
	result, err := o.turns.Pick(info)
	if err != nil {
		return result, err
	}
	decision.Reason = debugpb.PickReason_PICK_REASON_TURN
	for i, sc := range o.conns {
		if sc == result.SubConn {
			decision.Chosen = i
		}
	}
	decision.CandidateCount = 1
	decision.Candidates[0] = inspect.Candidate{Conn: decision.Chosen, Score: 3, Healthy: true}
	return result, nil
}

// relayBuilder makes a policy that passes all on to a child, as outlier_detection does.
type relayBuilder struct{}

func (relayBuilder) Name() string { return "relay" }

func (relayBuilder) ParseConfig(config json.RawMessage) (serviceconfig.LoadBalancingConfig, error) {
	parsed := relayConfig{}
	err := json.Unmarshal(config, &parsed)
	return parsed, err
}

type relayConfig struct {
	serviceconfig.LoadBalancingConfig
	Child string
}

func (relayBuilder) Build(cc balancer.ClientConn, opts balancer.BuildOptions) balancer.Balancer {
	return &relay{cc: cc, opts: opts}
}

type relay struct {
	balancer.Balancer
	cc   balancer.ClientConn
	opts balancer.BuildOptions
}

func (r *relay) UpdateClientConnState(state balancer.ClientConnState) error {
	if r.Balancer == nil {
		child := balancer.Get(state.BalancerConfig.(relayConfig).Child)
		r.Balancer = child.Build(relayConn{r.cc}, r.opts)
	}
	state.BalancerConfig = nil
	return r.Balancer.UpdateClientConnState(state)
}

func (r *relay) ResolverError(err error) {
	if r.Balancer != nil {
		r.Balancer.ResolverError(err)
	}
}

func (r *relay) Close() {
	if r.Balancer != nil {
		r.Balancer.Close()
	}
}

type relayConn struct{ balancer.ClientConn }

func (c relayConn) UpdateState(state balancer.State) {
	state.Picker = relayPicker{state.Picker}
	c.ClientConn.UpdateState(state)
}

type relayPicker struct{ balancer.Picker }

// halvesBuilder makes a policy with a child "open_turns" for the even endpoints, and one for the odd ones.
type halvesBuilder struct{}

func (halvesBuilder) Name() string { return "halves" }

func (halvesBuilder) Build(cc balancer.ClientConn, opts balancer.BuildOptions) balancer.Balancer {
	h := &halves{cc: cc}
	for i := range h.children {
		h.children[i] = balancer.Get("open_turns").Build(&half{ClientConn: cc, of: h, index: i}, opts)
	}
	return h
}

type halves struct {
	noIdle
	cc       balancer.ClientConn
	children [2]balancer.Balancer
	states   [2]balancer.State
	of       map[balancer.SubConn]int
}

// noIdle is what newer versions of grpc-go ask of a balancer.
type noIdle struct{}

func (noIdle) ExitIdle() {}

type half struct {
	balancer.ClientConn
	of    *halves
	index int
}

func (h *half) NewSubConn(addresses []resolver.Address, opts balancer.NewSubConnOptions) (balancer.SubConn, error) {
	sc, err := h.ClientConn.NewSubConn(addresses, opts)
	if h.of.of == nil {
		h.of.of = map[balancer.SubConn]int{}
	}
	h.of.of[sc] = h.index
	return sc, err
}

func (h *half) UpdateState(state balancer.State) {
	h.of.states[h.index] = state
	if h.of.states[0].Picker == nil || h.of.states[1].Picker == nil {
		return
	}
	state.ConnectivityState = max(h.of.states[0].ConnectivityState, h.of.states[1].ConnectivityState)
	state.Picker = &halvesPicker{pickers: [2]balancer.Picker{h.of.states[0].Picker, h.of.states[1].Picker}}
	h.ClientConn.UpdateState(state)
}

type halvesPicker struct {
	pickers [2]balancer.Picker
	next    atomic.Uint32
}

func (p *halvesPicker) Pick(info balancer.PickInfo) (balancer.PickResult, error) {
	return p.pickers[p.next.Add(1)%2].Pick(info)
}

func (h *halves) UpdateClientConnState(state balancer.ClientConnState) error {
	var errs []error
	for i, child := range h.children {
		half := balancer.ClientConnState{}
		for j, address := range state.ResolverState.Addresses {
			if j%2 == i {
				half.ResolverState.Addresses = append(half.ResolverState.Addresses, address)
			}
		}
		errs = append(errs, child.UpdateClientConnState(half))
	}
	return errors.Join(errs...)
}

func (h *halves) ResolverError(err error) {
	for _, child := range h.children {
		child.ResolverError(err)
	}
}

func (h *halves) UpdateSubConnState(sc balancer.SubConn, state balancer.SubConnState) {
	h.children[h.of[sc]].UpdateSubConnState(sc, state)
}

func (h *halves) Close() {
	for _, child := range h.children {
		child.Close()
	}
}

// configuredBuilder makes a policy that has a config.
type configuredBuilder struct {
	balancer.Builder
	given atomic.Pointer[string]
}

type greeting struct {
	serviceconfig.LoadBalancingConfig
	Greeting string
}

func (b *configuredBuilder) ParseConfig(config json.RawMessage) (serviceconfig.LoadBalancingConfig, error) {
	parsed := &greeting{}
	return parsed, json.Unmarshal(config, parsed)
}

func (b *configuredBuilder) Build(cc balancer.ClientConn, opts balancer.BuildOptions) balancer.Balancer {
	return configured{b.Builder.Build(cc, opts), b}
}

type configured struct {
	balancer.Balancer
	builder *configuredBuilder
}

func (c configured) UpdateClientConnState(state balancer.ClientConnState) error {
	c.builder.given.Store(&state.BalancerConfig.(*greeting).Greeting)
	return c.Balancer.UpdateClientConnState(state)
}

var configuredPolicy = &configuredBuilder{Builder: turnsBuilder("configured")}
