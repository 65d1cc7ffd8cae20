package metrics

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"blindspot/capture"
	"blindspot/capture/decode"
	"blindspot/cmd/blindspot/internal/sensor"
	"blindspot/discover"
	"blindspot/discover/flow"
)

var began = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// sample is a sensor with two workers, of which everything has happened.
func sample() Source {
	st := sensor.Status{
		Began: began, Events: 3, Softnet: 5,
		Workers: []*sensor.Sight{
			{Interface: "eth1", Worker: 0, Up: true, Last: began.Add(time.Minute),
				Capture: capture.Stats{Packets: 100, Bytes: 64_000, KernelDrops: 7, InterfaceDrops: 2, QueueFreezes: 1},
				Decode:  decode.Stats{TCP: 90, UDP: 6, NotIP: 4, Packets: 100},
				Flow:    flow.Stats{Flows: 20, Open: 12, EvictedSYN: 3, Foreign: 4}},
			{Interface: "eth1", Worker: 1, Up: true, Capture: capture.Stats{Packets: 50}, Decode: decode.Stats{TCP: 50, Packets: 50}},
		},
		Folding: &sensor.Folding{
			Stats: discover.AggregatorStats{Handshakes: 9, Names: 2, AskedBeyond: 6},
			Tally: []sensor.Tally{
				{Transport: "tcp", Version: "TLS 1.3", Hidden: "encrypted", Outcome: "established", Count: 8},
				{Transport: "quic", Outcome: "unanswered", Hidden: "no-server-answer", Count: 1},
			},
			Hostnames: []sensor.HostnameTally{{Hostname: "api.shop.example", Count: 6}, {Hostname: `a"b\nc.example`, Count: 1}},
			Other:     2, Sightings: 4,
		},
		Flushing: &sensor.Flushing{Flushes: 3, Failures: 1, Rows: 77, Seconds: 0.5, Last: began.Add(time.Minute),
			Durations: []uint64{1, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0}},
	}
	return Source{
		Version: "v1", Commit: "c0ffee", Go: "go1.26",
		Status:     func() sensor.Status { return st },
		Findings:   func() ([]Findings, bool) { return []Findings{{"expired-certificate", "critical", 2}}, true },
		Judged:     func() time.Time { return began },
		Reload:     func() Reload { return Reload{OK: true, Last: began} },
		StoreBytes: func() int64 { return 4096 },
		Evidence:   func() (uint64, uint64) { return 40, 1 },
		Verify:     func() (uint64, uint64, uint64) { return 2, 1, 3 },
	}
}

func get(t *testing.T, src Source, path string) (int, string) {
	t.Helper()
	s := httptest.NewServer(Handler(src))
	defer s.Close()
	res, err := http.Get(s.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// TestPromtool: the rules that Prometheus has for metrics are kept.
func TestPromtool(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("needs promtool, of Prometheus")
	}
	for name, src := range map[string]Source{"all": sample(), "at the start": {Status: func() sensor.Status { return sensor.Status{Began: began} }}} {
		t.Run(name, func(t *testing.T) {
			_, text := get(t, src, "/metrics")
			cmd := exec.Command(promtool, "check", "metrics")
			cmd.Stdin = strings.NewReader(text)
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Run(); err != nil || out.Len() > 0 {
				t.Errorf("%v\n%s", err, &out)
			}
		})
	}
}

func TestMetrics(t *testing.T) {
	code, text := get(t, sample(), "/metrics")
	if code != http.StatusOK {
		t.Fatalf("got %d", code)
	}
	for _, want := range []string{
		`blindspot_build_info{commit="c0ffee",go="go1.26",version="v1"} 1`,
		`blindspot_packets_total{interface="eth1",worker="0"} 100`,
		`blindspot_packets_by_kind_total{kind="tcp"} 140`,
		`blindspot_drops_total{cause="kernel",interface="eth1",worker="0"} 7`,
		`blindspot_drops_total{cause="interface",interface="eth1",worker="0"} 2`,
		`blindspot_softnet_drops_total 5`,
		`blindspot_flows{interface="eth1",worker="0"} 12`,
		`blindspot_flows_evicted_total{interface="eth1",state="syn",worker="0"} 3`,
		`blindspot_handshakes_total{hidden="encrypted",outcome="established",transport="tcp",version="TLS 1.3"} 8`,
		`blindspot_handshakes_total{hidden="no-server-answer",outcome="unanswered",transport="quic",version="none"} 1`,
		`blindspot_lost_total{cause="asked-names"} 6`,
		`blindspot_hostname_handshakes_total{hostname="api.shop.example"} 6`,
		`blindspot_hostname_handshakes_total{hostname="a\"b\\nc.example"} 1`,
		`blindspot_hostname_handshakes_total{hostname="other"} 2`,
		`blindspot_flush_seconds_bucket{le="0.001"} 1`,
		`blindspot_flush_seconds_bucket{le="0.01"} 2`,
		`blindspot_flush_seconds_bucket{le="+Inf"} 3`,
		`blindspot_flush_failures_total 1`,
		`blindspot_rows_written_total 77`,
		`blindspot_store_bytes 4096`,
		`blindspot_source_up{interface="eth1"} 1`,
		`blindspot_config_last_reload_successful 1`,
		`blindspot_findings{kind="expired-certificate",severity="critical"} 2`,
		`blindspot_last_packet_timestamp_seconds{interface="eth1"} 1.79543526e+09`,
		`blindspot_looks_total{result="answered"} 2`,
		`blindspot_evidence_packets_total{state="lost"} 1`,
		`blindspot_events_lost_total 3`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no line %s", want)
		}
	}
}

// TestHealth: alive is who sees; who does not is blind, and says why.
func TestHealth(t *testing.T) {
	tests := []struct {
		name   string
		change func(*sensor.Status)
		after  time.Duration
		want   string // part of the reason, "" for alive
	}{
		{"packets come", func(*sensor.Status) {}, 2 * time.Minute, ""},
		{"no packet for long", func(*sensor.Status) {}, time.Hour, "no packet came from eth1 since 2026-11-23T12:01:00Z"},
		{"never a packet", func(s *sensor.Status) { s.Workers[0].Last = time.Time{} }, time.Hour, ""},
		{"away", func(s *sensor.Status) { s.Workers[0].Up, s.Workers[1].Up = false, false }, 2 * time.Minute, "no packets can come from eth1"},
		{"away a moment ago", func(s *sensor.Status) { s.Workers[0].Up, s.Workers[1].Up = false, false }, time.Minute + time.Second, ""},
		{"one of two workers", func(s *sensor.Status) { s.Workers[1].Up = false }, 2 * time.Minute, ""},
		{"the store refuses", func(s *sensor.Status) { s.Flushing.Failing, s.Flushing.Since = "disk full", began }, 2 * time.Minute, "disk full"},
		{"the store refused just now", func(s *sensor.Status) { s.Flushing.Failing, s.Flushing.Since = "disk full", began.Add(time.Minute) }, 2 * time.Minute, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st := sample().Status()
			tt.change(&st)
			h := Judge(&st, began.Add(tt.after))
			if why := strings.Join(h.Why, "; "); (h.Status == "alive") != (tt.want == "") || !strings.Contains(why, tt.want) {
				t.Errorf("got %s: %q, want %q", h.Status, why, tt.want)
			}
		})
	}
}

func TestHealthz(t *testing.T) {
	src := sample() // of long ago: blind by now
	code, body := get(t, src, "/healthz")
	var h Health
	if err := json.Unmarshal([]byte(body), &h); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if code != http.StatusServiceUnavailable || h.Status != "blind" || h.Packets != 150 || len(h.Interfaces) != 1 {
		t.Errorf("got %d and %s", code, body)
	}
	for _, path := range []string{"/", "/debug/pprof/", "/metrics/x"} {
		if code, _ := get(t, src, path); code != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", path, code)
		}
	}
}
