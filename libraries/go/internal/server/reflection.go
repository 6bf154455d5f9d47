package server

import (
	"google.golang.org/grpc"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// registerReflection serves grpc.reflection.v1 and v1alpha, which tell of what the server serves by then and of nothing
// else that the program has linked.
//
// Their messages are the same on the wire, so that v1 can be served with a grpc-go that does not know it, as those
// before 1.57; it is then not described itself.
func registerReflection(server *grpc.Server) {
	alpha := grpc_reflection_v1alpha.ServerReflection_ServiceDesc
	v1 := alpha
	v1.ServiceName = "grpc.reflection.v1.ServerReflection"

	files := new(protoregistry.Files)
	service := reflection.NewServer(reflection.ServerOptions{
		Services:           server,
		DescriptorResolver: files,
		ExtensionResolver:  new(protoregistry.Types),
	})
	server.RegisterService(&alpha, service)
	server.RegisterService(&v1, service)
	for name := range server.GetServiceInfo() {
		if found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name)); err == nil {
			addFile(files, found.ParentFile())
		}
	}
}

// addFile adds a file, if it is not there yet, and those that it needs.
func addFile(files *protoregistry.Files, file protoreflect.FileDescriptor) {
	if _, err := files.FindFileByPath(file.Path()); err == nil {
		return
	}
	// It fails for another file that declares the same: then that one is told of.
	_ = files.RegisterFile(file)
	for imports, i := file.Imports(), 0; i < imports.Len(); i++ {
		addFile(files, imports.Get(i).FileDescriptor)
	}
}
