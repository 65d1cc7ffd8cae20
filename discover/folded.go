package discover

import (
	"math"
	"net/netip"
	"time"
)

// folded is a sighting as the aggregator holds it, in two fifths of the memory: what
// many of them say is there once.
type folded struct {
	words    *words
	hostname string
	server   netip.AddrPort
	chain    ChainID
	client   *ChainID // nil for none

	bucket, first, last int64 // nanoseconds since 1970, or NoTime

	count, ech, keyProven, ocspGood uint64
	rare                            *rare // nil where all are 0
	choice                          *choice
	clients                         Clients
	dirty                           bool // in the aggregator's next batch
}

// words are the part of a Key that many keys have in common.
type words struct {
	sensor, network  string
	name             NameKind
	target           string
	transport        Transport
	known, evidence  string
	version, preface string
	outcome          Outcome
	alert, class     string
}

// rare are figures that few sightings have.
type rare struct {
	forwarded, clientAuth, keyMismatch, ocspBad, helloRetry, packetsLost uint64
}

// choice is what a handshake offered and chose.
type choice struct{ alpn, cipher, group string }

// noChoice is that of a sighting without figures.
var noChoice choice

// NoTime stands for the zero time in nanoseconds.
const NoTime = math.MinInt64

// Times that nanoseconds can hold: years 1678 to 2262. What a broken clock
// says beyond is moved to the end of the range.
var (
	minTime = time.Unix(0, math.MinInt64+1)
	maxTime = time.Unix(0, math.MaxInt64)
)

// Nanos returns t in nanoseconds since 1970.
func Nanos(t time.Time) int64 {
	if s := t.Unix(); s > 0 && s < maxTime.Unix() {
		return t.UnixNano()
	}
	switch {
	case t.IsZero():
		return NoTime
	case t.Before(minTime):
		return math.MinInt64 + 1
	case t.After(maxTime):
		return math.MaxInt64
	}
	return t.UnixNano()
}

// TimeOf returns the time, in UTC, that Nanos gave n for.
func TimeOf(n int64) time.Time {
	if n == NoTime {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

func wordsOf(k *Key) words {
	return words{
		sensor: k.Sensor, network: k.Network, name: k.Name, target: k.Target, transport: k.Transport,
		known: k.Known, evidence: k.LengthEvidence, version: k.Version, preface: k.Preface,
		outcome: k.Outcome, alert: k.Alert, class: k.Class,
	}
}

// is reports whether f has the key and the bucket.
func (f *folded) is(k *Key, w *words, bucket int64) bool {
	return f.words == w && f.bucket == bucket && f.server == k.Server && f.hostname == k.Hostname && f.chain == k.Chain &&
		(f.client == nil && k.ClientChain.IsZero() || f.client != nil && *f.client == k.ClientChain)
}

// sighting fills s, which shares the clients.
func (f *folded) sighting(s *Sighting) {
	w, c := f.words, f.choice
	*s = Sighting{
		Key: Key{
			Sensor: w.sensor, Network: w.network, Name: w.name, Hostname: f.hostname, Target: w.target, Transport: w.transport,
			Server: f.server, Chain: f.chain, Known: w.known, LengthEvidence: w.evidence,
			Version: w.version, Preface: w.preface, Outcome: w.outcome, Alert: w.alert, Class: w.class,
		},
		Bucket: TimeOf(f.bucket), Width: BucketWidth, First: TimeOf(f.first), Last: TimeOf(f.last),
		Count: f.count, Clients: f.clients, ECH: f.ech, KeyProven: f.keyProven, OCSPGood: f.ocspGood,
		ALPN: c.alpn, LastCipher: c.cipher, LastGroup: c.group,
	}
	if f.client != nil {
		s.ClientChain = *f.client
	}
	if r := f.rare; r != nil {
		s.Forwarded, s.ClientAuth, s.KeyMismatch = r.forwarded, r.clientAuth, r.keyMismatch
		s.OCSPBad, s.HelloRetry, s.PacketsLost = r.ocspBad, r.helloRetry, r.packetsLost
	}
}

// saw widens the time that f covers. f has no figures yet where nothing was.
func (f *folded) saw(t time.Time) {
	n, none := Nanos(t), f.count == 0 && (f.rare == nil || f.rare.forwarded == 0)
	if none || n < f.first {
		f.first = n
	}
	if none || n > f.last {
		f.last = n
	}
}

// add adds to the rare figures.
func (f *folded) add(r rare) {
	if r == (rare{}) {
		return
	}
	if f.rare == nil {
		f.rare = new(rare)
	}
	f.rare.forwarded += r.forwarded
	f.rare.clientAuth += r.clientAuth
	f.rare.keyMismatch += r.keyMismatch
	f.rare.ocspBad += r.ocspBad
	f.rare.helloRetry += r.helloRetry
	f.rare.packetsLost += r.packetsLost
}

// interned finds values that are equal to others, so that they are kept once.
type interned[T comparable] map[T]*T

// maxInterned bounds them; beyond it they are forgotten, all at once, and kept
// by those that have them.
const maxInterned = 1 << 15

func (m *interned[T]) of(v T) *T {
	if p, ok := (*m)[v]; ok {
		return p
	}
	if *m == nil || len(*m) >= maxInterned {
		*m = make(interned[T])
	}
	p := new(T)
	*p = v
	(*m)[v] = p
	return p
}
