package observe

import (
	"slices"
	"sync/atomic"
	"unsafe"

	"google.golang.org/grpc/balancer"
)

// connTable finds the endpoint of a subconn, without a lock, since every pick does. It is written under the channel's
// lock.
type connTable struct {
	slots atomic.Pointer[[]connSlot]
	used  int
}

// connSlot is one place of an open-addressed table that is at most half full.
type connSlot struct {
	conn     unsafe.Pointer // Written last, atomically, and only once.
	endpoint atomic.Pointer[endpoint]
}

// get finds a subconn that is a pointer, as grpc-go's are; nil: it is not known.
func (t *connTable) get(sc balancer.SubConn) *endpoint {
	slots, conn := t.slots.Load(), pointerOf(sc)
	if slots == nil || conn == nil {
		return nil
	}
	if slot := place(*slots, conn); atomic.LoadPointer(&slot.conn) == conn {
		return slot.endpoint.Load()
	}
	return nil
}

// place gives the slot of a subconn, or the empty one where it would be.
func place(slots []connSlot, conn unsafe.Pointer) *connSlot {
	mask := uintptr(len(slots) - 1)
	// Pointers to objects of one size differ in some of their bits only: this spreads them.
	for i := uintptr(uint64(uintptr(conn)) * 0x9E3779B97F4A7C15 >> 32); ; i++ {
		slot := &slots[i&mask]
		if found := atomic.LoadPointer(&slot.conn); found == conn || found == nil {
			return slot
		}
	}
}

func (t *connTable) put(sc balancer.SubConn, of *endpoint) {
	slots := t.slots.Load()
	if slots == nil || 2*(t.used+1) > len(*slots) {
		slots = t.rebuild(nil)
	}
	slot := place(*slots, pointerOf(sc))
	slot.endpoint.Store(of)
	if slot.conn == nil {
		t.used++
		atomic.StorePointer(&slot.conn, pointerOf(sc))
	}
}

func (t *connTable) remove(conns []balancer.SubConn) {
	t.rebuild(conns)
}

func (t *connTable) clear() {
	t.slots.Store(nil)
	t.used = 0
}

// rebuild makes a table of those that are there, without some, that has room for more.
func (t *connTable) rebuild(without []balancer.SubConn) *[]connSlot {
	var all []connSlot
	if slots := t.slots.Load(); slots != nil {
		all = *slots
	}
	next := make([]connSlot, max(16, roomFor(t.used)))
	t.used = 0
	for i := range all {
		conn := all[i].conn
		isOut := slices.ContainsFunc(without, func(sc balancer.SubConn) bool { return pointerOf(sc) == conn })
		if conn == nil || isOut {
			continue
		}
		slot := place(next, conn)
		slot.conn = conn
		slot.endpoint.Store(all[i].endpoint.Load())
		t.used++
	}
	t.slots.Store(&next)
	return &next
}

// roomFor is the size of a table that is a quarter full with so many: a power of two.
func roomFor(conns int) int {
	size := 1
	for size < 4*conns {
		size *= 2
	}
	return size
}

// pointerOf is the pointer in an interface value.
func pointerOf(sc balancer.SubConn) unsafe.Pointer {
	return (*[2]unsafe.Pointer)(unsafe.Pointer(&sc))[1]
}
