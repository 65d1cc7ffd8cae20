package coverage

import (
	"fmt"
	"slices"

	"blindspot/discover"
)

func init() { register(kind{name: "hidden-certificate", rank: 18, find: findHidden}) }

// findHidden finds use whose certificate the wire hides (TLS 1.3, resumption)
// and that nothing else vouches for. It is one notice for each surface.
//
// It must not appear where a check covers the name or the address; where the
// same name showed its certificate on the same endpoint in another handshake,
// the checks' included; for handshakes that have no certificate by design, or
// whose certificate the sensor missed or another sensor's log does not name
// (that is in the report's head).
func findHidden(a *analysis) []discover.Finding {
	var out []discover.Finding
	for _, cells := range groupBy(a.sifted.hidden, func(c *cell) (int, bool) {
		return c.surface, (c.name != nil || c.kind == discover.NameNone) && !a.covered(c) && !shownElse(c) &&
			!(c.name == nil && a.vouchedByName(c))
	}) {
		out = append(out, a.hidden(cells))
	}
	return out
}

// shownElse reports whether the cell's endpoint showed a certificate for the
// same name in other handshakes.
func shownElse(c *cell) bool {
	return slices.ContainsFunc(c.endpoint.under(c.name), func(o *cell) bool { return o.leaf() != nil })
}

// use is a name at an endpoint.
type use struct {
	name     *name
	endpoint *endpoint
}

func useOf(c *cell) use { return use{c.name, c.endpoint} }

func (a *analysis) hidden(cells []*cell) discover.Finding {
	f := a.finding("hidden-certificate", cells)
	f.Severity = discover.Notice
	list := nameCounts(cells)
	what := some(f.Endpoints)
	if len(list) > 0 {
		what = some(names(list))
	}
	if len(list) > 1 {
		f.Hostname = "" // it is about the surface, not about one name
	}
	f.Detail = fmt.Sprintf("The certificate that clients get from %s cannot be seen on the wire, and no check vouches for it: %s.", what, used(&f))
	f.Remedy = shows("Add checks of these names, so that something looks at their certificates.", cells)
	entries, total := hiddenUses(cells)
	f.Evidence["hidden"] = entries
	f.Evidence["hidden_total"] = total
	reasons := map[string]uint64{}
	for _, c := range cells {
		reasons[c.known] += c.use
	}
	f.Evidence["reasons"] = reasons
	a.addLengths(&f, cells)
	return f
}

// hiddenUse is a name and endpoint in the evidence.
type hiddenUse struct {
	Hostname   string `json:"hostname"`
	Endpoint   string `json:"endpoint"`
	Handshakes uint64 `json:"handshakes"`
}

// hiddenUses lists the first maxListed uses of cells and counts them all.
func hiddenUses(cells []*cell) (list []hiddenUse, total int) {
	groups := groupBy(cells, func(c *cell) (use, bool) { return useOf(c), true })
	for _, g := range bounded(groups, maxListed) {
		e := hiddenUse{Endpoint: g[0].endpoint.text()}
		if g[0].name != nil {
			e.Hostname = g[0].name.text
		}
		for _, c := range g {
			e.Handshakes += c.use
		}
		list = append(list, e)
	}
	return list, len(groups)
}
