package coverage

import (
	"cmp"
	"net/netip"
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
	top, leaf, names := mostUsed(cells), topLeaf(cells), nameCounts(cells)
	s := &a.surfaces[top.surface]
	f := discover.Finding{
		Kind: kind, Surface: s.Name, Owner: s.Owner,
		Evidence: make(map[string]any, 8),
	}
	if len(names) > 0 {
		f.Hostname = names[0].Hostname
	}
	if leaf != nil {
		f.Certificate = leaf.told().sha256
	}
	var met stretch
	for _, c := range cells {
		f.Handshakes += c.use
		met.widen(c.met.first, c.met.last)
	}
	f.FirstSeen, f.LastSeen = met.first.time(), met.last.time()
	f.Clients = a.clientsOf(cells)
	if f.Clients == 0 && f.Handshakes > 0 {
		f.Clients = 1 // of the cut at the end of validity, or where clients are not kept
	}
	f.Share = share(f.Handshakes, a.total)
	if f.Owner == "" {
		f.Owner = a.checkOwner(top)
	}
	if f.Owner == "" && a.stock != nil && leaf != nil && leaf.known {
		f.Owner = a.stock.owner(a.stock.of(leaf).record)
	}
	var endpoints int
	if f.Endpoints, endpoints = endpointTexts(cells); endpoints > maxEndpoints {
		f.Evidence["endpoints_total"] = endpoints
	}
	if len(names) > 1 {
		f.Evidence["names"] = bounded(names, maxListed)
		f.Evidence["names_total"] = len(names)
	}
	commonEvidence(&f, top, leaf)
	knownBy(&f, cells)
	return f
}

func commonEvidence(f *discover.Finding, top *cell, leaf *cert) {
	if n := top.endpoint.network; n != "" {
		f.Evidence["network"] = n
	}
	if t := top.endpoint.target; t != "" {
		f.Evidence["target"] = clean(t)
	}
	if leaf != nil && leaf.known {
		t := leaf.told()
		f.Evidence["subject"] = t.subject
		f.Evidence["issuer"] = t.issuer
		f.Evidence["not_before"] = t.notBefore
		f.Evidence["not_after"] = t.notAfter
	}
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

// nameCounts lists the hostnames of cells, the maxListed most used first.
func nameCounts(cells []*cell) []nameCount {
	if n, use, ok := oneName(cells); ok {
		if n == nil {
			return nil
		}
		return []nameCount{{n.text, use}}
	}
	var all []*name
	for _, c := range cells {
		if c.name != nil && !c.name.counted {
			c.name.counted = true
			all = append(all, c.name)
		}
		if c.name != nil {
			c.name.sum += c.use
		}
	}
	out := make([]nameCount, 0, len(all))
	for _, n := range all {
		out = append(out, nameCount{n.text, n.sum})
		n.sum, n.counted = 0, false
	}
	topFirst(out, maxListed, byUse)
	return out
}

func byUse(x, y nameCount) int {
	return cmp.Or(cmp.Compare(y.Handshakes, x.Handshakes), cmp.Compare(x.Hostname, y.Hostname))
}

// topFirst puts the first n of list in order to its beginning, and leaves the
// others in none.
func topFirst[T any](list []T, n int, compare func(x, y T) int) {
	top := list[:min(n, len(list))]
	slices.SortFunc(top, compare)
	for i := len(top); i < len(list); i++ {
		last := len(top) - 1
		if compare(list[i], top[last]) >= 0 {
			continue
		}
		list[i], top[last] = top[last], list[i]
		at, _ := slices.BinarySearchFunc(top[:last], top[last], compare)
		v := top[last]
		copy(top[at+1:], top[at:last])
		top[at] = v
	}
}

// oneName returns the name of cells that have no other, nil for none; without
// ok, they have several.
func oneName(cells []*cell) (n *name, use uint64, ok bool) {
	for _, c := range cells {
		switch {
		case c.name == nil:
			continue
		case n != nil && n != c.name:
			return nil, 0, false
		}
		n, use = c.name, use+c.use
	}
	return n, use, true
}

// topLeaf returns the certificate that was presented most, nil where none was seen.
func topLeaf(cells []*cell) *cert {
	if l, ok := oneLeaf(cells); ok {
		return l
	}
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

// oneLeaf returns the certificate of cells that show no other, nil for none;
// without ok, they show several.
func oneLeaf(cells []*cell) (one *cert, ok bool) {
	for _, c := range cells {
		l := c.leaf()
		if l != nil && one != nil && l != one {
			return nil, false
		}
		if l != nil {
			one = l
		}
	}
	return one, true
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

// endpointTexts lists the first maxEndpoints endpoints of cells in order, and
// counts them all.
func endpointTexts(cells []*cell) (out []string, total int) {
	list := make([]netip.AddrPort, 0, 1)
	for i, c := range cells {
		if i == 0 || c.endpoint != cells[i-1].endpoint {
			list = append(list, c.endpoint.server)
		}
	}
	if len(list) > 1 {
		slices.SortFunc(list, netip.AddrPort.Compare)
		list = slices.Compact(list)
	}
	out = make([]string, min(len(list), maxEndpoints))
	for i := range out {
		out[i] = list[i].String()
	}
	return out, len(list)
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
