package coverage

import (
	"cmp"
	"slices"
	"strings"

	"blindspot/discover"
)

// kind is one kind of finding. A new kind is one file that registers itself.
type kind struct {
	name string
	// rank places kinds of equal severity and use, in the contract's order.
	rank int
	find func(a *analysis) []discover.Finding
}

var kinds []kind

func register(k kind) {
	kinds = append(kinds, k)
	slices.SortFunc(kinds, func(x, y kind) int { return cmp.Compare(x.rank, y.rank) })
}

// findings runs every kind and orders what they found: severity, use, kind,
// name. The order is the same for the same traffic.
func (a *analysis) findings() []discover.Finding {
	found := make([][]discover.Finding, len(kinds))
	var order []placed
	for i, k := range kinds {
		found[i] = k.find(a)
		for j := range found[i] {
			f := &found[i][j]
			f.Detail += askedText(f)
			order = append(order, placed{f.Severity.Rank(), k.rank, len(order), f.Handshakes, f.Share, f.Hostname, f})
		}
	}
	slices.SortFunc(order, placed.compare)
	out := make([]discover.Finding, len(order))
	for i := range order {
		out[i] = *order[i].Finding
	}
	return out
}

// placed is a finding with what most often tells its place.
type placed struct {
	severity, kind, at int
	handshakes         uint64
	share              float64
	hostname           string
	*discover.Finding
}

func (x placed) compare(y placed) int {
	switch {
	case x.severity != y.severity:
		return cmp.Compare(y.severity, x.severity)
	case x.share != y.share:
		return cmp.Compare(y.share, x.share)
	case x.handshakes != y.handshakes:
		return cmp.Compare(y.handshakes, x.handshakes)
	case x.kind != y.kind:
		return cmp.Compare(x.kind, y.kind)
	}
	if c := strings.Compare(x.hostname, y.hostname); c != 0 {
		return c
	}
	return cmp.Or(
		slices.Compare(x.Endpoints, y.Endpoints),
		cmp.Compare(x.Certificate, y.Certificate),
		cmp.Compare(x.Surface, y.Surface),
		cmp.Compare(x.Detail, y.Detail),
		cmp.Compare(x.at, y.at),
	)
}
