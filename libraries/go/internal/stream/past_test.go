package stream

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
	"github.com/pickscope/pickscope/libraries/go/internal/recorder"
)

const second = int64(1e9)

// kept is a world whose past is kept, and whose time passes when it is told to.
type kept struct {
	*world
	past     *Past
	now      int64
	warnings []string
}

func keep(t *testing.T, limits KeepLimits) *kept {
	k := &kept{world: newWorld()}
	k.addChannel().regenerate(true)
	warn := func(warning string) { k.warnings = append(k.warnings, warning) }
	k.past = newPast(sourceOf(k.Recorder), limits, warn, func() int64 { return k.now })
	t.Cleanup(k.past.forget)
	return k
}

func (k *kept) pass(seconds int) {
	for range seconds {
		k.now += second
		_ = k.past.beat()
	}
}

func (k *kept) call(count int, method string) {
	for range count {
		k.pick(k.channels[0], method)
		k.end(codes.OK)
	}
}

// attach replays all that is kept, and goes on.
func (k *kept) attach(t *testing.T, since int64) *watching {
	t.Helper()
	it := &watching{reader: newReader()}
	ctx, end := context.WithCancelCause(t.Context())
	t.Cleanup(func() { end(nil) })
	live, err := k.past.replay(ctx, end, since, &outlet{take: it.reader.take})
	if err != nil {
		t.Fatal(err)
	}
	it.stream = live
	return it
}

var usual = KeepLimits{Seconds: 60, Bytes: 16 << 20}

func TestThePastIsWhatOneWhoWatchedWasTold(t *testing.T) {
	k := keep(t, usual)
	witness := k.watch(t)
	k.call(3, "/shop.Cart/Get")
	k.pass(20)
	k.pick(k.channels[0], "/shop.Cart/Long")
	endpoint := k.channels[0].endpoints[0]
	endpoint.SetState(debugpb.ConnectivityState_CONNECTIVITY_STATE_TRANSIENT_FAILURE, "refused")
	k.pass(20)
	endpoint.Remove()
	k.call(2, "/shop.Cart/Add")
	it := k.attach(t, 0)
	k.call(2, "/shop.Cart/Drop")
	k.end(codes.Unavailable)
	_, _ = it.beat(), witness.beat()

	it.check(t, k.world)
	witness.check(t, k.world)
	it.checkCounters(t, k.all)
	if !slices.Equal(it.reader.picks, witness.reader.picks) || !slices.Equal(it.reader.ends, witness.reader.ends) {
		t.Errorf("rows: %v, of %v", it.reader.picks, witness.reader.picks)
	}
	if !slices.EqualFunc(it.changes, witness.changes, func(a, b *debugpb.Change) bool {
		return proto.Equal(entityOf(a), entityOf(b))
	}) {
		t.Errorf("changes: %v, of %v", it.changes, witness.changes)
	}
	if fmt.Sprint(it.names) != fmt.Sprint(witness.names) {
		t.Errorf("names: %v, of %v", it.names, witness.names)
	}
	if snapshots := strings.Count(strings.Join(it.kinds, " "), "SnapshotBegin"); snapshots != 1 {
		t.Errorf("%d snapshots", snapshots)
	}
	if it.process.KeepSeconds != 60 || !slices.Contains(it.process.Capabilities, "past") {
		t.Errorf("%v", it.process)
	}
}

// entityOf is a change without its time.
func entityOf(change *debugpb.Change) *debugpb.Change {
	return &debugpb.Change{Entity: change.Entity}
}

func TestThePastReachesAsFarAsAskedForAndNoMoreThanAQuarterFurther(t *testing.T) {
	k := keep(t, usual)
	for i := 1; i <= 300; i++ {
		k.call(1, "/shop.Cart/Get")
		k.pass(1)
		it := k.attach(t, 0)
		it.end(nil)
		if seen := len(it.reader.picks); seen < min(i, 60) || seen > min(i, 60+15+1) {
			t.Fatalf("after %d s: %d s", i, seen)
		}
	}
}

func TestThePastTakesNoMoreBytesThanAllowed(t *testing.T) {
	k := keep(t, KeepLimits{Seconds: 600, Bytes: 2 << 20})
	most := 0
	for i := range 40 {
		count := 5000
		if i%10 == 9 { // More than is kept, at once, now and then.
			count = 2 * recorder.PickCapacity
		}
		k.call(count, "/shop.Cart/Get")
		k.channels[0].ResolverUpdate([]string{strings.Repeat("x", 200)}, "")
		k.pass(1)
		if k.past.bytes > 2<<20 {
			t.Fatalf("%d bytes", k.past.bytes)
		}
		most = max(most, k.past.bytes)
	}
	if most < 1<<20 {
		t.Errorf("it made use of %d bytes", most)
	}
	k.call(10, "/shop.Cart/Get")
	it := k.attach(t, 0)
	_ = it.beat()
	it.checkFaults(t)
	if last := it.reader.picks[len(it.reader.picks)-1].call; last != k.picks {
		t.Errorf("the last call is %d of %d", last, k.picks)
	}
	if k.warnings != nil {
		t.Errorf("%q", k.warnings)
	}
}

func TestThePastIsGivenUpWhereWhatExistsDoesNotFit(t *testing.T) {
	k := keep(t, KeepLimits{Seconds: 60, Bytes: 1 << 20})
	if k.past.Seconds() != 60 {
		t.Errorf("%d s", k.past.Seconds())
	}
	for range 8000 {
		k.addEndpoint(k.channels[0])
	}
	k.pass(20)
	if k.past.bytes != 0 || k.past.Seconds() != 0 {
		t.Errorf("%d bytes, %d s", k.past.bytes, k.past.Seconds())
	}
	process := NewWatchers(k.past.source, k.past).Describe()
	if process.KeepSeconds != 0 || len(process.Capabilities) != 0 {
		t.Errorf("%v", process)
	}
	if len(k.warnings) != 1 || !strings.HasSuffix(k.warnings[0], "Raise PICKSCOPE_KEEP_BYTES.") {
		t.Errorf("%q", k.warnings)
	}
	eventually(t, "nobody watches", func() bool { return !k.Watched() })
}

func TestOneWhoFallsBehindThePastIsTold(t *testing.T) {
	k := keep(t, usual)
	k.call(10, "/shop.Cart/Get")
	k.pass(1)
	at, out := k.past.from(0), &outlet{take: newReader().take}
	fork := func() *stream { return k.past.stream.fork(t.Context(), func(error) {}, out) }
	if _, live, err := k.past.next(at, fork); live != nil || err != nil {
		t.Fatal(live, err)
	}
	k.pass(80)
	if _, live, err := k.past.next(at, fork); live != nil || !errors.Is(err, errTooSlow) {
		t.Errorf("%v, %v", live, err)
	}
	if at.segment.entries != nil || at.segment.next != nil {
		t.Error("what it stands at holds what is not kept any more")
	}
}

func TestWhatEndedBeforeIsLeftOut(t *testing.T) {
	k := keep(t, usual)
	for range 50 {
		k.call(1, "/shop.Cart/Get")
		k.pass(1)
	}
	for _, test := range []struct {
		since float64
		want  int
	}{{0, 50}, {14.9, 50}, {15.1, 35}, {46, 5}, {1e6, 5}} {
		it := k.attach(t, int64(test.since*1e9))
		it.end(nil)
		it.checkFaults(t)
		if seen := len(it.reader.picks); seen != test.want {
			t.Errorf("since %v s: %d", test.since, seen)
		}
	}
}

func TestDropsCountFromTheReadersOwnBeginning(t *testing.T) {
	k := keep(t, usual)
	k.call(recorder.PickCapacity+100, "/shop.Cart/Get")
	k.pass(16)
	k.call(recorder.PickCapacity+30, "/shop.Cart/Get")
	k.pass(5)
	for since, want := range map[int64]string{
		0:           "130 130 DROP_CAUSE_RING_FULL",
		20 * second: "30 30 DROP_CAUSE_RING_FULL",
	} {
		it := k.attach(t, since)
		it.end(nil)
		it.checkFaults(t)
		if got := fmt.Sprint(it.reader.drops.Picks, it.reader.drops.Completions, it.reader.drops.Cause); got != want {
			t.Errorf("since %d: %s", since, got)
		}
	}
}

func TestAPastThatLosesChangesBeginsAnew(t *testing.T) {
	k := &kept{world: newWorld()}
	k.addChannel().regenerate(true)
	k.past = NewPast(sourceOf(k.Recorder), usual, func(warning string) { t.Error(warning) })
	defer k.past.Close()
	k.call(10, "/shop.Cart/Get")
	at := k.past.from(0)
	k.past.mu.Lock() // So that it cannot keep up.
	for range 30_000 {
		k.channels[0].ResolverUpdate([]string{"10.0.0.4:50051"}, "connection refused")
	}
	k.past.mu.Unlock()
	eventually(t, "the past begins anew", func() bool {
		k.past.mu.Lock()
		defer k.past.mu.Unlock()
		return at.lost() && k.past.stream.ctx.Err() == nil
	})
	k.call(5, "/shop.Cart/Get")
	it := k.attach(t, 0)
	_ = it.beat()
	it.checkFaults(t)
	it.checkCounters(t, k.all)
	if last := it.reader.picks[len(it.reader.picks)-1].call; last != k.picks {
		t.Errorf("the last call is %d of %d", last, k.picks)
	}
}

func TestARecordingHoldsThePast(t *testing.T) {
	k := keep(t, usual)
	k.call(5, "/shop.Cart/Get")
	k.pass(40)
	k.call(recorder.PickCapacity+7, "/shop.Cart/Add")
	var file bytes.Buffer
	if err := WriteRecording(k.past, &file); err != nil {
		t.Fatal(err)
	}
	it := k.attach(t, 0)
	messages := messagesOf(t, file.Bytes())
	recorded := newReader()
	for _, message := range messages {
		recorded.messages++
		recorded.read(message)
	}
	recorded.checkFaults(t)
	// Who attaches has a heartbeat more: that of its own coming.
	if fmt.Sprint(recorded.kinds) != fmt.Sprint(it.kinds[:len(recorded.kinds)]) {
		t.Errorf("%q, of %q", recorded.kinds, it.kinds)
	}
	if told := uint64(len(recorded.picks)) + recorded.drops.Picks; told != k.picks {
		t.Errorf("%d picks of %d", told, k.picks)
	}
	broken := errors.New("disk full")
	if err := WriteRecording(k.past, failing{broken}); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// messagesOf reads a recording file.
func messagesOf(t *testing.T, file []byte) (messages []*debugpb.WatchResponse) {
	t.Helper()
	rest, found := bytes.CutPrefix(file, []byte("PICKSCOPE\x00"))
	if !found || binary.LittleEndian.Uint16(rest) != 1 {
		t.Fatalf("it begins with %q", file[:12])
	}
	for rest = rest[2:]; len(rest) > 0; {
		body, length := protowire.ConsumeBytes(rest)
		message := &debugpb.WatchResponse{}
		if err := errors.Join(protowire.ParseError(min(length, 0)), proto.Unmarshal(body, message)); err != nil {
			t.Fatal(err)
		}
		if message.Sequence != uint32(len(messages)+1) {
			t.Fatalf("message %d has the number %d", len(messages)+1, message.Sequence)
		}
		messages, rest = append(messages, message), rest[length:]
	}
	return messages
}

// What begins while a segment of the past begins is told to who read on from the one before, and to who begins there.
func TestWhatHappensWithinASnapshotIsToldToAll(t *testing.T) {
	k := keep(t, usual)
	describe := k.past.stream.source.Describe
	k.past.stream.source.Describe = func() *debugpb.Process {
		k.addEndpoint(k.channels[0])
		k.channels[0].regenerate(true)
		k.call(3, fmt.Sprintf("/shop.Cart/%d", k.now))
		return describe()
	}
	k.pass(40)
	it := k.attach(t, 0)
	_ = it.beat()
	it.check(t, k.world)
	it.checkCounters(t, k.all)
	if len(it.names) < 4 {
		t.Errorf("no segment began: %v", it.names)
	}
	last := k.attach(t, k.now)
	_ = last.beat()
	last.checkFaults(t)
	last.checkCounters(t, k.all)
}

func TestDropsOfThePastThatWereNotToldYetAreToldLater(t *testing.T) {
	k := keep(t, usual)
	k.call(recorder.PickCapacity+10, "/shop.Cart/Get")
	if err := k.past.flush(); err != nil {
		t.Fatal(err)
	}
	at, late := k.past.from(0), &watching{reader: newReader()}
	to := &outlet{take: late.reader.take}
	for late.stream == nil {
		entry, live, err := k.past.next(at, func() *stream { return k.past.stream.fork(t.Context(), func(error) {}, to) })
		if late.stream = live; live == nil {
			if err := errors.Join(err, entry.put(to)); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = late.beat()
	late.check(t, k.world)
	if late.reader.drops.Picks != 10 {
		t.Errorf("%v", late.reader.drops)
	}
}
