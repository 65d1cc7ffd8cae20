package flow

import (
	"net/netip"
	"time"

	"blindspot/discover"
)

// maxRecent is how many handshakes are remembered, so that a mirror, or a
// capture, that delivers one twice makes it no second use.
const maxRecent = 1 << 16

// recentHandshakes remembers handshakes by their client random, or where the
// hello was not captured by the server's, and their ends, each until another one
// falls on its place.
type recentHandshakes []uint64

// seen reports whether o was observed before, and remembers it.
func (r *recentHandshakes) seen(o *discover.Observation, seed uint64) bool {
	if len(o.ClientRandom) == 0 && len(o.ServerRandom) == 0 {
		return false
	}
	if *r == nil {
		*r = fresh[uint64](maxRecent)
	}
	h := hashBytes(seed, o.ClientRandom)
	if len(o.ClientRandom) == 0 {
		h = hashBytes(h, o.ServerRandom)
	}
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

// hopWithin is how far apart the two sides of a hop may show the same hello.
const hopWithin = time.Second

// recentHellos remembers where a ClientHello was seen first. The same one on
// other ends at the same time, with the same answer, is the same handshake
// behind a NAT or a load balancer that does not end TLS. (Scanners send the
// same hello to many servers: the answers differ.)
type recentHellos struct {
	list    []firstHello
	servers []end // of the same places, seldom needed
}

type firstHello struct {
	hello  uint64 // hash of the message
	answer uint64 // hash of the server random, 0 before the answer
	at     int64  // packet time
	flow   uint32 // hash of the flow's key
}

// note remembers a whole hello, unless it was seen just before.
func (r *recentHellos) note(hello uint64, flow uint32, server end, now int64) {
	if r.list == nil {
		r.list, r.servers = fresh[firstHello](maxRecent), make([]end, maxRecent)
	}
	slot := &r.list[hello%maxRecent]
	if slot.hello == hello && now-slot.at < int64(hopWithin) {
		return
	}
	*slot = firstHello{hello: hello, at: now, flow: flow}
	r.servers[hello%maxRecent] = server
}

// answered remembers the answer to a hello.
func (r *recentHellos) answered(hello uint64, flow uint32, answer uint64) {
	if r.list == nil || hello == 0 {
		return
	}
	if slot := &r.list[hello%maxRecent]; slot.hello == hello && slot.flow == flow {
		slot.answer = answer
	}
}

// before returns the server that the same hello was sent to first, on another
// flow, where it got the same answer; or where it was this server, and neither
// got one. The zero AddrPort: there is none.
func (r *recentHellos) before(hello uint64, flow uint32, answer uint64, server netip.AddrPort) netip.AddrPort {
	if r.list == nil || hello == 0 {
		return netip.AddrPort{}
	}
	slot := &r.list[hello%maxRecent]
	if slot.hello != hello || slot.flow == flow || slot.answer != answer {
		return netip.AddrPort{}
	}
	first := r.servers[hello%maxRecent].addrPort()
	if answer == 0 && first != server {
		return netip.AddrPort{}
	}
	return first
}

// hashBytes mixes b into h.
func hashBytes(h uint64, b []byte) uint64 {
	for ; len(b) >= 8; b = b[8:] {
		h = mix(h^be64(b), 0xd6e8feb86659fd93)
	}
	for _, c := range b {
		h = h<<8 ^ uint64(c) ^ h>>56
	}
	return h
}
