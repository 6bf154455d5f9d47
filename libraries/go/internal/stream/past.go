package stream

import (
	"context"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
	"github.com/pickscope/pickscope/libraries/go/internal/recorder"
)

// segmentsOfPast are the parts of the kept time, and of the bytes, after which a segment is followed by another.
const segmentsOfPast = 4

// entryOverhead is what a message takes in memory besides its own bytes.
const entryOverhead = 128

const nothingFits = "What exists in this process (its channels and endpoints) takes more than half of what " +
	"PICKSCOPE_KEEP_BYTES allows, so nothing is kept of the past. Raise PICKSCOPE_KEEP_BYTES."

// KeepLimits say how much of the past is kept: whichever of the two is reached first holds.
type KeepLimits struct {
	Seconds float64
	Bytes   int
}

// Past keeps the last seconds of the stream, as one that watches all the time would get it, in a bounded number of
// bytes: an older segment goes when the one after it is older than the kept time, or when there are too many bytes.
type Past struct {
	source Source
	limits KeepLimits
	warn   func(string)
	now    func() int64 // ns of the monotonic clock.

	closed atomic.Bool // Nothing is kept any more.
	done   chan struct{}

	mu     sync.Mutex // Guards what follows; the recorder's locks are taken under it.
	stream *stream
	oldest *segment
	newest *segment
	bytes  int
}

// NewPast begins to keep what the source tells, until Close. warn is told, as a sentence, when nothing can be kept any
// more.
func NewPast(source Source, limits KeepLimits, warn func(string)) *Past {
	p := newPast(source, limits, warn, recorder.Now)
	go p.run()
	return p
}

func newPast(source Source, limits KeepLimits, warn func(string), now func() int64) *Past {
	p := &Past{limits: limits, warn: warn, now: now, done: make(chan struct{})}
	p.source = source
	p.source.Describe = func() *debugpb.Process { return p.describe(source.Describe()) }
	p.mu.Lock()
	defer p.mu.Unlock()
	p.startOver()
	return p
}

// Seconds that are kept; 0: nothing any more.
func (p *Past) Seconds() uint32 {
	if p.closed.Load() {
		return 0
	}
	return uint32(math.Ceil(p.limits.Seconds))
}

// Close forgets all, and keeps nothing any more.
func (p *Past) Close() {
	p.mu.Lock()
	p.end()
	p.mu.Unlock()
	<-p.done
}

// describe adds to what a process tells of itself that something is kept.
func (p *Past) describe(process *debugpb.Process) *debugpb.Process {
	if seconds := p.Seconds(); seconds > 0 {
		process.KeepSeconds = seconds
		process.Capabilities = append(slices.Clip(process.Capabilities), "past")
	}
	return process
}

func (p *Past) run() {
	defer close(p.done)
	for !p.closed.Load() {
		_ = p.stream.pace(p.flush, p.beat)
		p.mu.Lock()
		if !p.closed.Load() {
			p.startOver()
		}
		p.mu.Unlock()
	}
}

func (p *Past) flush() error {
	return p.keep((*stream).flush)
}

func (p *Past) beat() error {
	return p.keep((*stream).beat)
}

// keep makes what has happened up to now a part of the past.
func (p *Past) keep(tell func(*stream) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed.Load() {
		return nil
	}
	if err := tell(p.stream); err != nil {
		return err
	}
	return p.turn()
}

// startOver begins with another stream: at first, or when changes came so fast that the one before lost some.
func (p *Past) startOver() {
	p.forget()
	ctx, end := context.WithCancelCause(context.Background())
	p.stream = newStream(ctx, end, p.source, p)
	p.beginSegment(p.stream.watch())
}

// forget ends the stream, and all that is kept of it.
func (p *Past) forget() {
	if p.stream != nil {
		p.stream.end(nil)
	}
	for p.oldest != nil {
		p.dropOldest()
	}
}

// turn begins another segment if it is time, and drops those that are too old.
func (p *Past) turn() error {
	now := p.now()
	if p.isFull(now) {
		moment := p.stream.upToMoment()
		if p.stream.err != nil {
			return p.stream.err
		}
		p.beginSegment(moment)
	}
	since := now - int64(p.limits.Seconds*1e9)
	for p.oldest != nil && p.oldest.next != nil && p.oldest.next.begun <= since {
		p.dropOldest()
	}
	return nil
}

func (p *Past) isFull(now int64) bool {
	if p.newest == nil {
		return true
	}
	happened := p.newest.bytes - p.newest.existedBytes
	// A snapshot that is large must not be taken often.
	enough := max(p.limits.Bytes/segmentsOfPast, p.newest.existedBytes)
	return happened >= enough || float64(now-p.newest.begun) >= p.limits.Seconds*1e9/segmentsOfPast
}

func (p *Past) beginSegment(moment recorder.Moment) {
	next := &segment{begun: p.now(), kept: true}
	if p.newest != nil {
		p.newest.next = next
	} else {
		p.oldest = next
	}
	p.newest = next
	p.stream.tellAll(moment)
	next.existed, next.existedBytes = len(next.entries), next.bytes
	if next.kept && next.bytes <= p.limits.Bytes/2 && p.stream.err == nil {
		return
	}
	p.end()
	p.warn(nothingFits)
}

func (p *Past) end() {
	p.closed.Store(true)
	p.forget()
}

func (p *Past) dropOldest() {
	dropped := p.oldest
	p.oldest = dropped.next
	if p.oldest == nil {
		p.newest = nil
	}
	p.bytes -= dropped.bytes
	dropped.kept, dropped.entries, dropped.next = false, nil, nil
}

// send implements sink: it keeps a message.
func (p *Past) send(message *debugpb.WatchResponse) error {
	body, err := proto.Marshal(message)
	if err == nil {
		p.add(entry{body: body})
	}
	return err
}

// drop implements sink.
func (p *Past) drop(rows dropped) error {
	p.add(entry{dropped: rows})
	return nil
}

func (p *Past) add(entry entry) {
	// Where not even the newest segment found room, what comes is left out until the next one begins.
	if p.newest == nil {
		return
	}
	bytes := entryOverhead + cap(entry.body)
	p.newest.entries = append(p.newest.entries, entry)
	p.newest.bytes += bytes
	p.bytes += bytes
	for p.bytes > p.limits.Bytes {
		p.dropOldest()
	}
}

// entries gives all that is kept, in the order in which it came, behind what existed when it began.
func (p *Past) entries() []entry {
	_ = p.beat() // What it fails for, the next flush mends.
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []entry
	at := position{segment: p.oldest}
	for !at.lost() {
		entry, more := at.take()
		if !more {
			break
		}
		all = append(all, entry)
	}
	return all
}

// replay gives a reader what is kept, but for segments that ended before `since` (ns), and then the stream that goes on
// from there: nothing twice, and nothing missing. It is errTooSlow when what comes next is no longer kept.
func (p *Past) replay(ctx context.Context, end context.CancelCauseFunc, since int64, to *outlet) (*stream, error) {
	_ = p.beat() // What it fails for, the next flush mends.
	at := p.from(since)
	for {
		entry, live, err := p.next(at, func() *stream { return p.stream.fork(ctx, end, to) })
		if err != nil || live != nil {
			return live, err
		}
		if err := entry.put(to); err != nil {
			return nil, err
		}
	}
}

func (p *Past) from(since int64) *position {
	p.mu.Lock()
	defer p.mu.Unlock()
	from := p.oldest
	for from != nil && from.next != nil && from.next.begun < since {
		from = from.next
	}
	return &position{segment: from}
}

// next gives what stands at a position, which it passes; or where nothing does, the stream from there on.
func (p *Past) next(at *position, fork func() *stream) (entry, *stream, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at.lost() {
		return entry{}, nil, errTooSlow
	}
	if entry, more := at.take(); more {
		return entry, nil, nil
	}
	return entry{}, fork(), nil
}

// segment is a stretch of the stream: all that existed when it began, and what happened then.
type segment struct {
	begun   int64   // ns.
	entries []entry // None when it is no longer kept: a reader that still stands there holds nothing else.
	bytes   int
	// How many of the entries tell what existed when it began, and their bytes; the others happened.
	existed      int
	existedBytes int
	kept         bool
	next         *segment
}

// entry is a message, encoded without its number; or where there is none, rows that were left out.
type entry struct {
	body    []byte
	dropped dropped
}

func (e entry) put(to *outlet) error {
	if e.body == nil {
		return to.drop(e.dropped)
	}
	return to.sendEncoded(e.body)
}

// position is where a reader of the past stands.
type position struct {
	segment *segment // Nil: nothing is kept.
	index   int
}

// lost says whether what comes next is no longer kept.
func (p *position) lost() bool {
	return p.segment == nil || !p.segment.kept
}

// take gives the next entry, which is passed, if there is one.
func (p *position) take() (next entry, more bool) {
	for p.index == len(p.segment.entries) && p.segment.next != nil {
		// The reader knows what existed then: it was told of every change.
		p.segment, p.index = p.segment.next, p.segment.next.existed
	}
	if p.index == len(p.segment.entries) {
		return entry{}, false
	}
	p.index++
	return p.segment.entries[p.index-1], true
}
