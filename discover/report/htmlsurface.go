package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"blindspot/discover/coverage"
)

// surfaceFacts is all that the report knows of its surfaces. Columns that would
// be empty are left out.
func surfaceFacts(r *Report) *List {
	l := &List{Columns: []Column{
		{Title: "surface"}, {Title: "owner"}, {Title: "status"}, {Title: "hostnames", right: true}, {Title: "endpoints", right: true},
		{Title: "certificates"}, {Title: "issuers"}, {Title: "validated by"}, {Title: "handshakes", right: true}, {Title: "clients"},
		{Title: "client certificates"}, {Title: "checks"}, {Title: "passes on to"},
	}}
	rows := make([][]any, len(r.Surfaces))
	filled := make([]bool, len(l.Columns))
	for i := range r.Surfaces {
		rows[i] = surfaceRow(&r.Surfaces[i], r.Window.Last)
		for at, cell := range rows[i] {
			filled[at] = filled[at] || show(cell) != "-"
		}
	}
	for at := range l.Columns {
		if !filled[at] {
			l.Columns[at].Title = ""
		}
	}
	l.Rows = slices.Values(rows)
	return l
}

func surfaceRow(s *coverage.SurfaceStatus, at *time.Time) []any {
	row := []any{
		s.Name, orNil(s.Owner), s.Status, uint64(s.Hostnames), uint64(s.Endpoints), certificatesText(s, at), listed(issuersOf(s)), validatedBy(s),
		nil, nil, orNil(mtlsText(s.MTLS)), listed(checksText(s.Checks)), listed(hopsText(s.HopsOut)),
	}
	if s.Clients.Handshakes > 0 {
		row[8], row[9] = s.Clients.Handshakes, clientsText(s)
	}
	return row
}

// certificatesText says how many there are, and when the first ends or ended.
func certificatesText(s *coverage.SurfaceStatus, at *time.Time) string {
	text := quantity(uint64(len(s.Certificates)), "cert")
	var first time.Time
	for i := range s.Certificates {
		first = earlier(first, s.Certificates[i].NotAfter)
	}
	switch {
	case first.IsZero():
		return text
	case at != nil && first.Before(*at):
		return text + ", one ended " + first.UTC().Format(dayLayout)
	}
	return text + ", first ends " + first.UTC().Format(dayLayout)
}

func issuersOf(s *coverage.SurfaceStatus) (list []string) {
	for i := range s.Certificates {
		if issuer := s.Certificates[i].Issuer; issuer != "" && !slices.Contains(list, issuer) {
			list = append(list, issuer)
		}
	}
	return list
}

// validatedBy is what the surface's own trust store says.
func validatedBy(s *coverage.SurfaceStatus) string {
	v := s.Validation
	if v == nil {
		return cmp.Or(s.TrustStore, "no trust store")
	}
	var list []string
	for _, e := range []struct {
		n    int
		word string
	}{{v.Untrusted, "untrusted"}, {v.Incomplete, "incomplete"}, {v.Trusted, "trusted"}, {v.Unknown, "unknown"}} {
		if e.n > 0 {
			list = append(list, number(uint64(e.n))+" "+e.word)
		}
	}
	if len(list) == 0 {
		return v.Store
	}
	return v.Store + ": " + strings.Join(list, ", ")
}

// clientsText is what the behaviour of clients proves.
func clientsText(s *coverage.SurfaceStatus) string {
	c := &s.Clients
	text := quantity(c.Distinct, "client")
	switch {
	case c.Handshakes == 0:
		return "no client seen"
	case c.CertificateRefused > 0:
		return text + ", " + number(c.CertificateRefused) + " refused the cert"
	case c.Refused > 0:
		return text + ", " + number(c.Refused) + " gave up"
	}
	return text + ", none refuses"
}

func mtlsText(m *coverage.MTLSStatus) string {
	if m == nil {
		return ""
	}
	text := number(uint64(m.Certificates)) + " of " + some(m.Issuers, len(m.Issuers), 2)
	if len(m.TrustDomains) > 0 {
		text += ", SPIFFE " + some(m.TrustDomains, len(m.TrustDomains), 2)
	}
	if !m.EarliestExpiry.IsZero() {
		text += ", first ends " + m.EarliestExpiry.UTC().Format(dayLayout)
	}
	return text
}

func checksText(byGrade map[string]int) []string {
	c := Counts{}
	for grade, n := range byGrade {
		c = append(c, Count{grade, uint64(n)})
	}
	var list []string
	for _, e := range c.most() {
		list = append(list, number(e.N)+" "+e.Cause)
	}
	return list
}

func hopsText(hops []coverage.SurfaceHop) (list []string) {
	for _, h := range hops {
		list = append(list, h.Surface+" ("+number(h.Handshakes)+")")
	}
	return list
}
