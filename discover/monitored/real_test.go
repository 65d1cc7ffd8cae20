package monitored

import (
	"encoding/json"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const realConfig = "testdata/prometheus/prometheus.yml"

// realTargets reads targets.answer.json: what Prometheus itself (2.42, Debian)
// answered to /api/v1/targets?state=active with this configuration, less the
// keys that it does not know (ca, consul_sd_configs).
func realTargets(t *testing.T) map[string]map[string]string {
	t.Helper()
	var answer struct {
		Data struct {
			ActiveTargets []struct {
				ScrapeURL string            `json:"scrapeUrl"`
				Labels    map[string]string `json:"labels"`
			} `json:"activeTargets"`
		} `json:"data"`
	}
	readJSON(t, "testdata/prometheus/targets.answer.json", &answer)
	targets := map[string]map[string]string{}
	for _, target := range answer.Data.ActiveTargets {
		targets[target.ScrapeURL] = target.Labels
	}
	return targets
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// ourTargets resolves the same configuration.
func ourTargets(t *testing.T) map[string]map[string]string {
	t.Helper()
	text, err := readText(realConfig)
	if err != nil {
		t.Fatal(err)
	}
	var config promConfig
	if err := decodeYAML(text, &config); err != nil {
		t.Fatal(err)
	}
	targets := map[string]map[string]string{}
	for i := range config.ScrapeConfigs {
		sc := &config.ScrapeConfigs[i].V
		j := &promJob{scrapeConfig: sc, path: realConfig, base: sc.base(&config)}
		if err := j.readRules(); err != nil {
			t.Fatal(err)
		}
		eachGroup(t, sc, func(file string, g targetGroup) {
			for _, at := range g.Targets {
				target, keep, err := j.resolve(at.V, g.Labels, map[string]string{"__meta_filepath": file})
				if err != nil {
					t.Fatal(err)
				}
				if keep {
					targets[scrapeURL(target)] = target.labels
				}
			}
		})
	}
	return targets
}

func eachGroup(t *testing.T, sc *scrapeConfig, f func(file string, g targetGroup)) {
	t.Helper()
	for _, g := range sc.Static {
		f("", g.V)
	}
	for _, sd := range sc.FileSD {
		for _, pattern := range sd.Files {
			files, err := beside(realConfig, pattern.V)
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range files {
				text, err := readText(file)
				if err != nil {
					t.Fatal(err)
				}
				groups, err := parseFileSD(file, text)
				if err != nil {
					t.Fatal(err)
				}
				for _, g := range groups {
					f(file, g.V)
				}
			}
		}
	}
}

func scrapeURL(t promTarget) string {
	query := url.Values{}
	for name, value := range t.params {
		query.Set(name, value)
	}
	u := url.URL{Scheme: t.scheme, Host: t.address, Path: t.path, RawQuery: query.Encode()}
	return u.String()
}

func TestRelabellingAgreesWithPrometheus(t *testing.T) {
	want, got := realTargets(t), ourTargets(t)
	for _, u := range slices.Sorted(maps.Keys(want)) {
		labels, ok := got[u]
		if !ok {
			t.Errorf("target %s is missing", u)
		} else if !maps.Equal(labels, want[u]) {
			t.Errorf("target %s: got labels %v, want %v", u, labels, want[u])
		}
	}
	for u := range got {
		if _, ok := want[u]; !ok {
			t.Errorf("target %s is not Prometheus's", u)
		}
	}
}

// TestProbesAgreeWithExporter holds what the blackbox exporter (0.23, Debian)
// did on the wire against the checks: probes.answer.json has, for each probe of
// the configuration, the connection that a server saw.
func TestProbesAgreeWithExporter(t *testing.T) {
	var probes []struct {
		Module, Target, Hostname string
		Status                   int
		Seen                     *struct {
			Port uint16
			TLS  bool
			SNI  string
		}
	}
	readJSON(t, "testdata/prometheus/probes.answer.json", &probes)
	path := filepath.Join(filepath.Dir(realConfig), blackboxBeside)
	text, err := readText(path)
	if err != nil {
		t.Fatal(err)
	}
	modules, err := parseBlackbox(path, text)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range probes {
		t.Run(p.Module+" "+p.Target, func(t *testing.T) {
			m := modules.find(p.Module)
			c, err := m.check("ref", p.Target, p.Hostname)
			if p.Status != 200 { // the exporter refused the probe
				if err == nil && c.Grade > GradeReachability && !strings.HasPrefix(m.Prober.V, "ssl_exporter") {
					t.Errorf("got grade %v for a probe that the exporter refuses", c.Grade)
				}
				return
			}
			if p.Seen == nil {
				if err == nil && c.Grade != GradeReachability {
					t.Errorf("got grade %v for a probe that made no TCP connection", c.Grade)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if c.Port != p.Seen.Port {
				t.Errorf("got port %d, want %d", c.Port, p.Seen.Port)
			}
			if want := p.Seen.TLS && p.Module != "https_insecure"; c.Verifies != want {
				t.Errorf("got verifies %v, want %v", c.Verifies, want)
			}
			if p.Module == "tls_connect" && p.Hostname != "" {
				return // the tcp prober takes the parameter since 0.24
			}
			if got, want := c.Hostname, strings.ToLower(p.Seen.SNI); got != want {
				t.Errorf("got hostname %q, want the server name %q", got, want)
			}
		})
	}
}
