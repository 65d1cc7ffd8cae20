package config

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestLive(t *testing.T) {
	text := `live:
  interfaces: [eth1, eth2]
  workers: 2
  filter: not port 22
  sensor: edge
  flush: 30s
  cutoff: off
  clients: prefix
  retention: hours=7d,days=400d
  max_store: 2GB
  events: events.jsonl
  events_max_size: 100MB
  pcap_out: kept.pcapng
  pcap_out_max: 1GiB
  listen: 9464
  metrics_hostnames: 20
  verify: true
  verify_rate: 0.5
`
	want := Live{
		Interfaces: []string{"eth1", "eth2"}, Workers: 2, Filter: "not port 22", Sensor: "edge", Flush: 30 * time.Second, Cutoff: "off", Clients: "prefix",
		Retention: "hours=7d,days=400d", MaxStore: "2GB", Events: filepath.Join("dir", "events.jsonl"), EventsMaxSize: "100MB",
		PcapOut: filepath.Join("dir", "kept.pcapng"), PcapOutMax: "1GiB", Listen: "9464", MetricsHostnames: 20, Verify: true, VerifyRate: 0.5,
	}
	f, err := parse(filepath.Join("dir", "blindspot.yml"), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(f.Live, want) {
		t.Errorf("got %+v\nwant %+v", f.Live, want)
	}
	for _, line := range strings.Split(strings.TrimSpace(text), "\n")[1:] { // no setting is left out above
		key, _, _ := strings.Cut(strings.TrimSpace(line), ":")
		if _, err := parse("x.yml", []byte("live:\n  "+key+": {}\n")); err == nil || !strings.Contains(err.Error(), "x.yml:2:") {
			t.Errorf("%s: {}: got %v, want an error in line 2", key, err)
		}
	}
}

func TestLiveErrors(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"unknown", "live: {interface: eth1}", `x.yml:1:8: unknown key "interface"; did you mean "interfaces"?`},
		{"negative", "live: {workers: -1}", `x.yml:1:17: "-1": want a number of workers, from 0 on`},
		{"rate", "live: {verify_rate: 0}", `x.yml:1:21: "0": want a number a second, above 0`},
		{"no number", "live: {verify_rate: NaN}", `above 0`},
		{"neither", "live: {verify: maybe}", `"maybe" is neither true nor false`},
		{"flush", "live: {flush: soon}", `"soon" is no duration`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := parse("x.yml", []byte(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestParseSize(t *testing.T) {
	tests := []struct {
		text string
		want int64
		ok   bool
	}{
		{"", 0, true}, {"0", 0, true}, {"1500", 1500, true}, {"100MB", 100e6, true}, {"2GiB", 2 << 30, true}, {"1.5 kB", 1500, true},
		{"64K", 64_000, true}, {"7B", 7, true}, {"-1MB", 0, false}, {"lots", 0, false}, {"1e30", 0, false}, {"NaN", 0, false}, {"MB", 0, false}, {"1XB", 0, false},
	}
	for _, tt := range tests {
		if got, ok := ParseSize(tt.text); got != tt.want || ok != tt.ok {
			t.Errorf("%q: got %d, %v; want %d, %v", tt.text, got, ok, tt.want, tt.ok)
		}
	}
}
