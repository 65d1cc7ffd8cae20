package trust

import (
	"slices"
	"time"

	"blindspot/discover"
)

// Judge says whether the store trusts chain, leaf first as presented, at the
// time of the traffic. The leaf's own expiry does not make it untrusted: it is
// judged at the nearest time at which it was valid. Certificates of chain that
// are not known may be nil.
func (s *Store) Judge(chain []*discover.Certificate, known *Intermediates, at time.Time, usage Usage) Verdict {
	if len(chain) == 0 || chain[0] == nil {
		return s.unjudged("the leaf is not known")
	}
	when := clamp(at, chain[0])
	key, complete := keyOf(chain, usage)
	if complete {
		if v, ok := s.remembered(key, known, when); ok {
			v.Moved = !when.Equal(at)
			return v
		}
	}
	entry := s.judge(chain, known, when, usage)
	if complete {
		s.remember(key, entry)
	}
	entry.verdict.Moved = !when.Equal(at)
	return entry.verdict
}

func (s *Store) unjudged(why string) Verdict {
	o := Outcome{Reason: CannotJudge, Detail: why}
	return Verdict{Store: s.Name, Presented: o, Complete: o}
}

// clamp moves at into the leaf's validity.
func clamp(at time.Time, leaf *discover.Certificate) time.Time {
	switch {
	case leaf.Expired(at):
		return leaf.NotAfter
	case leaf.NotYetValid(at):
		return leaf.NotBefore
	}
	return at
}

// judge does the work of Judge at a time within the leaf's validity.
func (s *Store) judge(chain []*discover.Certificate, known *Intermediates, when time.Time, usage Usage) memoEntry {
	q := newQuestion(s, chain, known, when, usage)
	e := memoEntry{known: known, generation: known.generation()}
	v := Verdict{Store: s.Name, At: when}
	v.Presented = q.answer(nil)
	v.Complete = v.Presented
	if !v.Presented.OK && known.Len() > 0 && q.leaf.parsed() != nil {
		v.Complete = q.answer(known)
	}
	v.Trusted = discover.TriOf(v.Complete.OK)
	if v.Complete.Reason == CannotJudge {
		v.Trusted = discover.Unknown
	}
	if v.Complete.OK {
		s.nameRoot(&v)
		v.Missing = missing(v.Complete.Chain, chain)
	}
	e.verdict, e.from, e.until = v, q.from, q.until
	return e
}

func (s *Store) nameRoot(v *Verdict) {
	path := v.Complete.Chain
	v.Root = path[len(path)-1]
	v.RootName = s.byPrint[v.Root].cert().Subject
}

// missing are the intermediates of path that presented has not.
func missing(path []discover.Fingerprint, presented []*discover.Certificate) []discover.Fingerprint {
	var list []discover.Fingerprint
	for _, fp := range path[:len(path)-1] {
		if !slices.ContainsFunc(presented, func(c *discover.Certificate) bool { return c != nil && c.SHA256 == fp }) {
			list = append(list, fp)
		}
	}
	return list
}
