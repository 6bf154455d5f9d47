// Package channelz has the debug server serve grpc.channelz.v1, too, for grpcdebug and other tools:
//
//	import _ "github.com/pickscope/pickscope/libraries/go/channelz"
//
// It is an import of its own because grpc-go's channelz service, by being linked, switches channelz on for the whole
// process, attachable or not: each call then costs a few atomic operations and clock readings more, and each channel
// and connection keeps a trace of its events. Without it the program is as it was, and Pickscope sees the same picks.
//
// What channelz tells is bounded: 100 entries a page, texts of 256 characters, nothing of TLS.
package channelz

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/channelz/grpc_channelz_v1"
	"google.golang.org/grpc/channelz/service"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pickscope/pickscope/libraries/go/internal/recorder"
	"github.com/pickscope/pickscope/libraries/go/internal/server"
)

const (
	// maxResults are the entries of a page.
	maxResults = 100
)

func init() {
	server.AddService(func(registrar grpc.ServiceRegistrar) {
		service.RegisterChannelzServiceToServer(bounded{registrar})
	})
}

// bounded registers services whose answers are bounded.
type bounded struct {
	grpc.ServiceRegistrar
}

func (b bounded) RegisterService(description *grpc.ServiceDesc, implementation any) {
	inner := *description
	inner.Methods = nil
	for _, method := range description.Methods {
		inner.Methods = append(inner.Methods, boundedMethod(method))
	}
	b.ServiceRegistrar.RegisterService(&inner, implementation)
}

func boundedMethod(method grpc.MethodDesc) grpc.MethodDesc {
	handle := method.Handler
	method.Handler = func(
		implementation any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor,
	) (any, error) {
		decodeBounded := func(request any) error {
			err := decode(request)
			boundPage(request.(proto.Message).ProtoReflect())
			return err
		}
		answer, err := handle(implementation, ctx, decodeBounded, nil)
		if err == nil {
			boundTexts(answer.(proto.Message).ProtoReflect())
		}
		return answer, err
	}
	return method
}

func boundPage(request protoreflect.Message) {
	field := request.Descriptor().Fields().ByName("max_results")
	if field != nil && request.Get(field).Int() > maxResults {
		request.Set(field, protoreflect.ValueOfInt64(maxResults))
	}
}

// security is all that channelz tells of TLS: certificates and ciphers.
var security = (*grpc_channelz_v1.Security)(nil).ProtoReflect().Descriptor().FullName()

// boundTexts cuts the texts of an answer, which is ours alone, and takes out what belongs to TLS.
func boundTexts(message protoreflect.Message) {
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.Message() != nil && field.Message().FullName() == security:
			message.Clear(field)
		case field.Kind() == protoreflect.StringKind && !field.IsList():
			message.Set(field, protoreflect.ValueOfString(recorder.Capped(value.String())))
		case field.Message() != nil && field.IsList():
			for i := range value.List().Len() {
				boundTexts(value.List().Get(i).Message())
			}
		case field.Message() != nil:
			boundTexts(value.Message())
		}
		return true
	})
}
