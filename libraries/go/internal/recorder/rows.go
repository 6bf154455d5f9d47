package recorder

import (
	"math"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/codes"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
	"github.com/pickscope/pickscope/libraries/go/internal/inspect"
)

// Rows of each of the two rings.
const (
	PickCapacity       = 1 << 15
	CompletionCapacity = PickCapacity
)

// PickRow is one call of a picker.
type PickRow struct {
	Time       int64 // ns; AddPick sets it.
	Call       uint64
	Attempt    uint32
	Channel    uint32
	Generation uint32
	Policy     uint32
	Method     uint32
	Endpoint   uint32 // Of a completed pick.
	Result     debugpb.PickResult
	Reason     debugpb.PickReason
	Code       codes.Code // Of a failed or dropped one.
	Flags      uint32     // Bits of debugpb.PickFlag.

	CandidateCount uint8
	RejectedDraws  uint8
	Candidates     [inspect.MaxCandidates]CandidateRow
	Rejected       [inspect.MaxCandidates * inspect.MaxRejectedDraws]RejectedRow
}

// CandidateRow is one that was compared, as it was before the pick.
type CandidateRow struct {
	Endpoint uint32
	Inflight uint32
	LagNs    float64
	Score    float64
	IdleNs   float64
	Success  float32
	Healthy  bool
}

// RejectedRow is one that was drawn and not compared.
type RejectedRow struct {
	Endpoint uint32
	Success  float32
}

// CompletionRow is the end of one attempt.
type CompletionRow struct {
	Time      int64 // ns; AddCompletion sets it.
	Call      uint64
	LatencyNs float64 // NaN: it never started.
	LagNs     float64 // NaN where the policy keeps none, or the completion did not reach it.
	Success   float32
	Inflight  uint32
	Attempt   uint32
	Channel   uint32
	Method    uint32
	Endpoint  uint32
	Code      codes.Code
	Flags     uint32 // Bits of debugpb.CompletionFlag.
}

// Position counts rows from the first one ever, and never repeats.
type Position struct {
	Picks, Completions uint64
}

// Rows are the newest picks and completions, in rings of a fixed size that exist while someone watches.
type Rows struct {
	wanted atomic.Bool

	mu          sync.Mutex // Held for a few microseconds at most: a pick may wait for it.
	watchers    []Watcher
	watch       uint64 // Counts the stretches of watching.
	picks       []PickRow
	completions []CompletionRow
	next        Position
}

func (r *Rows) begin() {
	picks, completions := make([]PickRow, PickCapacity), make([]CompletionRow, CompletionCapacity)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watch++
	r.picks, r.completions = picks, completions
	r.wanted.Store(true)
}

func (r *Rows) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wanted.Store(false)
	r.picks, r.completions = nil, nil
}

// tell has these told when the rings fill.
func (r *Rows) tell(watchers []Watcher) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watchers = watchers
}

// Head is where the next rows go.
func (r *Rows) Head() Position {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.next
}

// AddPick writes a row, and sets its time, by which rows are ordered. chosen: the endpoint of a completed pick, which
// is counted already. A row of a policy that told no candidates gets the chosen one as its only candidate, with what
// the observer keeps of it.
func (r *Rows) AddPick(row *PickRow, chosen *Endpoint) {
	r.mu.Lock()
	defer r.mu.Unlock()
	row.Time = Now()
	if r.picks == nil {
		return
	}
	if chosen != nil && row.CandidateCount == 0 {
		r.addChosen(row, chosen)
	}
	r.picks[r.next.Picks%PickCapacity] = *row
	r.next.Picks++
	r.tellFilling(r.next.Picks)
}

// tellFilling tells the watchers each time that a quarter of a ring was written: they read no more seldom than it
// takes, so that rows are there until they are read, however fast they come.
func (r *Rows) tellFilling(rows uint64) {
	if rows%(PickCapacity/4) != 0 {
		return
	}
	for _, watcher := range r.watchers {
		watcher.Filling()
	}
}

// addChosen puts the one that was chosen, where the policy does not tell what it compared.
func (r *Rows) addChosen(row *PickRow, chosen *Endpoint) {
	known := r.shadowOf(chosen)
	row.CandidateCount = 1
	row.Candidates[0] = CandidateRow{
		Endpoint: chosen.id,
		Inflight: max(chosen.Counters.Inflight(), 1) - 1, // Without this pick, unless it has ended already.
		LagNs:    known.lag,
		Success:  float32(known.success),
		Score:    math.NaN(),
		IdleNs:   known.idle(row.Time),
		Healthy:  true,
	}
	row.Flags |= uint32(debugpb.PickFlag_PICK_FLAG_DERIVED)
	known.picked = row.Time
}

// AddCompletion writes a row, and sets its time and latency. started: when the attempt was picked, ns; 0: unknown, as
// nobody watched then, or it never started. endpoint: of its completed pick, or nil; source: what the policy knew of
// the endpoint when it was picked.
func (r *Rows) AddCompletion(row *CompletionRow, started int64, endpoint *Endpoint, source StatusSource) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.completions == nil {
		return
	}
	row.Time = Now()
	row.LatencyNs, row.LagNs, row.Success = math.NaN(), math.NaN(), float32(math.NaN())
	if started > 0 {
		row.LatencyNs = float64(row.Time - started)
	}
	// A completion that belongs to an earlier picker does not reach the state of the present one.
	if endpoint != nil && endpoint.StatusSource() == source {
		r.addStatus(row, endpoint, source)
	}
	r.completions[r.next.Completions%CompletionCapacity] = *row
	r.next.Completions++
	r.tellFilling(r.next.Completions)
}

func (r *Rows) addStatus(row *CompletionRow, endpoint *Endpoint, source StatusSource) {
	if source != nil {
		row.LagNs, row.Success, row.Inflight = source.Status()
		return
	}
	if math.IsNaN(row.LatencyNs) {
		return
	}
	known := r.shadowOf(endpoint)
	known.complete(row.LatencyNs, row.Time, row.Code)
	row.LagNs, row.Success = known.lag, float32(known.success)
	row.Inflight = endpoint.Counters.Inflight()
	row.Flags |= uint32(debugpb.CompletionFlag_COMPLETION_FLAG_DERIVED)
}

func (r *Rows) shadowOf(endpoint *Endpoint) *shadow {
	if endpoint.shadow.watch != r.watch {
		endpoint.shadow = shadow{watch: r.watch, success: fullSuccess}
	}
	return &endpoint.shadow
}

// Knowledge is what is known of an endpoint now: by its policy, or by the observer (derived) since a watcher was there
// for a pick or a completion of it; NaN where neither knows.
func (r *Rows) Knowledge(endpoint *Endpoint) (lagNs float64, success float32, inflight uint32, derived bool) {
	if source := endpoint.StatusSource(); source != nil {
		lagNs, success, inflight = source.Status()
		return lagNs, success, inflight, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := &endpoint.shadow; known.watch == r.watch && r.picks != nil {
		return known.lag, float32(known.success), endpoint.Counters.Inflight(), true
	}
	return math.NaN(), float32(math.NaN()), 0, false
}

// rowsAtOnce are copied under the lock: a pick waits for no more than these.
const rowsAtOnce = 64

// ReadPicks copies rows from `position` on into `into`, in the order of their times. It gives how many it copied, and
// how many at `position` had been overwritten before.
func (r *Rows) ReadPicks(position uint64, into []PickRow) (read int, lost uint64) {
	return readInParts(position, into, func(position uint64, into []PickRow) (int, uint64) {
		r.mu.Lock()
		defer r.mu.Unlock()
		return readRing(r.picks, r.next.Picks, position, into)
	})
}

// ReadCompletions is as ReadPicks.
func (r *Rows) ReadCompletions(position uint64, into []CompletionRow) (read int, lost uint64) {
	return readInParts(position, into, func(position uint64, into []CompletionRow) (int, uint64) {
		r.mu.Lock()
		defer r.mu.Unlock()
		return readRing(r.completions, r.next.Completions, position, into)
	})
}

// readInParts reads until there is no more, or up to where rows were overwritten meanwhile, which the next reading will
// find.
func readInParts[R any](
	position uint64, into []R, read func(position uint64, into []R) (int, uint64),
) (total int, lost uint64) {
	for total < len(into) {
		part := into[total:min(len(into), total+rowsAtOnce)]
		copied, overwritten := read(position+lost+uint64(total), part)
		if total == 0 {
			lost = overwritten
		} else if overwritten > 0 {
			break
		}
		total += copied
		if copied < len(part) {
			break
		}
	}
	return total, lost
}

func readRing[R any](ring []R, next, position uint64, into []R) (read int, lost uint64) {
	capacity := uint64(len(ring))
	if capacity == 0 || position >= next {
		return 0, 0
	}
	if next-position > capacity {
		lost = next - capacity - position
		position += lost
	}
	from := position % capacity
	until := min(capacity, from+next-position)
	read = copy(into, ring[from:until])
	if read < len(into) && until == capacity {
		read += copy(into[read:], ring[:next%capacity])
	}
	return read, lost
}
