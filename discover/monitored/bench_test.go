package monitored

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// BenchmarkPrometheus reads 20,000 probed targets with the usual relabelling.
func BenchmarkPrometheus(b *testing.B) {
	const targets = 20_000
	dir := b.TempDir()
	var list strings.Builder
	list.WriteString("[{\"targets\": [\n")
	for i := range targets {
		fmt.Fprintf(&list, "%q,\n", fmt.Sprintf("https://host%d.shop.example/", i))
	}
	list.WriteString("\"https://shop.example/\"]}]\n")
	config := `scrape_configs:
- job_name: web
  metrics_path: /probe
  params: {module: [http_2xx]}
  file_sd_configs: [{files: [web.json]}]
  relabel_configs:
  - {source_labels: [__address__], target_label: __param_target}
  - {source_labels: [__param_target], target_label: instance}
  - {target_label: __address__, replacement: "127.0.0.1:9115"}
`
	for name, text := range map[string]string{"web.json": list.String(), "prometheus.yml": config} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		r, err := Read([]Spec{{Kind: "prometheus", Path: filepath.Join(dir, "prometheus.yml")}})
		if err != nil || len(r.Checks) != targets+1 {
			b.Fatalf("got %d checks, %v, want %d", len(r.Checks), err, targets+1)
		}
	}
}

// BenchmarkPrometheusAPI reads a server's answers about 20,000 probed targets.
func BenchmarkPrometheusAPI(b *testing.B) {
	const targets = 20_000
	const target = `{"discoveredLabels":{"__address__":"https://host%[1]d.shop.example/","__metrics_path__":"/probe","__param_module":"http_2xx","__scheme__":"http","job":"web"},` +
		`"labels":{"instance":"https://host%[1]d.shop.example/","job":"web"},"scrapePool":"web","scrapeUrl":"http://127.0.0.1:9115/probe?module=http_2xx&target=https%%3A%%2F%%2Fhost%[1]d.shop.example%%2F","lastError":"","health":"up"}`
	const series = `{"metric":{"__name__":"probe_ssl_last_chain_info","fingerprint_sha256":"%064[1]x","instance":"https://host%[1]d.shop.example/","job":"web","subjectalternative":"host%[1]d.shop.example"},"value":[1,"1"]}`
	var list, chains []string
	for i := range targets {
		list = append(list, fmt.Sprintf(target, i))
		chains = append(chains, fmt.Sprintf(series, i))
	}
	spec := Spec{Kind: "prometheus-api", Path: write(b, `{"status":"success","data":{"activeTargets":[`+strings.Join(list, ",")+`]}}`),
		Options: map[string]string{"chain": write(b, `{"status":"success","data":{"resultType":"vector","result":[`+strings.Join(chains, ",")+`]}}`)}}
	for b.Loop() {
		r, err := Read([]Spec{spec})
		if err != nil || len(r.Checks) != targets || r.Checks[7].SeenFingerprint == "" {
			b.Fatalf("got %d checks, %v, want %d", len(r.Checks), err, targets)
		}
	}
}
