package discover

import (
	"net/netip"
	"time"
)

// Source is where observations came from: a sensor's run, a capture, a log
// file. Rows of the store belong to one, and hold its cumulative figures.
type Source struct {
	Kind   string // "pcap", "live", "zeek", "suricata", "verify"
	Name   string // path or interface, as the user gave it
	Sensor string // name of the sensor
	// Identity is what the content is known by, so that reading it twice
	// changes nothing; empty for a live source.
	Identity string
}

// Batch is what an aggregator hands over to be stored in one transaction.
type Batch struct {
	// Part counts how often the aggregator has forgotten what it held. Within
	// one source and part, the figures of a sighting are cumulative: writing a
	// newer batch replaces by max. Reports sum over parts.
	Part uint32
	// Sightings are those of a batch that no aggregator made: read them with Len
	// and At.
	Sightings    []*Sighting
	Certificates []*Certificate
	Chains       []Chain
	Hops         []HopCount
	Offers       []*OfferCount
	// Visibility is cumulative for the source, part and bucket, like sightings.
	Visibility []Interval

	folded []*folded // what an aggregator hands over, in a fraction of the memory
}

// Len returns how many sightings there are.
func (b *Batch) Len() int { return len(b.Sightings) + len(b.folded) }

// At returns the i'th sighting, which may be in s and is valid until that is used
// again. It may sort the lists of clients.
func (b *Batch) At(i int, s *Sighting) *Sighting {
	if i < len(b.Sightings) {
		return b.Sightings[i]
	}
	f := b.folded[i-len(b.Sightings)]
	f.clients.Sort()
	f.sighting(s)
	return s
}

// All returns all sightings, each on its own.
func (b *Batch) All() []*Sighting {
	list := make([]*Sighting, b.Len())
	for i := range list {
		list[i] = b.At(i, new(Sighting))
	}
	return list
}

// Chain is a list of certificates as presented, leaf first.
type Chain struct {
	ID           ChainID
	Certificates []Fingerprint
}

// Hop is a way that handshakes took on: from the server that clients spoke to,
// to the one that answered, through a NAT or a load balancer that does not end
// TLS.
type Hop struct {
	Network  string
	From, To netip.AddrPort
}

// HopCount is how often a hop was taken, cumulative for the source and part.
type HopCount struct {
	Hop
	First, Last time.Time
	Count       uint64
}

// Interval is what the sensor saw and could not see within one bucket.
type Interval struct {
	Bucket time.Time
	Width  time.Duration
	Visibility
}

// Empty reports whether there is nothing to store.
func (b *Batch) Empty() bool {
	return b.Len() == 0 && len(b.Certificates) == 0 && len(b.Chains) == 0 && len(b.Hops) == 0 && len(b.Offers) == 0 && len(b.Visibility) == 0
}
