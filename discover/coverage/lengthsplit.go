package coverage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"blindspot/discover"
)

// lengthSplits finds names whose hidden chains have different lengths at
// endpoints that were active in the same window: at least two chains are
// served. It is a notice and never more, for which they are is not known.
//
// It must not appear for what is no split where certificates are seen
// (findSplits), nor
//   - between hellos that ask for different things, keys of different kinds (an
//     RSA/ECDSA pair), or hellos that ask for what is not in the certificates
//     (a stapled status comes and goes);
//   - where one endpoint shows several lengths by turns: that is by who asks;
//   - for chains that differ by certificates of authorities, as one certificate
//     with and without its issuer does;
//   - for a change: endpoints that went from one length to the other, within the
//     grace or later, agree afterwards;
//   - where the server asks for the client's certificate: in a mesh, each
//     instance has its own, and that it is ephemeral cannot be seen;
//   - where findSplits says of the same name and port what is served, or our own
//     looks were shown what both endpoints serve, which is for it to judge.
func (a *analysis) lengthSplits(told map[placeKey]bool) []discover.Finding {
	groups := map[string]*lengthSplit{}
	var order []*lengthSplit
	for _, n := range a.nameList {
		for _, x := range a.lengthSplitsOf(n) {
			if told[x.place] {
				continue
			}
			if g := groups[x.key()]; g != nil {
				g.showings = append(g.showings, x.showings...)
				continue
			}
			groups[x.key()] = x
			order = append(order, x)
		}
	}
	out := make([]discover.Finding, 0, len(order))
	for _, x := range order {
		out = append(out, a.lengthSplitFinding(x))
	}
	return out
}

// placeKey is where a name is served.
type placeKey struct {
	name *name
	servedKey
}

// lengthSplit is a set of lengths that are served together.
type lengthSplit struct {
	place    placeKey
	showings []*showing // each of hidden cells with one length
}

// bytesOf is the length of the messages that a showing is of.
func bytesOf(w *showing) int { return w.cells[0].lengths.Certificate }

func (x *lengthSplit) key() string {
	return fmt.Sprint(x.place.servedKey, " ", x.lengths(), " ", strings.Join(places(x.showings), " "))
}

// lengths are the different ones, in order.
func (x *lengthSplit) lengths() []int {
	var out []int
	for _, w := range x.showings {
		out = append(out, bytesOf(w))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// lengthSplitsOf finds the splits of a name, one for each place.
func (a *analysis) lengthSplitsOf(n *name) []*lengthSplit {
	type alike struct {
		servedKey
		asks string
	}
	var out []*lengthSplit
	for _, cells := range groupBy(n.cells, func(c *cell) (alike, bool) {
		if !c.gauged() || !c.shows() || c.endpoint.target != "" || c.lengths.Request > 0 {
			return alike{}, false
		}
		k := servedKey{c.surface, c.endpoint.network, c.endpoint.port()}
		return alike{k, fmt.Sprint(c.lengths.Asks, c.lengths.Key)}, true
	}) {
		k := placeKey{n, servedKey{cells[0].surface, cells[0].endpoint.network, cells[0].endpoint.port()}}
		s := &served{a: a, name: n, surface: k.surface}
		s.collectLengths(cells)
		found := s.apartByLength()
		if len(found) == 0 {
			continue
		}
		i := slices.IndexFunc(out, func(x *lengthSplit) bool { return x.place == k })
		if i < 0 {
			i, out = len(out), append(out, &lengthSplit{place: k})
		}
		out[i].showings = append(out[i].showings, found...)
	}
	return out
}

// collectLengths makes a showing of each length at each endpoint. Lengths stand
// for certificates, of which nothing else is known.
func (s *served) collectLengths(cells []*cell) {
	leaves := map[int]*cert{}
	type lengthAt struct {
		bytes    int
		endpoint *endpoint
	}
	for _, g := range groupBy(cells, func(c *cell) (lengthAt, bool) { return lengthAt{c.lengths.Certificate, c.endpoint}, true }) {
		n := g[0].lengths.Certificate
		if leaves[n] == nil {
			leaves[n] = &cert{Certificate: &discover.Certificate{}}
		}
		w := &showing{leaf: leaves[n], endpoint: g[0].endpoint, cells: g}
		for _, c := range g {
			widen(&w.first, &w.last, c.shown.first.time(), c.shown.last.time())
		}
		s.showings = append(s.showings, w)
	}
}

// apartByLength returns the showings of lengths that are served beside each
// other and are no change from one to the other.
func (s *served) apartByLength() []*showing {
	var steady []*showing
	for _, w := range bounded(s.showings, maxCompared) {
		if !s.turns(w) {
			steady = append(steady, w)
		}
	}
	s.showings = steady
	var final []*showing // what each endpoint showed last
	for _, w := range s.showings {
		if !slices.ContainsFunc(s.showings, func(o *showing) bool { return o.endpoint == w.endpoint && o.first.After(w.first) }) {
			final = append(final, w)
		}
	}
	var out []*showing
	for _, x := range final {
		if slices.ContainsFunc(final, func(y *showing) bool {
			return x.leaf != y.leaf && !(x.cells[0].lent() && y.cells[0].lent()) && s.beside(x, y)
		}) {
			out = append(out, x)
		}
	}
	return out
}

// turns reports whether the showing's endpoint shows another length in the same
// window.
func (s *served) turns(w *showing) bool {
	return slices.ContainsFunc(s.showings, func(o *showing) bool {
		return o != w && o.endpoint == w.endpoint && o.first.Before(w.last) && w.first.Before(o.last)
	})
}

// beside reports whether two endpoints of one deployment showed different
// lengths, each of them after there was time to follow the other.
func (s *served) beside(x, y *showing) bool {
	if x.endpoint == y.endpoint || !s.alikeHidden(x, y) || s.a.differByIssuers(bytesOf(x), bytesOf(y)) || s.tiers(x.leaf, y.leaf) {
		return false
	}
	turned := func(leaf, to *cert) bool {
		return slices.ContainsFunc(s.of(leaf), func(w *showing) bool { return showingAt(s.of(to), w.endpoint) != nil })
	}
	changed := turned(x.leaf, y.leaf) || turned(y.leaf, x.leaf)
	return !s.inTime(x, x.leaf, y.first, changed) && !s.inTime(y, y.leaf, x.first, changed)
}

// alikeHidden is alike for chains of which the issuer is not known.
func (s *served) alikeHidden(x, y *showing) bool {
	if s.serves(x, y) || s.serves(y, x) {
		return false
	}
	return s.a.configured(s.surface) || neighbours(x.endpoint.server.Addr(), y.endpoint.server.Addr()) && s.sharesClient(x, y)
}

// splitLength is one of the lengths, in the evidence.
type splitLength struct {
	Bytes          int               `json:"bytes"`
	Key            string            `json:"key"`
	ConsistentWith string            `json:"consistent_with,omitempty"`
	Fits           int               `json:"fits"`
	Endpoints      []showingEvidence `json:"endpoints"`
}

func (a *analysis) lengthSplitFinding(x *lengthSplit) discover.Finding {
	cells := cellsOf(x.showings)
	f := a.finding("split-deployment", cells)
	f.Severity = discover.Notice
	f.Endpoints = bounded(places(x.showings), maxEndpoints)
	var parts []string
	var evidence []splitLength
	for _, n := range bounded(x.lengths(), maxServed) {
		own := slices.DeleteFunc(slices.Clone(x.showings), func(w *showing) bool { return bytesOf(w) != n })
		parts = append(parts, fmt.Sprintf("%d bytes at %s%s", n, some(places(own)), a.sinceText(own)))
		c := a.consistentAll(cellsOf(own))
		e := splitLength{Bytes: n, Key: own[0].cells[0].lengths.Key, Fits: c.fits, Endpoints: showingsOf(own)}
		if c.leaf != nil {
			e.ConsistentWith = c.leaf.SHA256.String()
			parts[len(parts)-1] += fmt.Sprintf(" (consistent with %s, %s)", c.leaf.SHA256.Short(), endText(c.leaf, f.LastSeen))
		}
		evidence = append(evidence, e)
	}
	use := used(&f)
	if f.Handshakes == 0 {
		use = a.howUsed(&f, cells)
	}
	f.Detail = fmt.Sprintf("%s on port %d: the lengths of the encrypted certificates differ, so at least two chains are served; known by record lengths: %s: %s.",
		f.Hostname, x.place.port, strings.Join(bounded(parts, maxShownLeaves), "; "), use)
	f.Remedy = shows(fmt.Sprintf("Ask each of %s for its certificate (blindspot verify), and load the newest one at all of them.", some(f.Endpoints)), cells)
	f.Evidence["port"] = x.place.port
	f.Evidence["known_by"] = knownByRecords
	f.Evidence["lengths"] = evidence
	return f
}

// knownByRecords is how it is known that chains differ, and not which they are.
const knownByRecords = "record-lengths"

// sinceText says since when, where one endpoint changed to the length, "" where
// it was there from the beginning.
func (a *analysis) sinceText(own []*showing) string {
	first := slices.MinFunc(own, func(x, y *showing) int { return cmp.Or(x.first.Compare(y.first), x.endpoint.compare(y.endpoint)) })
	if !a.changedTo(first) {
		return ""
	}
	return " since " + stamp(first.first)
}

// changedTo reports whether the showing's endpoint showed another length for
// the name before, to a hello that asked for the same.
func (a *analysis) changedTo(w *showing) bool {
	c := w.cells[0]
	return slices.ContainsFunc(c.endpoint.under(c.name), func(o *cell) bool {
		return o.measured() && o.shows() && o.lengths.Asks == c.lengths.Asks && o.lengths.Key == c.lengths.Key &&
			o.lengths.Certificate != c.lengths.Certificate && !o.shown.last.time().After(w.first)
	})
}
