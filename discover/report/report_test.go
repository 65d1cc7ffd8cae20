package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"blindspot/discover"
)

var update = flag.Bool("update", false, "rewrite the golden files; review the difference")

func render(t *testing.T, r *Report, name string, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, r, name, o); err != nil {
		t.Fatalf("write %s: %v", name, err)
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got\n%s\nwant\n%s", path, got, want)
	}
}

func TestGolden(t *testing.T) {
	for _, tt := range []struct {
		name, format string
		r            *Report
		o            Options
	}{
		{"report-60.txt", "table", sampleReport(), Options{Width: 60}},
		{"report-80.txt", "table", sampleReport(), Options{}},
		{"report-140.txt", "table", sampleReport(), Options{Width: 140}},
		{"report-color.txt", "table", sampleReport(), Options{Color: true}},
		{"report.json", "json", sampleReport(), Options{}},
		{"report.jsonl", "jsonl", sampleReport(), Options{}},
		{"report.csv", "csv", sampleReport(), Options{}},
		{"report.md", "markdown", sampleReport(), Options{}},
		{"empty.txt", "table", emptyReport(), Options{}},
		{"empty.json", "json", emptyReport(), Options{}},
		{"empty.jsonl", "jsonl", emptyReport(), Options{}},
		{"empty.csv", "csv", emptyReport(), Options{}},
		{"empty.md", "markdown", emptyReport(), Options{}},
	} {
		t.Run(tt.name, func(t *testing.T) { golden(t, tt.name, render(t, tt.r, tt.format, tt.o)) })
	}
}

func TestFormats(t *testing.T) {
	want := []string{"table", "json", "jsonl", "csv", "markdown", "html"}
	if got := Formats(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	err := Write(&bytes.Buffer{}, emptyReport(), "xml", Options{})
	if err == nil || !strings.Contains(err.Error(), `"xml"`) || !strings.Contains(err.Error(), "table, json, jsonl, csv, markdown, html") {
		t.Errorf("unknown format: got %v", err)
	}
}

// contractKeys is the order of CONTRACT's "Findings".
var contractKeys = map[string][]string{
	"":         {"generated", "window", "summary", "sensor", "surfaces", "checks", "findings"},
	"window":   {"first", "last"},
	"summary":  {"hostnames", "monitored", "unmonitored", "unmonitored_share", "endpoints", "certificates", "handshakes", "findings"},
	"sensor":   {"packets", "kernel_drops", "handshakes", "hidden", "lost"},
	"surfaces": {"name", "owner", "trust_store", "endpoints", "hostnames", "certificates", "status"},
	"checks":   {"source", "ref", "hostname", "address", "port", "sni_origin", "grade", "witnessed", "used"},
	"findings": {"kind", "severity", "hostname", "endpoints", "certificate", "surface", "owner", "handshakes", "clients", "share", "first_seen", "last_seen", "detail", "remedy", "evidence"},
}

func TestContractOrder(t *testing.T) {
	text := []byte(render(t, sampleReport(), "json", Options{}))
	var top map[string]json.RawMessage
	if err := json.Unmarshal(text, &top); err != nil {
		t.Fatal(err)
	}
	for name, want := range contractKeys {
		raw := json.RawMessage(text)
		if name != "" {
			raw = top[name]
		}
		if raw[0] == '[' {
			var list []json.RawMessage
			if err := json.Unmarshal(raw, &list); err != nil {
				t.Fatal(err)
			}
			raw = list[0]
		}
		if got := keysOf(t, raw); !slices.Equal(got[:min(len(got), len(want))], want) {
			t.Errorf("%q: got keys %q, want first %q", name, got, want)
		}
	}
	for name, want := range map[string][]string{"hidden": hiddenCauses, "lost": lostCauses} {
		var s map[string]json.RawMessage
		if err := json.Unmarshal(top["sensor"], &s); err != nil {
			t.Fatal(err)
		}
		if got := keysOf(t, s[name]); !slices.Equal(got[:len(want)], want) {
			t.Errorf("%s: got %q, want first %q", name, got, want)
		}
	}
}

// keysOf returns the keys of an object in their order.
func keysOf(t *testing.T, raw json.RawMessage) (keys []string) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	for d.More() {
		k, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k.(string))
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
	}
	return keys
}

func TestNoNull(t *testing.T) {
	for name, r := range map[string]*Report{"sample": sampleReport(), "empty": emptyReport()} {
		if text := render(t, r, "json", Options{}); strings.Contains(text, ": null") {
			t.Errorf("%s: a list or a time is null:\n%s", name, text)
		}
	}
}

func TestJSONLIsTheFindingsOfJSON(t *testing.T) {
	r := sampleReport()
	lines := strings.Split(strings.TrimSuffix(render(t, r, "jsonl", Options{}), "\n"), "\n")
	if len(lines) != len(r.Findings) {
		t.Fatalf("got %d lines, want %d", len(lines), len(r.Findings))
	}
	var whole struct{ Findings []json.RawMessage }
	if err := json.Unmarshal([]byte(render(t, r, "json", Options{})), &whole); err != nil {
		t.Fatal(err)
	}
	for i, l := range lines {
		var b bytes.Buffer
		if err := json.Compact(&b, whole.Findings[i]); err != nil {
			t.Fatal(err)
		}
		if b.String() != l {
			t.Errorf("line %d: got %s, want %s", i, l, b.String())
		}
	}
}

// TestWidth holds that only commands, and words wider than a line, go past it.
func TestWidth(t *testing.T) {
	for _, width := range []int{40, 60, 80, 100, 140, 250} {
		for _, l := range strings.Split(render(t, sampleReport(), "table", Options{Width: width}), "\n") {
			if columns(l) > width && !strings.Contains(l, "openssl") && len(strings.Fields(l)) > 1 {
				t.Errorf("width %d: %d columns: %q", width, columns(l), l)
			}
		}
	}
}

func TestCommandStaysWhole(t *testing.T) {
	const want = "    openssl s_client -connect 10.0.0.10:443 -servername legacy.shop.example -showcerts </dev/null\n"
	for _, width := range []int{40, 80, 140} {
		if text := render(t, sampleReport(), "table", Options{Width: width}); !strings.Contains(text, "\n"+want) {
			t.Errorf("width %d: the command is not on a line of its own:\n%s", width, text)
		}
	}
}

func TestNoColorUnlessAsked(t *testing.T) {
	if text := render(t, sampleReport(), "table", Options{}); strings.Contains(text, "\x1b") {
		t.Error("colour without Options.Color")
	}
	colored := render(t, sampleReport(), "table", Options{Color: true})
	stripped := strings.NewReplacer(bold, "", dim, "", red, "", yellow, "", cyan, "", plain, "").Replace(colored)
	if stripped != render(t, sampleReport(), "table", Options{}) {
		t.Error("colour changes the layout")
	}
}

func TestNothingFound(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(*Report)
		want string
	}{
		{"all seen", func(*Report) {}, "No findings."},
		{"nothing seen", func(r *Report) { r.Sensor.Handshakes = 0 }, "no TLS handshake was seen"},
		{"nothing in scope", func(r *Report) { r.Summary.Handshakes = 0 }, "no client used anything in scope"},
		{"hidden", func(r *Report) { r.Sensor.Hidden.add("encrypted", 39) }, "The certificates of 39 handshakes (97.5 %) were hidden."},
		{"dropped", func(r *Report) { r.Sensor.KernelDrops = 7 }, "No findings in what could be seen. Lost: 7 packets dropped by the kernel."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := emptyReport()
			tt.edit(r)
			for _, format := range []string{"table", "markdown"} {
				text := strings.Join(strings.Fields(render(t, r, format, Options{})), " ")
				if !strings.Contains(text, tt.want) {
					t.Errorf("%s: got\n%s\nwant %q in it", format, text, tt.want)
				}
			}
		})
	}
}

func TestTenThousandFindings(t *testing.T) {
	r := sampleReport()
	f := r.Findings[0]
	r.Findings = nil
	for i := range 10_000 {
		f.Hostname = fmt.Sprintf("h%d.shop.example", i)
		r.Findings = append(r.Findings, f)
	}
	for _, name := range Formats() {
		begin := time.Now()
		text := render(t, r, name, Options{})
		if n := strings.Count(text, "h9999.shop.example"); n != 1 {
			t.Errorf("%s: got the last finding %d times", name, n)
		}
		if d := time.Since(begin); d > 5*time.Second {
			t.Errorf("%s: took %v", name, d)
		}
	}
}

type brokenWriter struct{}

var errBroken = errors.New("pipe is broken")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestWriteError(t *testing.T) {
	for _, name := range Formats() {
		if err := Write(brokenWriter{}, sampleReport(), name, Options{}); !errors.Is(err, errBroken) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestCSVRows(t *testing.T) {
	rows, err := csv.NewReader(strings.NewReader(render(t, sampleReport(), "csv", Options{}))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 4 || !slices.Equal(rows[0], findingHeader) {
		t.Fatalf("got %d rows, header %q", len(rows), rows[0])
	}
	if got := rows[1][2]; got != "legacy.shop.example" {
		t.Errorf("hostname: got %q", got)
	}
	if got := rows[2][3]; got != "10.0.0.11:443;[2001:db8::11]:443" {
		t.Errorf("endpoints: got %q", got)
	}
}

func TestNewCopies(t *testing.T) {
	res, inv := sample()
	r := New(res, inv, time.Time{})
	r.Findings[0].Hostname = "changed"
	if res.Findings[0].Hostname != "legacy.shop.example" {
		t.Error("the report shares its findings with the result")
	}
	if res.Findings[2].Evidence != nil {
		t.Error("New changed the result")
	}
	if r.Findings[0].Severity != discover.Critical || r.Summary.Findings != (Severities{1, 1, 1}) {
		t.Errorf("got %+v", r.Summary.Findings)
	}
}
