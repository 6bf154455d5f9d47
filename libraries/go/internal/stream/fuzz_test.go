package stream

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
	"github.com/pickscope/pickscope/libraries/go/internal/recorder"
)

// trial is a world whose every step is decided by two bytes, with readers who come and go.
type trial struct {
	*testing.T
	*world
	now      int64
	past     *Past
	watching []*watching
	replays  []*replaying
	bursts   int // They take long.
}

// replaying is one who is on the way from the past to the present.
type replaying struct {
	*reader
	at   *position
	out  *outlet
	live *stream
	lost bool
}

var steps = []func(*trial, int){
	func(t *trial, n int) {
		for range n {
			t.pick(t.channel(n), fmt.Sprintf("/shop.Cart/%d", n%7))
		}
	},
	func(t *trial, n int) {
		for range n {
			t.end(codes.Code(n % 17))
		}
	},
	func(t *trial, n int) { t.channel(n).regenerate(n%2 == 0) },
	func(t *trial, n int) { t.addEndpoint(t.channel(n)) },
	func(t *trial, n int) { t.removeEndpoint(t.channel(n)) },
	func(t *trial, n int) {
		if len(t.channels) < 5 {
			t.addChannel()
		}
	},
	func(t *trial, n int) {
		if len(t.channels) > 1 {
			t.close(n % len(t.channels))
		}
	},
	func(t *trial, n int) { t.channel(n).ResolverUpdate([]string{"10.0.0.1:1"}, "") },
	func(t *trial, n int) { t.changeStates(t.channel(n), n) },
	func(t *trial, n int) { t.flushAll() },
	func(t *trial, n int) { t.beatAll() },
	func(t *trial, n int) { t.now += int64(n) * 1e8; _ = t.past.beat() },
	func(t *trial, n int) { t.attach() },
	func(t *trial, n int) { t.detach() },
	func(t *trial, n int) { t.replay(t.now - int64(n)*1e9) },
	func(t *trial, n int) { t.readOn(n) },
	func(t *trial, n int) { t.burst(n) },
}

func (t *trial) channel(n int) *channel {
	return t.channels[n%len(t.channels)]
}

func (t *trial) removeEndpoint(c *channel) {
	if len(c.endpoints) == 0 {
		return
	}
	c.endpoints[0].Remove()
	c.subconns[0].Remove()
	c.endpoints, c.subconns = c.endpoints[1:], c.subconns[1:]
}

func (t *trial) changeStates(c *channel, n int) {
	state := debugpb.ConnectivityState(1 + n%4)
	c.SetState(state)
	for i, endpoint := range c.endpoints {
		endpoint.SetState(state, "connection refused")
		c.subconns[i].SetState(state, "connection refused")
		c.subconns[i].Move(c.endpoints[0], "10.0.0.9:1")
	}
	c.AddPolicy(c.policies[0], "round_robin", 0, "note").Remove()
}

func (t *trial) flushAll() {
	_ = t.past.flush()
	for _, it := range t.watching {
		_ = it.flush()
	}
}

func (t *trial) beatAll() {
	_ = t.past.beat()
	for _, it := range t.watching {
		_ = it.beat()
	}
	for _, it := range t.replays {
		if it.live != nil {
			_ = it.live.beat()
		}
	}
}

func (t *trial) attach() {
	if len(t.watching) < 4 {
		t.watching = append(t.watching, t.watch(t))
	}
}

func (t *trial) detach() {
	if len(t.watching) > 0 {
		t.watching[0].checkFaults(t)
		t.watching[0].end(nil)
		t.watching = t.watching[1:]
	}
}

func (t *trial) replay(since int64) {
	if len(t.replays) < 4 {
		_ = t.past.beat()
		it := &replaying{reader: newReader(), at: t.past.from(since)}
		it.out = &outlet{take: it.reader.take}
		t.replays = append(t.replays, it)
	}
}

// readOn has those who replay take so many messages.
func (t *trial) readOn(n int) {
	for _, it := range t.replays {
		for range n {
			if it.live != nil || it.lost {
				break
			}
			t.readNext(it)
		}
	}
}

func (t *trial) readNext(it *replaying) {
	ctx, end := context.WithCancelCause(t.Context())
	entry, live, err := t.past.next(it.at, func() *stream { return t.past.stream.fork(ctx, end, it.out) })
	it.live, it.lost = live, err != nil
	if live == nil {
		end(nil)
	}
	if live == nil && err == nil {
		if err := entry.put(it.out); err != nil {
			t.Error(err)
		}
	}
}

// burst makes more picks than the ring holds.
func (t *trial) burst(n int) {
	if n < 192 || t.bursts > 0 {
		return
	}
	t.bursts++
	for range recorder.PickCapacity + n {
		t.pick(t.channel(n), "/shop.Cart/Burst")
		t.end(codes.OK)
	}
}

// finish comes to rest, and holds that everyone was told everything.
func (t *trial) finish() {
	for len(t.calls) > 0 {
		t.end(codes.OK)
	}
	t.beatAll()
	t.readOn(1 << 20)
	t.beatAll()
	for _, it := range t.watching {
		it.check(t, t.world)
		it.checkCounters(t, t.all)
	}
	for _, it := range t.replays {
		it.checkFaults(t)
		if !it.lost {
			it.checkCounters(t, t.all)
			t.checkRows(it)
		}
	}
	if t.past.bytes > t.past.limits.Bytes {
		t.Errorf("%d bytes are kept", t.past.bytes)
	}
}

// checkRows holds that of the calls since the first none is missing, but for those that were dropped. Each has one
// pick.
func (t *trial) checkRows(it *replaying) {
	rows := it.reader.picks
	if len(rows) == 0 {
		return
	}
	first, last := rows[0].call, rows[len(rows)-1].call
	span, told := last-first+1, uint64(len(rows))
	if last != t.picks || told > span || span > told+it.reader.drops.Picks {
		t.Errorf("%d rows, from call %d to %d of %d, with %d drops", told, first, last, t.picks, it.reader.drops.Picks)
	}
}

// FuzzStream holds that whatever a program does, and whenever one watches, the stream is as docs/protocol.md says.
func FuzzStream(f *testing.F) {
	f.Add([]byte{12, 0, 0, 9, 1, 5, 10, 0})
	f.Add([]byte{2, 0, 12, 0, 16, 20, 9, 0, 10, 0, 14, 9, 15, 3, 11, 200, 15, 200})
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		script := make([]byte, 20+random.IntN(400))
		for i := range script {
			script[i] = byte(random.Uint32())
		}
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		w := newWorld()
		w.addChannel().regenerate(true)
		it := &trial{T: t, world: w}
		limits := KeepLimits{Seconds: 40, Bytes: 1 << 20}
		it.past = newPast(sourceOf(w.Recorder), limits, func(warning string) {}, func() int64 { return it.now })
		defer it.past.forget()
		for i := 0; i+1 < len(script) && i < 1000; i += 2 {
			steps[int(script[i])%len(steps)](it, int(script[i+1]))
		}
		it.finish()
	})
}
