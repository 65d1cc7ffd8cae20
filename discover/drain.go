package discover

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// See folds what the capture says of itself: v is cumulative for the source
// (packets, bytes, drops, losses, notes; its Handshakes and Hidden are ignored,
// the aggregator counts those), and what is new in it belongs to the bucket of
// at.
func (a *Aggregator) See(v Visibility, at time.Time) {
	iv := a.interval(at)
	iv.Packets += v.Packets - a.known.Packets
	iv.Bytes += v.Bytes - a.known.Bytes
	iv.KernelDrops += v.KernelDrops - a.known.KernelDrops
	for kind, n := range v.Kinds {
		if d := n - a.known.Kinds[kind]; d > 0 {
			iv.Kinds = addCounts(iv.Kinds, map[string]uint64{kind: d})
		}
	}
	for cause, n := range a.lost(v.Lost) {
		if d := n - a.known.Lost[cause]; d > 0 {
			iv.Lost[cause] += d
		}
	}
	if len(v.Notes) > len(a.known.Notes) {
		iv.Notes = append(iv.Notes, v.Notes[len(a.known.Notes):]...)
	}
	v.Lost = a.lost(v.Lost)
	a.known = v
}

// lost adds the aggregator's own losses to those of the capture.
func (a *Aggregator) lost(capture map[string]uint64) map[string]uint64 {
	return addCounts(map[string]uint64{
		"names": a.stats.NamesBeyond, "asked-names": a.stats.AskedBeyond,
		"certificates": a.stats.CertsBeyond, "sightings": a.stats.SightingsBeyond,
		"hops": a.stats.HopsBeyond, "offers": a.stats.OffersBeyond,
	}, capture)
}

// Drain returns what has changed since the last call. The batch shares its
// sightings with the aggregator: write it before the next Add. With forget, the
// aggregator begins a new part and holds no sighting any more: they are the batch's.
func (a *Aggregator) Drain(forget bool) *Batch {
	b := &Batch{Part: a.part, folded: a.dirty, Certificates: a.newCerts, Chains: a.newChains}
	for _, f := range a.dirty {
		f.dirty = false
	}
	b.Hops = a.sortedHops()
	b.Offers = sortOffers(slices.Collect(maps.Keys(a.newOffers)))
	for t := range a.changed {
		b.Visibility = append(b.Visibility, *a.intervals[t])
	}
	slices.SortFunc(b.Visibility, func(x, y Interval) int { return x.Bucket.Compare(y.Bucket) })
	a.dirty, a.newCerts, a.newChains = nil, nil, nil
	a.current = nil // what changes from now on belongs to the next batch
	clear(a.newOffers)
	clear(a.changed)
	if forget {
		a.forget()
		a.part++
		clear(a.intervals)
		clear(a.hops)
		clear(a.offers)
	}
	return b
}

// DrainCertificates returns the certificates and chains that are new since the
// last call, if they are so many. They change no more: the batch can be stored
// while observations are added, and Drain does not return them again.
func (a *Aggregator) DrainCertificates(many int) *Batch {
	if len(a.newCerts) < many {
		return &Batch{}
	}
	b := &Batch{Part: a.part, Certificates: a.newCerts, Chains: a.newChains}
	a.newCerts, a.newChains = nil, nil
	return b
}

// Restore gives back a batch that could not be stored; it will be part of the
// next Drain. Only for batches drained without forget.
func (a *Aggregator) Restore(b *Batch) {
	for _, f := range b.folded {
		a.touched(f)
	}
	a.newCerts = append(a.newCerts, b.Certificates...)
	a.newChains = append(a.newChains, b.Chains...)
	for _, c := range b.Offers {
		a.newOffers[c] = struct{}{}
	}
	for i := range b.Visibility {
		a.changed[b.Visibility[i].Bucket] = struct{}{}
	}
}

func (a *Aggregator) forget() {
	a.sightings, a.index, a.dirty = nil, index{}, nil
	a.common = make(map[uint64]*words)
	a.slab, a.clients = nil, nil
}

// Inventory shows what the aggregator holds, without a store. It is valid
// until the next Add.
func (a *Aggregator) Inventory() *Inventory {
	inv := &Inventory{
		First: a.first, Last: a.last, Lasting: true, LetGo: a.forget, Hops: a.sortedHops(), Offers: sortOffers(slices.Collect(maps.Values(a.offers))),
		Certificate: func(f Fingerprint) *Certificate {
			if c := a.certs[f]; c != nil {
				return c.Certificate
			}
			return nil
		},
		Chain: func(id ChainID) []Fingerprint { return a.chains[id] },
		Sightings: func(yield func(*Sighting, error) bool) {
			s := new(Sighting)
			for _, f := range a.sightings { // as they were first seen
				f.clients.Sort()
				if f.sighting(s); !yield(s, nil) {
					return
				}
			}
		},
	}
	for _, t := range sortedBuckets(a.intervals) {
		inv.Sensor.Add(&a.intervals[t].Visibility)
	}
	return inv
}

func (a *Aggregator) sortedHops() []HopCount {
	list := make([]HopCount, 0, len(a.hops))
	for _, h := range a.hops {
		list = append(list, *h)
	}
	slices.SortFunc(list, func(x, y HopCount) int {
		return cmp.Or(cmp.Compare(x.Network, y.Network), x.From.Compare(y.From), x.To.Compare(y.To))
	})
	return list
}

// sortOffers orders list, and the clients of each.
func sortOffers(list []*OfferCount) []*OfferCount {
	for _, c := range list {
		c.Clients.Sort()
	}
	slices.SortFunc(list, func(x, y *OfferCount) int { return x.Offer.Compare(&y.Offer) })
	return list
}

func sortedBuckets(m map[time.Time]*Interval) []time.Time {
	list := make([]time.Time, 0, len(m))
	for t := range m {
		list = append(list, t)
	}
	slices.SortFunc(list, time.Time.Compare)
	return list
}
