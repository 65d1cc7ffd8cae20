package discover

// What the aggregator counts beside sightings: the ways that handshakes took on
// behind a NAT or load balancer, and the sessions that stayed in the clear.

// hop folds the far side of a handshake that is counted elsewhere.
func (a *Aggregator) hop(f *folded, o *Observation) {
	f.saw(o.Time)
	f.add(rare{forwarded: 1})
	a.touched(f)
	k := Hop{Network: o.Network, From: o.HopFrom, To: o.Server}
	h := a.hops[k]
	if h == nil {
		if len(a.hops) >= maxHops {
			a.stats.HopsBeyond++
			return
		}
		h = &HopCount{Hop: k, First: o.Time, Last: o.Time}
		a.hops[k] = h
	}
	widen(&h.First, &h.Last, o.Time)
	h.Count++
}

// offer counts a session that stayed in the clear.
func (a *Aggregator) offer(o *Observation) {
	widen(&a.first, &a.last, o.Time)
	k := Offer{Network: o.Network, Target: o.Target, Server: o.Server, Preface: o.Preface, State: o.Offer, Class: o.Class}
	c := a.offers[k]
	if c == nil {
		if len(a.offers) >= maxOffers {
			a.stats.OffersBeyond++
			return
		}
		c = &OfferCount{Offer: k, First: o.Time, Last: o.Time}
		a.offers[k] = c
	}
	widen(&c.First, &c.Last, o.Time)
	c.Count++
	a.addClient(&c.Clients, o)
	a.newOffers[c] = struct{}{}
}
