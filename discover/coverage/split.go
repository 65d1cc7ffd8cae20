package coverage

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"blindspot/discover"
)

func init() { register(kind{name: "split-deployment", rank: 12, find: findSplits}) }

// findSplits finds names that several certificates are served for, on one port
// within one surface and network, by endpoints that were active in the same
// window. Names with the same certificates at the same place are one finding.
//
// It must not appear
//   - for the halves of an RSA/ECDSA pair: the same names, other key types, both
//     valid;
//   - for a rotation: every endpoint that showed the old certificate later shows
//     the new one, or was last seen with it within the grace. Where the new one is
//     hardly a day old and no endpoint was seen to change, it is a notice;
//   - for ephemeral certificates (a week at most) of one issuer and key type;
//   - where one endpoint gives one certificate to some clients and another to
//     others, which it does by who they are;
//   - for an edge and its backends: where the one is a client of the other, or
//     passes handshakes on to it, and, where no configured surface matches, for
//     endpoints of different networks and issuers, or without a common client;
//   - for a certificate that does not fit the name, which is a name-mismatch; for
//     what is behind a proxy; for what only checks or scanners met.
//
// Different valid certificates of one issuer for the same names on different
// endpoints are a split: one of them ends first.
//
// Where certificates are hidden, the lengths of their records tell; see
// lengthSplits.
func findSplits(a *analysis) []discover.Finding {
	groups := map[string]*split{}
	told := map[placeKey]bool{}
	var order []*split
	for _, n := range a.nameList {
		for _, s := range a.servedOf(n, true) {
			x := s.split()
			if x == nil {
				continue
			}
			told[placeKey{n, servedKey{s.surface, x.showings[0].endpoint.network, x.showings[0].endpoint.port()}}] = true
			if g := groups[x.key]; g != nil {
				g.showings = append(g.showings, x.showings...)
				g.fresh = g.fresh && x.fresh
				continue
			}
			groups[x.key] = x
			order = append(order, x)
		}
	}
	var out []discover.Finding
	for _, x := range order {
		out = append(out, a.splitFinding(x))
	}
	return append(out, a.lengthSplits(told)...)
}

// split is a set of certificates that are served together.
type split struct {
	key      string
	leaves   []*cert // oldest first
	showings []*showing
	fresh    bool // the newest may be on its way
}

func (s *served) split() *split {
	leaves := s.leaves()
	in := map[*cert]bool{}
	x := &split{fresh: true}
	for i, old := range leaves {
		for _, renewed := range leaves[i+1:] {
			r, _ := s.relate(old, renewed)
			if r == apart {
				continue
			}
			in[old], in[renewed] = true, true
			x.fresh = x.fresh && r == fresh
		}
	}
	if len(in) == 0 {
		return nil
	}
	x.key = fmt.Sprint(s.surface, " ", s.showings[0].endpoint.network, " ", s.showings[0].endpoint.port())
	for _, l := range leaves {
		if in[l] {
			x.leaves = append(x.leaves, l)
			x.showings = append(x.showings, s.of(l)...)
			x.key += " " + l.SHA256.String()
		}
	}
	x.key += " " + strings.Join(places(x.showings), " ")
	return x
}

// splitCertificate is one of the certificates, in the evidence.
type splitCertificate struct {
	SHA256    string            `json:"sha256"`
	Subject   string            `json:"subject"`
	Issuer    string            `json:"issuer"`
	NotBefore string            `json:"not_before"`
	NotAfter  string            `json:"not_after"`
	Endpoints []showingEvidence `json:"endpoints"`
}

func (a *analysis) splitFinding(x *split) discover.Finding {
	f := a.shownFinding("split-deployment", preferShown(cellsOf(x.showings)))
	f.Endpoints = bounded(places(x.showings), maxEndpoints)
	f.Severity = pick(false, !x.fresh && !a.public(x))
	var parts []string
	var certs []splitCertificate
	for _, l := range bounded(x.leaves, maxServed) {
		var own []*showing
		for _, w := range x.showings {
			if w.leaf == l {
				own = append(own, w)
			}
		}
		parts = append(parts, fmt.Sprintf("%s (%s, %s) at %s", l.SHA256.Short(), clean(l.Issuer), endText(l, f.LastSeen), some(places(own))))
		certs = append(certs, splitCertificate{l.SHA256.String(), describe(l), clean(l.Issuer), stamp(l.NotBefore), stamp(l.NotAfter), showingsOf(own)})
	}
	port := x.showings[0].endpoint.port()
	f.Detail = fmt.Sprintf("%s on port %d is served with %d certificates at the same time: %s: %s",
		f.Hostname, port, len(x.leaves), strings.Join(bounded(parts, maxShownLeaves), "; "), a.splitUse(&f, x))
	if x.fresh {
		f.Detail += "; the newest is hardly a day old and may be on its way"
	}
	sees := a.checkSees(cellsOf(x.showings))
	f.Detail += seesText(sees) + "."
	newest := x.leaves[len(x.leaves)-1]
	f.Remedy = shows(fmt.Sprintf("Load the newest certificate (%s, %s) at all of %s, and reload them.", newest.SHA256.Short(), endText(newest, f.LastSeen), some(f.Endpoints)),
		x.oldestCells())
	f.Evidence["port"] = port
	f.Evidence["certificates"] = certs
	if len(sees) > 0 {
		f.Evidence["check_sees"] = sees
	}
	return f
}

// maxShownLeaves is how many certificates a sentence tells apart.
const maxShownLeaves = 4

func (x *split) oldestCells() []*cell {
	return preferShown(filter(cellsOf(x.showings), func(c *cell) bool { return c.leaf() == x.leaves[0] }))
}

// preferShown leaves out what only checks met, where there is other use.
func preferShown(cells []*cell) []*cell {
	if shown := filter(cells, (*cell).shows); len(shown) > 0 {
		return shown
	}
	return cells
}

func (a *analysis) splitUse(f *discover.Finding, x *split) string {
	if f.Handshakes == 0 {
		return a.howUsed(f, cellsOf(x.showings))
	}
	return used(f)
}

// public reports whether the endpoints are outside of private address space
// and no configured surface says whose they are: somebody may run them for us.
func (a *analysis) public(x *split) bool {
	return !a.configured(x.showings[0].cells[0].surface) && !slices.ContainsFunc(x.showings, func(w *showing) bool {
		return slices.ContainsFunc(privateSpace, func(p netip.Prefix) bool { return p.Contains(w.endpoint.server.Addr().Unmap()) })
	})
}
