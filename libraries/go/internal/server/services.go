package server

import (
	"context"

	"google.golang.org/grpc"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
	"github.com/pickscope/pickscope/libraries/go/internal/stream"
)

// maxRequestBytes, of one message.
const maxRequestBytes = 4096

var addedServices []func(grpc.ServiceRegistrar)

// AddService has every debug server serve one more, which only reads. Call it from an init function.
func AddService(register func(grpc.ServiceRegistrar)) {
	addedServices = append(addedServices, register)
}

// newServices makes a server of the debug protocol, and of what other tools ask for. It does not listen. Nothing that
// it serves changes anything in the program.
func newServices(source stream.Source, past *stream.Past) *grpc.Server {
	server := grpc.NewServer(grpc.MaxRecvMsgSize(maxRequestBytes))
	debugpb.RegisterDebugServiceServer(server, &debugService{watchers: stream.NewWatchers(source, past)})
	for _, register := range addedServices {
		register(server)
	}
	registerHealth(server)
	registerReflection(server)
	return server
}

type debugService struct {
	debugpb.UnimplementedDebugServiceServer
	watchers *stream.Watchers
}

func (s *debugService) Describe(context.Context, *debugpb.DescribeRequest) (*debugpb.DescribeResponse, error) {
	return &debugpb.DescribeResponse{Process: s.watchers.Describe()}, nil
}

func (s *debugService) Watch(request *debugpb.WatchRequest, watch debugpb.DebugService_WatchServer) error {
	return s.watchers.Watch(request, watch)
}
