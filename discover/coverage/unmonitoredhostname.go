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
	groups := groupNames(list)
	out := make([]discover.Finding, 0, len(groups))
	for _, g := range groups {
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
	groups, single := groupNamesBy(list, wildcardGroup)
	groups = slices.DeleteFunc(groups, func(g []*name) bool { return len(g) == 1 })
	single, apart := divide(single, crowdedPlace)
	for _, key := range [...]func(*name) nameGroup{parentGroup, endpointGroup} {
		var coarser [][]*name
		coarser, single = regroup(single, key)
		groups = append(groups, coarser...)
	}
	for _, list := range [...][]*name{single, apart} {
		for i := range list {
			groups = append(groups, list[i:i+1:i+1])
		}
	}
	return groups
}

// crowdedPlace reports whether the endpoint where a name is used most may have
// more than maxSeparate names.
func crowdedPlace(n *name) bool { return len(mostUsed(n.realCells()).endpoint.cells) > maxSeparate }

// divide tells the names for which is holds from the others.
func divide(list []*name, is func(*name) bool) (yes, no []*name) {
	for _, n := range list {
		if is(n) {
			yes = append(yes, n)
		} else {
			no = append(no, n)
		}
	}
	return yes, no
}

// regroup groups the names that still are alone by a coarser key, where that
// key has more than maxSeparate of them.
func regroup(list []*name, key func(*name) nameGroup) (groups [][]*name, single []*name) {
	coarser, _ := groupNamesBy(list, key)
	for _, g := range coarser {
		if len(g) > maxSeparate {
			groups = append(groups, g)
		} else {
			single = append(single, g...)
		}
	}
	return groups, single
}

// groupNamesBy puts names with the same key together, in the order of
// appearance, and in single those that are alone with theirs.
func groupNamesBy(list []*name, key func(*name) nameGroup) (groups [][]*name, single []*name) {
	at := map[nameGroup]int{}
	place := make([]int, len(list)) // of each name in groups, -1 for none
	for i, n := range list {
		place[i] = -1
		k := key(n)
		if k.name != nil {
			continue
		}
		g, ok := at[k]
		if !ok {
			g = len(groups)
			at[k] = g
			groups = append(groups, nil)
		}
		place[i] = g
		groups[g] = append(groups[g], n)
	}
	for i, n := range list {
		if place[i] < 0 || len(groups[place[i]]) == 1 {
			single = append(single, n)
		}
	}
	return groups, single
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

// realCells are those of clients that findings may rest on; not to be changed.
func (n *name) realCells() []*cell {
	for _, c := range n.cells {
		if !c.real() {
			return filter(n.cells, (*cell).real)
		}
	}
	return n.cells
}

func (a *analysis) unmonitored(group []*name) discover.Finding {
	cells := group[0].realCells()
	if len(group) > 1 {
		cells = slices.Clone(cells)
	}
	for _, n := range group[1:] {
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
	if len(a.vouchers) == 0 {
		return nil
	}
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
	if len(a.checks.byAddr) == 0 {
		return nil
	}
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
	text := f.Hostname + " is in use at " + some(f.Endpoints) + " and no check names it: " + used(f)
	if n > 1 {
		text = fmt.Sprintf("%d names of one deployment (%s) are in use at %s and no check names them: %s",
			n, some(names(nameCounts(cells))), some(f.Endpoints), used(f))
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
	return "its certificate is valid until " + l.told().until
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
