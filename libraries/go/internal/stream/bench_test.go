package stream

import (
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
	"github.com/pickscope/pickscope/libraries/go/internal/recorder"
)

// burst makes calls, each a pick and a completion, of a policy that tells two candidates, or none.
func (w *world) burst(calls int, method string) {
	for range calls {
		w.pick(w.channels[0], method)
		w.end(codes.OK)
	}
}

func busyWorld(tellsCandidates bool) *world {
	w := newWorld()
	c := w.addChannel()
	for range 9 {
		w.addEndpoint(c)
	}
	c.regenerate(tellsCandidates)
	return w
}

// BenchmarkFlush is what it costs to tell one pick and its completion: from the rings to encoded messages.
func BenchmarkFlush(b *testing.B) {
	for name, tellsCandidates := range map[string]bool{"chosen": false, "candidates": true} {
		b.Run(name, func(b *testing.B) {
			w := busyWorld(tellsCandidates)
			var (
				encoded []byte
				bytes   int
			)
			it := w.watch(b)
			it.sink = &outlet{take: func(message *debugpb.WatchResponse) (err error) {
				encoded, err = proto.MarshalOptions{}.MarshalAppend(encoded[:0], message)
				bytes += len(encoded)
				return err
			}}
			const atOnce = recorder.PickCapacity / 4
			b.ReportAllocs()
			b.ResetTimer()
			for told := 0; told < b.N; told += atOnce {
				b.StopTimer()
				w.burst(atOnce, "/shop.Cart/Get")
				b.StartTimer()
				if err := it.flush(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(bytes)/float64(b.N), "bytes/op")
		})
	}
}

// BenchmarkWatch is one pick and its completion, made, told and decoded by a watcher behind a socket, in one process.
// Calls wait while half a ring of them is under way, so that none is dropped.
func BenchmarkWatch(b *testing.B) {
	eachServer(b, func(b *testing.B, serve func(*Watchers) debugpb.DebugServiceClient) {
		w := busyWorld(true)
		call, _ := attach(b, serve(NewWatchers(sourceOf(w.Recorder), nil)), version1)
		receive := func() *debugpb.WatchResponse {
			message, err := call.Recv()
			if err != nil {
				b.Fatal(err)
			}
			return message
		}
		for receive().GetSnapshotEnd() == nil {
		}
		const atOnce = recorder.PickCapacity / 8
		room := make(chan struct{}, 4)
		b.ReportAllocs()
		b.ResetTimer()
		go func() {
			for told := 0; told < b.N; told += atOnce {
				room <- struct{}{}
				w.burst(min(atOnce, b.N-told), "/shop.Cart/Get")
			}
		}()
		for ended, rooms := 0, 0; ended < b.N; {
			message := receive()
			if dropped := message.GetDrops(); dropped != nil {
				b.Fatal(dropped)
			}
			for ended += int(message.GetCompletions().GetRows()); rooms < ended/atOnce; rooms++ {
				<-room
			}
		}
	})
}
