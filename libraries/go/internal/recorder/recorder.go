// Package recorder holds what is told of this process: the channels with all that belongs to them, exact counters, and
// rows of picks and completions while someone watches.
package recorder

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
)

// Recorder counts every call, always, and keeps rows of picks and completions while someone watches.
//
// Its counting and its rows run inside of calls. While nobody watches, no clock is read and no row is written.
type Recorder struct {
	Methods Methods
	Rows    Rows

	lastCall atomic.Uint64

	mu       sync.Mutex // Guards what follows, and all records. Rows.mu is taken under it, never the other way.
	lastID   uint32
	channels map[*Channel]struct{}
	watchers map[Watcher]struct{}
}

// New makes a recorder that knows of nothing yet.
func New() *Recorder {
	return &Recorder{channels: map[*Channel]struct{}{}, watchers: map[Watcher]struct{}{}}
}

// Watcher reads along. Its methods run under locks, some of them inside of a pick: they must neither wait nor call the
// recorder.
type Watcher interface {
	// Changed is told of each change as it happens.
	Changed(Change)
	// Filling is told that another quarter of a ring has been written: the newest rows will overwrite it.
	Filling()
}

// Change is what became of an entity.
type Change struct {
	*debugpb.Change
	// The one that begins to count with it, if any.
	Channel  *Channel
	Endpoint *Endpoint
}

// Moment is all that exists at one moment.
type Moment struct {
	Changes   []*debugpb.Change // Parents before children.
	Channels  []*Channel
	Endpoints []*Endpoint
	// Next is where the rows go on. Whatever they refer to is in Changes, or told later, or was gone by then.
	Next Position
}

// Watch has the watcher told of everything from now on, and rows kept. `at` gets that moment, before anything else is
// told; it must not call the recorder.
func (r *Recorder) Watch(watcher Watcher, at func(Moment)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.watchers) == 0 {
		r.Rows.begin()
	}
	r.watchers[watcher] = struct{}{}
	r.Rows.tell(slices.Collect(maps.Keys(r.watchers)))
	at(r.moment())
}

// Moment gives `at` this moment, between two changes; it must not call the recorder.
func (r *Recorder) Moment(at func(Moment)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at(r.moment())
}

// Unwatch ends what Watch began. With the last watcher the rows go.
func (r *Recorder) Unwatch(watcher Watcher) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, watches := r.watchers[watcher]; !watches {
		return
	}
	delete(r.watchers, watcher)
	r.Rows.tell(slices.Collect(maps.Keys(r.watchers)))
	if len(r.watchers) == 0 {
		r.Rows.end()
	}
}

// Watched says whether rows are wanted.
func (r *Recorder) Watched() bool {
	return r.Rows.wanted.Load()
}

// NextCall gives an id for a call that begins.
func (r *Recorder) NextCall() uint64 {
	return r.lastCall.Add(1)
}

// Channels gives those that exist.
func (r *Recorder) Channels() []*Channel {
	r.mu.Lock()
	defer r.mu.Unlock()
	return sortedByID(r.channels)
}

func (r *Recorder) nextID() uint32 {
	r.lastID++
	return r.lastID
}

func (r *Recorder) publish(change Change) {
	for watcher := range r.watchers {
		watcher.Changed(change)
	}
}
