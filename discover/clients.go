package discover

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/axiomhq/hyperloglog"
)

// maxExactClients bounds the clients that a sighting knows one by one. Beyond
// it they are estimated by a sketch, and their handshakes counted in More.
const maxExactClients = 32

// sketchPrecision gives 4,096 registers: a standard error of 1.6 %.
const sketchPrecision = 12

// SketchKey keys the sketch of distinct clients, so that a copied store does
// not tell who they are. Sketches merge only where their keys are the same.
type SketchKey [16]byte

// Clients folds who made the handshakes of a sighting: the first clients one
// by one, all of them in number. Distinct clients are counted by address, IPv6
// by /64.
type Clients struct {
	// Exact are distinct clients with their handshakes, at most
	// maxExactClients, the ones that came most first once Sort was called.
	Exact []ClientCount
	// More counts the handshakes of clients that Exact has no place for.
	More   uint64
	sketch *hyperloglog.Sketch // nil while Exact has them all
}

// Add counts n handshakes of one client.
func (c *Clients) Add(addr netip.Prefix, n uint64, key SketchKey) {
	for i := range c.Exact {
		if c.Exact[i].Addr == addr {
			c.Exact[i].Count += n
			return
		}
	}
	if len(c.Exact) < maxExactClients {
		c.Exact = append(c.Exact, ClientCount{addr, n})
		if c.sketch != nil {
			c.sketch.InsertHash(clientHash(addr, key))
		}
		return
	}
	c.More += n
	c.insert(addr, key)
}

func (c *Clients) insert(addr netip.Prefix, key SketchKey) {
	c.beginSketch(key)
	c.sketch.InsertHash(clientHash(addr, key))
}

func (c *Clients) beginSketch(key SketchKey) {
	if c.sketch != nil {
		return
	}
	c.sketch, _ = hyperloglog.NewSketch(sketchPrecision, true)
	for _, e := range c.Exact {
		c.sketch.InsertHash(clientHash(e.Addr, key))
	}
}

// Merge adds what other holds. Clients beyond the bound are dropped from the
// exact list, smallest first, and stay in the count.
func (c *Clients) Merge(other *Clients, key SketchKey) {
	if other.sketch != nil || len(c.Exact)+len(other.Exact) > maxExactClients {
		c.beginSketch(key)
	}
	if other.sketch != nil {
		c.sketch.Merge(other.sketch)
	}
	for _, e := range other.Exact {
		c.mergeOne(e, key)
	}
	c.More += other.More
	if len(c.Exact) <= maxExactClients {
		return
	}
	c.Sort()
	for _, e := range c.Exact[maxExactClients:] {
		c.More += e.Count
	}
	c.Exact = c.Exact[:maxExactClients]
}

func (c *Clients) mergeOne(e ClientCount, key SketchKey) {
	if c.sketch != nil {
		c.sketch.InsertHash(clientHash(e.Addr, key))
	}
	for i := range c.Exact {
		if c.Exact[i].Addr == e.Addr {
			c.Exact[i].Count += e.Count
			return
		}
	}
	c.Exact = append(c.Exact, e)
}

// Sort orders Exact by handshakes, most first, then by address.
func (c *Clients) Sort() {
	slices.SortFunc(c.Exact, func(a, b ClientCount) int {
		if a.Count != b.Count {
			return cmp.Compare(b.Count, a.Count)
		}
		return cmp.Or(a.Addr.Addr().Compare(b.Addr.Addr()), cmp.Compare(a.Addr.Bits(), b.Addr.Bits()))
	})
}

// Distinct returns how many clients there were: exact up to maxExactClients,
// estimated beyond.
func (c *Clients) Distinct() uint64 {
	if c.sketch != nil {
		return max(c.sketch.Estimate(), uint64(distinctPrefixes(c.Exact)))
	}
	return uint64(distinctPrefixes(c.Exact))
}

func distinctPrefixes(list []ClientCount) int {
	v6 := false
	for i := range list {
		v6 = v6 || list[i].Addr.Addr().Is6()
	}
	if !v6 {
		return len(list)
	}
	seen := make([]netip.Prefix, 0, len(list))
	for i := range list {
		if p := countedPrefix(list[i].Addr); !slices.Contains(seen, p) {
			seen = append(seen, p)
		}
	}
	return len(seen)
}

// countedPrefix is what a client counts as: its IPv4 address, its IPv6 /64.
func countedPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is6() && p.Bits() > 64 {
		p, _ = p.Addr().Prefix(64)
	}
	return p
}

func clientHash(addr netip.Prefix, key SketchKey) uint64 {
	var buf [16 + 16 + 1]byte
	copy(buf[:], key[:])
	a := countedPrefix(addr)
	b := a.Addr().As16()
	copy(buf[16:], b[:])
	buf[32] = byte(a.Bits())
	sum := sha256.Sum256(buf[:])
	return binary.LittleEndian.Uint64(sum[:])
}

// Clone returns a copy that shares nothing with c.
func (c *Clients) Clone() Clients {
	out := Clients{Exact: slices.Clone(c.Exact), More: c.More}
	if c.sketch != nil {
		out.sketch = c.sketch.Clone()
	}
	return out
}

// Sketch returns the sketch's bytes for the store, nil while Exact is whole.
func (c *Clients) Sketch() []byte {
	if c.sketch == nil {
		return nil
	}
	b, err := c.sketch.MarshalBinary()
	if err != nil {
		return nil // the sketch is ours; it has no failing state
	}
	return b
}

// SetSketch restores what Sketch returned; nil is no sketch.
func (c *Clients) SetSketch(b []byte) error {
	if len(b) == 0 {
		c.sketch = nil
		return nil
	}
	sk, err := hyperloglog.NewSketch(sketchPrecision, true)
	if err != nil {
		return err
	}
	if err := sk.UnmarshalBinary(b); err != nil {
		return err
	}
	c.sketch = sk
	return nil
}
