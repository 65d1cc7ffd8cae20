package coverage

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"blindspot/discover"
	"blindspot/discover/trust"
)

// surfaceStatus reports the surfaces of the configuration, and unassigned
// where something is.
func (a *analysis) surfaceStatus(findings []discover.Finding, covers map[*check][]*endpoint) []SurfaceStatus {
	worst := map[string]int{}
	for i := range findings {
		f := &findings[i]
		worst[f.Surface] = max(worst[f.Surface], f.Severity.Rank())
	}
	views := a.views()
	a.countChecks(views, covers)
	a.countHops(views)
	out := []SurfaceStatus{}
	for i := range a.surfaces {
		s := &a.surfaces[i]
		if !a.configured(i) && s.endpoints == 0 {
			continue
		}
		v := &views[i]
		out = append(out, SurfaceStatus{
			Name: s.Name, Owner: s.Owner, TrustStore: s.TrustStore,
			Endpoints: s.endpoints, Hostnames: s.names,
			Certificates: certificateStatus(s.leaves),
			Status:       v.status(worst[s.Name], len(s.leaves)),
			Validation:   v.validation, Clients: v.behaviour(), MTLS: v.mtls(), Checks: v.checks,
			HopsIn: a.hopList(v.in), HopsOut: a.hopList(v.out),
		})
	}
	return out
}

// view is what the status of a surface is made of.
type view struct {
	validation *Validation
	clients    ClientsStatus
	who        *crowded
	presented  map[*cert]struct{} // by clients
	checks     map[string]int
	in, out    map[int]uint64
}

// views goes over the cells once.
func (a *analysis) views() []view {
	views := make([]view, len(a.surfaces))
	ranks := make([]map[*cert]int, len(a.surfaces))
	for i := range views {
		views[i] = view{who: a.newCrowd(), presented: map[*cert]struct{}{}, checks: map[string]int{}, in: map[int]uint64{}, out: map[int]uint64{}}
		ranks[i] = map[*cert]int{}
	}
	for _, c := range a.order {
		if !c.shows() {
			continue
		}
		views[c.surface].add(c)
		if v := c.verdict(trust.Server); v != nil {
			l := c.chain.leaf
			ranks[c.surface][l] = max(ranks[c.surface][l], verdictRank(v))
		}
	}
	for i := range views {
		views[i].validation = a.validationOf(i, ranks[i])
	}
	return views
}

func (v *view) add(c *cell) {
	v.clients.Handshakes += c.use
	switch c.outcome {
	case discover.Established:
		v.clients.Established += c.use
	case discover.RefusedByClient:
		v.clients.Refused += c.use
	}
	if rejection(c) {
		v.clients.CertificateRefused += c.use
	}
	v.who.add(&c.clients)
	if c.client != nil {
		v.presented[c.client.leaf] = struct{}{}
	}
}

// The ranks of verdicts, worst last.
const (
	rankTrusted = iota + 1
	rankUnknown
	rankIncomplete
	rankUntrusted
)

func verdictRank(v *trust.Verdict) int {
	switch {
	case v.Trusted == discover.No:
		return rankUntrusted
	case v.Incomplete():
		return rankIncomplete
	case v.Trusted == discover.Unknown:
		return rankUnknown
	}
	return rankTrusted
}

func (a *analysis) validationOf(surface int, ranks map[*cert]int) *Validation {
	if a.courts == nil || a.courts.own[surface] == nil {
		return nil
	}
	s := a.courts.own[surface]
	v := &Validation{Store: s.Name, Date: stamp(s.Date), Hash: s.Hash}
	for _, r := range ranks {
		switch r {
		case rankTrusted:
			v.Trusted++
		case rankUnknown:
			v.Unknown++
		case rankIncomplete:
			v.Incomplete++
		case rankUntrusted:
			v.Untrusted++
		}
	}
	return v
}

// status is "unknown" where no certificate was seen, or the surface's store
// can judge none.
func (v *view) status(worst, leaves int) string {
	x := v.validation
	switch {
	case worst == discover.Critical.Rank():
		return "critical"
	case worst == discover.Warning.Rank():
		return "warning"
	case leaves == 0, x != nil && x.Unknown > 0 && x.Trusted+x.Incomplete+x.Untrusted == 0:
		return "unknown"
	}
	return "ok"
}

func (v *view) behaviour() ClientsStatus {
	v.clients.Distinct = v.who.distinct()
	return v.clients
}

func (v *view) mtls() *MTLSStatus {
	if len(v.presented) == 0 {
		return nil
	}
	m := &MTLSStatus{Certificates: len(v.presented)}
	issuers, domains := map[string]struct{}{}, map[string]struct{}{}
	for c := range v.presented {
		if c.Issuer != "" {
			issuers[c.Issuer] = struct{}{}
		}
		if d := trustDomain(c); d != "" {
			domains[d] = struct{}{}
		}
		if !c.NotAfter.IsZero() && (m.EarliestExpiry.IsZero() || c.NotAfter.Before(m.EarliestExpiry)) {
			m.EarliestExpiry = c.NotAfter
		}
	}
	m.Issuers = bounded(sortedKeys(issuers), maxListed)
	m.TrustDomains = bounded(sortedKeys(domains), maxListed)
	return m
}

func sortedKeys(m map[string]struct{}) []string {
	out := slices.AppendSeq(make([]string, 0, len(m)), maps.Keys(m))
	slices.Sort(out)
	return out
}

// trustDomain is that of a certificate's SPIFFE id, "" for none.
func trustDomain(c *cert) string {
	id := c.SPIFFE()
	if len(id) < len("spiffe://") {
		return ""
	}
	d, _, _ := strings.Cut(id[len("spiffe://"):], "/")
	return strings.ToLower(d)
}

// countChecks counts for each surface the checks that cover or reach one of
// its endpoints.
func (a *analysis) countChecks(views []view, covers map[*check][]*endpoint) {
	for _, k := range a.checks.all {
		if !k.Enabled {
			continue
		}
		in := map[int]bool{}
		for _, list := range [...][]*endpoint{covers[k], k.witnessed} {
			for _, e := range list {
				for _, c := range e.under(a.names.find(k.Hostname)) {
					in[c.surface] = true
				}
			}
		}
		if !k.strong() && k.about() != "" { // a weak check covers nothing, and is there
			if n := a.names.find(k.about()); n != nil {
				for _, c := range bounded(n.cells, maxEndpoints) {
					in[c.surface] = in[c.surface] || c.real() && k.onPort(c.endpoint.port())
				}
			}
		}
		for i, yes := range in {
			if yes {
				views[i].checks[k.Grade.String()]++
			}
		}
	}
}

// countHops gives the hops to the surfaces at their ends.
func (a *analysis) countHops(views []view) {
	if len(a.inv.Hops) == 0 {
		return
	}
	at := map[hopEnd]int{}
	for _, c := range a.order {
		if k := (hopEnd{c.endpoint.network, c.endpoint.server}); c.shows() {
			if _, ok := at[k]; !ok {
				at[k] = c.surface
			}
		}
	}
	for i := range a.inv.Hops {
		h := &a.inv.Hops[i]
		from, known := at[hopEnd{h.Network, h.From}]
		to, knownTo := at[hopEnd{h.Network, h.To}]
		if known && knownTo && from != to {
			views[from].out[to] += h.Count
			views[to].in[from] += h.Count
		}
	}
}

func (a *analysis) hopList(m map[int]uint64) []SurfaceHop {
	var out []SurfaceHop
	for i, n := range m {
		out = append(out, SurfaceHop{a.surfaces[i].Name, n})
	}
	slices.SortFunc(out, func(x, y SurfaceHop) int {
		return cmp.Or(cmp.Compare(y.Handshakes, x.Handshakes), cmp.Compare(x.Surface, y.Surface))
	})
	return out
}
