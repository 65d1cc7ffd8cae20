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

// Drain returns what has changed since the last call. The batch aliases the
// aggregator's sightings: write it before the next Add. With forget, the
// aggregator begins a new part and holds no sighting any more.
func (a *Aggregator) Drain(forget bool) *Batch {
	b := &Batch{Part: a.part, Sightings: a.dirty, Certificates: a.newCerts, Chains: a.newChains}
	for _, s := range b.Sightings {
		s.dirty = false
		s.Clients.Sort()
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

// Restore gives back a batch that could not be stored; it will be part of the
// next Drain. Only for batches drained without forget.
func (a *Aggregator) Restore(b *Batch) {
	for _, s := range b.Sightings {
		a.touched(s)
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
	a.slab, a.clients = nil, nil
}

// Inventory shows what the aggregator holds, without a store. It is valid
// until the next Add.
func (a *Aggregator) Inventory() *Inventory {
	inv := &Inventory{
		First: a.first, Last: a.last, Hops: a.sortedHops(), Offers: sortOffers(slices.Collect(maps.Values(a.offers))),
		Certificate: func(f Fingerprint) *Certificate {
			if c := a.certs[f]; c != nil {
				return c.Certificate
			}
			return nil
		},
		Chain: func(id ChainID) []Fingerprint { return a.chains[id] },
		Sightings: func(yield func(*Sighting, error) bool) {
			for _, s := range a.sorted() {
				if !yield(s, nil) {
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

// sorted returns the sightings in an order that does not depend on the map's.
func (a *Aggregator) sorted() []*Sighting {
	type item struct {
		prefix uint64 // of the hostname: most comparisons need no more
		*Sighting
	}
	items := make([]item, len(a.sightings))
	for i, s := range a.sightings {
		items[i] = item{prefixOf(s.Hostname), s}
	}
	slices.SortFunc(items, func(x, y item) int {
		if x.prefix != y.prefix {
			return cmp.Compare(x.prefix, y.prefix)
		}
		return compareSightings(x.Sighting, y.Sighting)
	})
	list := make([]*Sighting, len(items))
	for i := range items {
		list[i] = items[i].Sighting
	}
	return list
}

// prefixOf is the beginning of s as a number; numbers compare as strings do.
func prefixOf(s string) uint64 {
	var b [8]byte
	copy(b[:], s)
	return be64(b[:])
}

func compareSightings(x, y *Sighting) int {
	if c := cmp.Compare(x.Hostname, y.Hostname); c != 0 {
		return c
	}
	if c := x.Server.Compare(y.Server); c != 0 {
		return c
	}
	return cmp.Or(x.Bucket.Compare(y.Bucket), x.First.Compare(y.First), x.Last.Compare(y.Last), compareKeys(&x.Key, &y.Key))
}

func compareKeys(x, y *Key) int {
	return cmp.Or(
		cmp.Compare(x.Name, y.Name), cmp.Compare(x.Sensor, y.Sensor), cmp.Compare(x.Network, y.Network),
		cmp.Compare(x.Target, y.Target), cmp.Compare(x.Transport, y.Transport),
		slices.Compare(x.Chain[:], y.Chain[:]), slices.Compare(x.ClientChain[:], y.ClientChain[:]),
		cmp.Compare(x.Known, y.Known), cmp.Compare(x.LengthEvidence, y.LengthEvidence),
		cmp.Compare(x.Version, y.Version), cmp.Compare(x.Preface, y.Preface),
		cmp.Compare(x.Outcome, y.Outcome), cmp.Compare(x.Alert, y.Alert), cmp.Compare(x.Class, y.Class))
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
