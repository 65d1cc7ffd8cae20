package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// labEnv names a folder with captures of the laboratories that were made just
// now (make lab), to be held against the same expectations.
const labEnv = "BLINDSPOT_LAB"

// TestLab holds the report on each laboratory's capture against the one that
// was written by hand from what the laboratory was built to do: every finding
// is there once, and nothing else is. It must be the same from the capture and
// from a store, and whether the checks were read from their configuration or
// from the answers of the Prometheus that made them. Where the laboratory has
// TLS 1.3 alone, the report is another one when blindspot verify has asked.
func TestLab(t *testing.T) {
	for _, name := range []string{"incident", "healthy", "incident13", "healthy13"} {
		l := openLab(t, name, "expected.yml")
		l.hold(t, "capture", "blindspot.yml", "--pcap", l.capture)
		l.hold(t, "api", "blindspot-api.yml", "--pcap", l.capture)
		l.hold(t, "store", "blindspot.yml", "--db", l.store(t))
	}
	for _, name := range []string{"incident13", "healthy13"} {
		l := openLab(t, name, "expected-looks.yml")
		l.hold(t, "looks", "blindspot.yml", "--db", l.store(t))
		l.hold(t, "looks-api", "blindspot-api.yml", "--db", l.store(t))
	}
}

// A builtLab is a laboratory that was built, and the report that it must give.
type builtLab struct {
	name    string
	dir     string // of its configuration
	capture string
	looks   string // a store with what blindspot verify was shown; "" for none
	want    *expectedReport
}

func openLab(t *testing.T, name, expected string) *builtLab {
	t.Helper()
	folder := cmp.Or(os.Getenv(labEnv), pcaps)
	l := &builtLab{name: name, dir: filepath.Join(folder, "lab", name)}
	l.want = readExpected(t, filepath.Join(l.dir, expected))
	l.capture = filepath.Join(folder, l.want.Capture)
	if l.want.Looks != "" {
		l.looks = filepath.Join(folder, l.want.Looks)
	}
	return l
}

// store returns a store of the traffic, and of the looks where there are some.
func (l *builtLab) store(t *testing.T) string {
	t.Helper()
	db := filepath.Join(t.TempDir(), "lab.db")
	if l.looks != "" {
		looks, err := os.ReadFile(l.looks)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(db, looks, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	labRun(t, "pcap", "--quiet", "--db", db, l.capture)
	return db
}

// hold holds one report against the one expected.
func (l *builtLab) hold(t *testing.T, way, config string, traffic ...string) {
	t.Run(l.name+"/"+way, func(t *testing.T) {
		got := labGap(t, append(traffic, "--config", filepath.Join(l.dir, config))...)
		refs := config == "blindspot.yml"
		l.want.checkSummary(t, got.Summary)
		checkRows(t, "surface", got.Surfaces, l.want.Surfaces, "name")
		if refs { // Prometheus itself may know more of what a check reaches
			checkRows(t, "check", got.Checks, l.want.Checks, "hostname", "address", "port")
		}
		for _, d := range l.want.compare(l.dir, got.Findings, refs) {
			t.Error(d)
		}
	})
}

// expectedReport is an expected.yml.
type expectedReport struct {
	Capture  string
	Looks    string // a store of looks, read beside the capture
	Summary  map[string]float64
	Surfaces []map[string]any
	Checks   []map[string]any
	Findings []expectedFinding
}

// expectedFinding is a finding as far as the laboratory fixes it: a field that
// is not given may be anything.
type expectedFinding struct {
	Kind        string
	Severity    string
	Hostname    string
	Endpoints   []string
	Surface     string
	Owner       string
	Certificate string // a PEM file beside expected.yml
	KnownBy     string `yaml:"known_by"` // how the certificate is known, where it is not from the wire
	Handshakes  *uint64
	Clients     *uint64
	Detail      []string // words that the sentence has
	Anywhere    []string // words that the finding has somewhere
	Refs        []string // the same, where the checks were read from files
	NoCommand   string   `yaml:"no_command"` // why no command can show it
}

// labReport is what the test reads of "gap -o json".
type labReport struct {
	Summary  map[string]any
	Surfaces []map[string]any
	Checks   []map[string]any
	Findings []labFinding
}

type labFinding struct {
	Kind, Severity, Hostname, Certificate, Surface, Owner, Detail, Remedy string

	Endpoints           []string
	Handshakes, Clients uint64
	Evidence            json.RawMessage
}

func readExpected(t *testing.T, path string) *expectedReport {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	e := &expectedReport{}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(e); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return e
}

// labRun runs blindspot as a user does, and returns what it prints.
func labRun(t *testing.T, args ...string) []byte {
	t.Helper()
	program := filepath.Join(t.TempDir(), "blindspot")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("blindspot %s: %v: %s", strings.Join(args, " "), err, errs.String())
	}
	return out
}

func labGap(t *testing.T, args ...string) *labReport {
	t.Helper()
	r := &labReport{}
	if err := json.Unmarshal(labRun(t, append([]string{"gap", "--quiet", "-o", "json"}, args...)...), r); err != nil {
		t.Fatal(err)
	}
	return r
}

func (e *expectedReport) checkSummary(t *testing.T, got map[string]any) {
	t.Helper()
	for key, want := range e.Summary {
		if n, ok := got[key].(float64); !ok || math.Abs(n-want) > 0.00005 {
			t.Errorf("summary, %s: got %v, want %v", key, got[key], want)
		}
	}
}

// checkRows holds rows of the report against expected ones, which are found by
// their keys, as far as they have them. There must be as many.
func checkRows(t *testing.T, what string, got, want []map[string]any, keys ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("got %d %ss, want %d", len(got), what, len(want))
	}
	for _, w := range want {
		i := slices.IndexFunc(got, func(g map[string]any) bool {
			return !slices.ContainsFunc(keys, func(key string) bool { return w[key] != nil && text(g[key]) != text(w[key]) })
		})
		if i < 0 {
			t.Errorf("no %s %v", what, w)
			continue
		}
		for field, value := range w {
			if text(got[i][field]) != text(value) {
				t.Errorf("%s %v, %s: got %s, want %s", what, w[keys[0]], field, text(got[i][field]), text(value))
			}
		}
	}
}

func text(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// compare pairs what was found with what is expected, the best pairs first, and
// tells every difference.
func (e *expectedReport) compare(dir string, got []labFinding, refs bool) []string {
	type pair struct {
		want, got int
		faults    []string
	}
	var pairs []pair
	for i := range e.Findings {
		for j := range got {
			if e.Findings[i].Kind == got[j].Kind {
				pairs = append(pairs, pair{i, j, e.Findings[i].faults(dir, &got[j], refs)})
			}
		}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return cmp.Compare(len(a.faults), len(b.faults)) })
	var out []string
	found, wanted := map[int]bool{}, map[int]bool{}
	for _, p := range pairs {
		if found[p.want] || wanted[p.got] {
			continue
		}
		found[p.want], wanted[p.got] = true, true
		for _, f := range p.faults {
			out = append(out, fmt.Sprintf("%s: %s\n\tin: %s", e.Findings[p.want].name(), f, got[p.got].Detail))
		}
	}
	for i := range e.Findings {
		if !found[i] {
			out = append(out, "missing: "+e.Findings[i].name())
		}
	}
	for j, f := range got {
		if !wanted[j] {
			out = append(out, fmt.Sprintf("not expected: %s, %s: %s", f.Kind, f.Severity, f.Detail))
		}
	}
	return out
}

func (w *expectedFinding) name() string {
	return strings.Join(slices.DeleteFunc([]string{w.Kind, w.Hostname, strings.Join(w.Endpoints, " "), w.Certificate}, func(s string) bool { return s == "" }), " ")
}

// faults returns what of a finding is not as expected.
func (w *expectedFinding) faults(dir string, g *labFinding, refs bool) (out []string) {
	differ := func(field string, got, want any) {
		out = append(out, fmt.Sprintf("%s: got %v, want %v", field, got, want))
	}
	for _, f := range []struct{ field, got, want string }{
		{"severity", g.Severity, w.Severity}, {"hostname", g.Hostname, w.Hostname},
		{"surface", g.Surface, w.Surface}, {"owner", g.Owner, w.Owner},
	} {
		if f.want != "" && f.got != f.want {
			differ(f.field, f.got, f.want)
		}
	}
	for _, f := range []struct {
		field string
		got   uint64
		want  *uint64
	}{{"handshakes", g.Handshakes, w.Handshakes}, {"clients", g.Clients, w.Clients}} {
		if f.want != nil && f.got != *f.want {
			differ(f.field, f.got, *f.want)
		}
	}
	if w.Endpoints != nil && !slices.Equal(slices.Sorted(slices.Values(g.Endpoints)), slices.Sorted(slices.Values(w.Endpoints))) {
		differ("endpoints", g.Endpoints, w.Endpoints)
	}
	var evidence struct {
		KnownBy string `json:"known_by"`
	}
	if err := json.Unmarshal(g.Evidence, &evidence); err != nil || evidence.KnownBy != w.KnownBy {
		differ("known by", evidence.KnownBy, w.KnownBy)
	}
	if w.Certificate != "" {
		if want := fingerprintOf(readCertificate(dir, w.Certificate)); g.Certificate != want {
			differ("certificate", g.Certificate, want+" of "+w.Certificate)
		}
	}
	return append(out, w.silent(dir, g, refs)...)
}

// silent returns the words that a finding should have and has not.
func (w *expectedFinding) silent(dir string, g *labFinding, refs bool) (out []string) {
	for _, word := range w.Detail {
		if word = labWord(dir, word); !strings.Contains(g.Detail, word) {
			out = append(out, fmt.Sprintf("the detail does not say %q", word))
		}
	}
	words := w.Anywhere
	if refs {
		words = slices.Concat(words, w.Refs)
	}
	all := g.Detail + "\n" + g.Remedy + "\n" + string(g.Evidence) + "\n" + strings.Join(g.Endpoints, " ")
	for _, word := range words {
		if word = labWord(dir, word); !strings.Contains(all, word) {
			out = append(out, fmt.Sprintf("%q is said nowhere", word))
		}
	}
	if len(g.Endpoints) > 0 && w.NoCommand == "" && !strings.Contains(g.Remedy, "openssl s_client ") {
		out = append(out, "the remedy has no command that shows it: "+g.Remedy)
	}
	return out
}

// labWord puts the day for {from FILE} and {to FILE}.
func labWord(dir, word string) string {
	inner, ok := strings.CutPrefix(strings.TrimSuffix(word, "}"), "{")
	if !ok {
		return word
	}
	end, file, _ := strings.Cut(inner, " ")
	cert, err := x509.ParseCertificate(readCertificate(dir, file))
	if err != nil {
		return err.Error()
	}
	if end == "from" {
		return cert.NotBefore.UTC().Format(time.DateOnly)
	}
	return cert.NotAfter.UTC().Format(time.DateOnly)
}

// readCertificate returns the first certificate of a PEM file, nil where there
// is none.
func readCertificate(dir, file string) []byte {
	b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(file)))
	if err != nil {
		return nil
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil
	}
	return block.Bytes
}

func fingerprintOf(der []byte) string {
	if der == nil {
		return "no certificate"
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}
