package coverage

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"time"

	"blindspot/discover"
)

// Cleartext counts the sessions in scope that stayed in the clear although one
// side spoke of TLS. They are no handshakes, and in no other figure.
type Cleartext struct {
	Refused   uint64 `json:"refused"`   // the client asked for TLS, and the server would not
	Declined  uint64 `json:"declined"`  // the server offered it, and the client went on without
	Endpoints int    `json:"endpoints"` // at which clients did so
	// Checks and Scanners are further sessions, which raise no finding.
	Checks   uint64 `json:"checks"`
	Scanners uint64 `json:"scanners"`
}

// offerKey is an endpoint behind one preface.
type offerKey struct {
	endpointKey
	preface string
}

// sessions are how many, and whose.
type sessions struct {
	n       uint64
	clients discover.Clients
}

// offered is what became of TLS at an endpoint behind one preface, where some
// sessions stayed without.
type offered struct {
	endpoint          *endpoint // of its own, with the preface
	refused, declined sessions
	tls               sessions // handshakes of clients behind the same preface
	checks, scanners  uint64
	first, last       time.Time
	name              *name // most used there, nil for none
	surface           int
}

// clear counts the sessions in the clear.
func (o *offered) clear() uint64 { return o.refused.n + o.declined.n }

// readOffers makes places for the offers of the inventory, so that the
// handshakes beside them are counted too.
func (a *analysis) readOffers() {
	a.offers = map[offerKey]*offered{}
	for _, c := range a.inv.Offers {
		k := offerKey{endpointKey{c.Network, c.Target, discover.TCP, c.Server}, c.Preface}
		if a.offers[k] == nil {
			a.offers[k] = &offered{endpoint: &endpoint{endpointKey: k.endpointKey, preface: k.preface}}
		}
	}
}

// beside counts handshakes at an endpoint where other sessions stayed in the
// clear.
func (a *analysis) beside(s *discover.Sighting, use uint64) {
	if len(a.offers) == 0 || s.Preface == "" || use == 0 || !s.InUse() {
		return
	}
	k := offerKey{endpointKey{s.Network, s.Target, s.Transport, s.Server}, s.Preface}
	if o := a.offers[k]; o != nil {
		o.tls.n += use
		a.mergeClients(&o.tls.clients, &s.Clients)
	}
}

// settleOffers divides the sessions among clients, checks and scanners, leaves
// out what is not ours, and puts the rest in order.
func (a *analysis) settleOffers() {
	for _, c := range a.inv.Offers {
		o := a.offers[offerKey{endpointKey{c.Network, c.Target, discover.TCP, c.Server}, c.Preface}]
		a.foldOffer(o, c)
	}
	for k, o := range a.offers {
		at := a.inOrder(&k.endpointKey)
		if !a.scope.endpoint(o.endpoint) && !inUse(at) {
			a.foreign.Cleartext += o.clear()
			continue
		}
		s := &a.summary.Cleartext
		s.Refused, s.Declined = s.Refused+o.refused.n, s.Declined+o.declined.n
		s.Checks, s.Scanners = s.Checks+o.checks, s.Scanners+o.scanners
		if o.clear() == 0 {
			continue
		}
		s.Endpoints++
		a.place(o, at)
		a.offerList = append(a.offerList, o)
	}
	slices.SortFunc(a.offerList, func(x, y *offered) int {
		return cmp.Or(x.endpoint.compare(y.endpoint), cmp.Compare(x.endpoint.preface, y.endpoint.preface))
	})
}

// inOrder returns an endpoint that handshakes were seen at, nil for another.
func (a *analysis) inOrder(k *endpointKey) *endpoint {
	i, ok := slices.BinarySearchFunc(a.epList, &endpoint{endpointKey: *k}, (*endpoint).compare)
	if !ok {
		return nil
	}
	return a.epList[i]
}

// foldOffer adds the sessions of clients to what is known of the place.
func (a *analysis) foldOffer(o *offered, c *discover.OfferCount) {
	if c.Class == discover.ClassMonitor {
		o.checks += c.Count
		return
	}
	checks := a.checksAmong(c.Count, &c.Clients)
	o.checks += checks
	use := c.Count - checks
	switch {
	case use == 0:
		return
	case a.onlyScanners(&c.Clients):
		o.scanners += use
		return
	}
	widen(&o.first, &o.last, c.First, c.Last)
	into := &o.declined
	if c.State == discover.OfferRefused {
		into = &o.refused
	}
	into.n += use
	a.mergeClients(&into.clients, &c.Clients)
}

// onlyScanners reports whether every client is a scanner, but for the checks.
func (a *analysis) onlyScanners(c *discover.Clients) bool {
	others := func(k discover.ClientCount) bool { return !a.scanning[k.Addr] && !a.monitor(k.Addr) }
	return len(a.scanning) > 0 && len(c.Exact) > 0 && c.More == 0 && !slices.ContainsFunc(c.Exact, others)
}

// inUse reports whether clients use TLS in scope at e.
func inUse(e *endpoint) bool { return e != nil && slices.ContainsFunc(e.cells, (*cell).real) }

// place finds the surface and the name: those of the handshakes at the
// endpoint, where there are some.
func (a *analysis) place(o *offered, at *endpoint) {
	if inUse(at) {
		top := mostUsed(filter(at.cells, (*cell).real))
		o.surface, o.name = top.surface, top.name
		return
	}
	o.surface = a.surfaceAt(&place{endpoint: o.endpoint, clients: slices.Concat(o.refused.clients.Exact, o.declined.clients.Exact)})
}

// clearClient is a client with its sessions, in the evidence.
type clearClient struct {
	Client   string `json:"client"`
	Sessions uint64 `json:"sessions"`
}

// worst lists the clients with most sessions, of several places together.
func worst(list []*sessions) []clearClient {
	sum := map[netip.Prefix]uint64{}
	for _, s := range list {
		for _, c := range s.clients.Exact {
			sum[c.Addr] += c.Count
		}
	}
	order := slices.SortedFunc(maps.Keys(sum), func(x, y netip.Prefix) int {
		return cmp.Or(cmp.Compare(sum[y], sum[x]), x.Addr().Compare(y.Addr()), cmp.Compare(x.Bits(), y.Bits()))
	})
	out := []clearClient{}
	for _, p := range bounded(order, maxListed) {
		out = append(out, clearClient{clientText(p), sum[p]})
	}
	return out
}
