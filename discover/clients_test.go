package discover

import (
	"math"
	"net/netip"
	"testing"
)

func client(i int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 32)
}

func TestClientsExact(t *testing.T) {
	var c Clients
	for i := range maxExactClients {
		for range i + 1 {
			c.Add(client(i), 1, SketchKey{})
		}
	}
	if c.Distinct() != maxExactClients || c.Sketch() != nil {
		t.Fatalf("got %d clients and a sketch of %d bytes, want %d and none", c.Distinct(), len(c.Sketch()), maxExactClients)
	}
	c.Sort()
	if c.Exact[0].Addr != client(maxExactClients-1) || c.Exact[0].Count != maxExactClients {
		t.Errorf("got %v first, want the client that came most", c.Exact[0])
	}
}

// TestClientsByPrefix: one host with many addresses in a /64 is one client.
func TestClientsByPrefix(t *testing.T) {
	var c Clients
	for i := range 20 {
		a := netip.MustParseAddr("2001:db8::").As16()
		a[15] = byte(i)
		c.Add(netip.PrefixFrom(netip.AddrFrom16(a), 128), 1, SketchKey{})
	}
	if len(c.Exact) != 20 || c.Distinct() != 1 {
		t.Errorf("got %d addresses and %d clients, want 20 and 1", len(c.Exact), c.Distinct())
	}
}

func TestClientsEstimate(t *testing.T) {
	for _, n := range []int{100, 1000, 50_000} {
		var c Clients
		for i := range n {
			c.Add(client(i), 2, SketchKey{1})
		}
		if got := float64(c.Distinct()); math.Abs(got-float64(n)) > 0.08*float64(n) {
			t.Errorf("%d clients: got %v, want within 8 %%", n, got)
		}
		total := c.More
		for _, e := range c.Exact {
			total += e.Count
		}
		if total != uint64(2*n) {
			t.Errorf("%d clients: got %d handshakes, want %d", n, total, 2*n)
		}
	}
}

// TestClientsMerge: parts merge to what the whole would have been, in any
// order, and merging keeps the handshakes.
func TestClientsMerge(t *testing.T) {
	var whole, a, b Clients
	for i := range 200 {
		whole.Add(client(i), 1, SketchKey{})
		if i < 120 {
			a.Add(client(i), 1, SketchKey{})
		}
		if i >= 80 {
			b.Add(client(i), 1, SketchKey{})
		}
	}
	ab, ba := a.Clone(), b.Clone()
	ab.Merge(&b, SketchKey{})
	ba.Merge(&a, SketchKey{})
	if ab.Distinct() != ba.Distinct() || ab.Distinct() != whole.Distinct() {
		t.Errorf("got %d and %d clients, want %d", ab.Distinct(), ba.Distinct(), whole.Distinct())
	}
	if len(ab.Exact) > maxExactClients {
		t.Errorf("got %d exact clients, want at most %d", len(ab.Exact), maxExactClients)
	}
	total := ab.More
	for _, e := range ab.Exact {
		total += e.Count
	}
	if total != 240 {
		t.Errorf("got %d handshakes, want 240", total)
	}
}

func TestSketchRoundTrip(t *testing.T) {
	var c Clients
	for i := range 500 {
		c.Add(client(i), 1, SketchKey{7})
	}
	var back Clients
	if err := back.SetSketch(c.Sketch()); err != nil {
		t.Fatal(err)
	}
	if back.Distinct() != c.Distinct() {
		t.Errorf("got %d, want %d", back.Distinct(), c.Distinct())
	}
	if err := back.SetSketch([]byte("nonsense")); err == nil {
		t.Error("got no error for a sketch that is none")
	}
}
