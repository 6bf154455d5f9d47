package recorder

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

func TestMethodsGetIDs(t *testing.T) {
	var methods Methods
	first, second := methods.ID("/shop.Cart/Get"), methods.ID("/shop.Cart/Add")
	if methods.ID("") != 0 || first < 2 || second != first+1 || methods.ID("/shop.Cart/Get") != first {
		t.Errorf("ids: %d, %d, %d", methods.ID(""), first, second)
	}
	if names := methods.Names(0); !slices.Equal(names, []string{"", "(other)", "/shop.Cart/Get", "/shop.Cart/Add"}) {
		t.Errorf("names: %q", names)
	}
	if names := methods.Names(int(second)); !slices.Equal(names, []string{"/shop.Cart/Add"}) {
		t.Errorf("names from %d: %q", second, names)
	}
	if names := methods.Names(100); names != nil {
		t.Errorf("names that are not there: %q", names)
	}
}

func TestMethodNamesAreTextOfBoundedLength(t *testing.T) {
	var methods Methods
	for _, name := range []string{
		"/a/" + strings.Repeat("x", 1000), "/b/" + strings.Repeat("é", 1000), "/c/\xff\xfe", "\xff", "/d\x00",
	} {
		id := methods.ID(name)
		if again := methods.ID(name); again != id {
			t.Errorf("%.10q has the ids %d and %d", name, id, again)
		}
	}
	for _, name := range methods.Names(2) {
		if !utf8.ValidString(name) || len(name) > maxTextLength {
			t.Errorf("%d bytes: %.10q", len(name), name)
		}
	}
}

func TestManyMethodsShareAnID(t *testing.T) {
	var methods Methods
	known := methods.ID("/shop.Cart/Get")
	for i := range 2 * methodCapacity {
		methods.ID(fmt.Sprintf("/shop.Cart/%d", i))
	}
	if id := methods.ID("/one/more"); id != otherMethod {
		t.Errorf("one more has the id %d", id)
	}
	if id := methods.ID(strings.Repeat("x", 1000)); id != otherMethod {
		t.Errorf("a long one has the id %d", id)
	}
	if methods.ID("/shop.Cart/Get") != known {
		t.Error("the first has another id")
	}
	if names := len(methods.Names(0)); names != methodCapacity+2 {
		t.Errorf("%d names", names)
	}
}

func TestMethodsAreNamedBeforeTheirIDIsKnown(t *testing.T) {
	var (
		methods Methods
		callers sync.WaitGroup
	)
	for range 4 {
		callers.Add(1)
		go func() {
			defer callers.Done()
			for i := range 1000 {
				name := fmt.Sprintf("/a/%d", i)
				if id := methods.ID(name); methods.Names(int(id))[0] != name {
					t.Errorf("the id %d of %s is that of %s", id, name, methods.Names(int(id))[0])
				}
			}
		}()
	}
	callers.Wait()
}

func BenchmarkMethodID(b *testing.B) {
	var methods Methods
	methods.ID("/shop.Cart/Get")
	b.ReportAllocs()
	for b.Loop() {
		methods.ID("/shop.Cart/Get")
	}
}
