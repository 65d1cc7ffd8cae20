package logs

import (
	"cmp"
	"slices"
	"time"
)

// maxPartials bounds the certificates without SHA-256 that are told. Handshakes
// with others are in the gaps all the same.
const maxPartials = 100_000

// partialKey tells partials apart.
type partialKey struct{ sha1, issuer, serial, subject string }

// partials counts handshakes by the certificates that are known in part.
type partials struct {
	list []Partial
	at   map[partialKey]int
}

// seen counts one handshake of p at t. It reports false beyond the bound. Of a
// certificate that the log says nothing of there is nothing to keep.
func (s *partials) seen(p Partial, t time.Time) bool {
	if p == (Partial{}) {
		return true
	}
	key := partialKey{sha1: p.SHA1}
	if p.SHA1 == "" {
		key = partialKey{issuer: p.Issuer, serial: p.Serial, subject: p.Subject}
	}
	i, known := s.at[key]
	if !known {
		if len(s.list) >= maxPartials {
			return false
		}
		i = len(s.list)
		s.at[key] = i
		p.First, p.Last = t, t
		s.list = append(s.list, p)
	}
	old := &s.list[i]
	old.fill(&p)
	old.Handshakes++
	if t.Before(old.First) {
		old.First = t
	}
	if t.After(old.Last) {
		old.Last = t
	}
	return true
}

// fill takes from other what p does not know.
func (p *Partial) fill(other *Partial) {
	p.Subject, p.Issuer = orDefault(p.Subject, other.Subject), orDefault(p.Issuer, other.Issuer)
	p.Serial = orDefault(p.Serial, other.Serial)
	if p.NotBefore.IsZero() {
		p.NotBefore = other.NotBefore
	}
	if p.NotAfter.IsZero() {
		p.NotAfter = other.NotAfter
	}
}

func (s *partials) sorted() []Partial {
	slices.SortFunc(s.list, func(a, b Partial) int {
		return cmp.Or(cmp.Compare(b.Handshakes, a.Handshakes), cmp.Compare(a.SHA1, b.SHA1),
			cmp.Compare(a.Issuer, b.Issuer), cmp.Compare(a.Serial, b.Serial), cmp.Compare(a.Subject, b.Subject))
	})
	return s.list
}
