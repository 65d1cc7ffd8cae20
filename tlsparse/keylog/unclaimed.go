package keylog

import "sort"

const (
	// maxUnclaimed bounds the secrets that Unclaimed offers, from each place
	// where it looks.
	maxUnclaimed = 32
	// maxLooks bounds the connections that it passes over for that.
	maxLooks = 1024
	// maxTries bounds how often the secrets of one connection are offered: many
	// clients send an extension that only looks like Encrypted Client Hello.
	maxTries = 256
)

// Unclaimed calls try with the secrets of connections that nobody looked up,
// until it returns true, which claims them, and their random is returned. It
// serves Encrypted Client Hello: the random that is logged is that of the inner
// hello, which nobody sees, and only trying tells whose the secrets are.
//
// It looks around the connection claimed last, for a log and a capture are in
// the same order, and then at the latest ones, for a log that is written now.
// try must not call the Log, and must not keep what it is given.
func (l *Log) Unclaimed(try func(*Secrets) bool) (random [RandomLen]byte, ok bool) {
	if l.Empty() {
		return random, false
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	near := l.near.Load()
	at := l.first + sort.Search(len(l.order)-l.first, func(i int) bool { return l.order[l.first+i].number > near })
	for _, walk := range [...]struct{ from, step int }{{at, 1}, {at - 1, -1}, {len(l.order) - 1, -1}} {
		if p, ok := l.walk(walk.from, walk.step, try); ok {
			return p, true
		}
	}
	return random, false
}

// walk tries the unclaimed connections from a place on.
func (l *Log) walk(from, step int, try func(*Secrets) bool) (random [RandomLen]byte, ok bool) {
	tried := 0
	for i, looks := from, 0; i >= l.first && i < len(l.order) && tried < maxUnclaimed && looks < maxLooks; i, looks = i+step, looks+1 {
		p := l.order[i]
		h := l.secrets[p.random]
		if h == nil || h.number != p.number || h.claimed.Load() || h.server.n == 0 || h.tries.Load() >= maxTries {
			continue
		}
		h.tries.Add(1)
		tried++
		s := h.Secrets
		found := try(&s)
		s.Wipe()
		if found {
			l.claim(h)
			return p.random, true
		}
	}
	return random, false
}
