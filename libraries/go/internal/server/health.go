package server

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// health says that the debug server serves, and nothing of the program's own health. It is not grpc-go's package
// health: to import that switches client-side health checking on, in the program's own channels.
type health struct {
	healthpb.UnimplementedHealthServer
	served func() map[string]grpc.ServiceInfo
}

func registerHealth(server *grpc.Server) {
	healthpb.RegisterHealthServer(server, health{served: server.GetServiceInfo})
}

func (h health) Check(_ context.Context, request *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	if !h.isServed(request.Service) {
		return nil, status.Error(codes.NotFound, "There is no such service here.")
	}
	return &healthpb.HealthCheckResponse{Status: healthpb.HealthCheckResponse_SERVING}, nil
}

// Watch stays open: the status never changes while there is someone to tell it.
func (h health) Watch(request *healthpb.HealthCheckRequest, stream healthpb.Health_WatchServer) error {
	answer := &healthpb.HealthCheckResponse{Status: healthpb.HealthCheckResponse_SERVICE_UNKNOWN}
	if h.isServed(request.Service) {
		answer.Status = healthpb.HealthCheckResponse_SERVING
	}
	if err := stream.Send(answer); err != nil {
		return err
	}
	<-stream.Context().Done()
	return stream.Context().Err()
}

// isServed says whether the service is here; "" is the server as a whole.
func (h health) isServed(service string) bool {
	_, isHere := h.served()[service]
	return isHere || service == ""
}
