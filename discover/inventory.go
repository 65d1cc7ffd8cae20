package discover

import (
	"iter"
	"time"
)

// Visibility is what a sensor saw and what it could not see.
type Visibility struct {
	Packets     uint64 `json:"packets"`
	Bytes       uint64 `json:"bytes"`
	KernelDrops uint64 `json:"kernel_drops"`
	Handshakes  uint64 `json:"handshakes"`
	// Hidden counts handshakes by what hid their certificate ("encrypted",
	// "resumed", "one-sided", "truncated", "no-server-answer"), and those that
	// hide something else (the Count… constants). One can be under several.
	Hidden map[string]uint64 `json:"hidden"`
	// Lost counts what was given up, by cause: "table-full", "reassembly",
	// "unparsed", "names", "sightings", …
	Lost map[string]uint64 `json:"lost"`
	// Kinds counts, of a live sensor, the packets that were read by what they
	// are ("tcp", "udp", …), and those that the kernel left out because nobody
	// needs them: KindCutOff, KindFiltered. Empty for files.
	Kinds map[string]uint64 `json:"packet_kinds,omitempty"`
	// Notes are sentences about single sources: where a capture broke off.
	Notes []string `json:"notes,omitempty"`
}

// What a handshake can hide beside its certificate (Visibility.Hidden).
const (
	CountECH       = "ech"        // its name may be another: ECH or ESNI was offered
	CountECHPublic = "ech_public" // its name is another: ECH, and a provider's public name
	CountESNI      = "esni"       // it offered ECH's forerunner; in "ech" too
	CountEarlyData = "early_data" // it offered 0-RTT data, sent before any answer
)

// Packets that a live sensor did not read, and has not lost (Visibility.Kinds).
const (
	KindCutOff   = "cut-off"  // of connections that were answered
	KindFiltered = "filtered" // left out by the capture filter
)

// HidesCertificate reports whether a word of Visibility.Hidden counts
// handshakes whose certificate was not seen.
func HidesCertificate(cause string) bool {
	switch cause {
	case CountECH, CountECHPublic, CountESNI, CountEarlyData:
		return false
	}
	return true
}

// Add folds other into v.
func (v *Visibility) Add(other *Visibility) {
	v.Packets += other.Packets
	v.Bytes += other.Bytes
	v.KernelDrops += other.KernelDrops
	v.Handshakes += other.Handshakes
	v.Hidden = addCounts(v.Hidden, other.Hidden)
	v.Lost = addCounts(v.Lost, other.Lost)
	if len(other.Kinds) > 0 {
		v.Kinds = addCounts(v.Kinds, other.Kinds)
	}
	v.Notes = append(v.Notes, other.Notes...)
}

func addCounts(dst, src map[string]uint64) map[string]uint64 {
	if dst == nil {
		dst = make(map[string]uint64, len(src))
	}
	for k, n := range src {
		dst[k] += n
	}
	return dst
}

// Inventory is what is in use, read from a store or kept from a capture. It is
// read once, in one pass, however large.
type Inventory struct {
	// First and Last bound the traffic; zero where there was none.
	First, Last time.Time
	// Live says that the traffic goes on: validity is judged by now, not by
	// the time of the traffic.
	Live bool
	// Lasting says that certificates, and the lists of clients of sightings, are
	// held anyway: who keeps them needs no copy, and must not change them.
	Lasting bool
	// Sightings yields every sighting; a sighting is valid until the next one.
	Sightings iter.Seq2[*Sighting, error]
	// LetGo, where set, lets go of sightings that will not be walked again.
	LetGo func()
	// Certificate returns a certificate by fingerprint, nil where unknown.
	Certificate func(Fingerprint) *Certificate
	// Chain returns the fingerprints of a chain as presented, nil where unknown.
	Chain func(ChainID) []Fingerprint
	// Hops are the ways that handshakes took on behind the server that clients
	// spoke to.
	Hops []HopCount
	// Offers are the endpoints at which sessions stayed in the clear although
	// one side spoke of TLS.
	Offers []*OfferCount
	Sensor Visibility
}
