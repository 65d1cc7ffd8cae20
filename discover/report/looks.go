package report

import (
	"net/netip"
	"time"

	"blindspot/discover"
)

// lookAt is a certificate that our own look was shown.
type lookAt struct {
	hostname string
	server   netip.AddrPort
	leaf     discover.Fingerprint
	at       time.Time
}

// looks are set aside while a list folds traffic, and then show what the rows
// that are there present. They make no row.
type looks[K comparable] map[K][]lookAt

// take keeps s for the row of key where it is a look of ours, and returns
// whether it is.
func (l looks[K]) take(w *walker, s *discover.Sighting, key K) bool {
	if s.Class != discover.ClassVerify {
		return false
	}
	if leaf, ok := w.leaf(s.Chain); ok && len(l[key]) < maxDistinct {
		l[key] = append(l[key], lookAt{s.Hostname, s.Server, leaf, s.Last})
	}
	return true
}
