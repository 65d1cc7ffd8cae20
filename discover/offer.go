package discover

import (
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
	Server  netip.AddrPort
	Preface string // STARTTLS words, outermost first, joined by "+"
	State   string // OfferRefused, OfferDeclined
	Class   string // of the client, as in Key
}

// OfferCount is how many sessions ended so, cumulative for the source and part.
type OfferCount struct {
	Offer
	First, Last time.Time
	Count       uint64
	Clients     Clients
}
