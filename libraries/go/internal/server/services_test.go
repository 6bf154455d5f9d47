package server

import (
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
)

func TestHealthOfTheDebugServer(t *testing.T) {
	server, folder := open(t, testOptions())
	client := healthpb.NewHealthClient(dial(t, server.Address()))
	ctx := withToken(t, announced(t, folder).Token)

	for _, service := range []string{"", "pickscope.v1.DebugService", "grpc.reflection.v1.ServerReflection"} {
		answer, err := client.Check(ctx, &healthpb.HealthCheckRequest{Service: service})
		if err != nil || answer.Status != healthpb.HealthCheckResponse_SERVING {
			t.Errorf("%q is %v, %v", service, answer, err)
		}
	}
	_, err := client.Check(ctx, &healthpb.HealthCheckRequest{Service: "shop.Cart"})
	if status.Code(err) != codes.NotFound {
		t.Errorf("another service is %v", err)
	}
	watch, err := client.Watch(ctx, &healthpb.HealthCheckRequest{Service: "shop.Cart"})
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := watch.Recv(); err != nil || answer.Status != healthpb.HealthCheckResponse_SERVICE_UNKNOWN {
		t.Errorf("another service is watched as %v, %v", answer, err)
	}
}

// ask asks one question of reflection; v1 has the same messages as v1alpha.
func ask(
	t *testing.T, method string, question *reflectionpb.ServerReflectionRequest,
) *reflectionpb.ServerReflectionResponse {
	t.Helper()
	server, folder := open(t, testOptions())
	description := &reflectionpb.ServerReflection_ServiceDesc.Streams[0]
	stream, err := dial(t, server.Address()).NewStream(withToken(t, announced(t, folder).Token), description, method)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.SendMsg(question); err != nil {
		t.Fatal(err)
	}
	answer := new(reflectionpb.ServerReflectionResponse)
	if err := stream.RecvMsg(answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

const (
	reflectionV1    = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
	reflectionAlpha = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
)

func TestReflectionListsWhatIsServed(t *testing.T) {
	for _, method := range []string{reflectionV1, reflectionAlpha} {
		answer := ask(t, method, &reflectionpb.ServerReflectionRequest{
			MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{ListServices: "*"},
		})
		var names []string
		for _, service := range answer.GetListServicesResponse().GetService() {
			names = append(names, service.Name)
		}
		expected := []string{"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
			"grpc.reflection.v1alpha.ServerReflection", "pickscope.v1.DebugService"}
		if !slices.Equal(names, expected) {
			t.Errorf("%s lists %v", method, names)
		}
	}
}

func TestReflectionDescribesWhatIsServedAndNothingElse(t *testing.T) {
	symbol := func(name string) *reflectionpb.ServerReflectionResponse {
		return ask(t, reflectionV1, &reflectionpb.ServerReflectionRequest{
			MessageRequest: &reflectionpb.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: name},
		})
	}
	files := symbol("pickscope.v1.DebugService").GetFileDescriptorResponse().GetFileDescriptorProto()
	if len(files) == 0 {
		t.Fatal("the debug service is not described")
	}
	file := new(descriptorpb.FileDescriptorProto)
	if err := proto.Unmarshal(files[0], file); err != nil || file.GetService()[0].GetName() != "DebugService" {
		t.Errorf("it is described as %v, %v", file, err)
	}
	// This one is linked into the program, as the program's own are.
	answer := symbol("google.protobuf.FileDescriptorProto")
	if answer.GetErrorResponse().GetErrorCode() != int32(codes.NotFound) {
		t.Errorf("what is not served is described: %v", answer)
	}
}

func TestWhatIsRefusedOfOneWithTheToken(t *testing.T) {
	server, folder := open(t, testOptions())
	channel := dial(t, server.Address())
	ctx := withToken(t, announced(t, folder).Token)

	request, answer := &debugpb.DescribeRequest{}, &debugpb.DescribeResponse{}
	err := channel.Invoke(ctx, "/pickscope.v1.DebugService/Stop", request, answer)
	if status.Code(err) != codes.Unimplemented {
		t.Errorf("an unknown method is answered with %v", err)
	}
	long := &healthpb.HealthCheckRequest{Service: strings.Repeat("x", 2*maxRequestBytes)}
	if _, err := healthpb.NewHealthClient(channel).Check(ctx, long); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a long request is answered with %v", err)
	}
	watch, err := debugpb.NewDebugServiceClient(channel).Watch(ctx, &debugpb.WatchRequest{ProtocolMajor: 2})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Recv(); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("another version is answered with %v", err)
	}
}

func TestEveryMethodNeedsTheToken(t *testing.T) {
	server, _ := open(t, testOptions())
	server.guard.after = func(time.Duration) <-chan time.Time { return time.After(0) }
	channel := dial(t, server.Address())
	methods := []string{"/pickscope.v1.DebugService/Unknown", "/no.Service/AtAll", "/"}
	for service, info := range server.grpc.GetServiceInfo() {
		for _, method := range info.Methods {
			methods = append(methods, "/"+service+"/"+method.Name)
		}
	}
	for _, method := range methods {
		err := channel.Invoke(withToken(t, "wrong"), method, &debugpb.DescribeRequest{}, &debugpb.DescribeResponse{})
		if status.Code(err) != codes.Unauthenticated {
			t.Errorf("%s is answered with %v", method, err)
		}
	}
	if refused := server.guard.refused.Load(); refused != uint64(len(methods)) {
		t.Errorf("%d calls are counted as refused, not %d", refused, len(methods))
	}
}
