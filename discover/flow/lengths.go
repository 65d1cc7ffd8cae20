package flow

import (
	"blindspot/discover"
	"blindspot/discover/lengths"
)

// maxEvidence bounds the flights whose evidence is remembered; beyond it they
// are forgotten, all at once. A server answers a client mostly as the last time.
const maxEvidence = 1 << 12

// evidence remembers what the lengths of flights say: its text takes longer to
// write than all else that is read off them.
type evidence map[flight]string

// flight is all that evidence depends on.
type flight struct {
	records [maxFlight]uint16
	n       uint8 // how many of them there are
	suite   uint16
	asks    lengths.Asks
}

// of returns what a flight says.
func (v *evidence) of(f *flight) string {
	if text, ok := (*v)[*f]; ok {
		return text
	}
	if *v == nil || len(*v) >= maxEvidence {
		*v = make(evidence)
	}
	var records [maxFlight]int
	for i, length := range f.records[:f.n] {
		records[i] = int(length)
	}
	e := lengths.Read(lengths.Flight{Records: records[:f.n], Suite: f.suite, Asks: f.asks})
	text := e.String()
	(*v)[*f] = text
	return text
}

// measure says what the lengths of a server's encrypted records tell of the
// chain that is hidden in them. It is noted where secrets opened the flight as
// well: then it is known what belongs to these lengths.
func (v *Observer) measure(hs *handshake, o *discover.Observation) {
	if hs.flags&isTLS13 == 0 || !o.Hello || !o.ServerHello || o.Resumed == discover.Yes || hs.nflight == 0 {
		return
	}
	f := flight{records: hs.flight, n: hs.nflight, suite: v.server.CipherSuite, asks: lengths.AsksOf(&v.client)}
	o.LengthEvidence = v.evidence.of(&f)
}
