package coverage

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"blindspot/discover"
)

func init() {
	register(kind{name: "unmonitored-hostname", rank: 1, find: findUnmonitoredHostnames})
}

// maxSeparate is how many names of one certificate, or of one endpoint whose
// certificate was not seen, are findings of their own.
const maxSeparate = 20

// findUnmonitoredHostnames finds names that clients use and no check names.
//
// It must not appear for names that only the checks use, that no server went
// on with, that scanners or stray clients asked for (probe.go), that are out of
// scope, or that any check is about, however weakly: those are weak-check or
// unmonitored-endpoint. Names that share a wildcard of one certificate are one
// finding; so are names past maxSeparate under one parent domain.
func findUnmonitoredHostnames(a *analysis) []discover.Finding {
	var list []*name
	for _, n := range a.nameList {
		if n.use > 0 && n.cover.none() {
			list = append(list, n)
		}
	}
	var out []discover.Finding
	for _, g := range groupNames(list) {
		out = append(out, a.unmonitored(g))
	}
	return out
}

// nameGroup is what makes names one finding. Exactly one of the fields after
// surface tells them apart.
type nameGroup struct {
	surface  int
	leaf     *cert
	endpoint *endpoint
	pattern  string
	name     *name
}

// groupNames puts names together that are one deployment.
func groupNames(list []*name) [][]*name {
	groups := groupNamesBy(list, wildcardGroup)
	groups = regroup(groups, parentGroup)
	return regroup(groups, endpointGroup)
}

// regroup groups the names that still are alone by a coarser key, where that
// key has more than maxSeparate of them.
func regroup(groups [][]*name, key func(*name) nameGroup) [][]*name {
	var out [][]*name
	var single []*name
	for _, g := range groups {
		if len(g) > 1 {
			out = append(out, g)
		} else {
			single = append(single, g[0])
		}
	}
	for _, g := range groupNamesBy(single, key) {
		if len(g) > maxSeparate {
			out = append(out, g)
			continue
		}
		for _, n := range g {
			out = append(out, []*name{n})
		}
	}
	return out
}

func groupNamesBy(list []*name, key func(*name) nameGroup) [][]*name {
	var out [][]*name
	at := map[nameGroup]int{}
	for _, n := range list {
		k := key(n)
		i, ok := at[k]
		if !ok {
			i = len(out)
			at[k] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], n)
	}
	return out
}

// wildcardGroup is the wildcard of a certificate that a name is served by, or,
// where its certificate was not seen, of one seen on its endpoint.
func wildcardGroup(n *name) nameGroup {
	cells := n.realCells()
	top := mostUsed(cells)
	candidates := top.endpoint.leaves
	if l := topLeaf(cells); l != nil {
		candidates = []*cert{l}
	}
	for _, l := range candidates {
		if w := l.wildcardOf(n.text); w != "" {
			return nameGroup{surface: top.surface, leaf: l, pattern: w}
		}
	}
	return nameGroup{name: n}
}

// wildcardOf returns the wildcard by which alone c covers host, "" for none.
func (c *cert) wildcardOf(host string) string {
	_, parent, _ := strings.Cut(host, ".")
	wild := ""
	for _, p := range c.names {
		switch p {
		case host:
			return ""
		case "*." + parent:
			wild = p
		}
	}
	return wild
}

func parentGroup(n *name) nameGroup {
	cells := n.realCells()
	top := mostUsed(cells)
	return nameGroup{surface: top.surface, leaf: topLeaf(cells), endpoint: top.endpoint, pattern: registrable(n.text)}
}

func endpointGroup(n *name) nameGroup {
	top := mostUsed(n.realCells())
	return nameGroup{surface: top.surface, endpoint: top.endpoint}
}

func (n *name) realCells() []*cell { return filter(n.cells, (*cell).real) }

func (a *analysis) unmonitored(group []*name) discover.Finding {
	var cells []*cell
	for _, n := range group {
		cells = append(cells, n.realCells()...)
	}
	f := a.finding("unmonitored-hostname", cells)
	broken := outOfValidity(cells)
	vouchers := a.vouchersOf(cells)
	f.Severity = pick(broken && !slight(&f), broken || !slight(&f) && len(vouchers) == 0)
	top := mostUsed(cells)
	touching := a.touching(cells)
	f.Detail = unmonitoredDetail(&f, cells, len(group), touching, vouchers)
	f.Remedy = shows(unmonitoredRemedy(&f, cells, touching), cells)
	f.Evidence["port"] = top.endpoint.port()
	if len(group) > 1 {
		f.Evidence["pattern"] = wildcardGroup(group[0]).pattern
	}
	if len(touching) > 0 {
		f.Evidence["touched_by"] = refs(touching)
	}
	if len(vouchers) > 0 {
		f.Evidence["same_certificate_checked_by"] = refs(vouchers)
	}
	return f
}

// vouchersOf are checks of other names that see, on each of the endpoints, the
// very certificate that clients of these names get; nil where one cell lacks it.
func (a *analysis) vouchersOf(cells []*cell) []*check {
	var out []*check
	for _, c := range cells {
		k := a.vouchers[leafAt{c.leaf(), c.endpoint}]
		if k == nil {
			return nil
		}
		if !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}

// touching are checks that go to one of the endpoints by its address, for no name.
func (a *analysis) touching(cells []*cell) []*check {
	var out []*check
	seen := map[*endpoint]bool{}
	for _, c := range cells {
		if seen[c.endpoint] {
			continue
		}
		seen[c.endpoint] = true
		for _, k := range a.checks.dialling(c.endpoint) {
			if k.Hostname == "" && !slices.Contains(out, k) {
				out = append(out, k)
			}
		}
	}
	return out
}

func unmonitoredDetail(f *discover.Finding, cells []*cell, n int, touching, vouchers []*check) string {
	what := f.Hostname + " is"
	if n > 1 {
		what = fmt.Sprintf("%d names of one deployment (%s) are", n, some(names(nameCounts(cells))))
	}
	text := fmt.Sprintf("%s in use at %s and no check names it: %s", what, some(f.Endpoints), used(f))
	if n > 1 {
		text = fmt.Sprintf("%s in use at %s and no check names them: %s", what, some(f.Endpoints), used(f))
	}
	if l := topLeaf(cells); l != nil && l.known {
		text += "; " + validityText(l, lastShown(f.LastSeen, cells), outOfValidity(cells))
	}
	if len(vouchers) > 0 {
		text += fmt.Sprintf(", and %s checks it under the name %s", vouchers[0].Ref, vouchers[0].Hostname)
	}
	if len(touching) > 0 {
		text += fmt.Sprintf("; %s goes to the endpoint, but asks for no name", touching[0].Ref)
	}
	return text + "."
}

// validityText says until when a certificate is valid, and whether clients met
// it outside of that.
func validityText(l *cert, at time.Time, broken bool) string {
	switch {
	case broken && at.After(l.NotAfter):
		return fmt.Sprintf("its certificate expired on %s and is still served", stamp(l.NotAfter))
	case broken && at.Before(l.NotBefore):
		return fmt.Sprintf("its certificate is not valid before %s", stamp(l.NotBefore))
	case broken:
		return "clients met it with a certificate outside of its validity"
	}
	return "its certificate is valid until " + stamp(l.NotAfter)
}

func unmonitoredRemedy(f *discover.Finding, cells []*cell, touching []*check) string {
	top := mostUsed(cells)
	if len(touching) > 0 {
		return fmt.Sprintf("Let the check at %s ask for %s, or add one of %s:%d that does.",
			touching[0].Ref, f.Hostname, f.Hostname, top.endpoint.port())
	}
	text := addCheck(f.Hostname, top.endpoint.server, top.endpoint.port())
	if f.Evidence["names_total"] != nil {
		return text + ", and of the others in evidence.names that matter; where they share one certificate on the same endpoints, one check vouches for it."
	}
	return text + "."
}
