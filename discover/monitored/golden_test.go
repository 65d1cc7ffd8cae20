package monitored

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files; review the diff")

// golden compares v with testdata/name.golden.json. The files were reviewed
// against what the configurations say, and for Prometheus against the answers
// of the real programs (see real_test.go).
func golden(t *testing.T, name string, v any) {
	t.Helper()
	got, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	path := filepath.Join("testdata", name+".golden.json")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(got, want) {
		return
	}
	g, w := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range min(len(g), len(w)) {
		if !bytes.Equal(g[i], w[i]) {
			t.Fatalf("%s:%d: got %s, want %s", path, i+1, g[i], w[i])
		}
	}
	t.Fatalf("%s: got %d lines, want %d", path, len(g), len(w))
}

func TestGolden(t *testing.T) {
	tests := []struct {
		name string
		spec Spec
	}{
		{"hosts", Spec{Kind: "hosts", Path: "testdata/hosts.txt"}},
		{"hosts-windows", Spec{Kind: "hosts", Path: "testdata/hosts-windows.txt"}},
		{"csv", Spec{Kind: "csv", Path: "testdata/inventory.csv"}},
		{"semicolon", Spec{Kind: "csv", Path: "testdata/semicolon.csv"}},
		{"urls", Spec{Kind: "urls", Path: "testdata/urls.txt"}},
		{"file_sd", Spec{Kind: "file_sd", Path: "testdata/file_sd.json"}},
		{"prometheus", Spec{Kind: "prometheus", Path: "testdata/prometheus/prometheus.yml"}},
		{"jobfiles", Spec{Kind: "prometheus", Path: "testdata/jobfiles/prometheus.yml",
			Options: map[string]string{"blackbox": "testdata/prometheus/blackbox.yml"}}},
		{"prometheus-api", apiSpec},
		{"kubernetes", Spec{Kind: "kubernetes", Path: "testdata/kubernetes/objects.yaml"}},
		{"kubernetes-json", Spec{Kind: "kubernetes", Path: "testdata/kubernetes/list.json"}},
		{"uptime-kuma-metrics", Spec{Kind: "uptime-kuma", Path: "testdata/uptime-kuma/metrics.txt"}},
		{"uptime-kuma-backup", Spec{Kind: "uptime-kuma", Path: "testdata/uptime-kuma/backup.json"}},
		{"nagios", Spec{Kind: "nagios", Path: "testdata/nagios/objects.cache"}},
		{"icinga", Spec{Kind: "icinga", Path: "testdata/icinga/services.json"}},
		{"icinga-hosts", Spec{Kind: "icinga", Path: "testdata/icinga/hosts.json"}},
		{"gatus", Spec{Kind: "gatus", Path: "testdata/gatus/config.yaml", Options: map[string]string{"env": "testdata/gatus/gatus.env"}}},
		{"no-blackbox", Spec{Kind: "prometheus", Path: "testdata/jobfiles/prometheus.yml"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, err := Read([]Spec{test.spec})
			if err != nil {
				t.Fatal(err)
			}
			golden(t, test.name, r)
			// The kind must be found without being named.
			bare := test.spec
			bare.Kind = ""
			told, err := Read([]Spec{bare})
			if err != nil {
				t.Fatal(err)
			}
			want := test.spec.Kind
			if test.name == "urls" {
				want = "hosts" // it holds a bare host too: the host list reads both
			}
			if got := told.Sources[0].Kind; got != want {
				t.Errorf("told by content: got kind %q, want %q", got, want)
			}
		})
	}
}

func pemOf(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
