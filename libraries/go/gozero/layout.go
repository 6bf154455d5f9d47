package gozero

import (
	"fmt"
	"math/rand"
	"reflect"
	"runtime/debug"
	"sync"

	"github.com/zeromicro/go-zero/core/syncx"
	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/balancer/base"
	"google.golang.org/grpc/resolver"
)

// p2cPicker and subConn mirror those of go-zero (zrpc/internal/balancer/p2c/p2c.go), where they are not exported.

type p2cPicker struct {
	conns []*subConn
	r     *rand.Rand
	stamp *syncx.AtomicDuration
	lock  sync.Mutex
}

// The numbers change while others pick and complete: they are read by sync/atomic, as go-zero does.
type subConn struct {
	lag      uint64
	inflight int64
	success  uint64
	requests int64 //lint:ignore U1000 It is never read, but keeps those behind it where go-zero has them.
	last     int64 //lint:ignore U1000 It is never read, but keeps those behind it where go-zero has them.
	pick     int64
	addr     resolver.Address //lint:ignore U1000 It is never read, but keeps those behind it where go-zero has them.
	conn     balancer.SubConn
}

var (
	knownType = reflect.TypeFor[*p2cPicker]()
	errorType = reflect.TypeOf(base.NewErrPicker(nil))
)

// mirror looks at go-zero's picker as one of ours. nil: it has no conns, and queues or fails every call.
//
// An error says why the picker cannot be looked into.
func mirror(picker balancer.Picker) (*p2cPicker, error) {
	its := reflect.TypeOf(picker)
	if its == errorType {
		return nil, nil
	}
	if difference := layoutDifference(its, knownType); difference != "" {
		return nil, fmt.Errorf("p2c_ewma shows only what it chose, as the picker of go-zero %s is not laid out as that of v1.4.5 "+
			"to v1.10.3 (%s); update github.com/pickscope/pickscope/libraries/go/gozero", version(), difference)
	}
	return (*p2cPicker)(reflect.ValueOf(picker).UnsafePointer()), nil
}

// twin makes a picker of go-zero's with the same conns, but a lock and a random source of its own.
func twin(picker balancer.Picker, mirrored *p2cPicker, random *rand.Rand) balancer.Picker {
	its := reflect.New(reflect.TypeOf(picker).Elem())
	fields := (*p2cPicker)(its.UnsafePointer())
	fields.conns, fields.stamp, fields.r = mirrored.conns, mirrored.stamp, random
	return its.Interface().(balancer.Picker)
}

// layoutDifference is what keeps a value of the type `its` from being read as one of `ours`; empty: nothing.
func layoutDifference(its, ours reflect.Type) string {
	if its == ours {
		return ""
	}
	if its.Kind() != ours.Kind() {
		return fmt.Sprintf("%s instead of %s", its, ours)
	}
	switch its.Kind() {
	case reflect.Pointer, reflect.Slice:
		return layoutDifference(its.Elem(), ours.Elem())
	case reflect.Struct:
		return fieldDifference(its, ours)
	default:
		return fmt.Sprintf("%s instead of %s", its, ours)
	}
}

func fieldDifference(its, ours reflect.Type) string {
	if its.NumField() != ours.NumField() {
		return fmt.Sprintf("%s has %d fields instead of %d", its, its.NumField(), ours.NumField())
	}
	for i := range ours.NumField() {
		field, our := its.Field(i), ours.Field(i)
		if field.Name != our.Name || field.Offset != our.Offset {
			return fmt.Sprintf("%s has %s at %d instead of %s at %d", its, field.Name, field.Offset, our.Name, our.Offset)
		}
		if difference := layoutDifference(field.Type, our.Type); difference != "" {
			return fmt.Sprintf("%s.%s: %s", its, field.Name, difference)
		}
	}
	return ""
}

// version is go-zero's, as the program was built with it.
func version() string {
	build, _ := debug.ReadBuildInfo()
	if build != nil {
		for _, module := range build.Deps {
			if module.Path == "github.com/zeromicro/go-zero" {
				return module.Version
			}
		}
	}
	return "(version unknown)"
}
