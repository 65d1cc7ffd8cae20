package coverage

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"blindspot/discover"
	"blindspot/discover/monitored"
)

func init() { register(kind{name: "unused-check", rank: 4, find: findUnusedChecks}) }

const (
	// longEnough is the window from which on nobody's use means something; a
	// finding from a shorter one says so.
	longEnough = 7 * 24 * time.Hour
	// maxUnused is how many unused checks of one source are findings of their own.
	maxUnused = 10
)

// findUnusedChecks finds checks of names that nobody but the checks uses. It is
// always a notice: absence of use is only as good as the place and the window.
//
// It must not appear where the sensor may not see the place at all: it is
// raised where the check's own handshakes were seen, or clients use other names
// of the same registrable domain, or, for an address, other ports of the same
// host. Nor for checks of something that is no TLS on the wire (ping, plain
// HTTP) or that begins in the clear and was not seen itself; nor where clients
// asked and no server went on, since then the check is needed; nor for disabled
// checks; nor where another port of the name is in use by a check that names no
// port. Many of one source are one finding.
func findUnusedChecks(a *analysis) []discover.Finding {
	if a.total == 0 {
		return nil
	}
	bySource := map[string][]*check{}
	var sources []string
	seen := map[string]bool{}
	for _, c := range a.checks.all {
		if !a.unused(c) {
			continue
		}
		id := fmt.Sprint(c.Source, " ", c.about(), " ", c.addr, " ", c.Port)
		if seen[id] {
			continue // the same thing, checked twice
		}
		seen[id] = true
		if bySource[c.Source] == nil {
			sources = append(sources, c.Source)
		}
		bySource[c.Source] = append(bySource[c.Source], c)
	}
	var out []discover.Finding
	for _, s := range sources {
		if list := bySource[s]; len(list) > maxUnused {
			out = append(out, a.unusedFinding(list))
			continue
		}
		for _, c := range bySource[s] {
			out = append(out, a.unusedFinding([]*check{c}))
		}
	}
	return out
}

func (a *analysis) unused(c *check) bool {
	if !c.Enabled || c.used || c.asked || !c.speaksTLS() || !a.ours(c) {
		return false
	}
	switch {
	case c.probes > 0:
		return true
	case c.StartTLS != "":
		return false
	case c.about() != "":
		return a.checks.domains[registrable(c.about())]
	}
	return slices.ContainsFunc(a.byServer[c.addr], func(e *endpoint) bool { return e.use > 0 })
}

func (c *check) speaksTLS() bool {
	return verifiesAtAll(c) || c.Hostname != "" && c.Grade == monitored.GradeReachability
}

// ours leaves out checks of what the scope leaves out: its use is not looked at.
func (a *analysis) ours(c *check) bool {
	return c.about() != "" && a.scope.name(c.about()) || c.addr.IsValid() && a.scope.server(c.addr)
}

func (a *analysis) unusedFinding(list []*check) discover.Finding {
	slices.SortStableFunc(list, func(x, y *check) int { return cmp.Compare(x.about(), y.about()) })
	c := list[0]
	f := discover.Finding{
		Kind: "unused-check", Severity: discover.Notice, Hostname: c.about(), Endpoints: []string{},
		Owner: c.Owner, FirstSeen: a.inv.First, LastSeen: a.inv.Last, Evidence: map[string]any{},
	}
	f.Surface = a.surfaceOfCheck(c)
	for _, e := range c.witnessed {
		f.Endpoints = append(f.Endpoints, e.text())
	}
	window := a.inv.Last.Sub(a.inv.First)
	text := fmt.Sprintf("Nobody but the check at %s uses %s", c.Ref, c.what())
	if len(list) > 1 {
		text = fmt.Sprintf("%d checks (%s) are about names that nobody else uses", len(list), some(whats(list)))
		f.Evidence["checked"] = bounded(whats(list), maxListed)
		f.Evidence["checks_total"] = len(list)
	}
	text += fmt.Sprintf(" in the %s of traffic from %s to %s", span(window), stamp(a.inv.First), stamp(a.inv.Last))
	if window < longEnough {
		text += "; that is too short to call it unneeded"
	}
	f.Detail = text + "."
	f.Remedy = fmt.Sprintf("If it is retired, remove the check at %s; if it is in use, let a sensor see its traffic.", c.Ref)
	f.Evidence["checks"] = refs(list)
	f.Evidence["probes"] = c.probes
	f.Evidence["window_seconds"] = int64(window / time.Second)
	return f
}

func (a *analysis) surfaceOfCheck(c *check) string {
	if len(c.witnessed) > 0 {
		p := place{hostname: c.Hostname, endpoint: c.witnessed[0]}
		if l := c.witnessed[0].leaves; len(l) > 0 {
			p.leaf = l[0]
		}
		return a.surfaces[a.surfaceAt(&p)].Name
	}
	return unassigned
}

// what names what the check is about.
func (c *check) what() string {
	host := c.about()
	if host == "" {
		host = c.Address
	}
	if c.Port == 0 {
		return host
	}
	return fmt.Sprintf("%s:%d", host, c.Port)
}

func whats(list []*check) []string {
	out := make([]string, len(list))
	for i, c := range list {
		out[i] = c.what()
	}
	return out
}
