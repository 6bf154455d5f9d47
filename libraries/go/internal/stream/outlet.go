package stream

import (
	"google.golang.org/protobuf/proto"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
)

// outlet is a stream as one reader gets it: it numbers the messages, and adds up what was left out.
type outlet struct {
	take func(*debugpb.WatchResponse) error

	sequence uint32
	drops    debugpb.Drops
}

// send implements sink.
func (o *outlet) send(message *debugpb.WatchResponse) error {
	o.sequence++
	message.Sequence = o.sequence
	return o.take(message)
}

// drop implements sink.
func (o *outlet) drop(rows dropped) error {
	o.drops.Picks += rows.picks
	o.drops.Completions += rows.completions
	o.drops.Cause = rows.cause
	drops := proto.Clone(&o.drops).(*debugpb.Drops)
	return o.send(&debugpb.WatchResponse{Body: &debugpb.WatchResponse_Drops{Drops: drops}})
}

// sendEncoded sends a message that was encoded without its number. What a message holds of fields that are unknown is
// put on the wire as it is, so that nothing is decoded only to be encoded again.
func (o *outlet) sendEncoded(body []byte) error {
	message := &debugpb.WatchResponse{}
	message.ProtoReflect().SetUnknown(body)
	return o.send(message)
}
