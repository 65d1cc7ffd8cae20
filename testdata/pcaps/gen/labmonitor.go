//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const prometheusURL = "http://127.0.0.1:9090"

// monitor starts the blackbox exporter and Prometheus with the laboratory's
// own configuration, beside the clients.
func (b *laboratory) monitor() error {
	files, err := filepath.Glob(filepath.Join(b.out, "*"))
	if err != nil {
		return err
	}
	for _, f := range files {
		if ext := filepath.Ext(f); ext != ".yml" && ext != ".json" && ext != ".pem" {
			continue
		}
		content, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		b.file(filepath.Base(f), string(content))
	}
	for _, s := range []struct {
		addr string
		args []string
	}{
		{"127.0.0.1:9115", []string{"prometheus-blackbox-exporter", "--config.file=blackbox.yml", "--web.listen-address=127.0.0.1:9115"}},
		{"127.0.0.1:9090", []string{"prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.listen-address=127.0.0.1:9090", "--web.external-url=http://prometheus.shop.internal:9090/"}},
	} {
		p, err := b.serveIn(b.cli, []string{s.addr}, s.args...)
		if err != nil {
			return err
		}
		b.prom = append(b.prom, p)
	}
	return nil
}

// query asks Prometheus.
func (b *laboratory) query(path string, into any) (string, error) {
	r, err := b.run("", nil, "curl", "-s", "-m", "5", prometheusURL+path)
	if err != nil {
		return "", err
	}
	if err := json.Unmarshal([]byte(r.out), into); err != nil {
		return "", fmt.Errorf("%s%s: %w: %s", prometheusURL, path, err, r.out)
	}
	var nice bytes.Buffer
	_ = json.Indent(&nice, []byte(r.out), "", " ")
	return nice.String() + "\n", nil
}

// An answer is what Prometheus says to a query.
type answer struct {
	Data struct {
		Result []struct {
			Metric map[string]string
			Value  [2]any
		}
	}
}

const byQuery = "/api/v1/query?query="

// probed waits until every check was made at least so often, and is an error
// where one of them failed: in both laboratories monitoring sees nothing wrong.
func (b *laboratory) probed(checks, times int) error {
	path := byQuery + url.QueryEscape("count_over_time(probe_success[5m])")
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(time.Second) {
		var a answer
		if _, err := b.query(path, &a); err != nil {
			return err
		}
		ready := 0
		for _, r := range a.Data.Result {
			if n, _ := r.Value[1].(string); n != "" && n >= fmt.Sprint(times) || len(n) > 1 {
				ready++
			}
		}
		if ready == checks && len(a.Data.Result) == checks {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d of %d checks were made %d times", ready, checks, times)
		}
	}
	var a answer
	if _, err := b.query(byQuery+url.QueryEscape("min_over_time(probe_success[5m]) == 0"), &a); err != nil {
		return err
	}
	var failed []string
	for _, r := range a.Data.Result {
		failed = append(failed, r.Metric["instance"])
	}
	if failed != nil {
		return fmt.Errorf("checks failed: %s\n%s", strings.Join(failed, ", "), b.prom[0].output())
	}
	return nil
}

// monitored ends the monitoring, and keeps what it said of itself.
func (b *laboratory) monitored(checks int) error {
	if err := b.probed(checks, 2); err != nil {
		return err
	}
	for file, path := range map[string]string{
		"targets.answer.json": "/api/v1/targets?state=active",
		"probes.answer.json":  byQuery + "probe_ssl_last_chain_info",
	} {
		text, err := b.query(path, new(any))
		if err != nil {
			return err
		}
		if err := b.save(file, text); err != nil {
			return err
		}
	}
	return b.endMonitor()
}

// endMonitor stops Prometheus, so that no check begins, and lets the exporter
// finish those that are under way before it ends both.
func (b *laboratory) endMonitor() error {
	exporter, prometheus := b.prom[0], b.prom[1]
	if err := syscall.Kill(-prometheus.cmd.Process.Pid, syscall.SIGSTOP); err != nil {
		return err
	}
	time.Sleep(1500 * time.Millisecond)
	prometheus.kill()
	exporter.kill()
	return nil
}
