package coverage

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"blindspot/discover"
)

func init() {
	register(kind{name: "expired-certificate", rank: 5, find: findExpired})
	register(kind{name: "not-yet-valid-certificate", rank: 7, find: findNotYetValid})
}

// idle is how long before now a certificate of a live store has to have been
// in use to count as in use still.
const idle = 24 * time.Hour

// findExpired finds certificates that servers presented after their end: the
// leaf, an intermediate served with it, or a client's.
//
// It must not appear for a certificate that nobody met after its end; for one
// that only scanners met; within clockSkew; for a root, which clients have a
// copy of their own of; for an intermediate that was served in a version that
// is still valid, or that the path does not name. A handshake that the client
// then refused counts: the server presented it. Where only the checks met it,
// it is a notice. Where the traffic goes on (Live), a certificate that ended
// since its last use is expired too, unless it is short-lived, was last used
// more than a day ago, or has a successor on its endpoint.
func findExpired(a *analysis) []discover.Finding {
	var out []discover.Finding
	for _, cells := range a.byLeaf(phaseExpired) {
		out = append(out, a.outside("expired-certificate", cells))
	}
	if a.inv.Live {
		for _, cells := range groupBy(a.order, a.endedSince) {
			out = append(out, a.endedFinding(cells))
		}
	}
	for _, cells := range groupBy(a.sifted.outside, func(c *cell) (leafKey, bool) {
		if c.phase != phaseIntermediate || !c.real() {
			return leafKey{}, false
		}
		return leafKey{c.chain.weakest, c.surface}, true
	}) {
		out = append(out, a.intermediate(cells))
	}
	for _, cells := range groupBy(a.sifted.certified, func(c *cell) (leafKey, bool) {
		if !c.clientExpired || !c.real() {
			return leafKey{}, false
		}
		return leafKey{c.client.leaf, c.surface}, true
	}) {
		out = append(out, a.expiredClient(cells))
	}
	return out
}

// findNotYetValid finds certificates presented before their beginning. It must
// not appear for one that was first used after it, nor within clockSkew.
func findNotYetValid(a *analysis) []discover.Finding {
	var out []discover.Finding
	for _, cells := range a.byLeaf(phaseNotYet) {
		out = append(out, a.outside("not-yet-valid-certificate", cells))
	}
	return out
}

// byLeaf groups the cells of a phase: clients' use, or, where there is none of
// a certificate in a surface, the checks'.
func (a *analysis) byLeaf(p phase) [][]*cell {
	groups := groupBy(a.sifted.outside, func(c *cell) (leafKey, bool) {
		return leafKey{c.leaf(), c.surface}, c.phase == p && (c.real() || c.use == 0 && c.checks > 0 || c.vouches)
	})
	for i, cells := range groups {
		if real := filter(cells, func(c *cell) bool { return c.real() || c.vouches }); len(real) > 0 {
			groups[i] = real
		}
	}
	return groups
}

func (a *analysis) outside(kind string, cells []*cell) discover.Finding {
	f := a.shownFinding(kind, cells)
	l := cells[0].leaf()
	used := f.Handshakes > 0 || slices.ContainsFunc(cells, func(c *cell) bool { return c.vouches })
	f.Severity = pick(used && (material(&f) || a.unmonitoredAny(cells) && !slight(&f)), used)
	f.Detail = outsideDetail(&f, l, cells)
	f.Remedy = shows(outsideRemedy(&f, l, cells), cells)
	f.Evidence["outcomes"] = outcomes(cells)
	f.Evidence["monitored"] = !a.unmonitoredAny(cells)
	if kind == "expired-certificate" {
		f.Evidence["role"] = "leaf"
		f.Evidence["expired_for_seconds"] = int64(f.LastSeen.Sub(l.NotAfter) / time.Second)
	}
	return f
}

// unmonitoredAny reports whether a name, or an endpoint without one, has no check.
func (a *analysis) unmonitoredAny(cells []*cell) bool {
	return slices.ContainsFunc(cells, func(c *cell) bool { return !a.covered(c) })
}

func outsideDetail(f *discover.Finding, l *cert, cells []*cell) string {
	when := fmt.Sprintf("expired on %s", stamp(l.NotAfter))
	since := fmt.Sprintf("%s later", span(f.LastSeen.Sub(l.NotAfter)))
	if f.Kind == "not-yet-valid-certificate" {
		when = fmt.Sprintf("is not valid before %s", stamp(l.NotBefore))
		since = fmt.Sprintf("%s early", span(l.NotBefore.Sub(f.FirstSeen)))
	}
	text := fmt.Sprintf("%s %s a certificate (%s) that %s, seen up to %s: ",
		where(f), verb(f, "presents", "present"), describe(l), when, since)
	if f.Handshakes == 0 {
		return text + metBy(cells) + "."
	}
	return text + used(f) + ", " + behaviour(cells) + "."
}

// behaviour says what clients did with a certificate.
func behaviour(cells []*cell) string {
	o := outcomes(cells)
	on, refused := o[string(discover.Established)], o[string(discover.RefusedByClient)]
	switch {
	case refused == 0 && on == 0:
		return "how they ended was not seen"
	case refused == 0:
		return "and clients went on"
	case on == 0:
		return "and clients refused it"
	}
	return fmt.Sprintf("%d went on and %d were refused by clients", on, refused)
}

func outcomes(cells []*cell) map[string]uint64 {
	out := map[string]uint64{}
	for _, c := range cells {
		if c.use > 0 {
			out[string(c.outcome)] += c.use
		}
	}
	return out
}

func outsideRemedy(f *discover.Finding, l *cert, cells []*cell) string {
	if f.Kind == "not-yet-valid-certificate" {
		return fmt.Sprintf("Serve the previous certificate until %s, or correct the clock of the server or issuer.", stamp(l.NotBefore))
	}
	text := fmt.Sprintf("Renew the certificate and load it at %s; make sure that the server reloads it.", some(f.Endpoints))
	if c := mostUsed(cells); c.name != nil && c.name.cover.none() {
		text += fmt.Sprintf(" Then add a check of %s:%d.", c.name.text, c.endpoint.port())
	}
	return text
}

// endedSince finds, in a live store, use that a certificate's end has overtaken.
func (a *analysis) endedSince(c *cell) (leafKey, bool) {
	l := c.leaf()
	if l == nil || !c.real() || c.phase != phaseValid || !l.known || l.NotAfter.IsZero() ||
		!a.at.After(l.NotAfter.Add(clockSkew)) || a.shortLived(l) || a.at.Sub(c.met.last.time()) > idle {
		return leafKey{}, false
	}
	met := func(o *cell) bool { return o.leaf() == l && o.phase == phaseExpired }
	if slices.ContainsFunc(c.endpoint.under(c.name), met) || a.replaced(c) {
		return leafKey{}, false
	}
	return leafKey{l, c.surface}, true
}

func (a *analysis) endedFinding(cells []*cell) discover.Finding {
	f := a.finding("expired-certificate", cells)
	l := cells[0].leaf()
	f.Severity = discover.Warning
	f.Detail = fmt.Sprintf("The certificate (%s) of %s expired on %s and was in use until %s before: %s; no other has been seen there.",
		describe(l), where(&f), stamp(l.NotAfter), span(l.NotAfter.Sub(f.LastSeen)), used(&f))
	f.Remedy = shows(outsideRemedy(&f, l, cells), cells)
	f.Evidence["role"] = "leaf"
	f.Evidence["outcomes"] = outcomes(cells)
	return f
}

func (a *analysis) intermediate(cells []*cell) discover.Finding {
	f := a.shownFinding("expired-certificate", cells)
	w := cells[0].chain.weakest
	direct := slices.ContainsFunc(cells, func(c *cell) bool { return c.chain.direct })
	f.Severity = pick(false, direct)
	f.Detail = fmt.Sprintf("%s %s an intermediate (%s) that expired on %s, %s before its last use: %s, %s.",
		where(&f), verb(&f, "serves", "serve"), clean(w.Subject), stamp(w.NotAfter), span(f.LastSeen.Sub(w.NotAfter)), used(&f), behaviour(cells))
	f.Remedy = shows(fmt.Sprintf("Replace the intermediate in the chain file at %s with its issuer's current one.", some(f.Endpoints)), cells)
	f.Evidence["role"] = "intermediate"
	f.Evidence["intermediate"] = w.SHA256.String()
	f.Evidence["intermediate_not_after"] = stamp(w.NotAfter)
	f.Evidence["outcomes"] = outcomes(cells)
	return f
}

func (a *analysis) expiredClient(cells []*cell) discover.Finding {
	f := a.finding("expired-certificate", cells)
	l := cells[0].client.leaf
	f.Severity = discover.Warning
	f.Certificate = l.SHA256.String()
	forgetLooks(&f)
	o := outcomes(cells)
	did := "and the server went on"
	if o[string(discover.RefusedByServer)] > 0 {
		did = "and the server refused"
		if o[string(discover.Established)] > 0 {
			did = "which the server refused in part"
		}
	}
	f.Detail = fmt.Sprintf("Clients present to %s a client certificate (%s) that expired on %s, %s: %s.",
		where(&f), describe(l), stamp(l.NotAfter), did, used(&f))
	f.Remedy = "Renew the client certificate at " + some(clientTexts(cells)) + ", and let the server refuse expired ones."
	f.Evidence["role"] = "client"
	f.Evidence["subject"] = describe(l)
	f.Evidence["issuer"] = clean(l.Issuer)
	f.Evidence["not_before"] = stamp(l.NotBefore)
	f.Evidence["not_after"] = stamp(l.NotAfter)
	f.Evidence["clients"] = clientTexts(cells)
	f.Evidence["outcomes"] = o
	return f
}

// clientTexts lists the clients of cells that are known one by one, most
// handshakes first.
func clientTexts(cells []*cell) []string {
	sum := map[netip.Prefix]uint64{}
	for _, c := range cells {
		for _, e := range c.clients.Exact {
			sum[e.Addr] += e.Count
		}
	}
	list := slices.SortedFunc(maps.Keys(sum), func(x, y netip.Prefix) int {
		return cmp.Or(cmp.Compare(sum[y], sum[x]), x.Addr().Compare(y.Addr()))
	})
	list = bounded(list, maxListed)
	out := make([]string, len(list))
	for i, p := range list {
		out[i] = clientText(p)
	}
	return out
}
