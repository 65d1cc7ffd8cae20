package discover

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Default bounds of an Aggregator. What comes beyond one is counted, and its
// handshakes stay in the figures of their endpoint.
const (
	defaultMaxSightings    = 2_000_000
	defaultMaxNames        = 1_000_000
	defaultMaxAskedNames   = 50_000
	defaultMaxCertificates = 500_000
	maxProofs              = 1 << 20
	// maxProofTries is how many signatures that do not fit are believed, before
	// no more are checked: one costs as much as all else of a handshake.
	maxProofTries = 3
	maxHops       = 100_000
	maxOffers     = 100_000
)

// BucketWidth is the time that a sighting folds.
const BucketWidth = time.Hour

// AggregatorConfig configures an Aggregator; the zero value works.
type AggregatorConfig struct {
	Sensor string // name of the sensor, part of every key

	MaxSightings    int // held at the same time
	MaxNames        int // hostnames that a server went on with
	MaxAskedNames   int // hostnames that were only asked for
	MaxCertificates int

	SketchKey SketchKey
	// Monitors are the sources of the checks' own handshakes.
	Monitors []netip.Prefix
	// ECHPublicNames are public names of ECH providers beside the known ones,
	// normalised.
	ECHPublicNames []string
}

// Aggregator folds observations into sightings. Its methods must not be called
// concurrently.
type Aggregator struct {
	cfg  AggregatorConfig
	part uint32

	sightings map[bucketKey]*Sighting
	dirty     []*Sighting
	isDirty   map[*Sighting]struct{}
	names     map[string]struct{}
	asked     map[string]struct{}
	certs     map[Fingerprint]*Certificate
	newCerts  []*Certificate
	chains    map[ChainID][]Fingerprint
	newChains []Chain
	proofs    map[proofKey]proof
	hops      map[Hop]*HopCount
	offers    map[Offer]*OfferCount
	newOffers map[*OfferCount]struct{} // changed since the last batch
	public    publicNames

	intervals map[time.Time]*Interval
	changed   map[time.Time]struct{}
	known     Visibility // what SetVisibility was last told
	latest    time.Time

	first, last time.Time
	stats       AggregatorStats
}

// AggregatorStats counts what the aggregator did and what it gave up.
type AggregatorStats struct {
	Handshakes       uint64
	NamesBeyond      uint64 // handshakes whose served name was beyond MaxNames
	AskedBeyond      uint64 // handshakes whose asked name was beyond MaxAskedNames
	CertsBeyond      uint64 // certificates not kept
	HopsBeyond       uint64 // hops not kept
	OffersBeyond     uint64 // sessions in the clear not kept
	SightingsBeyond  uint64 // handshakes folded without a sighting of their own
	Hidden           map[string]uint64
	Names, AskedOnly int
}

type bucketKey struct {
	Key
	bucket int64
}

// proof is what checking an endpoint's signatures gave, and how often it was
// tried.
type proof struct {
	result Tri
	tries  int
}

type proofKey struct {
	server netip.AddrPort
	leaf   Fingerprint
}

// NewAggregator returns an empty aggregator.
func NewAggregator(cfg AggregatorConfig) *Aggregator {
	cfg.MaxSightings = cmp.Or(cfg.MaxSightings, defaultMaxSightings)
	cfg.MaxNames = cmp.Or(cfg.MaxNames, defaultMaxNames)
	cfg.MaxAskedNames = cmp.Or(cfg.MaxAskedNames, defaultMaxAskedNames)
	cfg.MaxCertificates = cmp.Or(cfg.MaxCertificates, defaultMaxCertificates)
	a := &Aggregator{
		cfg:       cfg,
		names:     make(map[string]struct{}),
		asked:     make(map[string]struct{}),
		certs:     make(map[Fingerprint]*Certificate),
		chains:    make(map[ChainID][]Fingerprint),
		proofs:    make(map[proofKey]proof),
		hops:      make(map[Hop]*HopCount),
		offers:    make(map[Offer]*OfferCount),
		newOffers: make(map[*OfferCount]struct{}),
		public:    publicNamesOf(cfg.ECHPublicNames),
		intervals: make(map[time.Time]*Interval),
		changed:   make(map[time.Time]struct{}),
		stats:     AggregatorStats{Hidden: make(map[string]uint64)},
	}
	a.forget()
	return a
}

// Add completes o (key proof, OCSP status, class, public name) and folds it. The aggregator
// keeps no reference to o.
func (a *Aggregator) Add(o *Observation) {
	if o.Class == "" && a.isMonitor(o) {
		o.Class = ClassMonitor
	}
	if o.Offer != "" {
		a.offer(o)
		return
	}
	a.public.mark(o)
	a.learn(o)
	a.prove(o)
	s := a.sighting(a.keyOf(o), o.Time)
	if o.HopFrom.IsValid() {
		a.hop(s, o)
		return
	}
	a.fold(s, o)
	if o.Class != ClassVerify {
		a.count(o)
	}
}

// hop folds the far side of a handshake that is counted elsewhere.
func (a *Aggregator) hop(s *Sighting, o *Observation) {
	s.saw(o.Time)
	s.Forwarded++
	a.touched(s)
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
	if o.Time.Before(h.First) {
		h.First = o.Time
	}
	if o.Time.After(h.Last) {
		h.Last = o.Time
	}
	h.Count++
}

// learn keeps the certificates and chains of o that are new.
func (a *Aggregator) learn(o *Observation) {
	for _, raw := range o.DER {
		if _, ok := a.certs[raw.SHA256]; ok {
			continue
		}
		if len(a.certs) >= a.cfg.MaxCertificates {
			a.stats.CertsBeyond++
			continue
		}
		c := ParseCertificate(raw.DER)
		a.certs[raw.SHA256] = c
		a.newCerts = append(a.newCerts, c)
	}
	a.learnChain(o.Chain)
	a.learnChain(o.ClientChain)
}

func (a *Aggregator) learnChain(chain []Fingerprint) {
	if len(chain) == 0 {
		return
	}
	id := ChainIDOf(chain)
	if _, ok := a.chains[id]; ok {
		return
	}
	if len(a.chains) >= a.cfg.MaxCertificates {
		a.stats.CertsBeyond++
		return
	}
	kept := slices.Clone(chain)
	a.chains[id] = kept
	a.newChains = append(a.newChains, Chain{ID: id, Certificates: kept})
}

// prove checks the server's signature once per endpoint and leaf, and reads
// the stapled status.
func (a *Aggregator) prove(o *Observation) {
	if len(o.Chain) == 0 {
		return
	}
	leaf := a.certs[o.Chain[0]]
	if leaf == nil {
		return
	}
	if o.OCSPResponse != nil {
		var issuer *Certificate
		if len(o.Chain) > 1 {
			issuer = a.certs[o.Chain[1]]
		}
		o.OCSP = OCSPStatus(o.OCSPResponse, leaf, issuer, o.Time)
	}
	if o.Proof == nil {
		return
	}
	k := proofKey{o.Server, o.Chain[0]}
	p := a.proofs[k]
	if p.result != Yes && p.tries < maxProofTries {
		if len(a.proofs) >= maxProofs {
			clear(a.proofs)
		}
		p = proof{o.Proof.Check(leaf), p.tries + 1}
		a.proofs[k] = p
	}
	o.KeyProven = p.result
}

func (a *Aggregator) isMonitor(o *Observation) bool {
	addr := o.Client.Addr()
	if o.ClientOrigin.IsValid() {
		addr = o.ClientOrigin.Addr()
	}
	for _, p := range a.cfg.Monitors {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

func (a *Aggregator) keyOf(o *Observation) Key {
	k := Key{
		Sensor: a.cfg.Sensor, Network: o.Network, Target: o.Target,
		Transport: o.Transport, Server: o.Server,
		Chain: ChainIDOf(o.Chain), ClientChain: ChainIDOf(o.ClientChain),
		Known: cmp.Or(o.CertsFrom, o.CertsHidden), LengthEvidence: o.LengthEvidence,
		Version: o.Version, Preface: o.Preface,
		Outcome: o.Outcome, Alert: alertWord(o.Refusal()), Class: o.Class,
	}
	switch {
	case o.ECHPublic:
		k.Name, k.Hostname = NamePublic, o.SNI
	case o.SNI != "":
		k.Name, k.Hostname = a.admit(o)
	case o.HasSNI:
		k.Name = NameInvalid
	case !o.Hello:
		k.Name = NameUnseen
	}
	return k
}

// admit holds the bounds on names: those that a server went on with do not
// compete with those that were only asked for.
func (a *Aggregator) admit(o *Observation) (NameKind, string) {
	if _, ok := a.names[o.SNI]; ok || o.Class == ClassVerify { // we ask for names in use alone
		return NameValid, o.SNI
	}
	if o.InUse() {
		if len(a.names) >= a.cfg.MaxNames {
			a.stats.NamesBeyond++
			return NameBeyond, ""
		}
		a.names[strings.Clone(o.SNI)] = struct{}{}
		return NameValid, o.SNI
	}
	if _, ok := a.asked[o.SNI]; ok {
		return NameValid, o.SNI
	}
	if len(a.asked) >= a.cfg.MaxAskedNames {
		a.stats.AskedBeyond++
		return NameBeyond, ""
	}
	a.asked[strings.Clone(o.SNI)] = struct{}{}
	return NameValid, o.SNI
}

// sighting finds or makes the sighting of key in the bucket of t. Beyond the
// bound, what is specific to single clients and chains is folded away.
func (a *Aggregator) sighting(key Key, t time.Time) *Sighting {
	bucket := t.Truncate(BucketWidth)
	k := bucketKey{key, bucket.UnixNano()}
	if s, ok := a.sightings[k]; ok {
		return s
	}
	if len(a.sightings) >= a.cfg.MaxSightings {
		a.stats.SightingsBeyond++
		k.Key = Key{Sensor: key.Sensor, Name: NameBeyond, Outcome: OutcomeUnknown}
		if s, ok := a.sightings[k]; ok {
			return s
		}
	}
	s := &Sighting{Key: k.Key, Bucket: bucket.UTC(), Width: BucketWidth}
	a.sightings[k] = s
	return s
}

// offer counts a session that stayed in the clear.
func (a *Aggregator) offer(o *Observation) {
	a.window(o.Time)
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
	if o.Time.Before(c.First) {
		c.First = o.Time
	}
	if o.Time.After(c.Last) {
		c.Last = o.Time
	}
	c.Count++
	a.addClient(&c.Clients, o)
	a.newOffers[c] = struct{}{}
}

// addClient counts who connected: behind a PROXY header, whom that names.
func (a *Aggregator) addClient(c *Clients, o *Observation) {
	client := o.Client.Addr()
	if o.ClientOrigin.IsValid() {
		client = o.ClientOrigin.Addr()
	}
	if client.IsValid() {
		c.Add(netip.PrefixFrom(client, client.BitLen()), 1, a.cfg.SketchKey)
	}
}

func (a *Aggregator) fold(s *Sighting, o *Observation) {
	s.saw(o.Time)
	s.Count++
	a.addClient(&s.Clients, o)
	addIf(&s.ECH, o.ECH != "")
	addIf(&s.ClientAuth, o.ClientAuthRequested == Yes)
	addIf(&s.KeyProven, o.KeyProven == Yes)
	addIf(&s.KeyMismatch, o.KeyProven == No)
	addIf(&s.OCSPGood, o.OCSP == "good")
	addIf(&s.OCSPBad, o.OCSP != "" && o.OCSP != "good")
	addIf(&s.HelloRetry, o.HelloRetry)
	s.PacketsLost += uint64(o.PacketsLost)
	if len(o.ALPN) > 0 {
		s.ALPN = strings.Join(o.ALPN, ",")
	}
	s.LastCipher = cmp.Or(o.Cipher, s.LastCipher)
	s.LastGroup = cmp.Or(o.Group, s.LastGroup)
	a.touched(s)
}

// saw widens the time that s covers.
func (s *Sighting) saw(t time.Time) {
	if s.Count+s.Forwarded == 0 || t.Before(s.First) {
		s.First = t
	}
	if s.Count+s.Forwarded == 0 || t.After(s.Last) {
		s.Last = t
	}
}

// touched puts s into the next batch.
func (a *Aggregator) touched(s *Sighting) {
	if _, ok := a.isDirty[s]; !ok {
		a.isDirty[s] = struct{}{}
		a.dirty = append(a.dirty, s)
	}
}

func addIf(n *uint64, cond bool) {
	if cond {
		*n++
	}
}

// count keeps the figures of what was seen and hidden, by bucket.
func (a *Aggregator) count(o *Observation) {
	a.stats.Handshakes++
	iv := a.interval(o.Time)
	iv.Handshakes++
	a.hid(iv, o.CertsHidden, o.CertsHidden != "")
	a.hid(iv, CountECH, o.ECH != "")
	a.hid(iv, CountECHPublic, o.ECHPublic)
	a.hid(iv, CountESNI, o.ESNI)
	a.hid(iv, CountEarlyData, o.EarlyData)
	a.window(o.Time)
}

// window widens the time that the traffic covers.
func (a *Aggregator) window(t time.Time) {
	if a.first.IsZero() || t.Before(a.first) {
		a.first = t
	}
	if t.After(a.last) {
		a.last = t
	}
}

// hid counts a cause under which a handshake hides something.
func (a *Aggregator) hid(iv *Interval, cause string, is bool) {
	if is {
		iv.Hidden[cause]++
		a.stats.Hidden[cause]++
	}
}

func (a *Aggregator) interval(t time.Time) *Interval {
	b := t.Truncate(BucketWidth).UTC()
	a.latest = b
	a.changed[b] = struct{}{}
	iv, ok := a.intervals[b]
	if !ok {
		iv = &Interval{Bucket: b, Width: BucketWidth}
		iv.Hidden, iv.Lost = make(map[string]uint64), make(map[string]uint64)
		a.intervals[b] = iv
	}
	return iv
}

// Len returns how many sightings are held.
func (a *Aggregator) Len() int { return len(a.sightings) }

// Stats returns the counters.
func (a *Aggregator) Stats() AggregatorStats {
	s := a.stats
	s.Names, s.AskedOnly = len(a.names), len(a.asked)
	return s
}
