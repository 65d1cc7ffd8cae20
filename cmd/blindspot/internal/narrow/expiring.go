package narrow

import (
	"time"

	"blindspot/discover"
)

// presented is the certificate that a name at an endpoint showed last.
type presented struct {
	seen, end time.Time
}

// Expiring keeps the traffic of names at endpoints whose certificate, the one
// that was seen last, ends before a time, or has ended.
func Expiring(inv *discover.Inventory, before time.Time) (Filter, error) {
	last := map[service]presented{}
	if inv.Sightings != nil {
		for s, err := range inv.Sightings {
			if err != nil {
				return nil, err
			}
			c := leaf(inv, s)
			if c == nil || c.NotAfter.IsZero() {
				continue
			}
			p := last[serviceOf(s)]
			if p.end.IsZero() || s.Last.After(p.seen) || s.Last.Equal(p.seen) && c.NotAfter.Before(p.end) {
				last[serviceOf(s)] = presented{s.Last, c.NotAfter}
			}
		}
	}
	return func(s *discover.Sighting) bool {
		p := last[serviceOf(s)]
		return !p.end.IsZero() && p.end.Before(before)
	}, nil
}
