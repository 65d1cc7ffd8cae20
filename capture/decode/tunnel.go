package decode

import (
	"strconv"
	"strings"
)

// maxTunnels is how many encapsulations a segment remembers. A packet with
// more is given up as too deep.
const maxTunnels = 8

// Tunnel lists the encapsulations that were taken off a packet, outermost
// first. Two are equal (==) where the lists are.
type Tunnel struct {
	Headers [maxTunnels]Header // the first Count are in use, the others zero
	Count   uint8
}

// Header is one encapsulation.
type Header struct {
	Kind Kind
	ID   uint32 // VLAN, VNI, label, key …; 0 for a kind that has none
}

// Kind is a kind of encapsulation. Its number means something within one run
// of a program only; String is for keeping.
type Kind uint8

// kinds is what newKind was told. Kind 0 is none.
var kinds = []struct {
	name     string
	numbered bool
}{{name: "none"}}

// newKind makes a Kind; numbered says that its headers carry an ID.
func newKind(name string, numbered bool) Kind {
	kinds = append(kinds, struct {
		name     string
		numbered bool
	}{name, numbered})
	return Kind(len(kinds) - 1)
}

// String returns the name: "vlan".
func (k Kind) String() string {
	if int(k) >= len(kinds) {
		return "kind " + strconv.Itoa(int(k))
	}
	return kinds[k].name
}

// Numbered reports whether headers of this kind carry an ID.
func (k Kind) Numbered() bool { return int(k) < len(kinds) && kinds[k].numbered }

// String returns the kind and, where it has one, the ID: "vlan:12".
func (h Header) String() string {
	if !h.Kind.Numbered() {
		return h.Kind.String()
	}
	return h.Kind.String() + ":" + strconv.FormatUint(uint64(h.ID), 10)
}

// Strings returns a text for each header, nil for none.
func (t Tunnel) Strings() []string {
	var s []string
	for _, h := range t.Headers[:t.Count] {
		s = append(s, h.String())
	}
	return s
}

// String joins Strings by a slash: "vlan:12/cmd:17".
func (t Tunnel) String() string { return strings.Join(t.Strings(), "/") }

// push notes an encapsulation of the packet at hand, and reports false where
// there are too many.
func (d *Decoder) push(k Kind, id uint32) bool {
	t := &d.seg.Tunnel
	if t.Count == maxTunnels {
		d.stats.TooDeep++
		return false
	}
	t.Headers[t.Count] = Header{Kind: k, ID: id}
	t.Count++
	return true
}
