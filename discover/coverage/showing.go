package coverage

import (
	"net/netip"
	"slices"
	"time"

	"blindspot/discover"
)

// showing is what one endpoint showed of one leaf for a name.
type showing struct {
	leaf        *cert
	endpoint    *endpoint
	cells       []*cell
	first, last time.Time
	clients     map[netip.Prefix]bool // see known; nil until asked for
}

// known are the clients that are known by address.
func (s *showing) known() map[netip.Prefix]bool {
	if s.clients == nil {
		s.clients = map[netip.Prefix]bool{}
		for _, c := range s.cells {
			for _, k := range c.clients.Exact {
				s.clients[k.Addr] = true
			}
		}
	}
	return s.clients
}

// met reports whether clients met it.
func (s *showing) met() bool { return slices.ContainsFunc(s.cells, (*cell).shows) }

func showingAt(list []*showing, e *endpoint) *showing {
	for _, w := range list {
		if w.endpoint == e {
			return w
		}
	}
	return nil
}

func earliest(list []*showing) (t time.Time) {
	for _, w := range list {
		if t.IsZero() || w.first.Before(t) {
			t = w.first
		}
	}
	return t
}

func latest(list []*showing) (t time.Time) {
	for _, w := range list {
		if w.last.After(t) {
			t = w.last
		}
	}
	return t
}

// showingEvidence is what one endpoint showed, in the evidence of findings.
type showingEvidence struct {
	Endpoint   string `json:"endpoint"`
	Handshakes uint64 `json:"handshakes"`
	// PassedOn are handshakes that a load balancer passed on to it.
	PassedOn uint64 `json:"passed_on,omitempty"`
	// Checks are handshakes of the checks themselves.
	Checks uint64 `json:"checks,omitempty"`
	// KnownBy is "verify" where only our own look was shown it, "decrypted"
	// where only logged secrets show it.
	KnownBy   string `json:"known_by,omitempty"`
	FirstSeen string `json:"first_seen"`
	LastSeen  string `json:"last_seen"`
}

// showingsOf lists what endpoints showed, one entry an endpoint, over names.
func showingsOf(list []*showing) []showingEvidence {
	type sum struct {
		showingEvidence
		first, last time.Time
		cells       []*cell
	}
	var order []*endpoint
	at := map[*endpoint]*sum{}
	for _, w := range list {
		e := at[w.endpoint]
		if e == nil {
			e = &sum{}
			at[w.endpoint] = e
			order = append(order, w.endpoint)
		}
		widen(&e.first, &e.last, w.first, w.last)
		e.cells = append(e.cells, w.cells...)
		for _, c := range w.cells {
			e.Handshakes += c.use
			e.PassedOn += c.forwarded
			e.Checks += c.checks
		}
	}
	slices.SortFunc(order, (*endpoint).compare)
	out := make([]showingEvidence, 0, len(order))
	for _, e := range bounded(order, maxListed) {
		s := at[e]
		s.Endpoint, s.FirstSeen, s.LastSeen = e.text(), stamp(s.first), stamp(s.last)
		switch by, asked := sources(s.cells); by {
		case discover.FromVerify:
			s.KnownBy, s.LastSeen = by, stamp(asked)
		case discover.FromDecrypted:
			s.KnownBy = by
		}
		out = append(out, s.showingEvidence)
	}
	return out
}

// places are the endpoints of showings as text, sorted, each once.
func places(list []*showing) []string {
	var es []*endpoint
	for _, w := range list {
		if !slices.Contains(es, w.endpoint) {
			es = append(es, w.endpoint)
		}
	}
	return texts(es)
}

func cellsOf(list []*showing) []*cell {
	var out []*cell
	for _, w := range list {
		out = append(out, w.cells...)
	}
	return out
}
