package coverage

import (
	"cmp"
	"slices"

	"blindspot/discover"
)

// Bounds on one finding.
const (
	maxEndpoints = 100 // endpoints listed
	maxListed    = 50  // entries of one list in the evidence
)

// groupBy puts cells with the same key together, in the order of appearance;
// cells for which key reports false are left out.
func groupBy[K comparable](cells []*cell, key func(*cell) (K, bool)) [][]*cell {
	var out [][]*cell
	at := map[K]int{}
	for _, c := range cells {
		k, ok := key(c)
		if !ok {
			continue
		}
		i, seen := at[k]
		if !seen {
			i = len(out)
			at[k] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], c)
	}
	return out
}

// leafKey groups by certificate and surface: one fault of a certificate is one
// finding, however many names and endpoints show it.
type leafKey struct {
	leaf    *cert
	surface int
}

// finding fills in what every finding says of its cells.
func (a *analysis) finding(kind string, cells []*cell) discover.Finding {
	top := mostUsed(cells)
	s := &a.surfaces[top.surface]
	f := discover.Finding{
		Kind: kind, Surface: s.Name, Owner: s.Owner,
		Hostname: topName(cells), Endpoints: endpointTexts(cells),
		Evidence: map[string]any{},
	}
	if l := topLeaf(cells); l != nil {
		f.Certificate = l.SHA256.String()
	}
	for _, c := range cells {
		f.Handshakes += c.use
		if f.FirstSeen.IsZero() || c.first.Before(f.FirstSeen) {
			f.FirstSeen = c.first
		}
		if c.last.After(f.LastSeen) {
			f.LastSeen = c.last
		}
	}
	f.Clients = a.clientsOf(cells)
	if f.Clients == 0 && f.Handshakes > 0 {
		f.Clients = 1 // of the cut at the end of validity, or where clients are not kept
	}
	f.Share = share(f.Handshakes, a.total)
	if f.Owner == "" {
		f.Owner = a.checkOwner(top)
	}
	if l := topLeaf(cells); f.Owner == "" && a.stock != nil && l != nil && l.known {
		f.Owner = a.stock.owner(a.stock.of(l).record)
	}
	a.commonEvidence(&f, cells)
	return f
}

func (a *analysis) commonEvidence(f *discover.Finding, cells []*cell) {
	names := nameCounts(cells)
	if len(names) > 1 {
		f.Evidence["names"] = bounded(names, maxListed)
		f.Evidence["names_total"] = len(names)
	}
	if len(f.Endpoints) > maxEndpoints {
		f.Evidence["endpoints_total"] = len(f.Endpoints)
		f.Endpoints = f.Endpoints[:maxEndpoints]
	}
	if n := mostUsed(cells).endpoint.network; n != "" {
		f.Evidence["network"] = n
	}
	if t := mostUsed(cells).endpoint.target; t != "" {
		f.Evidence["target"] = clean(t)
	}
	if l := topLeaf(cells); l != nil && l.known {
		f.Evidence["subject"] = describe(l)
		f.Evidence["issuer"] = clean(l.Issuer)
		f.Evidence["not_before"] = stamp(l.NotBefore)
		f.Evidence["not_after"] = stamp(l.NotAfter)
	}
	knownBy(f, cells)
}

// checkOwner is who the checks say that the cell belongs to.
func (a *analysis) checkOwner(c *cell) string {
	if c.name != nil {
		for _, list := range [...][]*check{c.name.cover.strong, c.name.cover.weak} {
			for _, k := range list {
				if k.Owner != "" {
					return k.Owner
				}
			}
		}
	}
	for _, k := range a.checks.dialling(c.endpoint) {
		if k.Owner != "" {
			return k.Owner
		}
	}
	return ""
}

// nameCount is a hostname and its handshakes, in the evidence of findings.
type nameCount struct {
	Hostname   string `json:"hostname"`
	Handshakes uint64 `json:"handshakes"`
}

// nameCounts lists the hostnames of cells, most used first.
func nameCounts(cells []*cell) []nameCount {
	sum := map[*name]uint64{}
	for _, c := range cells {
		if c.name != nil {
			sum[c.name] += c.use
		}
	}
	out := make([]nameCount, 0, len(sum))
	for n, use := range sum {
		out = append(out, nameCount{n.text, use})
	}
	slices.SortFunc(out, func(x, y nameCount) int {
		return cmp.Or(cmp.Compare(y.Handshakes, x.Handshakes), cmp.Compare(x.Hostname, y.Hostname))
	})
	return out
}

func topName(cells []*cell) string {
	if list := nameCounts(cells); len(list) > 0 {
		return list[0].Hostname
	}
	return ""
}

// topLeaf returns the certificate that was presented most, nil where none was seen.
func topLeaf(cells []*cell) *cert {
	sum := map[*cert]uint64{}
	var best *cert
	for _, c := range cells {
		if l := c.leaf(); l != nil {
			sum[l] += c.use
		}
	}
	for l, use := range sum {
		if best == nil || use > sum[best] || use == sum[best] && slices.Compare(l.SHA256[:], best.SHA256[:]) < 0 {
			best = l
		}
	}
	return best
}

// mostUsed returns the cell with most handshakes; ties go to the lower endpoint.
func mostUsed(cells []*cell) *cell {
	best := cells[0]
	for _, c := range cells[1:] {
		if o := cmp.Or(cmp.Compare(c.use, best.use), best.endpoint.server.Compare(c.endpoint.server)); o > 0 {
			best = c
		}
	}
	return best
}

func endpointTexts(cells []*cell) []string {
	var list []*endpoint
	seen := map[string]bool{}
	for _, c := range cells {
		if t := c.endpoint.text(); !seen[t] {
			seen[t] = true
			list = append(list, c.endpoint)
		}
	}
	slices.SortFunc(list, func(x, y *endpoint) int { return x.server.Compare(y.server) })
	out := make([]string, len(list))
	for i, e := range list {
		out[i] = e.text()
	}
	return out
}

func bounded[T any](list []T, n int) []T {
	if len(list) > n {
		return list[:n]
	}
	return list
}

func share(part, whole uint64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// filter returns the cells for which keep holds.
func filter(cells []*cell, keep func(*cell) bool) []*cell {
	var out []*cell
	for _, c := range cells {
		if keep(c) {
			out = append(out, c)
		}
	}
	return out
}
