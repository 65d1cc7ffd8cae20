package coverage

import (
	"strings"

	"blindspot/discover"
)

// how is how handshakes went, in words. Cells in which it was the same share it.
type how struct {
	howKey
	id      uint32
	outcome discover.Outcome
	alert   *discover.Alert
	refused bool // the alert is about a certificate
	retired bool // the version is one of legacy
}

// howKey are the words of a sighting.
type howKey struct{ version, ended, refusal, known string }

// untold is how nothing went.
var untold = &how{alert: &discover.Alert{}}

// hows keeps each how once.
type hows struct {
	recent [4]*how // asked for last, the last one first: most sightings need no more
	all    map[howKey]*how
}

// of returns how the handshakes of a sighting went.
func (h *hows) of(s *discover.Sighting) *how {
	k := howKey{s.Version, string(s.Outcome), s.Alert, s.Known}
	for i, x := range h.recent {
		if x != nil && x.howKey == k {
			copy(h.recent[1:i+1], h.recent[:i])
			h.recent[0] = x
			return x
		}
	}
	x := h.all[k]
	if x == nil {
		x = h.add(k, s)
	}
	copy(h.recent[1:], h.recent[:])
	h.recent[0] = x
	return x
}

func (h *hows) add(k howKey, s *discover.Sighting) *how {
	k = howKey{strings.Clone(k.version), strings.Clone(k.ended), strings.Clone(k.refusal), strings.Clone(k.known)}
	alert := discover.ParseAlert(k.refusal)
	x := &how{
		howKey: k, id: uint32(len(h.all) + 1), outcome: discover.Outcome(k.ended),
		alert: &alert, refused: s.RefusedCertificate(), retired: legacy[k.version] != "",
	}
	if h.all == nil {
		h.all = map[howKey]*how{}
	}
	h.all[k] = x
	return x
}
