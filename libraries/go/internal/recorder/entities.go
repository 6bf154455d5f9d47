package recorder

import (
	"cmp"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
)

// maxAddresses are told of one endpoint, or of one resolver update.
const maxAddresses = 100

// A closed channel is told to be closed when its attempts have ended, looked at this often, and at most this many
// times.
const (
	closingInterval = 50 * time.Millisecond
	closingLooks    = 200
)

// Each record holds its entity as a message that is replaced, never changed, so that it can be sent as it was at that
// moment.

// Channel is a grpc.ClientConn.
type Channel struct {
	Counters ChannelCounters

	recorder     *Recorder
	id           uint32
	message      *debugpb.Channel
	generation   *Generation
	hadEndpoints bool // Whether some picker held endpoints: only then is there history to lose.
	policies     map[*Policy]struct{}
	endpoints    map[*Endpoint]struct{}
	subconns     map[*Subconn]struct{}
	gone         atomic.Bool
}

// Policy is one node of a channel's tree of balancers.
type Policy struct {
	channel *Channel
	id      uint32
	message *debugpb.Policy
}

// Endpoint is what a policy picks: one or more addresses of one backend.
type Endpoint struct {
	Counters EndpointCounters

	channel *Channel
	id      uint32
	message *debugpb.Endpoint
	status  atomic.Pointer[StatusSource]
	shadow  shadow // Guarded by Rows.mu.
	gone    atomic.Bool
}

// Subconn is one connection, or attempt at one, of an endpoint.
type Subconn struct {
	channel  *Channel
	endpoint *Endpoint
	message  *debugpb.Subconn
}

// Generation is a picker that the channel began to use.
type Generation struct {
	Channel *Channel
	id      uint32
	policy  uint32
	message *debugpb.Change
}

// AddChannel tells of a channel. target: as the program gave it; channelzID: 0 where it is not known.
func (r *Recorder) AddChannel(target string, channelzID uint32) *Channel {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := uint64(Now())
	channel := &Channel{
		recorder:  r,
		id:        r.nextID(),
		policies:  map[*Policy]struct{}{},
		endpoints: map[*Endpoint]struct{}{},
		subconns:  map[*Subconn]struct{}{},
	}
	r.channels[channel] = struct{}{}
	channel.message = &debugpb.Channel{
		Id:           channel.id,
		Target:       Capped(target),
		State:        debugpb.ConnectivityState_CONNECTIVITY_STATE_IDLE,
		StateSinceNs: now,
		CreatedNs:    now,
		ChannelzId:   channelzID,
	}
	r.publish(Change{Change: change(channel.message), Channel: channel})
	return channel
}

// ID is unique in the process, among all entities.
func (c *Channel) ID() uint32 { return c.id }

// Counts gives its counters at this moment.
func (c *Channel) Counts() ChannelCounts { return c.Counters.read() }

// Quiet says whether it counts no more: it is closed.
func (c *Channel) Quiet() bool { return c.gone.Load() }

// SetState tells of the channel's state.
func (c *Channel) SetState(state debugpb.ConnectivityState) {
	c.recorder.mu.Lock()
	defer c.recorder.mu.Unlock()
	if c.message.State == state || c.message.Closed {
		return
	}
	message := proto.Clone(c.message).(*debugpb.Channel)
	message.State, message.StateSinceNs = state, uint64(Now())
	c.replace(message)
}

// Close tells that the channel is closed, now or when its last attempt has ended.
func (c *Channel) Close() {
	c.closeWhenQuiet(closingLooks)
}

func (c *Channel) closeWhenQuiet(looks int) {
	c.recorder.mu.Lock()
	defer c.recorder.mu.Unlock()
	if c.message.Closed {
		return
	}
	if looks > 0 && c.isBusy() {
		time.AfterFunc(closingInterval, func() { c.closeWhenQuiet(looks - 1) })
		return
	}
	for policy := range c.policies {
		policy.remove()
	}
	for subconn := range c.subconns {
		subconn.remove()
	}
	for endpoint := range c.endpoints {
		endpoint.remove()
	}
	delete(c.recorder.channels, c)
	c.gone.Store(true)
	message := proto.Clone(c.message).(*debugpb.Channel)
	message.Closed = true
	message.State, message.StateSinceNs = debugpb.ConnectivityState_CONNECTIVITY_STATE_SHUTDOWN, uint64(Now())
	c.replace(message)
}

func (c *Channel) isBusy() bool {
	for endpoint := range c.endpoints {
		if endpoint.Counters.Inflight() > 0 {
			return true
		}
	}
	return false
}

// AddPolicy tells of a node of the channel's tree. parent: nil for the root; note: why it runs though the program asked
// for another, or empty.
func (c *Channel) AddPolicy(parent *Policy, name string, order debugpb.ScoreOrder, note string) *Policy {
	c.recorder.mu.Lock()
	defer c.recorder.mu.Unlock()
	policy := &Policy{channel: c, id: c.recorder.nextID()}
	policy.message = &debugpb.Policy{
		Id: policy.id, Channel: c.id, Parent: parent.ID(), Name: Capped(name), ScoreOrder: order, Note: Capped(note),
	}
	c.policies[policy] = struct{}{}
	c.recorder.publish(Change{Change: change(policy.message)})
	return policy
}

// ID is unique in the process, among all entities; 0 of no policy.
func (p *Policy) ID() uint32 {
	if p == nil {
		return 0
	}
	return p.id
}

// Remove tells that the policy runs no more.
func (p *Policy) Remove() {
	p.channel.recorder.mu.Lock()
	defer p.channel.recorder.mu.Unlock()
	p.remove()
}

func (p *Policy) remove() {
	if _, exists := p.channel.policies[p]; !exists {
		return
	}
	delete(p.channel.policies, p)
	p.message = proto.Clone(p.message).(*debugpb.Policy)
	p.message.Removed = true
	p.channel.recorder.publish(Change{Change: change(p.message)})
}

// ResolverUpdate tells what the resolver brought: an address for each endpoint (several of one joined by ", "), or an
// error.
func (c *Channel) ResolverUpdate(addresses []string, err string) {
	c.recorder.mu.Lock()
	defer c.recorder.mu.Unlock()
	c.recorder.publish(Change{Change: change(&debugpb.ResolverUpdate{
		Channel:       c.id,
		EndpointCount: uint32(len(addresses)),
		Addresses:     firstCapped(addresses),
		Error:         Capped(err),
	})})
}

// StatusSource tells what a policy knows of an endpoint. Two of them are compared by ==, so it must be comparable: a
// pointer.
type StatusSource interface {
	// Status gives the EWMA of latency in ns, that of success (0..1000), and the calls in flight. Safe for concurrent
	// use.
	Status() (lagNs float64, success float32, inflight uint32)
}

// AddGeneration tells that the channel uses another picker now.
//
// endpoints: those that it holds; none of a picker that queues or fails every call. statuses: what the policy knows of
// each of them, or nil where it keeps nothing.
func (c *Channel) AddGeneration(
	policy *Policy, endpoints []*Endpoint, statuses []StatusSource, cause debugpb.GenerationCause,
) *Generation {
	c.recorder.mu.Lock()
	defer c.recorder.mu.Unlock()
	message := &debugpb.Generation{
		Id:      c.recorder.nextID(),
		Channel: c.id,
		Policy:  policy.ID(),
		Cause:   cause,
		// Where no picker before held anything, there was nothing to lose; a policy that keeps nothing loses nothing.
		HistoryKept: !c.hadEndpoints || statuses == nil,
	}
	sources := map[*Endpoint]*StatusSource{}
	for i, endpoint := range endpoints {
		message.Endpoints = append(message.Endpoints, endpoint.id)
		if statuses != nil {
			sources[endpoint] = &statuses[i]
		}
	}
	for endpoint := range c.endpoints {
		endpoint.status.Store(sources[endpoint])
	}
	c.hadEndpoints = c.hadEndpoints || len(endpoints) > 0
	c.generation = &Generation{Channel: c, id: message.Id, policy: message.Policy, message: change(message)}
	c.recorder.publish(Change{Change: c.generation.message})
	return c.generation
}

// AddEndpoint tells of an endpoint, which is IDLE.
func (c *Channel) AddEndpoint(addresses []string) *Endpoint {
	c.recorder.mu.Lock()
	defer c.recorder.mu.Unlock()
	endpoint := &Endpoint{channel: c, id: c.recorder.nextID()}
	c.endpoints[endpoint] = struct{}{}
	c.Counters.add(endpoint)
	endpoint.message = &debugpb.Endpoint{
		Id:           endpoint.id,
		Channel:      c.id,
		Addresses:    firstCapped(addresses),
		State:        debugpb.ConnectivityState_CONNECTIVITY_STATE_IDLE,
		StateSinceNs: uint64(Now()),
	}
	c.recorder.publish(Change{Change: change(endpoint.message), Endpoint: endpoint})
	return endpoint
}

// ID is unique in the process, among all entities; 0 of no endpoint.
func (e *Endpoint) ID() uint32 {
	if e == nil {
		return 0
	}
	return e.id
}

// Counts gives its counters at this moment. What counts meanwhile may be in it or not, but no end is without its pick.
func (e *Endpoint) Counts() EndpointCounts { return e.Counters.read() }

// Quiet says whether it counts no more: it was removed, and no attempt is in flight.
func (e *Endpoint) Quiet() bool { return e.gone.Load() && e.Counters.Inflight() == 0 }

// SetState tells of the endpoint's state. err: the last connection error, where the state came of one.
func (e *Endpoint) SetState(state debugpb.ConnectivityState, err string) {
	e.channel.recorder.mu.Lock()
	defer e.channel.recorder.mu.Unlock()
	err = Capped(err)
	if e.message.Removed || (e.message.State == state && e.message.Error == err) {
		return
	}
	message := proto.Clone(e.message).(*debugpb.Endpoint)
	if message.State != state {
		message.State, message.StateSinceNs = state, uint64(Now())
	}
	message.Error = err
	e.replace(message)
}

// Remove tells that the resolver left the endpoint out. Its subconns go by themselves.
func (e *Endpoint) Remove() {
	e.channel.recorder.mu.Lock()
	defer e.channel.recorder.mu.Unlock()
	e.remove()
}

func (e *Endpoint) remove() {
	if _, exists := e.channel.endpoints[e]; !exists {
		return
	}
	delete(e.channel.endpoints, e)
	e.gone.Store(true)
	message := proto.Clone(e.message).(*debugpb.Endpoint)
	message.Removed = true
	e.replace(message)
}

// StatusSource is what the policy of the present generation knows of the endpoint; nil where it keeps nothing.
func (e *Endpoint) StatusSource() StatusSource {
	if source := e.status.Load(); source != nil {
		return *source
	}
	return nil
}

// AddSubconn tells of a connection of an endpoint, which is IDLE. channelzID: 0 where it is not known.
func (e *Endpoint) AddSubconn(address string, channelzID uint32) *Subconn {
	channel := e.channel
	channel.recorder.mu.Lock()
	defer channel.recorder.mu.Unlock()
	subconn := &Subconn{channel: channel, endpoint: e}
	channel.subconns[subconn] = struct{}{}
	subconn.replace(&debugpb.Subconn{
		Id:           channel.recorder.nextID(),
		Endpoints:    []uint32{e.id},
		Address:      Capped(address),
		State:        debugpb.ConnectivityState_CONNECTIVITY_STATE_IDLE,
		StateSinceNs: uint64(Now()),
		ChannelzId:   channelzID,
	})
	return subconn
}

// SetState tells of the subconn's state, also where it is the same again. err: the connection error that it came of.
func (s *Subconn) SetState(state debugpb.ConnectivityState, err string) {
	s.channel.recorder.mu.Lock()
	defer s.channel.recorder.mu.Unlock()
	if s.message.Removed {
		return
	}
	message := proto.Clone(s.message).(*debugpb.Subconn)
	message.State, message.StateSinceNs, message.Error = state, uint64(Now()), Capped(err)
	s.replace(message)
}

// Move tells that the subconn is of another endpoint, or has another address, from now on.
func (s *Subconn) Move(to *Endpoint, address string) {
	s.channel.recorder.mu.Lock()
	defer s.channel.recorder.mu.Unlock()
	if s.message.Removed {
		return
	}
	s.endpoint = to
	message := proto.Clone(s.message).(*debugpb.Subconn)
	message.Endpoints, message.Address = []uint32{to.id}, Capped(address)
	s.replace(message)
}

// Remove tells that nobody holds the subconn any more.
func (s *Subconn) Remove() {
	s.channel.recorder.mu.Lock()
	defer s.channel.recorder.mu.Unlock()
	s.remove()
}

func (s *Subconn) remove() {
	if _, exists := s.channel.subconns[s]; !exists {
		return
	}
	delete(s.channel.subconns, s)
	message := proto.Clone(s.message).(*debugpb.Subconn)
	message.Removed = true
	s.replace(message)
}

func (r *Recorder) moment() Moment {
	moment := Moment{Channels: sortedByID(r.channels), Next: r.Rows.Head()}
	for _, channel := range moment.Channels {
		moment.Endpoints = append(moment.Endpoints, sortedByID(channel.endpoints)...)
	}
	moment.Changes = existing(moment.Channels, moment.Endpoints)
	return moment
}

// existing tells of all that there is, parents before children.
func existing(channels []*Channel, endpoints []*Endpoint) []*debugpb.Change {
	var all []*debugpb.Change
	for _, channel := range channels {
		all = append(all, change(channel.message))
	}
	for _, channel := range channels {
		for _, policy := range sortedByID(channel.policies) {
			all = append(all, change(policy.message))
		}
	}
	for _, endpoint := range endpoints {
		all = append(all, change(endpoint.message))
	}
	for _, channel := range channels {
		for _, subconn := range sortedByID(channel.subconns) {
			if !subconn.endpoint.gone.Load() { // Else it is about to go, too.
				all = append(all, change(subconn.message))
			}
		}
	}
	for _, channel := range channels {
		if channel.generation != nil {
			all = append(all, channel.generation.message)
		}
	}
	return all
}

func (c *Channel) replace(message *debugpb.Channel) {
	c.message = message
	c.recorder.publish(Change{Change: change(message)})
}

func (e *Endpoint) replace(message *debugpb.Endpoint) {
	e.message = message
	e.channel.recorder.publish(Change{Change: change(message)})
}

func (s *Subconn) replace(message *debugpb.Subconn) {
	s.message = message
	s.channel.recorder.publish(Change{Change: change(message)})
}

// ID is unique in the process, among all entities.
func (s *Subconn) ID() uint32 { return s.message.Id }

// ID is unique in the process, among all entities.
func (g *Generation) ID() uint32 { return g.id }

// sortedByID gives the records in the order in which they came, so that a snapshot tells them in that order.
func sortedByID[R interface {
	comparable
	ID() uint32
}, V any](records map[R]V) []R {
	return slices.SortedFunc(maps.Keys(records), func(a, b R) int { return cmp.Compare(a.ID(), b.ID()) })
}

func change(entity proto.Message) *debugpb.Change {
	message := &debugpb.Change{TimeNs: uint64(Now())}
	switch entity := entity.(type) {
	case *debugpb.Channel:
		message.Entity = &debugpb.Change_Channel{Channel: entity}
	case *debugpb.Policy:
		message.Entity = &debugpb.Change_Policy{Policy: entity}
	case *debugpb.ResolverUpdate:
		message.Entity = &debugpb.Change_ResolverUpdate{ResolverUpdate: entity}
	case *debugpb.Generation:
		message.Entity = &debugpb.Change_Generation{Generation: entity}
	case *debugpb.Endpoint:
		message.Entity = &debugpb.Change_Endpoint{Endpoint: entity}
	case *debugpb.Subconn:
		message.Entity = &debugpb.Change_Subconn{Subconn: entity}
	}
	return message
}

func firstCapped(texts []string) []string {
	first := make([]string, 0, min(len(texts), maxAddresses))
	for _, text := range texts[:cap(first)] {
		first = append(first, Capped(text))
	}
	return first
}
