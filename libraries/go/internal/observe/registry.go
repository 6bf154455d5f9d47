package observe

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"sync/atomic"
	"unsafe"

	"google.golang.org/grpc"
	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/serviceconfig"
)

// grpc-go's own registries, which it lets nobody list. A version without these variables links all the same, and has
// nil here. grpc-go reads them without a lock, so they are never written into: a map with what is new takes their
// place.

//go:linkname registeredPolicies google.golang.org/grpc/balancer.m
var registeredPolicies map[string]balancer.Builder

//go:linkname registeredResolvers google.golang.org/grpc/resolver.m
var registeredResolvers map[string]resolver.Builder

// addOptionForTarget is a func(any) from 1.65 on: grpc-go asks what it is given for an option at each NewClient, before
// it looks up a policy.
//
//go:linkname addOptionForTarget google.golang.org/grpc/internal.AddGlobalPerTargetDialOptions
var addOptionForTarget any

// emptyServiceConfig is that of a channel that has none. From 1.63 on it holds the builder of pick_first that was there
// when grpc-go was initialized; parseServiceConfig, a func(string) *serviceconfig.ParseResult, makes another.
//
//go:linkname emptyServiceConfig google.golang.org/grpc.emptyServiceConfig
var emptyServiceConfig *grpc.ServiceConfig //lint:ignore SA1019 It is what grpc-go has there.

//go:linkname parseServiceConfig google.golang.org/grpc/internal.ParseServiceConfig
var parseServiceConfig any

// Where the registries cannot be listed, these are looked for.
var (
	wellKnownPolicies = []string{
		"pick_first", "round_robin", "weighted_round_robin", "least_request_experimental", "ring_hash_experimental",
		"random_subsetting_experimental", "weighted_target_experimental", "outlier_detection_experimental",
		"priority_experimental", "rls_experimental", "grpclb", "p2c_ewma", "consistent_hash",
	}
	wellKnownResolvers = []string{
		"passthrough", "dns", "unix", "unix-abstract", "xds", "direct", "discov", "etcd", "k8s", "nacos", "consul",
	}
)

// wrapPolicies wraps those that are not yet, and names them.
func (o *Observer) wrapPolicies() []string {
	return replace(&registeredPolicies, wellKnownPolicies, balancer.Get, balancer.Register, o.wrapPolicy)
}

func (o *Observer) wrapResolvers() []string {
	return replace(&registeredResolvers, wellKnownResolvers, resolver.Get, resolver.Register, o.wrapResolver)
}

// replace puts, for each builder of a registry that `wrap` has something for, that in its place.
func replace[B any](
	registry *map[string]B, wellKnown []string, get func(string) B, register func(B), wrap func(B) (wrapped B, isNew bool),
) (names []string) {
	if *registry == nil {
		for _, name := range wellKnown {
			if wrapped, isNew := wrap(get(name)); isNew {
				register(wrapped)
				names = append(names, name)
			}
		}
		return names
	}
	next := map[string]B{}
	for name, builder := range *registry {
		wrapped, isNew := wrap(builder)
		if isNew {
			names = append(names, name)
		}
		next[name] = wrapped
	}
	if len(names) > 0 {
		// As a whole, for those that read it right now.
		atomic.StorePointer((*unsafe.Pointer)(unsafe.Pointer(registry)), *(*unsafe.Pointer)(unsafe.Pointer(&next)))
	}
	slices.Sort(names)
	return names
}

// rebindDefault has channels without a service config use pick_first as it is registered now.
func rebindDefault() {
	parse, ok := parseServiceConfig.(func(string) *serviceconfig.ParseResult)
	if !ok || emptyServiceConfig == nil {
		return
	}
	//lint:ignore SA1019 It is what grpc-go has there.
	if config, ok := parse("{}").Config.(*grpc.ServiceConfig); ok {
		atomic.StorePointer((*unsafe.Pointer)(unsafe.Pointer(&emptyServiceConfig)), unsafe.Pointer(config))
	}
}

// onDial has the registries looked at again whenever a channel is made, for what was registered since.
func (o *Observer) onDial() {
	if add, ok := addOptionForTarget.(func(any)); ok {
		add(dialHook{o})
		return
	}
	o.dialsByResolver = true
}

type dialHook struct{ observer *Observer }

// DialOptionForTarget is asked by grpc-go's NewClient.
func (h dialHook) DialOptionForTarget(url.URL) grpc.DialOption {
	h.observer.Rescan()
	return grpc.EmptyDialOption{}
}

// observedResolver stands for a resolver's builder in versions that have no other hook: it is used when a channel is
// made.
type observedResolver struct {
	resolver.Builder
	observer *Observer
}

// Build is called by grpc-go when a channel is made, or leaves its idleness.
func (b *observedResolver) Build(
	target resolver.Target, cc resolver.ClientConn, opts resolver.BuildOptions,
) (resolver.Resolver, error) {
	if late := b.observer.scan(); len(late) > 0 && bindsAtDial {
		b.observer.limit(unseen(late[0]))
	}
	return b.Builder.Build(target, cc, opts)
}

// authorityOverrider is resolver.AuthorityOverrider, which 1.50 does not have.
type authorityOverrider interface {
	OverrideAuthority(resolver.Target) string
}

type authoritativeResolver struct {
	*observedResolver
	authorityOverrider
}

func (o *Observer) wrapResolver(builder resolver.Builder) (wrapped resolver.Builder, isNew bool) {
	switch builder.(type) {
	case nil, *observedResolver, authoritativeResolver:
		return builder, false
	}
	observed := &observedResolver{builder, o}
	if overrider, ok := builder.(authorityOverrider); ok {
		return authoritativeResolver{observed, overrider}, true
	}
	return observed, true
}

// unseenPolicies says which policy is registered and not wrapped; "" if there is none.
//
// It runs while the program does anything, and a program that registers while this reads would be ended by Go's
// runtime: it reads the registry's size, and the registry itself only if that is the same as when it was asked last.
func (o *Observer) unseenPolicies() string {
	size := int64(len(registeredPolicies))
	if !o.dialsByResolver || size == o.knownPolicies.Load() || o.lookedAt.Swap(size) != size {
		return ""
	}
	for _, name := range slices.Sorted(maps.Keys(registeredPolicies)) {
		if _, isNew := o.wrapPolicy(registeredPolicies[name]); isNew {
			return unseen(name)
		}
	}
	return ""
}

func unseen(policy string) string {
	const names = 60 // Of the 256 that a limitation may have.
	return fmt.Sprintf("The policy %.*q was registered after pickscope: channels that use it may not be seen. "+
		"Register it in the init of a package imported before pickscope's, or call pickscope.Start after it.", names, policy)
}
