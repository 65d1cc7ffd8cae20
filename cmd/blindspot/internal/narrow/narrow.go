// Package narrow takes of an inventory only what was asked for: a surface, an
// owner, a name, what ends soon, what no check is about.
package narrow

import (
	"slices"

	"blindspot/discover"
)

// Filter says which traffic is kept.
type Filter func(*discover.Sighting) bool

// By returns the part of inv that all filters keep. What the sensor saw and did
// not see stays that of the whole.
func By(inv *discover.Inventory, filters ...Filter) *discover.Inventory {
	if len(filters) == 0 || inv.Sightings == nil {
		return inv
	}
	part := *inv
	part.Offers = slices.DeleteFunc(slices.Clone(inv.Offers), func(o *discover.OfferCount) bool {
		s := withoutTLS(o)
		return slices.ContainsFunc(filters, func(keep Filter) bool { return !keep(s) })
	})
	part.Sightings = func(yield func(*discover.Sighting, error) bool) {
		for s, err := range inv.Sightings {
			if err == nil && slices.ContainsFunc(filters, func(keep Filter) bool { return !keep(s) }) {
				continue
			}
			if !yield(s, err) {
				return
			}
		}
	}
	return &part
}

// withoutTLS is what filters are asked about sessions that stayed in the clear:
// traffic without a name or a certificate.
func withoutTLS(o *discover.OfferCount) *discover.Sighting {
	s := &discover.Sighting{First: o.First, Last: o.Last, Count: o.Count, Clients: o.Clients}
	s.Network, s.Target, s.Transport, s.Server = o.Network, o.Target, discover.TCP, o.Server
	s.Preface, s.Class = o.Preface, o.Class
	return s
}

// leaf returns the certificate that the server presented, nil where it is not
// known.
func leaf(inv *discover.Inventory, s *discover.Sighting) *discover.Certificate {
	if s.Chain.IsZero() || inv.Chain == nil || inv.Certificate == nil {
		return nil
	}
	chain := inv.Chain(s.Chain)
	if len(chain) == 0 {
		return nil
	}
	return inv.Certificate(chain[0])
}
