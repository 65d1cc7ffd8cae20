package sensor

import (
	"maps"
	"slices"

	"blindspot/discover"
)

// clone copies of a batch what the aggregator goes on to change, so that it can
// be written while observations are folded.
func clone(b *discover.Batch) *discover.Batch {
	out := discover.Batch{Part: b.Part, Sightings: b.All(), Certificates: b.Certificates, Chains: b.Chains}
	for _, s := range out.Sightings {
		s.Clients = s.Clients.Clone()
	}
	out.Offers = make([]*discover.OfferCount, len(b.Offers))
	for i, o := range b.Offers {
		c := *o
		c.Clients = o.Clients.Clone()
		out.Offers[i] = &c
	}
	out.Hops = slices.Clone(b.Hops)
	out.Visibility = slices.Clone(b.Visibility)
	for i := range out.Visibility {
		v := &out.Visibility[i]
		v.Hidden, v.Lost, v.Notes = maps.Clone(v.Hidden), maps.Clone(v.Lost), slices.Clone(v.Notes)
		v.Kinds = maps.Clone(v.Kinds)
	}
	return &out
}
