package discover

import (
	"cmp"
	"net/netip"
	"time"
)

// What became of TLS within a plaintext protocol that has a word for it
// (STARTTLS), where no handshake followed.
const (
	// OfferRefused: the client asked for TLS and the server would not.
	OfferRefused = "refused"
	// OfferDeclined: the server said that it can, and the client went on in
	// the clear.
	OfferDeclined = "declined"
)

// Offer is an endpoint at which sessions stayed in the clear.
type Offer struct {
	Network string
	Target  string // host:port asked for in a CONNECT or SOCKS tunnel
	Server  netip.AddrPort
	Preface string // STARTTLS words, outermost first, joined by "+"
	State   string // OfferRefused, OfferDeclined
	Class   string // of the client, as in Key
}

// Compare orders offers by network, server, target, preface, state and class.
func (o *Offer) Compare(x *Offer) int {
	return cmp.Or(
		cmp.Compare(o.Network, x.Network), o.Server.Compare(x.Server), cmp.Compare(o.Target, x.Target),
		cmp.Compare(o.Preface, x.Preface), cmp.Compare(o.State, x.State), cmp.Compare(o.Class, x.Class))
}

// OfferCount is how many sessions ended so, cumulative for the source and part.
type OfferCount struct {
	Offer
	First, Last time.Time
	Count       uint64
	Clients     Clients
}
