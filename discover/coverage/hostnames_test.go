package coverage

import (
	"slices"
	"testing"
)

func TestHostnames(t *testing.T) {
	given := []string{"b.example", "api.shop.example.org", "a", "api.shop.example", "api.shop.b", "a", "api.shop", "b.example", "zz"}
	want := []string{"a", "api.shop", "api.shop.b", "api.shop.example", "api.shop.example.org", "b.example", "zz"}
	var x hostnames
	seed := newSeeded()
	for _, text := range given {
		if n := x.named(seed, text); n.text != text || x.list[n.id-1] != n {
			t.Errorf("%s: got %q, number %d", text, n.text, n.id)
		}
	}
	x.sort()
	var got []string
	for i, n := range x.list {
		if got = append(got, n.text); int(n.id) != i+1 {
			t.Errorf("%s: got number %d at %d", n.text, n.id, i)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, text := range want {
		if n := x.find(text); n == nil || n.text != text {
			t.Errorf("%s: got %v", text, n)
		}
	}
	if n := x.find("api"); n != nil {
		t.Errorf("api: got %s, want none", n.text)
	}
}

func TestSlab(t *testing.T) {
	for _, n := range []int{0, 1, slabSize - 1, slabSize, slabSize + 1, 3 * slabSize} {
		var s slab[int]
		for i := range n {
			*s.next() = i
		}
		want := 0
		for v := range s.all {
			if *v != want {
				t.Fatalf("of %d: got %d, want %d", n, *v, want)
			}
			want++
		}
		if want != n {
			t.Errorf("got %d, want %d", want, n)
		}
	}
}
