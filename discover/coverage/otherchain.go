package coverage

import (
	"fmt"
	"slices"

	"blindspot/discover"
)

// otherChain finds a name whose checks see a certificate, by the monitors' own
// word, that no endpoint which clients reach on the checks' port presents.
//
// It must not appear where one of the checks does not say what it sees, where
// what it sees is not known from traffic or inventory, where an endpoint of
// the name on that port hides its certificate, for the halves of a pair and
// short-lived certificates of one issuer, nor where the monitor may have looked
// before the one was installed, or after.
func (a *analysis) otherChain(n *name) (discover.Finding, bool) {
	none := discover.Finding{}
	var seen []*cert
	for _, k := range n.cover.strong {
		if k.sees.IsZero() {
			return none, false
		}
		c := a.sighted(k.sees)
		if c == nil {
			return none, false
		}
		seen = append(seen, c)
	}
	cells := filter(n.cells, func(c *cell) bool { return c.real() && n.cover.on(c.endpoint.port()) })
	var shown []*cell
	for _, g := range groupBy(cells, func(c *cell) (*endpoint, bool) { return c.endpoint, true }) {
		visible := filter(g, func(c *cell) bool { return c.leaf() != nil && c.leaf().known })
		if len(visible) == 0 {
			return none, false
		}
		shown = append(shown, visible...)
	}
	if len(shown) == 0 || slices.ContainsFunc(shown, func(c *cell) bool {
		return slices.ContainsFunc(seen, func(s *cert) bool { return !a.differ(s, c.leaf()) || looked(s, c) })
	}) {
		return none, false
	}
	f := a.finding("unmonitored-endpoint", shown)
	f.Severity = pick(outOfValidity(shown), true)
	k, l := n.cover.strong[0], topLeaf(shown)
	f.Detail = fmt.Sprintf("The check of %s (%s) sees the certificate %s (%s), and clients at %s get %s (%s, %s): %s.",
		n.text, k.Ref, seen[0].SHA256.Short(), clean(seen[0].Issuer), some(f.Endpoints), l.SHA256.Short(), clean(l.Issuer), endText(l, f.LastSeen), used(&f))
	f.Remedy = shows(fmt.Sprintf("Find out where the check at %s ends up (its resolver, its address), and check %s at the addresses that clients reach.", k.Ref, n.text), shown)
	f.Evidence["checks"] = refs(n.cover.strong)
	f.Evidence["reason"] = "chain"
	a.addSees(&f, shown)
	return f, true
}

// looked reports whether the monitor may have looked at another time: the one
// certificate ended before the traffic, or began after it.
func looked(s *cert, c *cell) bool {
	return s.NotBefore.After(c.shown.first.time()) || !s.NotAfter.IsZero() && s.NotAfter.Before(c.shown.last.time())
}
