package report

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"blindspot/discover"
)

func closed(t *testing.T, r *Report, format string) string {
	t.Helper()
	var b bytes.Buffer
	if err := CloseLoop(&b, r, format); err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	return b.String()
}

func TestCloseLoopGolden(t *testing.T) {
	for format, name := range map[string]string{"file_sd": "close.file_sd.json", "gatus": "close.gatus.yaml", "hosts": "close.hosts.txt", "uptime-kuma": "close.kuma.json"} {
		golden(t, name, closed(t, busyReport(), format))
	}
}

func TestCloseLoopFormats(t *testing.T) {
	want := []string{"file_sd", "gatus", "hosts", "uptime-kuma"}
	if got := CloseLoopFormats(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	err := CloseLoop(&bytes.Buffer{}, emptyReport(), "zabbix")
	if err == nil || !strings.Contains(err.Error(), `"zabbix"`) || !strings.Contains(err.Error(), strings.Join(want, ", ")) {
		t.Errorf("unknown monitor: got %v", err)
	}
}

// TestCloseLoopOfReadReport holds that a report read from a file gives the same
// as the one that it was.
func TestCloseLoopOfReadReport(t *testing.T) {
	for _, format := range CloseLoopFormats() {
		if got, want := closed(t, reread(t, busyReport()), format), closed(t, busyReport(), format); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", format, got, want)
		}
	}
}

func TestGaps(t *testing.T) {
	command := func(args string) string { return "See it with: openssl s_client " + args + " </dev/null" }
	for _, tt := range []struct {
		name     string
		f        discover.Finding
		want     []string
		starttls string
		unusable int
	}{
		{"a name", discover.Finding{Kind: "unmonitored-hostname", Hostname: "a.example", Evidence: map[string]any{"port": uint16(8443)}}, []string{"a.example:8443"}, "", 0},
		{"its port from the endpoint", discover.Finding{Kind: "unmonitored-hostname", Hostname: "a.example", Endpoints: []string{"[2001:db8::1]:444"}}, []string{"a.example:444"}, "", 0},
		{"several names", discover.Finding{Kind: "unmonitored-hostname", Hostname: "a.example", Evidence: map[string]any{"port": 443,
			"names": []map[string]any{{"hostname": "b.example"}, {"hostname": "a.example"}}}}, []string{"b.example:443", "a.example:443"}, "", 0},
		{"a name that its list lacks", discover.Finding{Kind: "unmonitored-hostname", Hostname: "a.example", Evidence: map[string]any{"port": 443,
			"names": []map[string]any{{"hostname": "b.example"}}}}, []string{"a.example:443", "b.example:443"}, "", 0},
		{"several names on several ports", discover.Finding{Kind: "unmonitored-hostname", Hostname: "a.example", Endpoints: []string{"10.0.0.1:443", "10.0.0.2:25"}, Evidence: map[string]any{"port": 443,
			"names": []map[string]any{{"hostname": "a.example"}, {"hostname": "b.example", "port": 25}}}}, []string{"a.example:443", "b.example:25"}, "", 0},
		{"STARTTLS", discover.Finding{Kind: "unmonitored-hostname", Hostname: "db.example", Evidence: map[string]any{"port": 5432},
			Remedy: command("-connect 10.0.0.1:5432 -starttls postgres")}, []string{"db.example:5432"}, "postgresql", 0},
		{"another port", discover.Finding{Kind: "unmonitored-endpoint", Hostname: "a.example", Endpoints: []string{"10.0.0.1:8443"},
			Evidence: map[string]any{"reason": "port", "port": 8443}}, []string{"a.example:8443"}, "", 0},
		{"other addresses", discover.Finding{Kind: "unmonitored-endpoint", Hostname: "a.example", Endpoints: []string{"10.0.0.1:443", "[2001:db8::1]:443"},
			Evidence: map[string]any{"reason": "chain"}}, []string{"a.example at 10.0.0.1:443", "a.example at [2001:db8::1]:443"}, "", 0},
		{"no name", discover.Finding{Kind: "unnamed-endpoint", Hostname: "", Endpoints: []string{"10.0.0.1:443"}}, []string{"10.0.0.1:443"}, "", 0},
		{"weak checks are there", discover.Finding{Kind: "weak-check", Hostname: "a.example", Endpoints: []string{"10.0.0.1:443"}}, nil, "", 0},
		{"no hostname", discover.Finding{Kind: "unmonitored-hostname", Hostname: "a\nb", Evidence: map[string]any{"port": 443}}, nil, "", 1},
		{"no address", discover.Finding{Kind: "unnamed-endpoint", Endpoints: []string{"10.0.0.1", "$(x):1"}}, nil, "", 2},
		{"no port", discover.Finding{Kind: "unmonitored-hostname", Hostname: "a.example"}, nil, "", 1},
		{"evidence of other types", discover.Finding{Kind: "unmonitored-hostname", Hostname: "a.example", Endpoints: []string{"10.0.0.1:443"},
			Evidence: map[string]any{"port": "many", "names": 3}}, []string{"a.example:443"}, "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := emptyReport()
			r.Findings = []discover.Finding{tt.f, tt.f}
			list, unusable := r.gaps()
			var got []string
			for i := range list {
				got = append(got, list[i].name())
				if list[i].starttls != tt.starttls {
					t.Errorf("got STARTTLS %q, want %q", list[i].starttls, tt.starttls)
				}
			}
			if !slices.Equal(got, tt.want) || unusable != 2*tt.unusable {
				t.Errorf("got %q and %d unusable, want %q and %d", got, unusable, tt.want, 2*tt.unusable)
			}
		})
	}
}

// TestHostileLoop holds that a stranger's text is neither a line nor a target
// of its own.
func TestHostileLoop(t *testing.T) {
	build := func(s string) *Report {
		r := emptyReport()
		for _, kind := range []string{"unmonitored-hostname", "unmonitored-endpoint", "unnamed-endpoint", "weak-check"} {
			r.Findings = append(r.Findings, discover.Finding{
				Kind: kind, Severity: discover.Severity(s), Hostname: "good.example", Endpoints: []string{"10.0.0.1:443"}, Surface: s, Owner: s,
				Evidence: map[string]any{"port": 443, "target": s, "reason": s}, Remedy: "See it with: openssl -starttls " + s,
			}, discover.Finding{Kind: kind, Hostname: s, Endpoints: []string{s}, Remedy: s, Evidence: map[string]any{"names": []map[string]string{{"hostname": s}}}})
		}
		return r
	}
	for what, s := range hostile {
		for _, format := range CloseLoopFormats() {
			text := closed(t, build(s), format)
			if r, bad := obeyed(text); bad {
				t.Errorf("%s, %s: %q gets through", what, format, r)
			}
			for _, l := range strings.Split(text, "\n") {
				if format == "hosts" && l != "" && !strings.HasPrefix(l, "#") && !strings.Contains(l, "good.example:443") && !strings.Contains(l, "10.0.0.1:443") {
					t.Errorf("%s: a line of its own: %q", what, l)
				}
			}
			if format == "file_sd" || format == "uptime-kuma" {
				if !json.Valid([]byte(text)) {
					t.Errorf("%s, %s: no JSON:\n%s", what, format, text)
				}
			}
		}
	}
}
