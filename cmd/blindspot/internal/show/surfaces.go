package show

import (
	"bufio"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"blindspot/discover"
	"blindspot/discover/coverage"
	"blindspot/discover/report"
)

// maxCertificates bounds the certificates of a surface that people are shown.
const maxCertificates = 8

// Certificate finds a certificate, nil where it is not known.
type Certificate func(discover.Fingerprint) *discover.Certificate

// Surfaces writes the map of surfaces in the named format.
func Surfaces(w *bufio.Writer, r *report.Report, find Certificate, format string, o report.Options) error {
	switch format {
	case "json", "jsonl":
		return objects(w, r.Surfaces, format == "jsonl")
	case "csv":
		return report.WriteList(w, surfaceList(r), format, o)
	case "table":
		return surfacePage(w, r, find, o)
	}
	return report.WriteList(w, surfaceTable(r, find), format, o)
}

func surfaceTitle(r *report.Report) string { return counted(len(r.Surfaces), "surface") + window(r) }

// surfacePage has a paragraph for each surface.
func surfacePage(w *bufio.Writer, r *report.Report, find Certificate, o report.Options) error {
	p := page{w: w, width: o.Width, color: o.Color}
	p.title(surfaceTitle(r))
	for i := range r.Surfaces {
		s := &r.Surfaces[i]
		w.WriteByte('\n')
		p.head(s.Name, s.Status)
		for _, l := range surfaceLines(r, s, find) {
			p.labelled(l.label, l.text)
		}
	}
	_, err := w.WriteString("")
	return err
}

type line struct {
	label string
	text  []string // each begins a line
}

// surfaceLines are what people are told of a surface.
func surfaceLines(r *report.Report, s *coverage.SurfaceStatus, find Certificate) []line {
	lines := []line{
		{"owner", []string{orWord(s.Owner, "nobody is named")}},
		{"in use", []string{counted(s.Endpoints, "endpoint") + ", " + counted(s.Hostnames, "hostname") + ", " + number(s.Clients.Handshakes, "handshake") + " of " + number(s.Clients.Distinct, "client")}},
		{"certificates", certificates(s, find, until(r))},
		{"validated by", []string{validated(s)}},
		{"clients", []string{behaviour(&s.Clients)}},
	}
	if s.MTLS != nil {
		lines = append(lines, line{"client certs", []string{mutual(s.MTLS)}})
	}
	lines = append(lines, line{"checked by", []string{checked(s.Checks)}})
	if h := hops(s); h != "" {
		lines = append(lines, line{"passed on", []string{h}})
	}
	if f := findings(r, s.Name); f != "" {
		lines = append(lines, line{"findings", []string{f}})
	}
	return lines
}

func certificates(s *coverage.SurfaceStatus, find Certificate, at time.Time) []string {
	if len(s.Certificates) == 0 {
		return []string{"none could be seen"}
	}
	var list []string
	for i := range s.Certificates[:min(len(s.Certificates), maxCertificates)] {
		list = append(list, certificate(&s.Certificates[i], find, at))
	}
	if more := len(s.Certificates) - maxCertificates; more > 0 {
		list = append(list, "and "+strconv.Itoa(more)+" more, all in --output json")
	}
	return list
}

// certificate is "1a2b3c4d5e6f shop.example +1, issued by CN=Shop CA, until 2027-01-01".
func certificate(c *coverage.CertificateStatus, find Certificate, at time.Time) string {
	text := c.SHA256[:min(len(c.SHA256), 12)]
	if name := nameOf(c, find); name != "" {
		text += " " + name
	}
	if c.Issuer != "" {
		text += ", issued by " + c.Issuer
	}
	switch {
	case c.NotAfter.IsZero():
	case c.NotAfter.Before(at):
		text += ", expired on " + c.NotAfter.UTC().Format(time.DateOnly)
	default:
		text += ", valid until " + c.NotAfter.UTC().Format(time.DateOnly)
	}
	return text
}

// nameOf is what people know a certificate by.
func nameOf(c *coverage.CertificateStatus, find Certificate) string {
	f, err := discover.ParseFingerprint(c.SHA256)
	if err != nil || find == nil {
		return ""
	}
	x := find(f)
	if x == nil {
		return ""
	}
	names := x.Names()
	if len(names) == 0 && x.SPIFFE() != "" {
		names = []string{x.SPIFFE()}
	}
	if len(names) == 0 {
		return x.Subject
	}
	return some(names)
}

// until is the time that validity is looked at from.
func until(r *report.Report) time.Time {
	if r.Window.Last == nil {
		return time.Time{}
	}
	return *r.Window.Last
}

func validated(s *coverage.SurfaceStatus) string {
	v := s.Validation
	switch {
	case s.TrustStore == "":
		return "no trust store is named"
	case v == nil:
		return s.TrustStore
	}
	text := v.Store
	if v.Date != "" {
		text += " (of " + day(v.Date) + ")"
	}
	if parts := verdicts(v); len(parts) > 0 {
		text += ": " + strings.Join(parts, ", ")
	}
	return text
}

func verdicts(v *coverage.Validation) (parts []string) {
	for _, e := range []struct {
		n    int
		word string
	}{{v.Trusted, "trusted"}, {v.Incomplete, "incomplete"}, {v.Untrusted, "untrusted"}, {v.Unknown, "cannot be judged"}} {
		if e.n > 0 {
			parts = append(parts, strconv.Itoa(e.n)+" "+e.word)
		}
	}
	return parts
}

// day is the date of an RFC 3339 time, and any other text as it is.
func day(s string) string {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC().Format(time.DateOnly)
	}
	return s
}

func behaviour(c *coverage.ClientsStatus) string {
	if c.Handshakes == 0 {
		return "none was seen"
	}
	text := number(c.Established, "handshake") + " went on"
	if c.Refused > 0 {
		text += ", " + number(c.Refused, "") + " given up by clients"
	}
	if c.CertificateRefused > 0 {
		text += ", " + number(c.CertificateRefused, "") + " of them over the certificate"
	}
	return text
}

func mutual(m *coverage.MTLSStatus) string {
	text := counted(m.Certificates, "certificate") + " seen"
	if len(m.Issuers) > 0 {
		text += ", issued by " + strings.Join(m.Issuers, " and ")
	}
	if len(m.TrustDomains) > 0 {
		text += ", SPIFFE trust domain " + strings.Join(m.TrustDomains, " and ")
	}
	if !m.EarliestExpiry.IsZero() {
		text += ", the first valid until " + m.EarliestExpiry.UTC().Format(time.DateOnly)
	}
	return text
}

// grades are those of checks, best first.
var grades = []string{"exact", "name", "default-certificate", "reachability"}

func checked(n map[string]int) string {
	var parts []string
	for _, g := range grades {
		if n[g] > 0 {
			parts = append(parts, counted(n[g], "check")+" of grade "+g)
		}
	}
	if len(parts) == 0 {
		return "nothing that is known"
	}
	return strings.Join(parts, ", ")
}

func hops(s *coverage.SurfaceStatus) string {
	var parts []string
	for _, h := range s.HopsIn {
		parts = append(parts, number(h.Handshakes, "handshake")+" come from "+h.Surface)
	}
	for _, h := range s.HopsOut {
		parts = append(parts, number(h.Handshakes, "handshake")+" go to "+h.Surface)
	}
	return strings.Join(parts, ", ")
}

// findings counts those of a surface by kind, in their order.
func findings(r *report.Report, surface string) string {
	var kinds []string
	n := map[string]int{}
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Surface == surface {
			if n[f.Kind]++; n[f.Kind] == 1 {
				kinds = append(kinds, f.Kind)
			}
		}
	}
	for i, k := range kinds {
		if n[k] > 1 {
			kinds[i] = strconv.Itoa(n[k]) + " × " + k
		}
	}
	return strings.Join(kinds, ", ")
}

// surfaceTable is the same as a table, for Markdown and HTML.
func surfaceTable(r *report.Report, find Certificate) *report.List {
	l := &report.List{Title: surfaceTitle(r)}
	for _, t := range []string{"surface", "status", "owner", "in use", "certificates", "validated by", "clients", "client certs", "checked by", "passed on", "findings"} {
		l.Columns = append(l.Columns, report.Column{Key: strings.ReplaceAll(t, " ", "_"), Title: t})
	}
	var rows [][]string
	for i := range r.Surfaces {
		s := &r.Surfaces[i]
		by := map[string]string{"surface": s.Name, "status": s.Status}
		for _, line := range surfaceLines(r, s, find) {
			by[line.label] = strings.Join(line.text, "; ")
		}
		row := make([]string, len(l.Columns))
		for i, c := range l.Columns {
			row[i] = orWord(by[c.Title], "-")
		}
		rows = append(rows, row)
	}
	l.Rows = cells(rows)
	return l
}

// surfaceList has every figure, for programs.
func surfaceList(r *report.Report) *report.List {
	l := &report.List{Title: surfaceTitle(r), Columns: columns("name", "owner", "trust_store", "status", "endpoints", "hostnames", "handshakes", "clients",
		"established", "refused", "certificate_refused", "certificates", "trusted", "incomplete", "untrusted", "unknown",
		"client_certificates", "trust_domains", "checks", "hops_in", "hops_out")}
	l.Rows = func(yield func([]any) bool) {
		for i := range r.Surfaces {
			if !yield(surfaceRow(&r.Surfaces[i])) {
				return
			}
		}
	}
	return l
}

func surfaceRow(s *coverage.SurfaceStatus) []any {
	var prints []string
	for _, c := range s.Certificates {
		prints = append(prints, c.SHA256)
	}
	row := []any{s.Name, text(s.Owner), text(s.TrustStore), s.Status, uint64(s.Endpoints), uint64(s.Hostnames), s.Clients.Handshakes, s.Clients.Distinct,
		s.Clients.Established, s.Clients.Refused, s.Clients.CertificateRefused, strings.Join(prints, listSeparator)}
	if v := s.Validation; v != nil {
		row = append(row, uint64(v.Trusted), uint64(v.Incomplete), uint64(v.Untrusted), uint64(v.Unknown))
	} else {
		row = append(row, nil, nil, nil, nil)
	}
	if m := s.MTLS; m != nil {
		row = append(row, uint64(m.Certificates), strings.Join(m.TrustDomains, listSeparator))
	} else {
		row = append(row, nil, nil)
	}
	var checks report.Counts
	for _, g := range slices.Sorted(maps.Keys(s.Checks)) {
		checks = append(checks, report.Count{Cause: g, N: uint64(s.Checks[g])})
	}
	return append(row, checks, hopCounts(s.HopsIn), hopCounts(s.HopsOut))
}

func hopCounts(list []coverage.SurfaceHop) (c report.Counts) {
	for _, h := range list {
		c = append(c, report.Count{Cause: h.Surface, N: h.Handshakes})
	}
	return c
}

func orWord(s, word string) string {
	if s == "" {
		return word
	}
	return s
}
