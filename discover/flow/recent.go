package flow

import "blindspot/discover"

// maxRecent is how many handshakes are remembered, so that a mirror, or a
// capture, that delivers one twice makes it no second use.
const maxRecent = 1 << 16

// recentHandshakes remembers handshakes by their randoms and their ends, each
// until another one falls on its place.
type recentHandshakes []uint64

// seen reports whether o was observed before, and remembers it.
func (r *recentHandshakes) seen(o *discover.Observation, seed uint64) bool {
	if o.ClientRandom == nil && o.ServerRandom == nil {
		return false
	}
	if *r == nil {
		*r = make([]uint64, maxRecent)
	}
	h := hashBytes(seed, o.ClientRandom)
	h = hashBytes(h, o.ServerRandom)
	c, s := o.Client.Addr().As16(), o.Server.Addr().As16()
	h = hashBytes(hashBytes(h, c[:]), s[:])
	h = mix(h^uint64(o.Client.Port())<<16^uint64(o.Server.Port()), 0x9e3779b97f4a7c15)
	slot := &(*r)[h%maxRecent]
	if *slot == h {
		return true
	}
	*slot = h
	return false
}

// hashBytes mixes the 8-byte words of b into h.
func hashBytes(h uint64, b []byte) uint64 {
	for ; len(b) >= 8; b = b[8:] {
		h = mix(h^be64(b), 0xd6e8feb86659fd93)
	}
	return h
}
