// Package observe sees what grpc-go's balancers do, in any program that imports it, without a change to either:
// resolver updates, subconns with their states and errors, picker generations, every pick, and the end of each call.
//
// Every registered policy is replaced in grpc-go's registry by one that passes all on to it and reads along. Nothing
// that grpc-go or a policy gives or gets is changed but PickResult.Done, and the context of a pick while someone
// watches a channel whose policies are nested.
//
// # Policies that are registered later
//
// The registry is looked at again whenever a channel is made, so that a policy that main registers is seen too. A
// program that registers a policy while another goroutine uses grpc-go has a data race, which balancer.Register
// documents; the replacing of the registry here is then reported by the race detector as well.
package observe

import (
	"slices"
	"sync"
	"sync/atomic"
	"weak"

	"google.golang.org/grpc/balancer"

	"github.com/pickscope/pickscope/libraries/go/internal/recorder"
)

// maxLimitations are told of a process.
const maxLimitations = 16

// Observer tells a recorder what the process's balancers do.
type Observer struct {
	recorder *recorder.Recorder

	scanning        sync.Mutex
	dialsByResolver bool
	knownPolicies   atomic.Int64
	lookedAt        atomic.Int64

	mu       sync.Mutex // Guards what follows. A channel's own lock comes before it.
	channels map[weak.Pointer[byte]]*channel
	nodes    map[*byte]*node // By the target that they tell their children.
	limits   []string
}

// Install wraps every policy that is registered, under its name. Call it once in a process, from an init function or
// the beginning of main: balancer.Register asks for the same.
func Install(r *recorder.Recorder) *Observer {
	o := &Observer{
		recorder: r,
		channels: map[weak.Pointer[byte]]*channel{},
		nodes:    map[*byte]*node{},
	}
	o.onDial()
	o.Rescan()
	return o
}

// Rescan wraps what was registered since. It is called by itself whenever a channel is made.
func (o *Observer) Rescan() {
	o.scan()
}

// scan gives the names of the policies that were registered since.
func (o *Observer) scan() (late []string) {
	o.scanning.Lock()
	defer o.scanning.Unlock()
	if late = o.wrapPolicies(); slices.Contains(late, pickFirst) {
		rebindDefault()
	}
	o.knownPolicies.Store(int64(len(registeredPolicies)))
	if o.dialsByResolver {
		o.wrapResolvers()
	}
	return late
}

// Limitations are what cannot be seen though it might be expected, and why, a sentence each; at most 16.
func (o *Observer) Limitations() []string {
	o.mu.Lock()
	limits := append([]string(nil), o.limits...)
	o.mu.Unlock()
	if unseen := o.unseenPolicies(); unseen != "" {
		limits = append(limits, unseen)
	}
	return limits[:min(len(limits), maxLimitations)]
}

// limit notes a limitation, once.
func (o *Observer) limit(sentence string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, known := range o.limits {
		if known == sentence {
			return
		}
	}
	if len(o.limits) < maxLimitations {
		o.limits = append(o.limits, sentence)
	}
}

// wrapPolicy gives what stands for a policy's builder, and whether that is not so already.
func (o *Observer) wrapPolicy(builder balancer.Builder) (wrapped balancer.Builder, isNew bool) {
	switch builder.(type) {
	case nil, *policy, configurablePolicy:
		return builder, false
	}
	observed := &policy{builder, o}
	if parser, ok := builder.(balancer.ConfigParser); ok {
		return configurablePolicy{observed, parser}, true
	}
	return observed, true
}
