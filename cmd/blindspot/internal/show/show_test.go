package show

import (
	"bufio"
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"blindspot/discover/coverage"
	"blindspot/discover/report"
)

// hostile are texts that a stranger could put into a file or a certificate.
var hostile = []string{"a\x1b[2Jb", "a\u202eb", "a\nb\tc", "<script>alert(1)</script>", "\u009b31m", "\xff\xfe", "𝕏", "=cmd()"}

func sample() *report.Report {
	first, last := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC), time.Date(2026, 11, 23, 11, 0, 0, 0, time.UTC)
	r := &report.Report{Window: report.Window{First: &first, Last: &last}}
	for _, h := range hostile {
		r.Checks = append(r.Checks, report.Check{Source: "hosts", Ref: h + ":1", Hostname: h, Address: h, Port: 443, Grade: "exact", Enabled: true, Owner: h, Witnessed: []string{h, h}})
		r.Surfaces = append(r.Surfaces, coverage.SurfaceStatus{
			Name: h, Owner: h, TrustStore: h, Status: "ok",
			Certificates: []coverage.CertificateStatus{{SHA256: "ab", Issuer: h, NotAfter: last}},
			Validation:   &coverage.Validation{Store: h, Trusted: 1},
			MTLS:         &coverage.MTLSStatus{Certificates: 1, Issuers: []string{h}, TrustDomains: []string{h}},
			HopsIn:       []coverage.SurfaceHop{{Surface: h, Handshakes: 3}},
		})
	}
	r.Warnings = []report.Warning{{Ref: hostile[0], Text: hostile[1]}}
	return r
}

// TestHostile writes texts of strangers in every format: nothing that a
// terminal obeys comes out.
func TestHostile(t *testing.T) {
	for _, format := range report.Formats() {
		for name, write := range map[string]func(*bufio.Writer) error{
			"checks":   func(w *bufio.Writer) error { return Checks(w, sample(), format, report.Options{Width: 80}) },
			"surfaces": func(w *bufio.Writer) error { return Surfaces(w, sample(), nil, format, report.Options{Width: 80}) },
		} {
			var b bytes.Buffer
			w := bufio.NewWriter(&b)
			if err := write(w); err != nil {
				t.Fatal(err)
			}
			w.Flush()
			if i := bytes.IndexFunc(b.Bytes(), func(r rune) bool { return r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r == 0x202e }); i >= 0 {
				t.Errorf("%s as %s: %q", name, format, b.Bytes()[max(0, i-20):i+5])
			}
			if bytes.Contains(b.Bytes(), []byte("<script>alert")) && format == "html" {
				t.Errorf("%s as %s: markup comes through", name, format)
			}
		}
	}
}

func TestObjects(t *testing.T) {
	r := sample()
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	if err := Checks(w, r, "json", report.Options{}); err != nil {
		t.Fatal(err)
	}
	w.Flush()
	var got []report.Check
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for i, c := range got {
		if want := strings.ToValidUTF8(hostile[i], "\uFFFD"); utf8.ValidString(hostile[i]) && c.Hostname != want {
			t.Errorf("hostname: got %q, want %q", c.Hostname, want)
		}
	}
	b.Reset()
	for _, lines := range []bool{true, false} {
		if err := objects[report.Check](w, nil, lines); err != nil {
			t.Fatal(err)
		}
	}
	w.Flush()
	if got, want := strings.Join(strings.Fields(b.String()), ""), "[]"; got != want {
		t.Errorf("empty lists: got %q, want %q", got, want)
	}
}

func TestNarrow(t *testing.T) {
	header := []string{"check", "grade", "from"}
	rows := [][]string{
		{"a-very-long-hostname.shop.example:443", "exact", "/etc/prometheus/targets/edge.json:12"},
		{"b:443", "reachability", "hosts.txt:1"},
	}
	narrow(header, rows, 60, []int{0, 2}, []int{2})
	for _, row := range rows {
		if n := utf8.RuneCountInString(strings.Join(row, "  ")); n > 60 {
			t.Errorf("%q has %d columns", row, n)
		}
	}
	if got := rows[0][2]; !strings.HasPrefix(got, "…") || !strings.HasSuffix(got, "edge.json:12") {
		t.Errorf("a path: got %q, want its end", got)
	}
	if got := rows[0][0]; !strings.HasPrefix(got, "a-very") || !strings.HasSuffix(got, ":443") {
		t.Errorf("a name: got %q, want both ends", got)
	}
	if rows[1][0] != "b:443" || rows[1][1] != "reachability" {
		t.Errorf("got %q, want it as it was", rows[1])
	}
	narrow(header, [][]string{{strings.Repeat("x", 99), "exact", strings.Repeat("y", 99)}}, 1, []int{0, 2}, nil) // ends
}

func TestWrap(t *testing.T) {
	tests := []struct {
		text string
		n    int
		want []string
	}{
		{"", 10, []string{""}},
		{"one two three", 8, []string{"one two", "three"}},
		{"a-word-that-is-too-long for it", 8, []string{"a-word-that-is-too-long", "for it"}},
	}
	for _, tt := range tests {
		if got := wrap(tt.text, tt.n); !slices.Equal(got, tt.want) {
			t.Errorf("%q: got %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestCheckText(t *testing.T) {
	tests := []struct {
		check report.Check
		want  string
	}{
		{report.Check{Hostname: "a.example", Address: "a.example", Port: 443}, "a.example:443"},
		{report.Check{Hostname: "a.example", Address: "10.0.0.1", Port: 8443}, "a.example:8443 at 10.0.0.1"},
		{report.Check{Address: "2001:db8::1", Port: 443}, "[2001:db8::1]:443"},
		{report.Check{Hostname: "a.example"}, "a.example"},
		{report.Check{}, "?"},
	}
	for _, tt := range tests {
		if got := checkText(&tt.check); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
