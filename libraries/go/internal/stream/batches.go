package stream

import (
	"iter"
	"math"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
	"github.com/pickscope/pickscope/libraries/go/internal/recorder"
)

// maxRows of one message. With as many candidates as a row can have, they stay below 1 MB.
const maxRows = 4096

// maxTimeDelta, in ns, and maxCallDelta are what a column can hold.
const (
	maxTimeDelta = math.MaxUint32
	maxCallDelta = math.MaxInt32
)

// stamp is by what the rows of one message must lie close together.
type stamp struct {
	time int64
	call uint64
}

func pickStamp(row *recorder.PickRow) stamp             { return stamp{row.Time, row.Call} }
func completionStamp(row *recorder.CompletionRow) stamp { return stamp{row.Time, row.Call} }

// inBatches gives the rows in parts that go into one message each: one ends where the next row's delta would not fit.
func inBatches[R any](rows []R, stampOf func(*R) stamp) iter.Seq[[]R] {
	return func(yield func([]R) bool) {
		for begin := 0; begin < len(rows); {
			end := begin + 1
			for end < len(rows) && fits(stampOf(&rows[end-1]), stampOf(&rows[end])) {
				end++
			}
			if !yield(rows[begin:end]) {
				return
			}
			begin = end
		}
	}
}

func fits(before, after stamp) bool {
	calls := int64(after.call - before.call)
	return after.time-before.time <= maxTimeDelta && -maxCallDelta <= calls && calls <= maxCallDelta
}

// pickColumns makes messages of rows, in memory that it uses again for the next.
type pickColumns struct {
	message    debugpb.PickBatch
	candidates []recorder.CandidateRow
	rejected   []recorder.RejectedRow
}

func (c *pickColumns) of(rows []recorder.PickRow) *debugpb.WatchResponse {
	c.candidates, c.rejected = c.candidates[:0], c.rejected[:0]
	for i := range rows {
		row := &rows[i]
		c.candidates = append(c.candidates, row.Candidates[:row.CandidateCount]...)
		c.rejected = append(c.rejected, row.Rejected[:row.RejectedDraws*row.CandidateCount]...)
	}
	c.fillRows(rows)
	c.fillCandidates()
	return &debugpb.WatchResponse{Body: &debugpb.WatchResponse_Picks{Picks: &c.message}}
}

func (c *pickColumns) fillRows(rows []recorder.PickRow) {
	type row = recorder.PickRow
	m := &c.message
	m.Rows, m.BaseTimeNs, m.BaseCall = uint32(len(rows)), uint64(rows[0].Time), rows[0].Call
	m.TimeDeltaNs, m.CallDelta = deltas(m.TimeDeltaNs, m.CallDelta, rows, pickStamp)
	m.Attempt = column(m.Attempt, rows, func(r *row) uint32 { return r.Attempt })
	m.Channel = column(m.Channel, rows, func(r *row) uint32 { return r.Channel })
	m.Generation = column(m.Generation, rows, func(r *row) uint32 { return r.Generation })
	m.Method = column(m.Method, rows, func(r *row) uint32 { return r.Method })
	m.Result = column(m.Result, rows, func(r *row) debugpb.PickResult { return r.Result })
	m.Reason = column(m.Reason, rows, func(r *row) debugpb.PickReason { return r.Reason })
	m.Policy = column(m.Policy, rows, func(r *row) uint32 { return r.Policy })
	m.Endpoint = column(m.Endpoint, rows, func(r *row) uint32 { return r.Endpoint })
	m.Code = column(m.Code, rows, func(r *row) uint32 { return uint32(r.Code) })
	m.Flags = column(m.Flags, rows, func(r *row) uint32 { return r.Flags })
	m.CandidateCount = column(m.CandidateCount, rows, func(r *row) uint32 { return uint32(r.CandidateCount) })
	m.RejectedDraws = column(m.RejectedDraws, rows, func(r *row) uint32 { return uint32(r.RejectedDraws) })
}

func (c *pickColumns) fillCandidates() {
	type row = recorder.CandidateRow
	m, rows := &c.message, c.candidates
	m.CandidateEndpoint = column(m.CandidateEndpoint, rows, func(r *row) uint32 { return r.Endpoint })
	m.CandidateLagNs = column(m.CandidateLagNs, rows, func(r *row) float64 { return r.LagNs })
	m.CandidateSuccess = column(m.CandidateSuccess, rows, func(r *row) float32 { return r.Success })
	m.CandidateInflight = column(m.CandidateInflight, rows, func(r *row) uint32 { return r.Inflight })
	m.CandidateScore = column(m.CandidateScore, rows, func(r *row) float64 { return r.Score })
	m.CandidateIdleNs = column(m.CandidateIdleNs, rows, func(r *row) float64 { return r.IdleNs })
	m.CandidateHealthy = column(m.CandidateHealthy, rows, func(r *row) bool { return r.Healthy })
	type rejected = recorder.RejectedRow
	m.RejectedEndpoint = column(m.RejectedEndpoint, c.rejected, func(r *rejected) uint32 { return r.Endpoint })
	m.RejectedSuccess = column(m.RejectedSuccess, c.rejected, func(r *rejected) float32 { return r.Success })
}

// completionColumns is as pickColumns.
type completionColumns struct {
	message debugpb.CompletionBatch
}

func (c *completionColumns) of(rows []recorder.CompletionRow) *debugpb.WatchResponse {
	type row = recorder.CompletionRow
	m := &c.message
	m.Rows, m.BaseTimeNs, m.BaseCall = uint32(len(rows)), uint64(rows[0].Time), rows[0].Call
	m.TimeDeltaNs, m.CallDelta = deltas(m.TimeDeltaNs, m.CallDelta, rows, completionStamp)
	m.Attempt = column(m.Attempt, rows, func(r *row) uint32 { return r.Attempt })
	m.Channel = column(m.Channel, rows, func(r *row) uint32 { return r.Channel })
	m.Method = column(m.Method, rows, func(r *row) uint32 { return r.Method })
	m.Endpoint = column(m.Endpoint, rows, func(r *row) uint32 { return r.Endpoint })
	m.Code = column(m.Code, rows, func(r *row) uint32 { return uint32(r.Code) })
	m.LatencyNs = column(m.LatencyNs, rows, func(r *row) float64 { return r.LatencyNs })
	m.LagNs = column(m.LagNs, rows, func(r *row) float64 { return r.LagNs })
	m.Success = column(m.Success, rows, func(r *row) float32 { return r.Success })
	m.Inflight = column(m.Inflight, rows, func(r *row) uint32 { return r.Inflight })
	m.Flags = column(m.Flags, rows, func(r *row) uint32 { return r.Flags })
	return &debugpb.WatchResponse{Body: &debugpb.WatchResponse_Completions{Completions: m}}
}

// deltas gives what the time and the call of each row are more than those of the row before; 0 for the first.
func deltas[R any](times []uint32, calls []int32, rows []R, stampOf func(*R) stamp) ([]uint32, []int32) {
	times, calls = times[:0], calls[:0]
	before := stampOf(&rows[0])
	for i := range rows {
		it := stampOf(&rows[i])
		times = append(times, uint32(it.time-before.time))
		calls = append(calls, int32(it.call-before.call))
		before = it
	}
	return times, calls
}

// column gives one value of each row, in memory that is used again; none where all are the default.
func column[V comparable, R any](memory []V, rows []R, value func(*R) V) []V {
	var byDefault V
	values, all := memory[:0], true
	for i := range rows {
		it := value(&rows[i])
		values = append(values, it)
		all = all && it == byDefault
	}
	if all {
		return values[:0]
	}
	return values
}
