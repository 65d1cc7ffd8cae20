package verify

import (
	"cmp"
	"net/netip"
	"time"

	"blindspot/discover"
)

// Reason is why an endpoint is asked.
type Reason string

// The reasons to ask.
const (
	// Hidden: clients use it, and its certificate was never seen.
	Hidden Reason = "hidden"
	// Due: its certificate was seen, too long ago.
	Due Reason = "due"
	// Changed: what the lengths of its records say has changed.
	Changed Reason = "changed"
)

// Place is what one look is about: a name at an endpoint, and how the endpoint
// is spoken to before TLS.
type Place struct {
	Network  string // name of the network that it was seen in
	Hostname string // the server name that clients send, "" for none
	Server   netip.AddrPort
	Preface  string // STARTTLS word, "" for TLS from the first byte
}

// compare orders places.
func (p *Place) compare(o *Place) int {
	return cmp.Or(p.Server.Compare(o.Server), cmp.Compare(p.Network, o.Network),
		cmp.Compare(p.Hostname, o.Hostname), cmp.Compare(p.Preface, o.Preface))
}

// Target is a place to ask.
type Target struct {
	Place
	ALPN []string // as clients offered it last, nil for none
	Why  Reason

	Handshakes uint64    // of clients, hidden or not
	LastUse    time.Time // by clients
	// Known is the leaf that was seen there last, zero where none was; KnownFrom
	// says how (a From… constant), KnownAt when.
	Known     discover.Fingerprint
	KnownFrom string
	KnownAt   time.Time
}
