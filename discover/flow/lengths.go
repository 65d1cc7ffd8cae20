package flow

import (
	"blindspot/discover"
	"blindspot/discover/lengths"
)

// measure says what the lengths of a server's encrypted records tell of the
// chain that is hidden in them. It is noted where secrets opened the flight as
// well: then it is known what belongs to these lengths.
func (t *Table) measure(hs *handshake, o *discover.Observation) {
	if hs.flags&isTLS13 == 0 || !o.Hello || !o.ServerHello || o.Resumed == discover.Yes || hs.nflight == 0 {
		return
	}
	var records [maxFlight]int
	for i, n := range hs.flight[:hs.nflight] {
		records[i] = int(n)
	}
	o.LengthEvidence = lengths.Of(records[:hs.nflight], &t.parse.client, t.parse.server.CipherSuite)
}
