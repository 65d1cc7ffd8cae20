package coverage

import (
	"cmp"
	"slices"

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
	out := []discover.Finding{}
	rank := map[string]int{}
	for _, k := range kinds {
		rank[k.name] = k.rank
		out = append(out, k.find(a)...)
	}
	for i := range out {
		out[i].Detail += askedText(&out[i])
	}
	slices.SortStableFunc(out, func(x, y discover.Finding) int {
		return cmp.Or(
			cmp.Compare(y.Severity.Rank(), x.Severity.Rank()),
			cmp.Compare(y.Share, x.Share),
			cmp.Compare(y.Handshakes, x.Handshakes),
			cmp.Compare(rank[x.Kind], rank[y.Kind]),
			cmp.Compare(x.Hostname, y.Hostname),
			slices.Compare(x.Endpoints, y.Endpoints),
			cmp.Compare(x.Certificate, y.Certificate),
			cmp.Compare(x.Surface, y.Surface),
			cmp.Compare(x.Detail, y.Detail),
		)
	})
	return out
}
