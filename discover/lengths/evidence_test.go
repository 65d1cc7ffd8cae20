package lengths

import "testing"

func TestParse(t *testing.T) {
	for _, s := range []string{
		"separable cert=1756 key=rsa-2048 asks=3f2a",
		"separable cert=549 key=p256 request=48 asks=3f2a",
		"padded cert=1099 key=p256 asks=0000",
		"separable cert=2456 key=p384 asks=ffff may=status,sct",
		"packed total=608 asks=0001",
	} {
		if e, ok := Parse(s); !ok || e.String() != s {
			t.Errorf("%q: got %q, %v", s, e.String(), ok)
		}
	}
	for _, s := range []string{
		"", " ", "separable", "unknown", "consistent", "separable cert=1756", "separable cert=-5 key=rsa-2048 asks=3f2a",
		"separable cert=01756 key=rsa-2048 asks=3f2a", "separable cert=1756 key=rsa-2048 asks=3F2A",
		"separable cert=1756 key=rsa-2048 asks=13f2a", "separable cert=1756 key=rsa-2048 asks=3f2a may=", "separable cert=1756 key=rsa-2048 asks=3f2a may=x",
		"separable cert=1756 key=rsa-2048 asks=3f2a may=sct,status", "separable key=rsa-2048 cert=1756 asks=3f2a",
		"separable cert=1756 key=rsa-2048 asks=3f2a ", "packed cert=1756 key=rsa-2048 asks=3f2a x=1",
	} {
		if e, ok := Parse(s); ok {
			t.Errorf("%q: got %+v, want none", s, e)
		}
	}
}

func TestComparable(t *testing.T) {
	read := func(s string) *Evidence {
		e, ok := Parse(s)
		if !ok {
			t.Fatalf("cannot parse %q", s)
		}
		return &e
	}
	base := read("separable cert=1756 key=rsa-2048 asks=3f2a")
	tests := []struct {
		other string
		want  bool
	}{
		{"separable cert=1756 key=rsa-2048 asks=3f2a", true},
		{"separable cert=1609 key=rsa-2048 asks=3f2a", true},
		{"padded cert=1756 key=p256 asks=3f2a", true},
		{"separable cert=1756 key=rsa-2048 asks=3f2b", false},
		{"separable cert=1756 key=rsa-2048 asks=3f2a may=status", false},
		{"packed total=2048 asks=3f2a", false},
	}
	for _, tt := range tests {
		if got := base.Comparable(read(tt.other)); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.other, got, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("separable cert=1756 key=rsa-2048 asks=3f2a may=status,sct")
	f.Add("packed total=608 asks=0001")
	f.Fuzz(func(t *testing.T, s string) {
		if e, ok := Parse(s); ok && e.String() != s {
			t.Errorf("got %q back from %q", e.String(), s)
		}
	})
}
