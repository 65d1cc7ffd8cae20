package coverage

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"blindspot/discover"
	"blindspot/discover/inventory"
)

// knownByLengths is how a certificate is known that no handshake showed, where
// the lengths of encrypted records fit it and no other.
const knownByLengths = "consistent-with"

// consistency is what the lengths of a hidden chain's records say of the
// certificates that are known for its name.
type consistency struct {
	leaf  *cert // the one that may be named, nil for none
	fits  int   // certificates that have the length
	known int   // certificates that have the kind of key
	blind bool  // there may be more that fit
}

// consistent sets the lengths of a cell against what is known for its name.
//
// An equal length is only consistency: renewals often have one length. A
// certificate is named only where it alone fits, nothing that is known for the
// name may fit unseen, and
//   - the inventory holds it, and another one with the same kind of key that
//     does not fit, so that lengths do tell this name's certificates apart, and
//     what was seen shows that the inventory is whole; or
//   - the endpoint itself presented it for the name before and after.
//
// The second is hardly ever wrong. The first is right as far as the inventory
// is whole, which ARCHITECTURE.md has figures for.
func (a *analysis) consistent(c *cell) (x consistency) {
	if !c.measured() || c.name == nil {
		return x
	}
	k := a.kinOf(c.name)
	x.blind = k.blind
	var fit *cert
	for _, r := range k.leaves {
		if r.leaf.keyKind() != c.lengths.Key {
			continue
		}
		x.known++
		if slices.Contains(r.messages, c.lengths.Certificate) {
			x.fits++
			fit = r.leaf
		}
	}
	if x.fits == 1 && !x.blind && (a.tellsApart(fit, x) && a.whole(c.name) || bracketed(c, fit)) {
		x.leaf = fit
	}
	return x
}

// tellsApart reports whether the inventory holds the certificate and others for
// the name have other lengths.
func (a *analysis) tellsApart(l *cert, x consistency) bool {
	return a.stock != nil && x.known > 1 && a.stock.of(l).record != nil
}

// An inventory that lacks one certificate in two hundred keeps what it names
// right in 99 of 100 cases: ARCHITECTURE.md has the figures. That it lacks no
// more shows in what was seen, if that is enough.
const (
	wholeFrom = 200 // certificates seen
	lacksOf   = 200 // one in so many may be unknown to it
)

// delivery counts the certificates of servers that were seen, and those of them
// that the inventory lacks.
type delivery struct{ seen, lacks int }

// whole reports whether the inventory holds every certificate that was seen for
// the registrable domain of a name, and nearly every one of many in all.
func (a *analysis) whole(n *name) bool {
	if a.wholes == nil {
		a.wholes = a.deliveries()
	}
	all, own := a.wholes[""], a.wholes[registrable(n.text)]
	return all.seen >= wholeFrom && all.lacks*lacksOf <= all.seen && own.seen > 0 && own.lacks == 0
}

// deliveries counts by registrable domain, and in all under "".
func (a *analysis) deliveries() map[string]delivery {
	type leafOf struct {
		leaf   *cert
		domain string
	}
	out, counted := map[string]delivery{}, map[leafOf]bool{}
	count := func(l *cert, domain string) {
		if k := (leafOf{l, domain}); !counted[k] {
			counted[k] = true
			d := out[domain]
			d.seen++
			if !l.known || a.stock.of(l).record == nil {
				d.lacks++
			}
			out[domain] = d
		}
	}
	for _, n := range a.nameList {
		domain := registrable(n.text)
		for _, c := range n.cells {
			if l := c.leaf(); l != nil && !c.probe && !c.stray {
				count(l, "")
				count(l, domain)
			}
		}
	}
	return out
}

// bracketed reports whether the cell's endpoint presented the certificate for
// the name before the cell's handshakes and after them.
func bracketed(c *cell, l *cert) bool {
	var first, last time.Time
	for _, o := range c.endpoint.under(c.name) {
		if o.leaf() == l {
			widen(&first, &last, o.shown.first.time(), o.shown.last.time())
		}
	}
	return !first.IsZero() && !c.shown.first.time().Before(first) && !c.shown.last.time().After(last)
}

// lengthEvidence is what the record lengths of one use say, in the evidence of
// findings.
type lengthEvidence struct {
	Hostname   string `json:"hostname"`
	Endpoint   string `json:"endpoint"`
	Bytes      int    `json:"bytes"` // of the Certificate message
	Key        string `json:"key"`
	Handshakes uint64 `json:"handshakes"`
	// Known are the certificates that are known for the name with such a key,
	// Fits those of them that have the length.
	Known          int    `json:"known"`
	Fits           int    `json:"fits"`
	ConsistentWith string `json:"consistent_with,omitempty"`
	FirstSeen      string `json:"first_seen"`
	LastSeen       string `json:"last_seen"`
}

// lengthKey is a name at an endpoint, and the length of its hidden chain.
type lengthKey struct {
	use
	bytes int
	key   string
}

// lengthsIn lists what record lengths say of cells, and what they all say of
// the one certificate that they fit.
func (a *analysis) lengthsIn(cells []*cell) (list []lengthEvidence, all consistency) {
	groups := groupBy(cells, func(c *cell) (lengthKey, bool) {
		if !c.measured() || c.name == nil {
			return lengthKey{}, false
		}
		return lengthKey{useOf(c), c.lengths.Certificate, c.lengths.Key}, true
	})
	for i, g := range groups {
		x := a.consistentAll(g)
		if i == 0 {
			all = x
		} else if x.leaf != all.leaf {
			all = consistency{}
		}
		if i < maxListed {
			list = append(list, lengthEvidenceOf(g, x))
		}
	}
	if slices.ContainsFunc(cells, func(c *cell) bool { return c.chain == nil && (!c.measured() || c.name == nil) }) {
		all = consistency{} // of some, nothing is known
	}
	return list, all
}

// consistentAll is what several cells say together: nothing where they differ.
func (a *analysis) consistentAll(cells []*cell) consistency {
	x := a.consistent(cells[0])
	for _, c := range cells[1:] {
		if o := a.consistent(c); o.leaf != x.leaf {
			x.leaf = nil
		}
	}
	return x
}

func lengthEvidenceOf(g []*cell, x consistency) lengthEvidence {
	e := lengthEvidence{
		Hostname: g[0].name.text, Endpoint: g[0].endpoint.text(),
		Bytes: g[0].lengths.Certificate, Key: g[0].lengths.Key, Known: x.known, Fits: x.fits,
	}
	if x.leaf != nil {
		e.ConsistentWith = x.leaf.SHA256.String()
	}
	var first, last time.Time
	for _, c := range g {
		e.Handshakes += c.use
		widen(&first, &last, c.shown.first.time(), c.shown.last.time())
	}
	e.FirstSeen, e.LastSeen = stamp(first), stamp(last)
	return e
}

// addLengths tells in a finding about hidden certificates what record lengths
// say of them.
func (a *analysis) addLengths(f *discover.Finding, cells []*cell) {
	list, all := a.lengthsIn(cells)
	if len(list) == 0 {
		return
	}
	f.Evidence["lengths"] = list
	if all.leaf == nil {
		return
	}
	f.Evidence["consistent_with"] = all.leaf.SHA256.String()
	f.Evidence["fits"] = all.fits
	f.Evidence["known_by"] = knownByLengths
	f.Detail += fmt.Sprintf(" The lengths of the encrypted records are consistent with %s (%s, %s), and with no other of the %s known for it.",
		all.leaf.SHA256.Short(), clean(all.leaf.Issuer), endText(all.leaf, f.LastSeen), count(uint64(all.known), "certificate")) //nolint:gosec // a few
}

// Consistent goes over the inventory once and returns what the lengths of
// encrypted records say of its sightings: the certificate that a hidden chain's
// are consistent with, where one may be named; nil where none may anywhere.
// records may be nil.
func Consistent(inv *discover.Inventory, records *inventory.Result) (func(*discover.Sighting) (leaf discover.Fingerprint, ok bool), error) {
	a := newAnalysis(inv, nil, Config{Scope: Scope{All: true}, Inventory: records})
	if err := a.gather(); err != nil {
		return nil, err
	}
	a.settle()
	named := map[sightKey]*cert{}
	for _, c := range a.order {
		if c.lengths == nil || c.name == nil {
			continue
		}
		k := sightKey{c.endpoint.endpointKey, c.name.text, c.lengths.text}
		l := a.consistent(c).leaf
		if old, ok := named[k]; ok && old != l {
			l = nil
		}
		named[k] = l
	}
	maps.DeleteFunc(named, func(_ sightKey, l *cert) bool { return l == nil })
	if len(named) == 0 {
		return nil, nil
	}
	return func(s *discover.Sighting) (leaf discover.Fingerprint, ok bool) {
		if lengthsOf(s) == "" || s.Name != discover.NameValid {
			return leaf, false
		}
		l := named[sightKey{endpointKey{network: s.Network, target: s.Target, transport: s.Transport, server: s.Server}, s.Hostname, s.LengthEvidence}]
		if l == nil {
			return leaf, false
		}
		return l.SHA256, true
	}, nil
}

// sightKey is what sightings with the same lengths at the same place have in
// common.
type sightKey struct {
	endpointKey
	hostname, lengths string
}
