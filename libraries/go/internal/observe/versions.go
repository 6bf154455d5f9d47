package observe

import (
	"fmt"
	"math"
	"reflect"
	"unsafe"

	"google.golang.org/grpc"
	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/resolver"
)

// What differs between the versions of grpc-go that this package is built with, read by reflection: no version can be
// compiled against the fields of another. None of it runs in a pick.

// bindsAtDial says whether a channel is given the builder of its policy when it is made, where its service config names
// one, rather than when the resolver has brought something: since 1.63.
var bindsAtDial = minorVersion() >= 63

// restrictsCodes says whether grpc-go makes INTERNAL of codes that a policy must not end a call with (gRFC A54): since
// 1.51.
var restrictsCodes = minorVersion() >= 51

func minorVersion() int {
	var major, minor int
	if _, err := fmt.Sscanf(grpc.Version, "%d.%d", &major, &minor); err != nil || major > 1 {
		return math.MaxInt // Newer than any that is known.
	}
	return minor
}

// identity is what grpc-go's channelz knows a channel by.
type identity struct {
	pointer unsafe.Pointer // nil: unknown.
	id      uint32         // 0: unknown.
}

// identityOf reads BuildOptions.ChannelzParentID, a *channelz.Identifier up to 1.63, or .ChannelzParent, an interface
// that holds a *channelz.Channel, from 1.64 on. Policies pass their options on to their children.
func identityOf(opts balancer.BuildOptions) identity {
	options := reflect.ValueOf(opts)
	if parent := options.FieldByName("ChannelzParentID"); parent.IsValid() && !parent.IsNil() {
		found := identity{pointer: parent.UnsafePointer()}
		if numbered, ok := parent.Interface().(interface{ Int() int64 }); ok {
			found.id = uint32(numbered.Int())
		}
		return found
	}
	parent := options.FieldByName("ChannelzParent")
	if !parent.IsValid() || parent.IsNil() || parent.Elem().Kind() != reflect.Pointer || parent.Elem().IsNil() {
		return identity{}
	}
	return channelIdentity(parent.Elem())
}

func channelIdentity(pointer reflect.Value) identity {
	found := identity{pointer: pointer.UnsafePointer()}
	channel := pointer.Elem()
	if channel.Kind() != reflect.Struct {
		return found
	}
	if id := channel.FieldByName("ID"); id.IsValid() && id.CanInt() {
		found.id = uint32(id.Int())
	}
	return found
}

// clientConnOf gives the channel whose root policy is given this balancer.ClientConn; nil: unknown. All versions reach
// it by gracefulswitch.balancerWrapper.gsb.cc, a ccBalancerWrapper, and that one's cc.
func clientConnOf(cc balancer.ClientConn) *grpc.ClientConn {
	found := reflect.ValueOf(cc)
	for _, name := range []string{"gsb", "cc", "cc"} {
		for found.Kind() == reflect.Interface || found.Kind() == reflect.Pointer {
			found = found.Elem()
		}
		if found.Kind() != reflect.Struct {
			return nil
		}
		found = found.FieldByName(name)
	}
	if !found.IsValid() || found.Type() != reflect.TypeFor[*grpc.ClientConn]() {
		return nil
	}
	return (*grpc.ClientConn)(found.UnsafePointer())
}

// listenTo has `tell` called before the listener of options that have one (NewSubConnOptions.StateListener, since
// 1.58). Without one the states come by Balancer.UpdateSubConnState.
func listenTo(opts *balancer.NewSubConnOptions, tell func(balancer.SubConnState)) {
	field := reflect.ValueOf(opts).Elem().FieldByName("StateListener")
	if !field.IsValid() || field.IsNil() {
		return
	}
	inner, ok := field.Interface().(func(balancer.SubConnState))
	if !ok {
		return
	}
	field.Set(reflect.ValueOf(func(state balancer.SubConnState) {
		tell(state)
		inner(state)
	}))
}

// addressesOf gives the addresses of each endpoint that a resolver brought: by State.Endpoints (since 1.60), or each
// address as an endpoint of its own where there are none.
func addressesOf(state resolver.State) [][]string {
	var found [][]string
	if endpoints := reflect.ValueOf(state).FieldByName("Endpoints"); endpoints.IsValid() {
		for i := range endpoints.Len() {
			if addresses, ok := endpoints.Index(i).FieldByName("Addresses").Interface().([]resolver.Address); ok {
				found = append(found, namesOf(addresses))
			}
		}
	}
	if len(found) > 0 {
		return found
	}
	for _, address := range state.Addresses {
		found = append(found, []string{address.Addr})
	}
	return found
}

func namesOf(addresses []resolver.Address) []string {
	names := make([]string, len(addresses))
	for i, address := range addresses {
		names[i] = address.Addr
	}
	return names
}

// channelzID is the channelz id of a subconn, which newer versions tell as "SubConn(id:7)"; 0: unknown.
func channelzID(subconn balancer.SubConn) uint32 {
	stringer, ok := subconn.(fmt.Stringer)
	if !ok {
		return 0
	}
	var id uint32
	if _, err := fmt.Sscanf(stringer.String(), "SubConn(id:%d)", &id); err != nil {
		return 0
	}
	return id
}

// isSharded says whether a ClientConn is that of a child of grpc-go's endpointsharding, which gives each child one
// endpoint.
func isSharded(cc balancer.ClientConn) bool {
	kind := reflect.TypeOf(cc)
	if kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	return kind.PkgPath() == "google.golang.org/grpc/balancer/endpointsharding"
}
