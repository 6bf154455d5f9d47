package channelz

import (
	"strings"
	"testing"

	channelzpb "google.golang.org/grpc/channelz/grpc_channelz_v1"
)

func TestTextsAreCutAndTLSIsLeftOut(t *testing.T) {
	long := strings.Repeat("é", 200)
	answer := &channelzpb.GetSocketResponse{Socket: &channelzpb.Socket{
		Ref: &channelzpb.SocketRef{SocketId: 7, Name: long},
		Security: &channelzpb.Security{Model: &channelzpb.Security_Tls_{
			Tls: &channelzpb.Security_Tls{LocalCertificate: []byte("secret")},
		}},
		Data: &channelzpb.SocketData{
			StreamsStarted: 3,
			Option:         []*channelzpb.SocketOption{{Name: long, Value: "on"}},
		},
	}}
	boundTexts(answer.ProtoReflect())

	socket := answer.Socket
	if got := socket.Ref.Name; got != long[:256] {
		t.Errorf("a name of %d bytes is left", len(got))
	}
	if got := socket.Data.Option[0]; got.Name != long[:256] || got.Value != "on" {
		t.Errorf("an option is left as %v", got)
	}
	if socket.Security != nil {
		t.Errorf("of TLS is left: %v", socket.Security)
	}
	if socket.Ref.SocketId != 7 || socket.Data.StreamsStarted != 3 {
		t.Errorf("the rest is not as it was: %v", socket)
	}
}

func TestPagesAreBounded(t *testing.T) {
	for asked, given := range map[int64]int64{0: 0, 7: 7, 100: 100, 1 << 40: 100} {
		request := &channelzpb.GetTopChannelsRequest{MaxResults: asked}
		boundPage(request.ProtoReflect())
		if request.MaxResults != given {
			t.Errorf("a page of %d is cut to %d, not %d", asked, request.MaxResults, given)
		}
	}
	boundPage((&channelzpb.GetChannelRequest{ChannelId: 3}).ProtoReflect()) // It asks for no page.
}
