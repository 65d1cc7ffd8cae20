package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"blindspot/discover"
)

// Bounds on what a list keeps of one row.
const (
	maxListed   = 100    // values of one cell, for programs and Markdown
	maxDistinct = 10_000 // values told apart; more are not counted, and a note says so
	indexedFrom = 16     // values from which a set is worth a map
)

// ListConfig says how lists are made. The zero value works for captures that
// are read into memory.
type ListConfig struct {
	// SketchKey is the key of the sketches in the inventory's sightings; with
	// another one distinct clients are counted too high.
	SketchKey discover.SketchKey
	// Monitored tells how a hostname is monitored ("yes", "weakly", "no"); nil
	// where no checks are known, and then lists have no such column.
	Monitored func(hostname string) string
	// Consistent tells which certificate the record lengths of a hidden chain are
	// consistent with (coverage.Consistent); nil where nobody asked, and then
	// lists have no such column.
	Consistent func(*discover.Sighting) (leaf discover.Fingerprint, ok bool)
}

// The use of a thing, in the order of lists.
const (
	inUse      = iota // a server went on with clients
	inClear           // it went on with them, but without TLS alone
	checksOnly        // it went on with the checks alone
	askedFor          // it did not go on
	publicName        // it stands for names that ECH hides
)

var useWords = [...]string{"in-use", "cleartext-only", "checks-only", "asked-only", "ech-public"}

// usage is what all lists say of a row.
type usage struct {
	use         int    // inUse, inClear, checksOnly, askedFor
	handshakes  uint64 // of clients
	checks      uint64 // of the checks themselves
	clients     discover.Clients
	distinct    uint64 // clients, once settled
	first, last time.Time
	versions    set[string]
	hidden      Counts
	beyond      bool // more than maxDistinct of something
}

func newUsage() usage { return usage{use: askedFor} }

// add folds a sighting; key must be that of the sketches. Our own looks are no
// use; they are asked for what an endpoint presents (see looks).
func (u *usage) add(s *discover.Sighting, key discover.SketchKey) {
	if u.first.IsZero() || s.First.Before(u.first) {
		u.first = s.First
	}
	if s.Last.After(u.last) {
		u.last = s.Last
	}
	if s.Class == discover.ClassVerify {
		return
	}
	u.use = min(u.use, useOf(s))
	if s.Class == discover.ClassMonitor {
		u.checks += s.Count
	} else {
		u.handshakes += s.Count
		u.clients.Merge(&s.Clients, key)
	}
	if s.Version != "" {
		u.versions.add(s.Version)
	}
	if s.Chain.IsZero() && s.Known != "" {
		u.hidden.add(s.Known, s.Count)
	}
}

// settle counts the clients and lets go of who they are.
func (u *usage) settle() {
	u.distinct, u.clients = u.clients.Distinct(), discover.Clients{}
}

func useOf(s *discover.Sighting) int {
	switch {
	case !s.InUse():
		return askedFor
	case s.Class == discover.ClassMonitor:
		return checksOnly
	}
	return inUse
}

// others says what of a thing is listed for programs only, "" for nothing.
func (n *tally) others(what string) string {
	var list []string
	if c := n.by[checksOnly]; c > 0 {
		list = append(list, quantity(uint64(c), what)+" that only the checks use")
	}
	if c := n.by[askedFor]; c > 0 {
		list = append(list, quantity(uint64(c), what)+" where no server went on")
	}
	if len(list) == 0 {
		return ""
	}
	return strings.Join(list, ", ") + ": not in this table, in --output json, jsonl and csv."
}

// isInUse says whether a row is of a thing in use; its second cell tells.
func isInUse(row []any) bool { return row[1] == useWords[inUse] }

// before orders rows: what is in use first, the most used first.
func (u *usage) before(v *usage) int {
	return cmp.Or(cmp.Compare(u.use, v.use), cmp.Compare(v.handshakes, u.handshakes), cmp.Compare(v.checks, u.checks))
}

// set is a small set in the order in which its values came.
type set[T comparable] struct {
	list  []T
	index map[T]struct{} // nil while it is small
}

// add returns false where the value is new and there is no place for it.
func (s *set[T]) add(v T) bool {
	if s.has(v) {
		return true
	}
	if len(s.list) >= maxDistinct {
		return false
	}
	s.list = append(s.list, v)
	switch {
	case s.index != nil:
		s.index[v] = struct{}{}
	case len(s.list) >= indexedFrom:
		s.index = make(map[T]struct{}, 2*indexedFrom)
		for _, e := range s.list {
			s.index[e] = struct{}{}
		}
	}
	return true
}

func (s *set[T]) has(v T) bool {
	if s.index != nil {
		_, ok := s.index[v]
		return ok
	}
	return slices.Contains(s.list, v)
}

// versionValues shows people all versions that there are likely to be.
func versionValues(list []string) values {
	v := sortedValues(slices.Clone(list))
	v.most = 3
	return v
}

// sortedValues sorts list and makes it a bounded cell.
func sortedValues(list []string) values {
	slices.Sort(list)
	return values{list: slices.Clip(list[:min(len(list), maxListed)]), total: len(list)}
}

func fingerprintValues(list []discover.Fingerprint) values {
	texts := make([]string, 0, min(len(list), maxListed))
	sorted := slices.Clone(list)
	slices.SortFunc(sorted, func(x, y discover.Fingerprint) int { return slices.Compare(x[:], y[:]) })
	for _, f := range sorted[:min(len(sorted), maxListed)] {
		texts = append(texts, f.String())
	}
	return values{list: texts, total: len(list), short: short}
}

// walker goes over an inventory once and remembers what it looked up.
type walker struct {
	inv    *discover.Inventory
	key    discover.SketchKey
	fits   func(*discover.Sighting) (discover.Fingerprint, bool) // ListConfig.Consistent
	chains map[discover.ChainID][]discover.Fingerprint
	ends   map[discover.Fingerprint]time.Time
}

func newWalker(inv *discover.Inventory, cfg *ListConfig) *walker {
	return &walker{
		inv: inv, key: cfg.SketchKey, fits: cfg.Consistent,
		chains: map[discover.ChainID][]discover.Fingerprint{},
		ends:   map[discover.Fingerprint]time.Time{},
	}
}

func (w *walker) chain(id discover.ChainID) []discover.Fingerprint {
	if id.IsZero() || w.inv.Chain == nil {
		return nil
	}
	c, ok := w.chains[id]
	if !ok {
		c = w.inv.Chain(id)
		w.chains[id] = c
	}
	return c
}

// consistent adds the certificate that a hidden chain is consistent with.
func (w *walker) consistent(to *set[discover.Fingerprint], s *discover.Sighting) {
	if leaf, ok := w.fitting(s); ok {
		to.add(leaf)
	}
}

func (w *walker) fitting(s *discover.Sighting) (leaf discover.Fingerprint, ok bool) {
	if w.fits == nil {
		return leaf, false
	}
	return w.fits(s)
}

// consistentColumn ends a list where it was asked for.
func (w *walker) consistentColumn(l *List) {
	if w.fits != nil {
		l.Columns = append(l.Columns, Column{Key: "consistent_with", Title: "consistent with", counted: true, drop: 1})
		hideEmpty(l, "consistent_with")
	}
}

// leaf returns the certificate that the server presented.
func (w *walker) leaf(id discover.ChainID) (f discover.Fingerprint, ok bool) {
	c := w.chain(id)
	if len(c) == 0 {
		return f, false
	}
	return c[0], true
}

// end returns when a certificate ends, zero where that is not known.
func (w *walker) end(f discover.Fingerprint) time.Time {
	t, ok := w.ends[f]
	if !ok && w.inv.Certificate != nil {
		if c := w.inv.Certificate(f); c != nil {
			t = c.NotAfter
		}
		w.ends[f] = t
	}
	return t
}

// each calls fold for each sighting.
func (w *walker) each(fold func(s *discover.Sighting)) error {
	if w.inv.Sightings == nil {
		return nil
	}
	for s, err := range w.inv.Sightings {
		if err != nil {
			return err
		}
		fold(s)
	}
	return nil
}

// presented remembers which certificate an endpoint showed last.
type presented struct {
	leaf discover.Fingerprint
	at   time.Time
}

// latest keeps the certificate that was seen last; of two at the same time the
// one that ends first. When it ends is known from then on.
func (w *walker) latest(p *presented, leaf discover.Fingerprint, at time.Time) {
	end := w.end(leaf)
	switch {
	case p.leaf.IsZero() || at.After(p.at):
	case at.Before(p.at) || !end.Before(w.end(p.leaf)):
		return
	}
	*p = presented{leaf, at}
}

// note keeps the certificate that was shown last under key.
func note[K comparable](w *walker, shown map[K]*presented, key K, leaf discover.Fingerprint, at time.Time) {
	p := shown[key]
	if p == nil {
		if len(shown) >= maxDistinct {
			return
		}
		p = &presented{}
		shown[key] = p
	}
	w.latest(p, leaf, at)
}

// firstEnd returns the earliest end of the certificates shown last.
func firstEnd[K comparable](w *walker, shown map[K]*presented) (end time.Time) {
	for _, p := range shown {
		end = earlier(end, w.ends[p.leaf])
	}
	return end
}

// earlier returns the earlier of two times, of which zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
