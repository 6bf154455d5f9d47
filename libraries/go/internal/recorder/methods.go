package recorder

import "sync"

// methodCapacity is how many methods get an id of their own.
const methodCapacity = 4096

// otherMethod is the id of all methods that come when the dictionary is full: a program that puts ids into its method
// names must not fill the memory.
const otherMethod = 1

// Methods is the dictionary of method names. Id 0 is the empty string.
type Methods struct {
	mu    sync.RWMutex
	ids   map[string]uint32
	names []string
}

// ID gives the id of a method's full name, "/shop.Cart/GetCart".
func (m *Methods) ID(fullName string) uint32 {
	if id, known := m.find(fullName); known {
		return id
	}
	// The name as it is told, which is another one where it was too long, or no text.
	name := Capped(fullName)
	if id, known := m.find(name); known {
		return id
	}
	return m.add(name)
}

// find says what a name has for an id, also where it will never have one of its own.
func (m *Methods) find(name string) (id uint32, known bool) {
	if name == "" {
		return 0, true
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	id, known = m.ids[name]
	if !known && len(m.ids) == methodCapacity && len(name) <= maxTextLength {
		return otherMethod, true
	}
	return id, known
}

func (m *Methods) add(name string) uint32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ids == nil {
		m.ids = map[string]uint32{}
		m.names = []string{"", "(other)"}
	}
	if id, known := m.ids[name]; known {
		return id
	}
	if len(m.ids) == methodCapacity {
		return otherMethod
	}
	id := uint32(len(m.names))
	m.names = append(m.names, name)
	m.ids[name] = id
	return id
}

// Names gives the names whose ids are `from` and above; the first has the id `from`.
func (m *Methods) Names(from int) []string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if from >= len(m.names) {
		return nil
	}
	return m.names[from:len(m.names):len(m.names)]
}
