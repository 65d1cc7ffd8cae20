package coverage

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"blindspot/discover"
	"blindspot/discover/inventory"
)

func init() { register(kind{name: "stale-certificate", rank: 13, find: findStale}) }

// findStale finds endpoints that still serve a certificate which a newer one
// has replaced: on other endpoints of the same name, or in the inventory. It
// is one finding for a certificate in a surface.
//
// The newer one must begin a day later, or a third of a short life, end later,
// and be for all the names. It must not appear for what is no split-deployment
// either: pairs, rotations within the grace, ephemeral certificates, edges and
// backends, servers of other networks. By the inventory, it must not appear
//   - within a day of the renewal, unless the old one has ended;
//   - where the endpoint was seen to change to a newer one;
//   - where the inventory holds the old one as current, too, and the newer one is
//     of another authority, for other targets, or seen in use elsewhere: then
//     they are two deployments.
//
// Beside it, expired-certificate stays where clients met the old one after its
// end, and split-deployment where both are served on one port: each is true by
// itself, and asks for another thing to be done.
func findStale(a *analysis) []discover.Finding {
	found := map[leafKey]*stale{}
	var order []leafKey
	get := func(k leafKey) *stale {
		if found[k] == nil {
			found[k] = &stale{old: k.leaf}
			order = append(order, k)
		}
		return found[k]
	}
	for _, n := range a.nameList {
		for _, s := range a.servedOf(n, false) {
			s.outdated(func(old, renewed *cert, behind, news []*showing) {
				get(leafKey{old, s.surface}).add(renewed, behind, news)
			})
		}
	}
	if a.stock != nil {
		for _, cells := range groupBy(a.order, func(c *cell) (leafKey, bool) {
			l := c.leaf()
			return leafKey{l, c.surface}, l != nil && l.known && c.shows()
		}) {
			if r, behind := a.replacedInStock(cells); r != nil {
				s := get(leafKey{cells[0].leaf(), cells[0].surface})
				s.record = r
				s.add(nil, behind, nil)
			}
		}
	}
	var out []discover.Finding
	for _, k := range order {
		out = append(out, a.staleFinding(found[k]))
	}
	return out
}

// stale is a certificate that a newer one has replaced.
type stale struct {
	old     *cert
	renewed *cert             // seen in traffic, nil for none
	record  *inventory.Record // in the inventory, nil for none
	behind  []*showing        // still serve the old one
	news    []*showing        // serve the newer one
}

func (s *stale) add(renewed *cert, behind, news []*showing) {
	if renewed != nil && (s.renewed == nil || older(s.renewed, renewed) < 0) {
		s.renewed = renewed
	}
	for _, w := range behind {
		if !slices.ContainsFunc(s.behind, w.same) {
			s.behind = append(s.behind, w)
		}
	}
	s.news = append(s.news, news...)
}

// same reports whether two showings are of the same name at the same endpoint.
func (s *showing) same(o *showing) bool {
	return s.endpoint == o.endpoint && s.leaf == o.leaf && s.cells[0].name == o.cells[0].name
}

// outdated yields the certificates that are replaced by another one.
func (s *served) outdated(yield func(old, renewed *cert, behind, news []*showing)) {
	leaves := s.leaves()
	for i, old := range leaves {
		if old.isEphemeral() {
			continue
		}
		for j := len(leaves) - 1; j > i; j-- {
			renewed := leaves[j]
			if !renews(old, renewed) || !renewed.NotAfter.After(old.NotAfter) || !coversAll(renewed, old) {
				continue
			}
			r, behind := s.relate(old, renewed)
			if r == together {
				yield(old, renewed, behind, s.of(renewed))
				break
			}
		}
	}
}

// coversAll reports whether the newer certificate is for all names of the old one.
func coversAll(renewed, old *cert) bool {
	return !slices.ContainsFunc(old.names, func(n string) bool {
		return !slices.Contains(renewed.names, n) && (strings.HasPrefix(n, "*.") || renewed.fits(n) != discover.Yes)
	})
}

// replacedInStock returns the record that replaces the cells' certificate, and
// where the old one is still served.
func (a *analysis) replacedInStock(cells []*cell) (*inventory.Record, []*showing) {
	old := cells[0].leaf()
	if old.isEphemeral() {
		return nil, nil
	}
	r := a.stock.newerThan(old)
	if r == nil || !a.succeeds(r, old) {
		return nil, nil
	}
	var behind []*showing
	for _, g := range groupBy(cells, func(c *cell) (use, bool) { return useOf(c), true }) {
		w := &showing{leaf: old, endpoint: g[0].endpoint, cells: g}
		for _, c := range g {
			widen(&w.first, &w.last, c.shown.first.time(), c.shown.last.time())
		}
		ended := !old.NotAfter.IsZero() && w.last.After(old.NotAfter.Add(clockSkew))
		late := !r.NotBefore.IsZero() && w.last.After(r.NotBefore.Add(settling))
		if (ended || late) && !a.changed(w) {
			behind = append(behind, w)
		}
	}
	if len(behind) == 0 {
		return nil, nil
	}
	return r, behind
}

// succeeds reports whether a record is the successor of this certificate, and
// not of another deployment for the same names.
func (a *analysis) succeeds(r *inventory.Record, old *cert) bool {
	own := a.stock.of(old).record
	switch {
	case own != nil && own.Replaces != "" && own.Replaces == r.Replaces && own.Source == r.Source:
		return true
	case own != nil && !own.Current:
		return true
	case r.Issuer != "" && r.Issuer != old.Issuer && issuerName(r.Issuer) != issuerName(old.Issuer):
		return false
	case own == nil:
		return true
	case len(own.Targets) > 0 && len(r.Targets) > 0 && !slices.ContainsFunc(own.Targets, func(t string) bool { return slices.Contains(r.Targets, t) }):
		return false
	}
	return !a.delivered().has(r)
}

// issuerName is the common name of an issuer, or the whole text.
func issuerName(dn string) string {
	for part := range strings.SplitSeq(dn, ",") {
		if name, ok := strings.CutPrefix(strings.TrimSpace(part), "CN="); ok {
			return name
		}
	}
	return dn
}

// changed reports whether the endpoint was seen with a newer certificate for
// the name after the old one.
func (a *analysis) changed(w *showing) bool {
	for _, c := range w.endpoint.under(w.cells[0].name) {
		if l := c.leaf(); l != nil && l != w.leaf && l.known && l.NotBefore.After(w.leaf.NotBefore) && !c.shown.last.time().Before(w.last) {
			return true
		}
	}
	return false
}

func (a *analysis) staleFinding(s *stale) discover.Finding {
	cells := preferShown(cellsOf(s.behind))
	f := a.shownFinding("stale-certificate", cells)
	f.Endpoints = bounded(places(s.behind), maxEndpoints)
	ended := !s.old.NotAfter.IsZero() && f.LastSeen.After(s.old.NotAfter.Add(clockSkew))
	f.Severity = pick(ended && material(&f), true)
	state := "the certificate that expires on " + date(s.old.NotAfter)
	if ended {
		state = "the certificate that expired on " + date(s.old.NotAfter)
	}
	what := f.Hostname
	if what == "" {
		what = describe(s.old)
	}
	still := "still serves"
	if len(f.Endpoints) > 1 {
		still = "still serve"
	}
	sees := a.checkSees(cellsOf(append(slices.Clone(s.behind), s.news...)))
	f.Detail = fmt.Sprintf("%s was renewed%s (%s); %s %s %s, last seen %s: %s%s.",
		what, s.renewedOn(), s.whereNew(), some(f.Endpoints), still, state, stamp(f.LastSeen), a.howUsed(&f, cells), seesText(sees))
	f.Remedy = shows(fmt.Sprintf("Load the new certificate at %s and reload what serves it there; %s.", some(f.Endpoints), s.check()), cells)
	a.staleEvidence(&f, s)
	if len(sees) > 0 {
		f.Evidence["check_sees"] = sees
	}
	return f
}

// renewedOn is " on 2026-11-17", or nothing where the inventory does not say.
func (s *stale) renewedOn() string {
	switch {
	case s.renewed != nil:
		return " on " + date(s.renewed.NotBefore)
	case !s.record.NotBefore.IsZero():
		return " on " + date(s.record.NotBefore)
	}
	return ""
}

// whereNew says how the newer certificate is known.
func (s *stale) whereNew() string {
	if s.renewed != nil {
		return fmt.Sprintf("%s, served by %s since %s", s.renewed.SHA256.Short(), some(places(s.news)), stamp(earliest(s.news)))
	}
	return "by the inventory, " + s.record.Ref
}

func (s *stale) check() string {
	if s.renewed != nil {
		return "compare with what " + places(s.news)[0] + " serves"
	}
	return "the new one is in the inventory at " + s.record.Ref
}

func (a *analysis) staleEvidence(f *discover.Finding, s *stale) {
	f.Evidence["still_old"] = showingsOf(s.behind)
	if s.renewed != nil {
		f.Evidence["already_new"] = showingsOf(s.news)
		f.Evidence["newer"] = s.renewed.SHA256.String()
		f.Evidence["newer_not_before"] = stamp(s.renewed.NotBefore)
		f.Evidence["newer_not_after"] = stamp(s.renewed.NotAfter)
	}
	if s.record != nil {
		f.Evidence["inventory"] = evidenceOf(s.record)
		if f.Owner == "" {
			f.Owner = a.stock.owner(s.record)
		}
		if s.renewed == nil && !s.record.SHA256.IsZero() {
			f.Evidence["newer"] = s.record.SHA256.String()
		}
	}
}

// date writes the day of a date.
func date(t time.Time) string { return t.UTC().Format(time.DateOnly) }
