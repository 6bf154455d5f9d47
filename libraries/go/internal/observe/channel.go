package observe

import (
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
	"weak"

	"google.golang.org/grpc"
	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/connectivity"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
	"github.com/pickscope/pickscope/libraries/go/internal/recorder"
)

// channel is a grpc.ClientConn, as its balancers show it.
type channel struct {
	observer *Observer
	record   *recorder.Channel
	key      weak.Pointer[byte]
	conn     weak.Pointer[grpc.ClientConn] // Nil once it was collected, and where it is unknown.
	calls    calls
	conns    connTable

	mu         sync.Mutex // Guards what follows, and all nodes, endpoints and subconns of the channel.
	roots      []*node    // The first is in use; others wait to take over from it.
	nodes      map[*node]struct{}
	endpoints  map[string]*endpoint // By their addresses, joined.
	subconns   map[balancer.SubConn]*subconn
	generation *recorder.Generation  // The last; nil: there was none.
	updating   int                   // Policies that are being given endpoints right now.
	held       []*endpoint           // By the picker in use.
	gone       [2][]balancer.SubConn // Shut down before this generation, and before the last.
}

// subconn is one connection, or attempt at one, as a policy has it.
type subconn struct {
	node     *node             // The policy that was the first to get it.
	record   *recorder.Subconn // nil: it stands for one of grpc-go's, as a policy in between shows it to the one below.
	endpoint *endpoint
}

// keyOf is what all policies of a channel, and no others, have in their options; zero: they have nothing.
func keyOf(opts balancer.BuildOptions) weak.Pointer[byte] {
	return weak.Make((*byte)(identityOf(opts).pointer))
}

// channelOf gives the channel that a root policy with these options belongs to.
func (o *Observer) channelOf(target string, cc balancer.ClientConn, opts balancer.BuildOptions) *channel {
	key := keyOf(opts)
	o.mu.Lock()
	defer o.mu.Unlock()
	if known := o.channels[key]; known != nil {
		return known
	}
	c := &channel{
		observer:  o,
		record:    o.recorder.AddChannel(target, identityOf(opts).id),
		key:       key,
		conn:      weak.Make(clientConnOf(cc)),
		nodes:     map[*node]struct{}{},
		endpoints: map[string]*endpoint{},
		subconns:  map[balancer.SubConn]*subconn{},
	}
	if key.Value() != nil {
		o.channels[key] = c
	}
	return c
}

// forget ends a channel that is closed.
func (c *channel) forget() {
	c.observer.mu.Lock()
	delete(c.observer.channels, c.key)
	c.observer.mu.Unlock()
	c.record.Close()
}

func protocolState(state connectivity.State) debugpb.ConnectivityState {
	return debugpb.ConnectivityState(state + 1)
}

// addRoot notes a policy that the channel has built.
func (c *channel) addRoot(root *node) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.roots = append(c.roots, root)
}

// newestRoot is the one that the channel has built last; nil: it has none.
func (c *channel) newestRoot() *node {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.roots) == 0 {
		return nil
	}
	return c.roots[len(c.roots)-1]
}

// removeRoot notes that a root policy runs no more: the one that waited for it takes over, or the channel is idle, or
// closed.
func (c *channel) removeRoot(root *node) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.roots = slices.DeleteFunc(c.roots, func(one *node) bool { return one == root })
	if len(c.roots) == 0 {
		c.rest()
		return
	}
	c.keepNamed()
	c.use(c.roots[0])
}

// rest notes that the channel has no policy: it is closed, or idle. Then its endpoints stay known.
func (c *channel) rest() {
	if c.isClosed() {
		c.forget()
		return
	}
	c.held, c.gone = nil, [2][]balancer.SubConn{}
	c.conns.clear() // Subconns hold the channel, which the program may drop without closing it.
	c.record.SetState(debugpb.ConnectivityState_CONNECTIVITY_STATE_IDLE)
	time.AfterFunc(idleInterval, c.lookWhileIdle)
}

// idleInterval is how often an idle channel is looked at.
const idleInterval = time.Second

// lookWhileIdle looks whether an idle channel was closed: it has no policy whose end would tell.
func (c *channel) lookWhileIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case len(c.roots) > 0:
	case c.isClosed():
		c.forget()
	default:
		time.AfterFunc(idleInterval, c.lookWhileIdle)
	}
}

// isClosed says whether a channel without policies is closed, or was dropped, rather than idle.
func (c *channel) isClosed() bool {
	conn := c.conn.Value()
	return conn == nil || conn.GetState() == connectivity.Shutdown
}

// takeOver notes that grpc-go picks with the picker of a root that waited, and gives the generation.
func (c *channel) takeOver(picker *picker) *recorder.Generation {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.roots, picker.node); i >= 0 {
		c.roots[0], c.roots[i] = c.roots[i], c.roots[0]
		c.use(picker.node)
	}
	if generation := picker.generation.Load(); generation != nil {
		return generation
	}
	// It is an old one by now, that was never in use as far as one can see.
	if c.generation == nil {
		c.announce(picker)
	}
	return c.generation
}

// use announces the picker of a root that is in use.
func (c *channel) use(root *node) {
	picker := root.picker
	if picker == nil || len(c.roots) == 0 || c.roots[0] != root {
		return
	}
	if picker.generation.Load() == nil {
		picker.generation.Store(c.announce(picker))
	}
	c.record.SetState(protocolState(root.state))
}

func (c *channel) announce(picker *picker) *recorder.Generation {
	root := picker.node
	held, statuses := c.heldBy(root)
	cause := c.causeOf(held)
	c.held = held
	records := make([]*recorder.Endpoint, len(held))
	for i, endpoint := range held {
		records[i] = endpoint.record
	}
	c.generation = c.record.AddGeneration(root.deciding().record, records, statuses, cause)
	c.forgetConns()
	return c.generation
}

// heldBy gives the endpoints that the picker of a root holds, and what its policies know of them: nil if none knows.
func (c *channel) heldBy(root *node) (held []*endpoint, statuses []recorder.StatusSource) {
	known := map[*endpoint]recorder.StatusSource{}
	for node := range c.nodes {
		if node.root() == root && node.inspected != nil {
			for i, endpoint := range node.inspected.endpoints {
				known[endpoint] = node.inspected.sources[i]
				held = append(held, endpoint)
			}
		}
	}
	if root.inspected == nil {
		held = nil
		if root.state == connectivity.Ready {
			held = c.readyOf(root)
		}
	}
	if len(known) == 0 {
		return held, nil
	}
	for _, endpoint := range held {
		statuses = append(statuses, known[endpoint])
	}
	return held, statuses
}

func (c *channel) readyOf(root *node) []*endpoint {
	var ready []*endpoint
	for _, endpoint := range c.endpoints {
		if endpoint.isReady(root) && (c.updating == 0 || c.isNamed(endpoint)) {
			ready = append(ready, endpoint)
		}
	}
	slices.SortFunc(ready, func(a, b *endpoint) int { return int(a.record.ID()) - int(b.record.ID()) })
	return ready
}

func (c *channel) causeOf(held []*endpoint) debugpb.GenerationCause {
	isIn := func(all []*endpoint) func(*endpoint) bool {
		return func(one *endpoint) bool { return slices.Contains(all, one) }
	}
	switch {
	case c.updating > 0:
		return debugpb.GenerationCause_GENERATION_CAUSE_RESOLVER_UPDATE
	case !all(held, isIn(c.held)):
		return debugpb.GenerationCause_GENERATION_CAUSE_ENDPOINT_READY
	case !all(c.held, isIn(held)):
		return debugpb.GenerationCause_GENERATION_CAUSE_ENDPOINT_NOT_READY
	default:
		return debugpb.GenerationCause_GENERATION_CAUSE_UNSPECIFIED
	}
}

func all[T any](items []T, holds func(T) bool) bool {
	return !slices.ContainsFunc(items, func(item T) bool { return !holds(item) })
}

// endpointOf gives the endpoint with these addresses, or the one that the resolver gave them as part of; a new one if
// there is none.
func (c *channel) endpointOf(addresses []string) *endpoint {
	if exact := c.endpoints[strings.Join(addresses, ", ")]; exact != nil {
		return exact
	}
	if whole := c.endpointWith(addresses); whole != nil && whole.isGiven {
		return whole
	}
	return c.addEndpoint(addresses)
}

// endpointWith gives an endpoint that has all these addresses; nil if there is none.
func (c *channel) endpointWith(addresses []string) *endpoint {
	for _, endpoint := range c.endpoints {
		if all(addresses, func(address string) bool { return slices.Contains(endpoint.addresses, address) }) {
			return endpoint
		}
	}
	return nil
}

func (c *channel) addEndpoint(addresses []string) *endpoint {
	e := &endpoint{record: c.record.AddEndpoint(addresses), channel: c, addresses: addresses}
	e.plainEnd = e.endPlain
	c.endpoints[strings.Join(addresses, ", ")] = e
	return e
}

// isNamed says whether some policy was given the endpoint.
func (c *channel) isNamed(endpoint *endpoint) bool {
	for node := range c.nodes {
		if all(endpoint.addresses, func(address string) bool { return node.addresses[address] }) {
			return true
		}
	}
	return false
}

// keepNamed removes the endpoints that no policy is given any more, and those whose subconn has other addresses now.
func (c *channel) keepNamed() {
	for key, endpoint := range c.endpoints {
		isPutTogether := len(endpoint.addresses) > 1 && !endpoint.isGiven
		if isPutTogether && len(endpoint.states[byGrpc]) == 0 || !c.isNamed(endpoint) {
			delete(c.endpoints, key)
			endpoint.record.Remove()
		}
	}
}

// beginUpdate notes what a policy is given.
func (c *channel) beginUpdate(node *node, endpoints [][]string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.updating++
	node.addresses = map[string]bool{}
	for _, addresses := range endpoints {
		for _, address := range addresses {
			node.addresses[address] = true
		}
		// One of a single address may become part of a subconn with several: it is added when the policy has had its say.
		if len(addresses) > 1 {
			c.endpointOf(addresses).isGiven = true
		}
	}
}

func (c *channel) endUpdate(endpoints [][]string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.updating--
	for _, addresses := range endpoints {
		if len(addresses) > 0 && c.endpointWith(addresses) == nil {
			c.addEndpoint(addresses)
		}
	}
	if c.updating == 0 {
		c.keepNamed()
	}
}

// addSubconn notes a connection that a policy has got, unless a policy above has got the same.
func (c *channel) addSubconn(n *node, sc balancer.SubConn, addresses []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !isKey(sc) || c.subconns[sc] != nil {
		return
	}
	added := &subconn{node: n, endpoint: c.endpointOf(addresses)}
	if n.parent == nil {
		added.record = added.endpoint.record.AddSubconn(strings.Join(addresses, ", "), channelzID(sc))
	}
	c.subconns[sc] = added
	c.conns.put(sc, added.endpoint)
	added.endpoint.set(added.tier(), added, stateOf{n.root(), connectivity.Idle})
}

// isKey says whether maps can hold it: grpc-go's subconns are pointers, what a policy hands down may be anything.
func isKey(sc balancer.SubConn) bool {
	return sc != nil && reflect.TypeOf(sc).Kind() == reflect.Pointer
}

func (c *channel) subconn(sc balancer.SubConn) *subconn {
	if !isKey(sc) {
		return nil
	}
	return c.subconns[sc]
}

// moveSubconn notes that a connection has other addresses.
func (c *channel) moveSubconn(n *node, sc balancer.SubConn, addresses []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	moved := c.subconn(sc)
	if moved == nil || moved.node != n || len(addresses) == 0 {
		return
	}
	from, tier := moved.endpoint, moved.tier()
	state := from.states[tier][moved]
	from.unset(tier, moved)
	moved.endpoint = c.endpointOf(addresses)
	moved.endpoint.set(tier, moved, state)
	if moved.record != nil {
		moved.record.Move(moved.endpoint.record, strings.Join(addresses, ", "))
	}
	c.conns.put(sc, moved.endpoint)
}

// subconnState notes the state of a connection, as a policy is told it.
func (c *channel) subconnState(n *node, sc balancer.SubConn, state balancer.SubConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	subconn := c.subconn(sc)
	if subconn == nil || subconn.node != n {
		return
	}
	if state.ConnectivityState == connectivity.Shutdown {
		c.removeSubconn(sc, subconn)
		return
	}
	err := ""
	if state.ConnectionError != nil {
		err = state.ConnectionError.Error()
		subconn.endpoint.err = err
	}
	if subconn.record != nil {
		subconn.record.SetState(protocolState(state.ConnectivityState), err)
	}
	subconn.endpoint.set(subconn.tier(), subconn, stateOf{n.root(), state.ConnectivityState})
}

func (c *channel) removeSubconn(sc balancer.SubConn, subconn *subconn) {
	delete(c.subconns, sc)
	c.gone[0] = append(c.gone[0], sc)
	if subconn.record != nil {
		subconn.record.Remove()
	}
	subconn.endpoint.unset(subconn.tier(), subconn)
}

// removeSubconnsOf removes what a policy had that runs no more.
func (c *channel) removeSubconnsOf(n *node) {
	for sc, subconn := range c.subconns {
		if subconn.node == n {
			c.removeSubconn(sc, subconn)
		}
	}
}

func (s *subconn) tier() tier {
	if s.record == nil {
		return byPolicy
	}
	return byGrpc
}

// forgetConns forgets what pickers do not have any more. One that was in use until now may yet be picked with.
func (c *channel) forgetConns() {
	if len(c.gone[1]) > 0 {
		c.conns.remove(c.gone[1])
	}
	c.gone[1], c.gone[0] = c.gone[0], nil
}

// leafState notes what a policy says that holds one endpoint.
func (c *channel) leafState(leaf *node, state connectivity.State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !leaf.isClosed && leaf.leafOf != nil {
		leaf.leafOf.set(byLeaf, leaf, stateOf{leaf.root(), state})
	}
}
