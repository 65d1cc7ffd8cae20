package discover

import (
	"cmp"
	"hash/maphash"
	"net/netip"
	"time"
)

// Default bounds of an Aggregator. What comes beyond one is counted, and its
// handshakes stay in the figures of their endpoint.
const (
	defaultMaxSightings    = 2_000_000
	defaultMaxNames        = 1_000_000
	defaultMaxAskedNames   = 50_000
	defaultMaxCertificates = 500_000
	maxHops                = 100_000
	maxOffers              = 100_000
	// maxShared is how many chains that observations share are recognised by
	// where they are.
	maxShared = 1 << 16
	maxWords  = 1 << 12 // lists that are kept joined
	// slabSize is how many sightings are allocated together.
	slabSize = 64
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

	hash       seeded
	sightings  []*folded
	index      index // of sightings
	slab       []folded
	clients    []ClientCount // slab of the first client of each
	dirty      []*folded
	common     map[uint64]*words // of the sightings, by hash
	choices    interned[choice]
	identities interned[ChainID] // of clients
	names      nameSet
	asked      nameSet
	certs      map[Fingerprint]*knownCertificate
	newCerts   []*Certificate
	chains     map[ChainID][]Fingerprint
	newChains  []Chain
	shared     map[*Presented]knownChain
	proofs     provings
	staples    staples
	text       []byte            // scratch
	words      map[string]string // lists joined by ","
	hops       map[Hop]*HopCount
	offers     map[Offer]*OfferCount
	newOffers  map[*OfferCount]struct{} // changed since the last batch
	public     publicNames

	intervals map[time.Time]*Interval
	current   *Interval // the one that was asked for last; in changed
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

// knownCertificate is a certificate, and what was found out about its key.
type knownCertificate struct {
	*Certificate
	proven bool  // a server has signed with its key
	tries  uint8 // signatures of established handshakes that were checked
}

// knownChain is what is known of a chain as presented; the zero one is none.
type knownChain struct {
	id           ChainID
	leaf, issuer *knownCertificate // nil where they are not kept
}

// NewAggregator returns an empty aggregator.
func NewAggregator(cfg AggregatorConfig) *Aggregator {
	cfg.MaxSightings = cmp.Or(cfg.MaxSightings, defaultMaxSightings)
	cfg.MaxNames = cmp.Or(cfg.MaxNames, defaultMaxNames)
	cfg.MaxAskedNames = cmp.Or(cfg.MaxAskedNames, defaultMaxAskedNames)
	cfg.MaxCertificates = cmp.Or(cfg.MaxCertificates, defaultMaxCertificates)
	a := &Aggregator{
		cfg:       cfg,
		hash:      seeded{maphash.MakeSeed()},
		certs:     make(map[Fingerprint]*knownCertificate),
		chains:    make(map[ChainID][]Fingerprint),
		shared:    make(map[*Presented]knownChain),
		proofs:    provings{ends: make(map[proofKey]proof), credit: proofCredit},
		staples:   make(staples),
		words:     make(map[string]string),
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
	server, client := a.learn(o)
	a.prove(o, &server)
	s := a.sightingOf(o, server.id, client.id)
	if o.HopFrom.IsValid() {
		a.hop(s, o)
		return
	}
	a.fold(s, o)
	if o.Class != ClassVerify {
		a.count(o)
	}
}

// prove checks the server's signature, and reads the stapled status.
func (a *Aggregator) prove(o *Observation, chain *knownChain) {
	if chain.leaf == nil {
		return
	}
	if len(o.OCSPResponse) > 0 {
		o.OCSP = a.staples.status(o.OCSPResponse, chain.leaf, chain.issuer, o.Time)
	}
	if o.Proof != nil {
		o.KeyProven = a.proofs.prove(o, chain.leaf)
	}
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

// sightingOf finds or makes the sighting that o belongs to.
func (a *Aggregator) sightingOf(o *Observation, chain, client ChainID) *folded {
	k := Key{
		Sensor: a.cfg.Sensor, Network: o.Network, Target: o.Target,
		Transport: o.Transport, Server: o.Server,
		Chain: chain, ClientChain: client,
		Known: cmp.Or(o.CertsFrom, o.CertsHidden), LengthEvidence: o.LengthEvidence,
		Version: o.Version, Preface: o.Preface,
		Outcome: o.Outcome, Alert: alertWord(o.Refusal()), Class: o.Class,
	}
	name := a.hash.name(o.SNI)
	switch {
	case o.ECHPublic:
		k.Name, k.Hostname = NamePublic, o.SNI
	case o.SNI != "":
		k.Name, k.Hostname = a.admit(o, name)
	case o.HasSNI:
		k.Name = NameInvalid
	case !o.Hello:
		k.Name = NameUnseen
	}
	return a.sighting(&k, name, o.Time)
}

// admit holds the bounds on names: those that a server went on with do not
// compete with those that were only asked for.
func (a *Aggregator) admit(o *Observation, hash uint32) (NameKind, string) {
	if name, ok := a.names.has(hash, o.SNI); ok || o.Class == ClassVerify { // we ask for names in use alone
		return NameValid, name
	}
	if o.InUse() {
		if a.names.len() >= a.cfg.MaxNames {
			a.stats.NamesBeyond++
			return NameBeyond, ""
		}
		return NameValid, a.names.add(hash, o.SNI)
	}
	if name, ok := a.asked.has(hash, o.SNI); ok {
		return NameValid, name
	}
	if a.asked.len() >= a.cfg.MaxAskedNames {
		a.stats.AskedBeyond++
		return NameBeyond, ""
	}
	return NameValid, a.asked.add(hash, o.SNI)
}

// sighting finds or makes the sighting of key in the bucket of t. Beyond the
// bound, what is specific to single clients and chains is folded away. name is
// the hash of the hostname that was asked for.
func (a *Aggregator) sighting(key *Key, name uint32, t time.Time) *folded {
	bucket := Nanos(t.Truncate(BucketWidth))
	w, hash := a.commonWords(key)
	hash32 := a.hash.key(key, name, bucket, hash)
	if f := a.find(key, w, hash32, bucket); f != nil {
		return f
	}
	if len(a.sightings) >= a.cfg.MaxSightings {
		a.stats.SightingsBeyond++
		key = &Key{Sensor: key.Sensor, Name: NameBeyond, Outcome: OutcomeUnknown}
		w, hash = a.commonWords(key)
		hash32 = a.hash.key(key, 0, bucket, hash)
		if f := a.find(key, w, hash32, bucket); f != nil {
			return f
		}
	}
	if len(a.slab) == 0 {
		a.slab, a.clients = make([]folded, slabSize), make([]ClientCount, slabSize)
	}
	f := &a.slab[0]
	*f = folded{ // all of it is written before it is read: a new page that is read first costs two faults
		words: w, hostname: key.Hostname, server: key.Server, chain: key.Chain, bucket: bucket, choice: &noChoice,
		clients: Clients{Exact: a.clients[:0:1]}, // most have one
	}
	if !key.ClientChain.IsZero() {
		f.client = a.identities.of(key.ClientChain)
	}
	a.slab, a.clients = a.slab[1:], a.clients[1:]
	a.index.add(hash32, len(a.sightings))
	a.sightings = append(a.sightings, f)
	return f
}

func (a *Aggregator) find(key *Key, w *words, hash uint32, bucket int64) *folded {
	for n, at := a.index.next(hash, 0); n >= 0; n, at = a.index.next(hash, at) {
		if f := a.sightings[n]; f.is(key, w, bucket) {
			return f
		}
	}
	return nil
}

// commonWords returns the words of a key, the same for the same words, and their
// hash.
func (a *Aggregator) commonWords(k *Key) (*words, uint64) {
	w := wordsOf(k)
	hash := a.hash.words(&w)
	for h := hash; ; h++ {
		known := a.common[h]
		if known == nil {
			known = new(words)
			*known = w
			a.common[h] = known
		}
		if *known == w {
			return known, hash
		}
	}
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

func (a *Aggregator) fold(f *folded, o *Observation) {
	f.saw(o.Time)
	f.count++
	a.addClient(&f.clients, o)
	f.ech += oneIf(o.ECH != "")
	f.keyProven += oneIf(o.KeyProven == Yes)
	f.ocspGood += oneIf(o.OCSP == "good")
	f.add(rare{
		clientAuth: oneIf(o.ClientAuthRequested == Yes), keyMismatch: oneIf(o.KeyProven == No),
		ocspBad: oneIf(o.OCSP != "" && o.OCSP != "good"), helloRetry: oneIf(o.HelloRetry), packetsLost: uint64(o.PacketsLost),
	})
	c := *f.choice
	if len(o.ALPN) > 0 {
		c.alpn = a.joined(o.ALPN)
	}
	c.cipher, c.group = cmp.Or(o.Cipher, c.cipher), cmp.Or(o.Group, c.group)
	if c != *f.choice {
		f.choice = a.choices.of(c)
	}
	a.touched(f)
}

// joined returns list joined by commas, the same string for the same list.
func (a *Aggregator) joined(list []string) string {
	a.text = a.text[:0]
	for i, s := range list {
		if i > 0 {
			a.text = append(a.text, ',')
		}
		a.text = append(a.text, s...)
	}
	if s, ok := a.words[string(a.text)]; ok {
		return s
	}
	if len(a.words) >= maxWords {
		clear(a.words)
	}
	s := string(a.text)
	a.words[s] = s
	return s
}

// touched puts f into the next batch.
func (a *Aggregator) touched(f *folded) {
	if !f.dirty {
		f.dirty = true
		a.dirty = append(a.dirty, f)
	}
}

func oneIf(cond bool) uint64 {
	if cond {
		return 1
	}
	return 0
}

// Len returns how many sightings are held.
func (a *Aggregator) Len() int { return len(a.sightings) }

// Stats returns the counters.
func (a *Aggregator) Stats() AggregatorStats {
	s := a.stats
	s.Names, s.AskedOnly = a.names.len(), a.asked.len()
	return s
}
