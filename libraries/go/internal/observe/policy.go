package observe

import (
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/resolver"

	"github.com/pickscope/pickscope/libraries/go/internal/inspect"
	"github.com/pickscope/pickscope/libraries/go/internal/recorder"
)

// policy stands for a policy in grpc-go's registry.
type policy struct {
	balancer.Builder
	observer *Observer
}

// configurablePolicy is one that parses its config: without the method, grpc-go would give it none.
type configurablePolicy struct {
	*policy
	balancer.ConfigParser
}

// Build has the policy built.
func (p *policy) Build(cc balancer.ClientConn, opts balancer.BuildOptions) balancer.Balancer {
	node := p.observer.newNode(p.Name(), cc, opts)
	inner := p.Builder.Build(&clientConn{cc, node}, opts)
	if inner == nil {
		node.close()
		return nil
	}
	observed := &observedBalancer{inner, node}
	if idler, ok := inner.(exitIdler); ok {
		return idlingBalancer{observed, idler}
	}
	return observed
}

// node is one balancer of a channel's tree.
type node struct {
	name    string
	channel *channel
	parent  *node // nil: it is a root.
	target  string
	sharded bool // Whether it has been given one endpoint of several.
	inspect inspect.Policy

	isParent   atomic.Bool   // Whether policies below it tell what they decide.
	decidingID atomic.Uint32 // Of a root: the id of `deciding`.

	publishing sync.Mutex // While a picker is wrapped.

	// Guarded by the channel's lock.
	record    *recorder.Policy
	addresses map[string]bool // That it was given last.
	children  int             // Of those that are told.
	state     connectivity.State
	picker    *picker       // Of a root.
	nested    *nestedPicker // Of another.
	inspected *inspectedPicker
	leafOf    *endpoint // The endpoint that is all that it has; nil: it has more.
	isClosed  bool
}

// newNode notes a policy that is being built.
func (o *Observer) newNode(name string, cc balancer.ClientConn, opts balancer.BuildOptions) *node {
	target := cc.Target() //lint:ignore SA1019 BuildOptions.Target tells the channel, and not the parent.
	n := &node{name: name, target: strings.Clone(target), sharded: isSharded(cc), state: connectivity.Connecting}
	n.inspect, _ = inspect.Of(name)
	n.parent = o.parentOf(target, cc, opts)
	if n.parent != nil {
		n.channel = n.parent.channel
	} else {
		n.channel = o.channelOf(target, cc, opts)
		n.channel.addRoot(n)
	}
	if target != "" {
		o.mu.Lock()
		o.nodes[unsafe.StringData(n.target)] = n
		o.mu.Unlock()
	}
	n.channel.mu.Lock()
	defer n.channel.mu.Unlock()
	if n.parent == nil || name != pickFirst {
		n.announce()
	}
	return n
}

// parentOf gives the policy above one that is being built; nil: it is a root.
//
// A child finds its parent by the target: each node gives its children a copy of its own, which policies in between
// pass on as it is. Where that is of no use, the parent is the channel's root.
func (o *Observer) parentOf(target string, cc balancer.ClientConn, opts balancer.BuildOptions) *node {
	if clientConnOf(cc) != nil {
		return nil
	}
	o.mu.Lock()
	parent, channel := o.nodes[unsafe.StringData(target)], o.channels[keyOf(opts)]
	o.mu.Unlock()
	if target != "" && parent != nil {
		return parent
	}
	return channel.newestRoot()
}

// pickFirst is the policy whose nodes are a single endpoint where they were given one of several.
const pickFirst = "pick_first"

// announce tells of the policy, and needs the channel's lock.
func (n *node) announce() {
	if n.record != nil {
		return
	}
	var parent *recorder.Policy
	if n.parent != nil {
		parent = n.parent.record
		n.parent.children++
		n.root().isParent.Store(true)
	}
	n.record = n.channel.record.AddPolicy(parent, n.name, n.inspect.ScoreOrder, "")
	n.channel.nodes[n] = struct{}{}
	n.root().decidingID.Store(n.root().deciding().record.ID())
}

func (n *node) root() *node {
	for n.parent != nil {
		n = n.parent
	}
	return n
}

// deciding is the lowest node whose decision it must have been: below it there is a choice of several, or none.
func (n *node) deciding() *node {
	if n.children != 1 {
		return n
	}
	for child := range n.channel.nodes {
		if child.parent == n {
			return child.deciding()
		}
	}
	return n
}

// given notes the endpoints that the policy is given, and says whether it is a leaf: nothing but one endpoint of its
// parent's (gRFC A61).
func (n *node) given(endpoints [][]string) (isLeaf bool) {
	n.channel.mu.Lock()
	defer n.channel.mu.Unlock()
	if n.record != nil {
		return false
	}
	isLeaf = len(endpoints) == 1 && (n.leafOf != nil || n.sharded || len(n.parent.addresses) > 1)
	if !isLeaf {
		n.leaveEndpoint()
		n.announce()
	} else if next := n.channel.endpointOf(endpoints[0]); n.leafOf != next {
		n.leaveEndpoint()
		n.leafOf = next
	}
	return isLeaf
}

func (n *node) leaveEndpoint() {
	if n.leafOf != nil {
		n.leafOf.unset(byLeaf, n)
		n.leafOf = nil
	}
}

// close notes that the policy runs no more.
func (n *node) close() {
	o, c := n.channel.observer, n.channel
	o.mu.Lock()
	delete(o.nodes, unsafe.StringData(n.target))
	o.mu.Unlock()
	n.end()
	if n.parent == nil {
		c.removeRoot(n)
	}
}

func (n *node) end() {
	c := n.channel
	c.mu.Lock()
	defer c.mu.Unlock()
	n.isClosed = true
	delete(c.nodes, n)
	n.leaveEndpoint()
	c.removeSubconnsOf(n)
	if n.record == nil {
		return
	}
	n.record.Remove()
	if n.parent != nil {
		n.parent.children--
		n.root().decidingID.Store(n.root().deciding().record.ID())
	}
}

// exitIdler is balancer.ExitIdler, which newer versions have made part of balancer.Balancer.
type exitIdler interface{ ExitIdle() }

// observedBalancer stands for a balancer. What it does not have itself is the balancer's.
type observedBalancer struct {
	balancer.Balancer
	node *node
}

type idlingBalancer struct {
	*observedBalancer
	exitIdler
}

// UpdateClientConnState notes what the resolver brought.
func (b *observedBalancer) UpdateClientConnState(state balancer.ClientConnState) error {
	n := b.node
	endpoints := addressesOf(state.ResolverState)
	if n.given(endpoints) {
		return b.Balancer.UpdateClientConnState(state)
	}
	if n.parent == nil {
		n.channel.record.ResolverUpdate(joined(endpoints), "")
	}
	n.channel.beginUpdate(n, endpoints)
	defer n.channel.endUpdate(endpoints)
	return b.Balancer.UpdateClientConnState(state)
}

func joined(endpoints [][]string) []string {
	names := make([]string, len(endpoints))
	for i, addresses := range endpoints {
		names[i] = strings.Join(addresses, ", ")
	}
	return names
}

// ResolverError notes that the resolution failed.
func (b *observedBalancer) ResolverError(err error) {
	if b.node.parent == nil {
		b.node.channel.record.ResolverUpdate(nil, err.Error())
	}
	b.Balancer.ResolverError(err)
}

// UpdateSubConnState notes the state of a subconn whose policy gave no listener for it.
func (b *observedBalancer) UpdateSubConnState(sc balancer.SubConn, state balancer.SubConnState) {
	b.node.channel.subconnState(b.node, sc, state)
	b.Balancer.UpdateSubConnState(sc, state)
}

// Close notes that the policy runs no more.
func (b *observedBalancer) Close() {
	b.Balancer.Close()
	b.node.close()
}

// clientConn stands for the balancer.ClientConn that a policy is given.
type clientConn struct {
	balancer.ClientConn
	node *node
}

// Target is a copy of the channel's: see newNode.
func (cc *clientConn) Target() string {
	return cc.node.target
}

// NewSubConn notes a connection.
func (cc *clientConn) NewSubConn(
	addresses []resolver.Address, opts balancer.NewSubConnOptions,
) (balancer.SubConn, error) {
	var made balancer.SubConn // The listener is not called before the policy has it, and tells it to connect.
	listenTo(&opts, func(state balancer.SubConnState) { cc.node.channel.subconnState(cc.node, made, state) })
	sc, err := cc.ClientConn.NewSubConn(addresses, opts)
	if err != nil {
		return sc, err
	}
	made = sc
	cc.node.channel.addSubconn(cc.node, sc, namesOf(addresses))
	return sc, nil
}

// UpdateAddresses notes that a subconn is of another endpoint from now on.
func (cc *clientConn) UpdateAddresses(sc balancer.SubConn, addresses []resolver.Address) {
	cc.ClientConn.UpdateAddresses(sc, addresses)
	cc.node.channel.moveSubconn(cc.node, sc, namesOf(addresses))
}

// UpdateState notes a picker, and puts one in its place that reads along.
func (cc *clientConn) UpdateState(state balancer.State) {
	n := cc.node
	switch {
	case state.Picker == nil:
	case n.isLeaf():
		n.channel.leafState(n, state.ConnectivityState)
	case n.parent != nil:
		state.Picker = n.nestedPicker(state)
	default:
		state.Picker = n.rootPicker(state)
	}
	cc.ClientConn.UpdateState(state)
}

func (n *node) isLeaf() bool {
	n.channel.mu.Lock()
	defer n.channel.mu.Unlock()
	return n.leafOf != nil
}

// rootPicker gives what stands for a root's picker: the same as before if it is published again.
func (n *node) rootPicker(state balancer.State) balancer.Picker {
	n.publishing.Lock()
	defer n.publishing.Unlock()
	next := n.picker
	if next == nil || !isSame(next.inner, state.Picker) {
		next = &picker{inner: state.Picker, node: n, channel: n.channel, recorder: n.channel.observer.recorder}
		next.inspected = n.open(state.Picker)
	}
	c := n.channel
	c.mu.Lock()
	defer c.mu.Unlock()
	n.state, n.picker, n.inspected = state.ConnectivityState, next, next.inspected
	if !n.isClosed {
		c.use(n)
	}
	return next
}

// isSame says whether two pickers are one. Those that are no pointers may not be comparable.
func isSame(a, b balancer.Picker) bool {
	return reflect.TypeOf(a).Kind() == reflect.Pointer && a == b
}

// nestedPicker gives what stands for the picker of a policy below another.
func (n *node) nestedPicker(state balancer.State) balancer.Picker {
	n.publishing.Lock()
	defer n.publishing.Unlock()
	next, policy := n.nested, n.policyID()
	if policy == 0 {
		return state.Picker // It may yet be a leaf.
	}
	if next == nil || !isSame(next.inner, state.Picker) {
		next = &nestedPicker{state.Picker, policy, n.channel.observer.recorder, n.open(state.Picker)}
	}
	c := n.channel
	c.mu.Lock()
	defer c.mu.Unlock()
	n.state, n.nested, n.inspected = state.ConnectivityState, next, next.inspected
	return next
}

// policyID is 0 of a policy that has not been told of.
func (n *node) policyID() uint32 {
	n.channel.mu.Lock()
	defer n.channel.mu.Unlock()
	return n.record.ID()
}

// open looks into a picker, if its policy can be looked into; nil: there is nothing to be told of it.
func (n *node) open(picker balancer.Picker) *inspectedPicker {
	if n.inspect.Open == nil {
		return nil
	}
	opened, err := n.inspect.Open(picker)
	if err != nil {
		n.channel.observer.limit(err.Error())
		return nil
	}
	if opened == nil {
		return nil
	}
	found := &inspectedPicker{Picker: opened}
	for i, sc := range opened.Conns() {
		endpoint := n.channel.conns.get(sc)
		if endpoint == nil {
			return nil
		}
		found.endpoints = append(found.endpoints, endpoint)
		found.sources = append(found.sources, &connStatus{opened, i})
	}
	return found
}

// connStatus is what an inspected picker knows of one of its conns.
type connStatus struct {
	picker inspect.Picker
	conn   int
}

// Status implements recorder.StatusSource.
func (s *connStatus) Status() (lagNs float64, success float32, inflight uint32) {
	now := s.picker.Status(s.conn)
	return now.LagNs, now.Success, now.Inflight
}

// inspectedPicker is a picker that tells what it compares, and its conns as endpoints.
type inspectedPicker struct {
	inspect.Picker
	endpoints []*endpoint
	sources   []recorder.StatusSource
}
