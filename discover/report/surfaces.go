package report

import "slices"

// unassigned is what coverage calls the surface of all that none matches.
const unassigned = "unassigned"

// hasSurfaces reports whether the configuration names any.
func (r *Report) hasSurfaces() bool {
	for i := range r.Surfaces {
		if r.Surfaces[i].Name != unassigned {
			return true
		}
	}
	return false
}

// surfaceList is the report's surfaces as a table.
func surfaceList(r *Report) *List {
	l := &List{Columns: []Column{
		{Key: "name", Title: "surface", flex: 16},
		{Key: "owner", Title: "owner", drop: 1},
		{Key: "status", Title: "status"},
		{Key: "endpoints", Title: "endpoints", right: true, drop: 3},
		{Key: "hostnames", Title: "hostnames", right: true, drop: 4},
		{Key: "certificates", Title: "certificates", right: true, drop: 5},
		{Key: "trust_store", Title: "trust store", drop: 6},
	}}
	rows := make([][]any, len(r.Surfaces))
	for i := range r.Surfaces {
		s := &r.Surfaces[i]
		rows[i] = []any{s.Name, orNil(s.Owner), s.Status, uint64(s.Endpoints), uint64(s.Hostnames), uint64(len(s.Certificates)), orNil(s.TrustStore)}
	}
	l.Rows = slices.Values(rows)
	return l
}
