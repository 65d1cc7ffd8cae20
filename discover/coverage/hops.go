package coverage

import (
	"net/netip"
	"slices"

	"blindspot/discover"
)

// maxHopsBehind bounds the servers that are known to pass handshakes on to one
// endpoint.
const maxHopsBehind = 32

// hopEnd is an endpoint that was passed handshakes.
type hopEnd struct {
	network string
	server  netip.AddrPort
}

// hopEnds tells for each endpoint behind a NAT or a load balancer who passes
// handshakes on to it.
func hopEnds(hops []discover.HopCount) map[hopEnd][]netip.AddrPort {
	out := map[hopEnd][]netip.AddrPort{}
	for i := range hops {
		h := &hops[i]
		k := hopEnd{h.Network, h.To}
		if len(out[k]) < maxHopsBehind && !slices.Contains(out[k], h.From) {
			out[k] = append(out[k], h.From)
		}
	}
	return out
}

// before returns who passes handshakes on to e.
func (a *analysis) before(e *endpoint) []netip.AddrPort {
	return a.behind[hopEnd{e.network, e.server}]
}
