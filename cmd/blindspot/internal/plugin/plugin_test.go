package plugin

import (
	"strings"
	"testing"
	"time"

	"blindspot/discover"
	"blindspot/discover/report"
)

func TestParseThreshold(t *testing.T) {
	tests := []struct {
		s    string
		want Threshold
		bad  string // part of the error, "" for none
	}{
		{"critical", Threshold{discover.Critical, 1}, ""},
		{"notice", Threshold{discover.Notice, 1}, ""},
		{"5", Threshold{"", 5}, ""},
		{"warning:5", Threshold{discover.Warning, 5}, ""},
		{"none", Threshold{}, ""},
		{"0", Threshold{}, "number above 0"},
		{"-1", Threshold{}, "number above 0"},
		{"warning:", Threshold{}, "number above 0"},
		{"warning:0", Threshold{}, "number above 0"},
		{"critcal", Threshold{}, `did you mean "critical"?`},
		{"", Threshold{}, "is no threshold"},
		{":5", Threshold{}, "is no threshold"},
		{"5:warning", Threshold{}, "is no threshold"},
		{"none:5", Threshold{}, "is no threshold"},
	}
	for _, tt := range tests {
		got, err := ParseThreshold(tt.s)
		switch {
		case (err != nil) != (tt.bad != ""), err != nil && !strings.Contains(err.Error(), tt.bad):
			t.Errorf("%q: got error %v, want %q", tt.s, err, tt.bad)
		case got != tt.want:
			t.Errorf("%q: got %+v, want %+v", tt.s, got, tt.want)
		}
	}
}

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// seen is a report of a sensor that saw enough, and found this much.
func seen(severities ...discover.Severity) *report.Report {
	last := now.Add(-time.Minute)
	r := &report.Report{Window: report.Window{First: &last, Last: &last}}
	r.Sensor.Packets, r.Sensor.Handshakes = 1000, 100
	r.Summary.Handshakes, r.Summary.Hostnames, r.Summary.Monitored = 90, 4, 4
	for _, s := range severities {
		r.Findings = append(r.Findings, discover.Finding{Kind: "expired-certificate", Severity: s, Hostname: "shop.example", Endpoints: []string{"10.0.0.1:443"}})
		switch s {
		case discover.Critical:
			r.Summary.Findings.Critical++
		case discover.Warning:
			r.Summary.Findings.Warning++
		case discover.Notice:
			r.Summary.Findings.Notice++
		}
	}
	return r
}

func with(r *report.Report, change func(*report.Report)) *report.Report {
	change(r)
	return r
}

func TestJudge(t *testing.T) {
	c, w, n := discover.Critical, discover.Warning, discover.Notice
	usual := Rule{Warning: Threshold{w, 1}, Critical: Threshold{c, 1}}
	live, aged := usual, usual
	live.Live, aged.MaxAge = true, time.Hour
	old := now.Add(-2 * time.Hour)
	tests := []struct {
		name string
		rule Rule
		r    *report.Report
		want State
		text string // part of it
	}{
		{"nothing found", usual, seen(), OK, "no findings: 4 hostnames in use, 4 of them monitored"},
		{"a notice", usual, seen(n), OK, "0 critical, 0 warning, 1 notice"},
		{"a warning", usual, seen(w, n), Warning, "expired-certificate shop.example at 10.0.0.1:443"},
		{"a critical one", usual, seen(c, w), Critical, "1 critical, 1 warning, 0 notice: "},
		{"many", usual, seen(c, c, c, c, c), Critical, ", and 2 more"},
		{"below a number", Rule{Critical: Threshold{"", 3}}, seen(c, c), OK, "2 critical"},
		{"at a number", Rule{Critical: Threshold{"", 3}}, seen(c, n, n), Critical, ""},
		{"a number of a severity", Rule{Warning: Threshold{w, 2}}, seen(c, n, n), OK, ""},
		{"a number of a severity and above", Rule{Warning: Threshold{w, 2}}, seen(c, w, n), Warning, ""},
		{"no threshold", Rule{}, seen(c), OK, ""},

		{"no traffic", usual, &report.Report{}, Unknown, "no handshake was seen"},
		{"packets, no handshake", usual, with(seen(), func(r *report.Report) { r.Sensor.Handshakes = 0 }), Unknown, "no handshake was seen among 1,000 packets"},
		{"logs have no packets", usual, with(seen(), func(r *report.Report) { r.Sensor.Packets = 0 }), OK, ""},
		{"nothing in scope", usual, with(seen(), func(r *report.Report) { r.Summary.Handshakes = 0 }), Unknown, "is the scope right?"},
		{"old traffic of a capture", usual, with(seen(), func(r *report.Report) { r.Window.Last = &old }), OK, ""},
		{"old traffic of a live sensor", live, with(seen(), func(r *report.Report) { r.Window.Last = &old }), Unknown, "nothing was seen since 2026-11-23T10:00:00Z, longer than 1h0m0s"},
		{"older than is wanted", aged, with(seen(), func(r *report.Report) { r.Window.Last = &old }), Unknown, "longer than 1h0m0s"},
		{"drops", usual, with(seen(), func(r *report.Report) { r.Sensor.KernelDrops = 3000 }), Unknown, "75 % of packets were dropped"},
		{"few drops", usual, with(seen(), func(r *report.Report) { r.Sensor.KernelDrops = 30 }), OK, ""},
		{"one side only", usual, with(seen(), func(r *report.Report) { r.Sensor.Hidden = report.Counts{{Cause: "one-sided", N: 80}} }), Unknown, "80 % of handshakes were seen from one side only"},
		{"TLS 1.3 is no blindness", usual, with(seen(), func(r *report.Report) { r.Sensor.Hidden = report.Counts{{Cause: "encrypted", N: 100}} }), OK, ""},
		{"blind, and yet something found", usual, with(seen(c), func(r *report.Report) { r.Sensor.KernelDrops = 3000 }), Critical, "; 75 % of packets"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.rule.Now = now
			got := tt.rule.Judge(tt.r)
			if got.State != tt.want || !strings.Contains(got.Text, tt.text) {
				t.Errorf("got %s %q, want %s and %q", got.State, got.Text, tt.want, tt.text)
			}
		})
	}
}

func TestLine(t *testing.T) {
	a := Answer{State: Critical, Text: "a|b\nc\x1b[2J", Perf: perf(seen(discover.Critical))}
	want := "BLINDSPOT CRITICAL - a/b c\uFFFD[2J | critical=1;;;0 warning=0;;;0 notice=0;;;0 hostnames=4;;;0 unmonitored=0;;;0 certificates=0;;;0 handshakes=90;;;0 kernel_drops=0;;;0"
	if got := a.Line(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	long := Answer{Text: strings.Repeat("x", 5000)}.Line()
	if len(long) > maxLine+100 || !strings.HasSuffix(long, "…") {
		t.Errorf("a long text has %d bytes", len(long))
	}
}
