package observe

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"google.golang.org/grpc/balancer"
)

// wrapText is a wrapper as the registries' are: it has nothing for what is missing, or wrapped already.
func wrapText(text string) (wrapped string, isNew bool) {
	if text == "" || text[0] == '<' {
		return text, false
	}
	return "<" + text + ">", true
}

func TestReplaceLeavesTheOldMapAlone(t *testing.T) {
	registry := map[string]string{"a": "one", "b": "<two>"}
	before := registry
	names := replace(&registry, nil, nil, nil, wrapText)
	if !slices.Equal(names, []string{"a"}) || registry["a"] != "<one>" || registry["b"] != "<two>" {
		t.Errorf("replaced %v: %v", names, registry)
	}
	if before["a"] != "one" {
		t.Error("a map that others read was written into")
	}
	if names := replace(&registry, nil, nil, nil, wrapText); len(names) != 0 {
		t.Errorf("replaced %v again", names)
	}
}

func TestReplaceWhereTheRegistryCannotBeListed(t *testing.T) {
	var registry map[string]string
	registered := map[string]string{"known": "one", "other": "two"}
	get := func(name string) string { return registered[name] }
	register := func(wrapped string) { registered["known"] = wrapped }
	wellKnown := []string{"known", "missing"}
	names := replace(&registry, wellKnown, get, register, wrapText)
	if !slices.Equal(names, []string{"known"}) || registered["known"] != "<one>" || registered["other"] != "two" {
		t.Errorf("replaced %v: %v", names, registered)
	}
	if names := replace(&registry, wellKnown, get, register, wrapText); len(names) != 0 {
		t.Errorf("replaced %v again", names)
	}
}

type tableConn struct {
	balancer.SubConn
	_ int
}

// TestConnTable holds the table against a map, with readers that always find what is not being changed.
func TestConnTable(t *testing.T) {
	var table connTable
	want := map[balancer.SubConn]*endpoint{}
	stays, its := &tableConn{}, &endpoint{}
	table.put(stays, its)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Add(1)
		go func() {
			defer readers.Done()
			for {
				select {
				case <-stop:
					return
				default:
				}
				if table.get(stays) != its || table.get(&tableConn{}) != nil {
					t.Error("a reader found something else")
					return
				}
			}
		}()
	}
	for range 3000 {
		if sc := anyOf(want); sc != nil && rand.IntN(3) == 0 {
			delete(want, sc)
			table.remove([]balancer.SubConn{sc})
			continue
		}
		sc, of := &tableConn{}, &endpoint{}
		want[sc] = of
		table.put(sc, of)
	}
	for sc, of := range want {
		if table.get(sc) != of {
			t.Fatal("not found")
		}
		table.put(sc, its)
		if table.get(sc) != its {
			t.Fatal("not moved")
		}
	}
	if table.used != len(want)+1 {
		t.Errorf("%d used, want %d", table.used, len(want)+1)
	}
	close(stop)
	readers.Wait()
}

func anyOf(conns map[balancer.SubConn]*endpoint) balancer.SubConn {
	for sc := range conns {
		return sc
	}
	return nil
}
