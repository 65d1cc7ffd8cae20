package sensor

import (
	"cmp"
	"slices"

	"blindspot/discover"
)

const (
	// maxTallies bounds the kinds of handshakes that are told apart: a server
	// says what its version is. What is more is counted under "other".
	maxTallies = 256
	// maxCandidates bounds the hostnames that are counted to find those with
	// the most handshakes.
	maxCandidates = 10_000
)

// Tally counts handshakes of a kind.
type Tally struct {
	Transport string
	Version   string // "" where none was negotiated
	Hidden    string // what hid the certificate, "" where it was seen
	Outcome   string
	Count     uint64
}

// HostnameTally counts the handshakes of a hostname, since it is counted.
type HostnameTally struct {
	Hostname string
	Count    uint64
}

type tallyKey struct{ transport, version, hidden, outcome string }

// tally counts handshakes for metrics.
type tally struct {
	kinds map[tallyKey]uint64
	// labels bounds the hostnames that are counted one by one; names are those.
	labels     int
	names      map[string]uint64
	other      uint64
	candidates map[string]uint64 // of names in use, since the last choice
}

func newTally(labels int) tally {
	return tally{kinds: map[tallyKey]uint64{}, labels: labels, names: map[string]uint64{}, candidates: map[string]uint64{}}
}

func (t *tally) add(o *discover.Observation) {
	k := tallyKey{o.Transport.String(), o.Version, o.CertsHidden, string(o.Outcome)}
	if _, ok := t.kinds[k]; !ok && len(t.kinds) >= maxTallies {
		k = tallyKey{"other", "other", "other", "other"}
	}
	t.kinds[k]++
	if t.labels > 0 && o.SNI != "" && o.InUse() {
		t.name(o.SNI)
	}
}

// name counts a handshake with a hostname in use: by itself where it is one of
// those with the most, else with all others.
func (t *tally) name(name string) {
	if _, ok := t.names[name]; ok {
		t.names[name]++
	} else if len(t.names) < t.labels {
		t.names[name] = 1
	} else {
		t.other++
	}
	if _, ok := t.candidates[name]; ok || len(t.candidates) < maxCandidates {
		t.candidates[name]++
	}
}

// choose takes the hostnames with the most handshakes since the last choice for
// those that are counted one by one. A hostname that comes in begins at its
// next handshake: no handshake is counted twice, and no counter falls.
func (t *tally) choose() {
	if t.labels == 0 {
		return
	}
	list := make([]HostnameTally, 0, len(t.candidates))
	for name, n := range t.candidates {
		list = append(list, HostnameTally{name, n})
	}
	slices.SortFunc(list, mostFirst)
	names := make(map[string]uint64, t.labels)
	for _, e := range list[:min(len(list), t.labels)] {
		names[e.Hostname] = t.names[e.Hostname]
	}
	t.names = names
	clear(t.candidates)
}

func mostFirst(a, b HostnameTally) int {
	return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Hostname, b.Hostname))
}

// list returns the counts of kinds.
func (t *tally) list() []Tally {
	list := make([]Tally, 0, len(t.kinds))
	for k, n := range t.kinds {
		list = append(list, Tally{k.transport, k.version, k.hidden, k.outcome, n})
	}
	return list
}

// hostnames returns those that are counted one by one, and the count of all
// others.
func (t *tally) hostnames() ([]HostnameTally, uint64) {
	list := make([]HostnameTally, 0, len(t.names))
	for name, n := range t.names {
		list = append(list, HostnameTally{name, n})
	}
	return list, t.other
}
