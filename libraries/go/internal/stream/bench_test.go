package stream

import (
	"context"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
	"github.com/pickscope/pickscope/libraries/go/internal/recorder"
)

// weighing encodes what it gets, as gRPC does, and throws it away.
type weighing struct {
	buffer []byte
	bytes  int
}

func (c *weighing) send(message *debugpb.WatchResponse) error {
	encoded, err := proto.MarshalOptions{}.MarshalAppend(c.buffer[:0], message)
	c.buffer = encoded
	c.bytes += len(encoded)
	return err
}

func (c *weighing) drop(dropped) error { return nil }

func BenchmarkFlush(b *testing.B) {
	for _, policy := range []string{"round_robin", "p2c_ewma"} {
		b.Run(policy, func(b *testing.B) {
			r := recorder.New()
			channel := r.AddChannel("dns:///cart", 0)
			endpoint := channel.AddEndpoint([]string{"10.0.0.1:1"})
			other := channel.AddEndpoint([]string{"10.0.0.2:1"})
			ctx, end := context.WithCancelCause(b.Context())
			sink := &weighing{}
			s := newStream(ctx, end, Source{r, func() *debugpb.Process { return &debugpb.Process{} }, func() uint64 { return 0 }}, sink)
			s.tellAll(s.watch())
			method := r.Methods.ID("/shop.Cart/GetCart")
			b.ReportAllocs()
			sink.bytes = 0
			b.ResetTimer()
			for i := 0; i < b.N; {
				b.StopTimer()
				for range 8192 {
					i++
					row := recorder.PickRow{Call: r.NextCall(), Attempt: 1, Channel: 1, Generation: 4, Policy: 5, Method: method, Endpoint: endpoint.ID(), Result: 1, Reason: 2}
					if policy == "p2c_ewma" {
						row.CandidateCount = 2
						row.Candidates[0] = recorder.CandidateRow{Endpoint: endpoint.ID(), Inflight: 3, LagNs: 1.23456e6, Score: 5677.1, IdleNs: 12345, Success: 999, Healthy: true}
						row.Candidates[1] = recorder.CandidateRow{Endpoint: other.ID(), Inflight: 4, LagNs: 1.33456e6, Score: 5777.1, IdleNs: 12845, Success: 999, Healthy: true}
					}
					endpoint.Counters.Picked()
					r.Rows.AddPick(&row, endpoint)
					endpoint.Counters.Ended(codes.OK)
					r.Rows.AddCompletion(&recorder.CompletionRow{Call: row.Call, Attempt: 1, Channel: 1, Method: method, Endpoint: endpoint.ID()}, row.Time, endpoint, nil)
				}
				b.StartTimer()
				s.flush()
			}
			b.ReportMetric(float64(sink.bytes)/float64(b.N), "B/pick")
		})
	}
}
