package coverage

import (
	"cmp"
	"slices"

	"blindspot/discover"
)

// Bounds on the lists of a Result.
const (
	maxLargest             = 20 // names of OutOfScope
	maxSurfaceCertificates = 200
)

func (a *analysis) result() *Result {
	r := &Result{First: a.inv.First, Last: a.inv.Last, Warnings: a.checks.warnings}
	r.Findings = a.findings()
	a.sumUp(r.Findings)
	r.Summary, r.AskedOnly, r.OutOfScope = a.summary, a.askOnly, a.foreign
	for n := range a.asked {
		if known := a.names.find(n); known == nil || known.use == 0 {
			r.AskedOnly.Names++
		}
	}
	r.OutOfScope.Largest = a.largest()
	covers := a.coveredEndpoints()
	r.Surfaces = a.surfaceStatus(r.Findings, covers)
	r.Checks = a.checkStatus(covers)
	return r
}

func (a *analysis) sumUp(findings []discover.Finding) {
	s := &a.summary
	var blind uint64
	for _, n := range a.nameList {
		if n.use == 0 {
			continue
		}
		s.Hostnames++
		switch {
		case len(n.cover.strong) > 0:
			s.Monitored++
		case len(n.cover.weak) > 0:
			s.WeaklyMonitored++
		default:
			s.Unmonitored++
			blind += n.use
		}
	}
	leaves := map[*cert]struct{}{}
	for i := range a.surfaces {
		for l := range a.surfaces[i].leaves {
			leaves[l] = struct{}{}
		}
	}
	for _, e := range a.epList {
		if e.use > 0 {
			s.Endpoints++
		}
	}
	s.Certificates = len(leaves)
	s.Handshakes = a.total
	s.UnmonitoredShare = share(blind, a.total)
	s.Findings = map[discover.Severity]int{discover.Critical: 0, discover.Warning: 0, discover.Notice: 0}
	for i := range findings {
		s.Findings[findings[i].Severity]++
	}
}

func (a *analysis) largest() []OutOfScopeEntry {
	out := make([]OutOfScopeEntry, 0, len(a.out))
	for k, n := range a.out {
		k.Handshakes = n
		out = append(out, k)
	}
	slices.SortFunc(out, func(x, y OutOfScopeEntry) int {
		return cmp.Or(cmp.Compare(y.Handshakes, x.Handshakes), cmp.Compare(x.Hostname, y.Hostname), cmp.Compare(x.Port, y.Port),
			publicLast(x, y))
	})
	return slices.Clip(bounded(out, maxLargest))
}

// publicLast orders a name before the same one as an ECH provider's public name.
func publicLast(x, y OutOfScopeEntry) int {
	switch {
	case x.ECHPublic == y.ECHPublic:
		return 0
	case y.ECHPublic:
		return -1
	}
	return 1
}

func certificateStatus(leaves map[*cert]struct{}) []CertificateStatus {
	out := make([]CertificateStatus, 0, len(leaves))
	for l := range leaves {
		out = append(out, CertificateStatus{SHA256: l.SHA256.String(), Issuer: l.Issuer, NotAfter: l.NotAfter})
	}
	slices.SortFunc(out, func(x, y CertificateStatus) int {
		return cmp.Or(x.NotAfter.Compare(y.NotAfter), cmp.Compare(x.SHA256, y.SHA256))
	})
	return slices.Clip(bounded(out, maxSurfaceCertificates))
}

func (a *analysis) checkStatus(covers map[*check][]*endpoint) []CheckStatus {
	out := make([]CheckStatus, 0, len(a.checks.all))
	for _, c := range a.checks.all {
		out = append(out, CheckStatus{
			Source: c.Source, Ref: c.Ref, Enabled: c.Enabled,
			Hostname: c.Hostname, Address: c.Address, Port: c.Port,
			SNIOrigin: c.SNIOrigin, Grade: c.Grade.String(), Owner: c.Owner,
			Witnessed: texts(c.witnessed), Used: c.used, Covers: texts(covers[c]),
		})
		if !c.sees.IsZero() {
			out[len(out)-1].Sees = c.sees.String()
		}
	}
	return out
}

// coveredEndpoints tells for each check which endpoints in use it looks at as
// clients do.
func (a *analysis) coveredEndpoints() map[*check][]*endpoint {
	out := map[*check][]*endpoint{}
	add := func(k *check, e *endpoint) {
		if len(out[k]) < maxEndpoints && !slices.Contains(out[k], e) {
			out[k] = append(out[k], e)
		}
	}
	for _, n := range a.nameList {
		if len(n.cover.strong) == 0 {
			continue
		}
		in := n.endpoints()
		for _, k := range n.cover.strong {
			for _, e := range in {
				if k.onPort(e.port()) {
					add(k, e)
				}
			}
		}
	}
	for _, e := range a.epList {
		for _, k := range a.checks.dialling(e) {
			if e.use > 0 && k.Hostname == "" && verifiesAtAll(k) {
				add(k, e)
			}
		}
	}
	return out
}

func texts(list []*endpoint) []string {
	list = slices.Clone(list)
	slices.SortFunc(list, func(x, y *endpoint) int { return x.server.Compare(y.server) })
	out := make([]string, len(list))
	for i, e := range list {
		out[i] = e.text()
	}
	return slices.Compact(out)
}
