package watch

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"blindspot/discover"
	"blindspot/discover/coverage"
)

// take counts the findings, and tells those that are new.
func (w *Watcher) take(res *coverage.Result, now time.Time) {
	counts := map[Count]int{}
	var fresh []*discover.Finding
	present := make(map[string]bool, len(res.Findings))
	for i := range res.Findings {
		f := &res.Findings[i]
		counts[Count{Kind: f.Kind, Severity: f.Severity}]++
		id := identity(f)
		if !w.known[id] && !present[id] {
			fresh = append(fresh, f)
		}
		if len(present) < maxKnown {
			present[id] = true
		}
	}
	w.known = present // what is gone and comes again is told again
	w.tell(fresh, len(res.Findings))
	found := &Found{Total: len(res.Findings), At: now}
	for c, n := range counts {
		c.N = n
		found.Counts = append(found.Counts, c)
	}
	slices.SortFunc(found.Counts, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), cmp.Compare(a.Kind, b.Kind))
	})
	w.found.Store(found)
}

// identity is what a finding is recognised by.
func identity(f *discover.Finding) string {
	return strings.Join([]string{f.Kind, string(f.Severity), f.Hostname, f.Certificate, strings.Join(f.Endpoints, ",")}, "\x00")
}

// tell logs findings, the most severe first. What is there at the beginning is
// counted only: the report has it.
func (w *Watcher) tell(fresh []*discover.Finding, total int) {
	if !w.began {
		w.began = true
		w.cfg.Log.Info("compared with what monitoring checks", "findings", total)
		return
	}
	slices.SortStableFunc(fresh, func(a, b *discover.Finding) int { return cmp.Compare(b.Severity.Rank(), a.Severity.Rank()) })
	for _, f := range fresh[:min(len(fresh), maxTold)] {
		w.cfg.Log.Info("finding", "severity", f.Severity, "kind", f.Kind, "hostname", f.Hostname, "endpoints", strings.Join(f.Endpoints[:min(len(f.Endpoints), 3)], ","), "detail", f.Detail)
	}
	if n := len(fresh) - maxTold; n > 0 {
		w.cfg.Log.Info("and more new findings: see 'blindspot gap'", "more", n)
	}
}
