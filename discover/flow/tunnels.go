package flow

import (
	"math"

	"blindspot/capture/decode"
)

const (
	// maxTunnelIDs bounds the IDs that are told apart of each kind of tunnel.
	// There are no more VLANs, so that these never lose theirs; where each
	// subscriber has a session, a TEID or a key, further ones are named without.
	maxTunnelIDs = 1 << 12

	// maxTunnelNames bounds the distinct stacks of encapsulations that are named
	// with IDs. Further ones are named without any.
	maxTunnelNames = 1 << 15

	// maxBareTunnels bounds the distinct stacks without IDs. Handshakes in
	// further ones are observed without their tunnel.
	maxBareTunnels = 1 << 12

	// unnamedTunnel is the number of a stack that has no name.
	unnamedTunnel = math.MaxUint16
)

// tunnelNames numbers stacks of encapsulations; 0 is none.
type tunnelNames struct {
	ids     map[decode.Header]struct{} // that are told apart
	perKind [math.MaxUint8 + 1]uint16  // how many of each kind

	numbers map[tunnelKey]uint16
	stacks  []tunnelKey // by number, from 1
	names   [][]string
	bare    int // stacks without IDs

	last    decode.Tunnel
	lastNum uint16

	withoutID, unnamed uint64 // observations
}

// tunnelKey is a stack of which some headers have lost their IDs: these are 0
// in the stack, and have a bit in dropped.
type tunnelKey struct {
	stack   decode.Tunnel
	dropped uint8
}

func (t *tunnelNames) number(tunnel *decode.Tunnel) uint16 {
	if tunnel.Count == 0 {
		return 0
	}
	if t.lastNum != 0 && *tunnel == t.last {
		return t.lastNum
	}
	k := t.key(tunnel)
	n, ok := t.find(k)
	if !ok {
		if n, ok = t.find(k.bare()); !ok {
			n = unnamedTunnel
		}
	}
	t.last, t.lastNum = *tunnel, n
	return n
}

// key is a stack with those of its IDs that are told apart.
func (t *tunnelNames) key(tunnel *decode.Tunnel) tunnelKey {
	k := tunnelKey{stack: *tunnel}
	for i, h := range tunnel.Headers[:tunnel.Count] {
		if h.Kind.Numbered() && !t.tellsApart(h) {
			k.drop(i)
		}
	}
	return k
}

// tellsApart reports whether h has an ID that is, or now becomes, one of those
// told apart.
func (t *tunnelNames) tellsApart(h decode.Header) bool {
	if _, ok := t.ids[h]; ok {
		return true
	}
	if t.perKind[h.Kind] >= maxTunnelIDs {
		return false
	}
	if t.ids == nil {
		t.ids = make(map[decode.Header]struct{})
	}
	t.ids[h] = struct{}{}
	t.perKind[h.Kind]++
	return true
}

func (k *tunnelKey) drop(i int) {
	k.stack.Headers[i].ID = 0
	k.dropped |= 1 << i
}

// bare is the stack without any IDs.
func (k tunnelKey) bare() tunnelKey {
	for i, h := range k.stack.Headers[:k.stack.Count] {
		if h.Kind.Numbered() {
			k.drop(i)
		}
	}
	return k
}

// find returns the number of a stack, a new one where there is room.
func (t *tunnelNames) find(k tunnelKey) (n uint16, ok bool) {
	if n, ok = t.numbers[k]; ok {
		return n, true
	}
	if k == k.bare() {
		if t.bare >= maxBareTunnels {
			return 0, false
		}
		t.bare++
	} else if len(t.stacks)-t.bare >= maxTunnelNames {
		return 0, false
	}
	if t.numbers == nil {
		t.numbers = make(map[tunnelKey]uint16)
	}
	t.stacks, t.names = append(t.stacks, k), append(t.names, k.words())
	n = uint16(len(t.stacks))
	t.numbers[k] = n
	return n, true
}

// words are a text for each header: "gtp:7", or "gtp" without its ID.
func (k tunnelKey) words() []string {
	list := k.stack.Strings()
	for i := range list {
		if k.dropped>>i&1 != 0 {
			list[i] = k.stack.Headers[i].Kind.String()
		}
	}
	return list
}

// name returns the words of a stack for an observation, and counts where they
// do not say all.
func (t *tunnelNames) name(n uint16) []string {
	switch {
	case n == 0:
		return nil
	case n == unnamedTunnel:
		t.unnamed++
		return nil
	case t.stacks[n-1].dropped != 0:
		t.withoutID++
	}
	return t.names[n-1]
}
