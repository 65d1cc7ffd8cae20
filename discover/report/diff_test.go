package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"blindspot/discover"
)

// reread writes a report as JSON and reads it.
func reread(t *testing.T, r *Report) *Report {
	t.Helper()
	got, err := ReadJSON(strings.NewReader(render(t, r, "json", Options{})))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestReadJSON holds that a report that was read is written as it was, in
// every format.
func TestReadJSON(t *testing.T) {
	for name, r := range map[string]*Report{"sample": sampleReport(), "busy": busyReport(), "empty": emptyReport(), "hostile": infested("\x1b[31m<b>|")} {
		got := reread(t, r)
		for _, format := range Formats() {
			if a, b := render(t, got, format, Options{}), render(t, r, format, Options{}); a != b {
				t.Errorf("%s as %s: got\n%s\nwant\n%s", name, format, a, b)
			}
		}
	}
}

func TestReadJSONRefuses(t *testing.T) {
	whole := render(t, sampleReport(), "json", Options{})
	for _, tt := range []struct{ name, in, want string }{
		{"nothing", " \n", "it is empty"},
		{"text", "traffic 2026", "it is no JSON"},
		{"a list", "[]", "it is a list, as 'blindspot hosts' writes it"},
		{"another object", `{"a":1}`, "it has no generated, summary, sensor, findings"},
		{"findings one a line", render(t, sampleReport(), "jsonl", Options{}), "as --output jsonl writes them"},
		{"events", `{"seq":1,"time":"2026-11-23T10:00:00Z"}`, "as --events writes them"},
		{"broken off", whole[:len(whole)/2], "breaks off"},
		{"a wrong type", strings.Replace(whole, `"packets": 1234567`, `"packets": "many"`, 1), "line 34"},
		{"a wrong figure", strings.Replace(whole, `"encrypted": 3900`, `"encrypted": -1`, 1), "uint64"},
		{"a wrong time", strings.Replace(whole, `"generated": "2026`, `"generated": "last year`, 1), "last year"},
		{"no JSON within", strings.Replace(whole, `"checks":`, `"checks"`, 1), "line "},
		{"two", whole + whole, "something follows"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := ReadJSON(strings.NewReader(tt.in))
			if err == nil || r != nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
	if _, err := ReadJSON(brokenReader{}); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errBroken }

// TestReadJSONPrefixes holds that no part of a report is taken for one.
func TestReadJSONPrefixes(t *testing.T) {
	whole := strings.TrimSpace(render(t, sampleReport(), "json", Options{}))
	for i := range len(whole) {
		if _, err := ReadJSON(strings.NewReader(whole[:i])); err == nil {
			t.Fatalf("the first %d bytes are taken for a report", i)
		}
	}
}

func FuzzReadJSON(f *testing.F) {
	var b bytes.Buffer
	if err := Write(&b, sampleReport(), "json", Options{}); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte(`{"generated":null,"summary":{},"sensor":{"hidden":{"a":1,"a":2}},"findings":[{"evidence":{"names":3}}]}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := ReadJSON(bytes.NewReader(in))
		if err != nil {
			return
		}
		for _, format := range Formats() {
			if err := Write(&bytes.Buffer{}, r, format, Options{}); err != nil {
				t.Errorf("%s: %v", format, err)
			}
		}
		for _, format := range CloseLoopFormats() {
			if err := CloseLoop(&bytes.Buffer{}, r, format); err != nil {
				t.Errorf("%s: %v", format, err)
			}
		}
		if d := Diff(r, r); len(d.Added)+len(d.Gone)+len(d.Worse)+len(d.Better) > 0 {
			t.Error("a report differs from itself")
		}
	})
}

// told is a Delta in words.
func told(d *Delta) []string {
	list := []string{}
	for _, f := range d.Added {
		list = append(list, "new "+f.Kind+" "+subjectOf(&f))
	}
	for _, f := range d.Gone {
		list = append(list, "gone "+f.Kind+" "+subjectOf(&f))
	}
	for _, c := range d.Worse {
		list = append(list, "worse "+c.Finding.Kind+" "+subjectOf(&c.Finding)+": "+strings.Join(c.Why, "; "))
	}
	for _, c := range d.Better {
		list = append(list, "better "+c.Finding.Kind+" "+subjectOf(&c.Finding)+": "+strings.Join(c.Why, "; "))
	}
	return list
}

func TestDiff(t *testing.T) {
	finding := func(kind, host string, s discover.Severity, share float64, endpoints ...string) discover.Finding {
		return discover.Finding{Kind: kind, Hostname: host, Severity: s, Share: share, Certificate: legacyLeaf, Surface: "edge", Endpoints: endpoints}
	}
	base := finding("expired-certificate", "a.example", discover.Warning, 0.02, "10.0.0.1:443")
	with := func(edit func(*discover.Finding)) discover.Finding {
		f := base
		edit(&f)
		return f
	}
	check := finding("unmonitored-hostname", "a.example", discover.Warning, 0.02, "10.0.0.1:443")
	renewed := check
	renewed.Certificate = strings.Repeat("ab", 32)
	for _, tt := range []struct {
		name     string
		old, new []discover.Finding
		want     []string
		same     int
	}{
		{"nothing", nil, nil, []string{}, 0},
		{"the same", []discover.Finding{base}, []discover.Finding{base}, []string{}, 1},
		{"new", nil, []discover.Finding{base}, []string{"new expired-certificate a.example"}, 0},
		{"gone", []discover.Finding{base}, nil, []string{"gone expired-certificate a.example"}, 0},
		{"more severe", []discover.Finding{base}, []discover.Finding{with(func(f *discover.Finding) { f.Severity = discover.Critical })},
			[]string{"worse expired-certificate a.example: critical, was warning"}, 0},
		{"less severe, though more used", []discover.Finding{base}, []discover.Finding{with(func(f *discover.Finding) { f.Severity, f.Share = discover.Notice, 0.2 })},
			[]string{"better expired-certificate a.example: notice, was warning; 20 % of traffic, was 2 %"}, 0},
		{"more used", []discover.Finding{base}, []discover.Finding{with(func(f *discover.Finding) { f.Share = 0.04 })},
			[]string{"worse expired-certificate a.example: 4 % of traffic, was 2 %"}, 0},
		{"a little more used", []discover.Finding{base}, []discover.Finding{with(func(f *discover.Finding) { f.Share = 0.035 })}, []string{}, 1},
		{"doubled, and still next to nothing", []discover.Finding{with(func(f *discover.Finding) { f.Share = 0.001 })},
			[]discover.Finding{with(func(f *discover.Finding) { f.Share = 0.004 })}, []string{}, 1},
		{"less used", []discover.Finding{with(func(f *discover.Finding) { f.Share = 0.5 })}, []discover.Finding{base},
			[]string{"better expired-certificate a.example: 2 % of traffic, was 50 %"}, 0},
		{"another certificate is another fault", []discover.Finding{base}, []discover.Finding{with(func(f *discover.Finding) { f.Certificate = "ab" })},
			[]string{"new expired-certificate a.example", "gone expired-certificate a.example"}, 0},
		{"another certificate is the same gap", []discover.Finding{check}, []discover.Finding{renewed}, []string{}, 1},
		{"the surface got a name", []discover.Finding{base}, []discover.Finding{with(func(f *discover.Finding) { f.Surface = "HAProxy edge" })}, []string{}, 1},
		{"another kind", []discover.Finding{base}, []discover.Finding{with(func(f *discover.Finding) { f.Kind = "client-rejects" })},
			[]string{"new client-rejects a.example", "gone expired-certificate a.example"}, 0},
		{"one endpoint of two", []discover.Finding{with(func(f *discover.Finding) { f.Endpoints = []string{"10.0.0.1:443", "10.0.0.2:443"} })}, []discover.Finding{base}, []string{}, 1},
		{"endpoints break ties", []discover.Finding{
			with(func(f *discover.Finding) {
				f.Endpoints, f.Severity = []string{"10.0.0.8:443", "10.0.0.9:443"}, discover.Critical
			}),
			with(func(f *discover.Finding) { f.Endpoints = []string{"10.0.0.1:443", "10.0.0.2:443"} }),
		}, []discover.Finding{base}, []string{"gone expired-certificate a.example"}, 1},
		{"the alike one goes to its like", []discover.Finding{base}, []discover.Finding{
			with(func(f *discover.Finding) { f.Endpoints = []string{"10.0.0.1:443", "10.0.0.3:443"} }), base,
		}, []string{"new expired-certificate a.example"}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			old, new := emptyReport(), emptyReport()
			old.Findings, new.Findings = orEmpty(tt.old), orEmpty(tt.new)
			d := Diff(old, new)
			if got := told(d); !slices.Equal(got, tt.want) || d.Same != tt.same {
				t.Errorf("got %q and %d as they were, want %q and %d", got, d.Same, tt.want, tt.same)
			}
		})
	}
}

func TestDiffOfItself(t *testing.T) {
	r := busyReport()
	if d := Diff(reread(t, r), r); len(told(d)) > 0 || d.Same != len(r.Findings) || len(d.Caveats) > 0 {
		t.Errorf("got %q, %d the same, %q", told(d), d.Same, d.Caveats)
	}
}

func TestCaveats(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(*Report)
		want string
	}{
		{"nothing seen", func(r *Report) { r.Summary.Handshakes = 0 }, "saw no use of anything"},
		{"little seen", func(r *Report) { r.Summary.Handshakes = 9 }, "9 handshakes after 40"},
		{"hidden", func(r *Report) { r.Sensor.Hidden.add("encrypted", 20) }, "50 % of handshakes were hidden, after 0 %"},
		{"the wrong way", func(r *Report) { r.Generated = r.Generated.Add(-1) }, "right order"},
	} {
		new := emptyReport()
		tt.edit(new)
		d := Diff(emptyReport(), new)
		if len(d.Caveats) != 1 || !strings.Contains(d.Caveats[0], tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, d.Caveats, tt.want)
		}
	}
}

// changed is the sample and what became of it.
func changed() (old, new *Report) {
	old, new = sampleReport(), busyReport()
	f := old.Findings[0]
	new.Findings = append([]discover.Finding{f, old.Findings[1]}, new.Findings[1:4]...)
	new.Findings[0].Share, new.Findings[0].Handshakes = 0.6, 1000
	new.Findings[1].Severity = discover.Notice
	new.Summary.Findings = severitiesOf(new.Findings)
	return old, new
}

func renderDelta(t *testing.T, d *Delta, format string, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteDelta(&b, d, format, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDeltaGolden(t *testing.T) {
	d := Diff(changed())
	for _, tt := range []struct {
		name, format string
		o            Options
	}{
		{"delta-80.txt", "table", Options{}}, {"delta-color.txt", "table", Options{Color: true, Width: 120}},
		{"delta.json", "json", Options{}}, {"delta.md", "markdown", Options{}},
	} {
		golden(t, tt.name, renderDelta(t, d, tt.format, tt.o))
	}
	var back Delta
	if err := json.Unmarshal([]byte(renderDelta(t, d, "json", Options{})), &back); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(told(&back), told(d)) {
		t.Errorf("got %q back, want %q", told(&back), told(d))
	}
	err := WriteDelta(&bytes.Buffer{}, d, "csv", Options{})
	if err == nil || !strings.Contains(err.Error(), "table, json, markdown") {
		t.Errorf("unknown format: got %v", err)
	}
}

func TestHostileDelta(t *testing.T) {
	for what, s := range hostile {
		d := Diff(emptyReport(), infested(s))
		d.Worse = append(d.Worse, Change{Why: []string{s}, Finding: d.Added[0]})
		d.Better = append(d.Better, d.Worse...)
		d.Caveats = append(d.Caveats, "caution")
		for _, format := range DeltaFormats() {
			if r, bad := obeyed(renderDelta(t, d, format, Options{Width: 2000})); bad {
				t.Errorf("%s, %s: %q gets through", what, format, r)
			}
		}
		for _, l := range strings.Split(renderDelta(t, d, "markdown", Options{}), "\n") {
			l = strings.NewReplacer("**Old**", "", "**New**", "", "**Hostnames**", "", "**Caution**", "", "**Changed**", "").Replace(l)
			if bad := loose(l); bad != "" && !strings.HasPrefix(l, "openssl ") {
				t.Errorf("%s: %q is not in code: %q", what, bad, l)
			}
		}
	}
}

// TestDiffOfMany holds that many findings that are alike take no time.
func TestDiffOfMany(t *testing.T) {
	old, new := emptyReport(), emptyReport()
	for i := range 20_000 {
		f := discover.Finding{Kind: "unnamed-endpoint", Severity: discover.Notice, Endpoints: []string{fmt.Sprintf("10.0.%d.%d:443", i/256, i%256)}}
		old.Findings = append(old.Findings, f)
		f.Endpoints = []string{f.Endpoints[0], "10.1.0.1:443"}
		new.Findings = append(new.Findings, f)
	}
	if d := Diff(old, new); d.Same != 20_000 {
		t.Errorf("got %d the same", d.Same)
	}
}
