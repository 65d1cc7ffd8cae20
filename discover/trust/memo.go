package trust

import (
	"time"

	"blindspot/discover"
)

// maxMemo bounds the verdicts that a store remembers; past it all are
// forgotten, and counted.
const maxMemo = 100_000

type memoKey struct {
	chain discover.ChainID
	usage Usage
}

// memoEntry is a verdict with what it depends on: it holds from from until
// until, because no certificate that was looked at begins or ends between.
type memoEntry struct {
	verdict     Verdict
	known       *Intermediates
	generation  uint64
	from, until time.Time
}

// keyOf reports false where the chain is not known in full.
func keyOf(chain []*discover.Certificate, usage Usage) (memoKey, bool) {
	prints := make([]discover.Fingerprint, 0, 8)
	for _, c := range chain {
		if c == nil {
			return memoKey{}, false
		}
		prints = append(prints, c.SHA256)
	}
	return memoKey{discover.ChainIDOf(prints), usage}, true
}

func (s *Store) remembered(key memoKey, known *Intermediates, when time.Time) (Verdict, bool) {
	s.mu.Lock()
	e, ok := s.memo[key]
	s.mu.Unlock()
	switch {
	case !ok, when.Before(e.from), !e.until.IsZero() && !when.Before(e.until):
		return Verdict{}, false
	case !e.verdict.Presented.OK && (e.known != known || e.generation != known.generation()):
		return Verdict{}, false
	}
	e.verdict.At = when
	return e.verdict, true
}

func (s *Store) remember(key memoKey, e memoEntry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.memo) >= maxMemo {
		s.forgotten += uint64(len(s.memo))
		s.memo = nil
	}
	if s.memo == nil {
		s.memo = map[memoKey]memoEntry{}
	}
	s.memo[key] = e
}

// Forgotten counts the verdicts that were given up for want of room, and have
// to be reached again when asked for.
func (s *Store) Forgotten() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.forgotten
}
