// Package recorder holds what is told of this process: the channels with all that belongs to them, exact counters, and
// rows of picks and completions while someone watches.
package recorder

import (
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

	mu       sync.Mutex // Guards what follows, and all records.
	lastID   uint32
	channels map[*Channel]struct{}
	watchers map[*Watcher]struct{}
}

// New makes a recorder that knows of nothing yet.
func New() *Recorder {
	return &Recorder{channels: map[*Channel]struct{}{}, watchers: map[*Watcher]struct{}{}}
}

// Watcher is one that reads along.
type Watcher struct {
	// Changed is told of each change as it happens. It runs under the recorder's lock: it must not wait, nor call the
	// recorder.
	Changed func(*debugpb.Change)
}

// Watch has the watcher told of every change from now on, and rows kept. It gives all that exists at this moment, parents
// before children, and where the rows begin that the watcher is to read.
func (r *Recorder) Watch(watcher *Watcher) (existing []*debugpb.Change, from Position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.watchers) == 0 {
		r.Rows.begin()
	}
	r.watchers[watcher] = struct{}{}
	return r.snapshot(), r.Rows.head()
}

// Unwatch ends what Watch began. With the last watcher the rows go.
func (r *Recorder) Unwatch(watcher *Watcher) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, watches := r.watchers[watcher]; !watches {
		return
	}
	delete(r.watchers, watcher)
	if len(r.watchers) == 0 {
		r.Rows.end()
	}
}

// Snapshot gives all that exists, parents before children.
func (r *Recorder) Snapshot() []*debugpb.Change {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.snapshot()
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

func (r *Recorder) publish(change *debugpb.Change) {
	for watcher := range r.watchers {
		watcher.Changed(change)
	}
}
