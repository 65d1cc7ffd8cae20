package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"blindspot/discover/coverage"
	"blindspot/discover/monitored"
	"blindspot/discover/report"

	"go.yaml.in/yaml/v3"
)

func closed(t *testing.T, r *report.Report, format string) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.CloseLoop(&b, r, format); err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	return b.String()
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func readChecks(t *testing.T, specs ...monitored.Spec) *monitored.Result {
	t.Helper()
	r, err := monitored.Read(specs)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// words are checks as "name dialled grade starttls".
func words(r *monitored.Result) (list []string) {
	for i := range r.Checks {
		c := &r.Checks[i]
		list = append(list, fmt.Sprintf("%s %s %s %s", c.Hostname, netHost(c.Address, c.Port), c.Grade, c.StartTLS))
	}
	return list
}

func netHost(host string, port uint16) string { return fmt.Sprintf("%s:%d", host, port) }

// job is what the groups are for: a job of the blackbox exporter whose module
// speaks TLS to the target as it stands.
const job = `scrape_configs:
  - job_name: certificates
    metrics_path: /probe
    params: {module: [tls]}
    file_sd_configs: [{files: [close.json]}]
    relabel_configs:
      - {source_labels: [__address__], target_label: __param_target}
      - {source_labels: [__param_target], target_label: instance}
      - {target_label: __address__, replacement: "127.0.0.1:9115"}
`

const blackbox = `modules:
  tls: {prober: tcp, tcp: {tls: true}}
  smtp_starttls: {prober: tcp, tcp: {query_response: [{expect: "^220"}, {send: "EHLO x"}, {expect: "^250-STARTTLS"}, {send: STARTTLS}, {expect: "^220"}, {starttls: true}]}}
`

// asPrometheus writes the groups beside a job that has them.
func asPrometheus(t *testing.T, groups string) monitored.Spec {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "close.json", groups)
	return monitored.Spec{Kind: "prometheus", Path: write(t, dir, "prometheus.yml", job),
		Options: map[string]string{"blackbox": write(t, dir, "blackbox.yml", blackbox)}}
}

func TestFileSDIsRead(t *testing.T) {
	text := closed(t, report.BusyReport(), "file_sd")
	alone := readChecks(t, monitored.Spec{Kind: "file_sd", Path: write(t, t.TempDir(), "close.json", text)})
	if got := len(alone.Checks); got != 6 {
		t.Errorf("read alone: got %d checks: %q", got, words(alone))
	}
	for i := range alone.Checks {
		for label := range alone.Checks[i].Labels {
			if label != "owner" && label != "surface" {
				t.Errorf("the label %s would stay", label)
			}
		}
	}
	r := readChecks(t, asPrometheus(t, text))
	want := []string{
		"legacy-api.shop.example legacy-api.shop.example:443 exact ", "v1.legacy-api.shop.example v1.legacy-api.shop.example:443 exact ",
		"api.shop.internal 10.77.1.24:8443 exact ", "api.shop.internal 10.77.1.25:8443 exact ",
		"mx2.shop.example mx2.shop.example:25 exact smtp", " 10.77.9.9:9443 default-certificate ",
	}
	if got := words(r); !slices.Equal(got, want) || len(r.Warnings) > 0 {
		t.Errorf("got\n%s\nwith %v, want\n%s", strings.Join(got, "\n"), r.Warnings, strings.Join(want, "\n"))
	}
	if got := r.Checks[0].Owner; got != "infra" {
		t.Errorf("got owner %q", got)
	}
}

func TestHostListIsRead(t *testing.T) {
	path := write(t, t.TempDir(), "close.txt", closed(t, report.BusyReport(), "hosts"))
	r := readChecks(t, monitored.Spec{Kind: "hosts", Path: path})
	want := []string{
		"legacy-api.shop.example legacy-api.shop.example:443 exact ", "v1.legacy-api.shop.example v1.legacy-api.shop.example:443 exact ",
		"mx2.shop.example mx2.shop.example:25 exact smtp", " 10.77.9.9:9443 default-certificate ",
	}
	if got := words(r); !slices.Equal(got, want) || len(r.Warnings) > 0 {
		t.Errorf("got\n%s\nwith %v, want\n%s", strings.Join(got, "\n"), r.Warnings, strings.Join(want, "\n"))
	}
}

// TestLoopIsClosed holds that a report after the written checks were taken over
// has no name and no endpoint left that nothing checks; at the latest at the
// second time, because a finding about many names does not say which of them
// is on which port.
func TestLoopIsClosed(t *testing.T) {
	compare := func(checks *monitored.Result) *report.Report {
		res, err := coverage.Compare(report.ShopInventory(), checks, coverage.Config{Scope: coverage.Scope{All: true}, MonitorSources: []netip.Prefix{netip.MustParsePrefix("10.77.3.9/32")}})
		if err != nil {
			t.Fatal(err)
		}
		return report.New(res, report.ShopInventory(), time.Time{})
	}
	spec := map[string]func(text string) monitored.Spec{
		"hosts": func(text string) monitored.Spec {
			return monitored.Spec{Kind: "hosts", Path: write(t, t.TempDir(), "close.txt", text)}
		},
		"file_sd": func(text string) monitored.Spec { return asPrometheus(t, text) },
	}
	for format, specOf := range spec {
		var specs []monitored.Spec
		r := compare(nil)
		first := missing(r)
		for range 2 {
			specs = append(specs, specOf(closed(t, r, format)))
			r = compare(readChecks(t, specs...))
		}
		if left := missing(r); len(first) < 3 || len(left) > 0 {
			t.Errorf("%s: got at first %q, in the end %q", format, first, left)
		}
	}
}

// missing are the things that no check is about.
func missing(r *report.Report) (list []string) {
	for i := range r.Findings {
		switch f := &r.Findings[i]; f.Kind {
		case "unmonitored-hostname", "unmonitored-endpoint", "unnamed-endpoint":
			list = append(list, f.Kind+" "+f.Hostname+" "+strings.Join(f.Endpoints, " "))
		}
	}
	return list
}

// gatusConfig is as much of Gatus's configuration as is written.
type gatusConfig struct {
	Endpoints []struct {
		Name, Group, URL string
		Interval         string
		Conditions       []string
		Client           struct{ Insecure bool }
	}
}

func parseGatus(t *testing.T, text string) gatusConfig {
	t.Helper()
	var c gatusConfig
	d := yaml.NewDecoder(strings.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	return c
}

// TestGatusIsSound holds what Gatus itself asks of an endpoint when it starts.
func TestGatusIsSound(t *testing.T) {
	c := parseGatus(t, closed(t, report.BusyReport(), "gatus"))
	var got []string
	for _, e := range c.Endpoints {
		got = append(got, fmt.Sprintf("%s %s %v", e.Group, e.URL, e.Client.Insecure))
		if _, err := time.ParseDuration(e.Interval); err != nil || len(e.Conditions) == 0 || strings.ContainsAny(e.Name+e.Group, `"\`) {
			t.Errorf("Gatus would not take %+v (%v)", e, err)
		}
		if _, err := http.NewRequest("GET", e.URL, nil); err != nil {
			t.Error(err)
		}
	}
	want := []string{
		"HAProxy edge tls://legacy-api.shop.example:443 false", "HAProxy edge tls://v1.legacy-api.shop.example:443 false",
		"mail starttls://mx2.shop.example:25 false", " tls://10.77.9.9:9443 true",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for what, s := range report.Hostile {
		r := report.InfestedReport(s)
		r.Findings[0].Kind, r.Findings[0].Endpoints, r.Findings[0].Remedy = "unnamed-endpoint", []string{"10.0.0.1:443"}, ""
		if c := parseGatus(t, closed(t, r, "gatus")); len(c.Endpoints) != 1 || c.Endpoints[0].URL != "tls://10.0.0.1:443" || strings.ContainsAny(c.Endpoints[0].Group, `"\`) {
			t.Errorf("%s: got %+v", what, c.Endpoints)
		}
	}
	if c := parseGatus(t, closed(t, &report.Report{}, "gatus")); len(c.Endpoints) != 0 {
		t.Errorf("nothing to close: got %+v", c)
	}
}

// TestKumaIsSound holds what the import of Uptime Kuma 1.23 relies on: lists
// that it takes the length of or walks over, and 1 for what is to run.
func TestKumaIsSound(t *testing.T) {
	var b struct {
		Version          string
		NotificationList []any
		MonitorList      []struct {
			Name, Type, URL string
			Hostname        *string
			Port            *int
			Interval        int
			Tags            []any
			Active          any
			Codes           []string `json:"accepted_statuscodes"`
			IgnoreTLS       bool
		}
	}
	if err := json.Unmarshal([]byte(closed(t, report.BusyReport(), "uptime-kuma")), &b); err != nil {
		t.Fatal(err)
	}
	var running []string
	for _, m := range b.MonitorList {
		if m.Tags == nil || m.Interval < 20 || m.Name == "" {
			t.Errorf("the import would not take %+v", m)
		}
		if m.Active != 1.0 {
			if m.Type != "port" || m.Hostname == nil || m.Port == nil {
				t.Errorf("a paused monitor: got %+v", m)
			}
			continue
		}
		if u, err := url.Parse(m.URL); err != nil || u.Scheme != "https" || m.Type != "http" || len(m.Codes) == 0 {
			t.Errorf("got %+v (%v)", m, err)
		}
		running = append(running, fmt.Sprint(m.URL, " ", m.IgnoreTLS))
	}
	want := []string{"https://legacy-api.shop.example:443/ false", "https://v1.legacy-api.shop.example:443/ false", "https://10.77.9.9:9443/ true"}
	if !strings.HasPrefix(b.Version, "1.") || b.NotificationList == nil || len(b.MonitorList) != 7 || !slices.Equal(running, want) {
		t.Errorf("got version %q, %d monitors, running %q", b.Version, len(b.MonitorList), running)
	}
}

// TestMonitorsAreRead holds, where there is a reader of the same monitor, that
// it finds the checks that were written.
func TestMonitorsAreRead(t *testing.T) {
	for format, file := range map[string]string{"gatus": "close.yaml", "uptime-kuma": "close.json"} {
		if !slices.Contains(monitored.Kinds(), format) {
			t.Logf("there is no reader of %s: not read back", format)
			continue
		}
		r := readChecks(t, monitored.Spec{Kind: format, Path: write(t, t.TempDir(), file, closed(t, report.BusyReport(), format))})
		got := words(r)
		for _, want := range []string{"legacy-api.shop.example legacy-api.shop.example:443 exact ", "v1.legacy-api.shop.example v1.legacy-api.shop.example:443 exact "} {
			if !slices.Contains(got, want) {
				t.Errorf("%s: got %q, want %q in it", format, got, want)
			}
		}
	}
}
