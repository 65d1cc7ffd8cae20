package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"blindspot/discover"
)

// asEncoded is the report by encoding/json alone.
func asEncoded(t *testing.T, r *Report) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	if err := e.Encode(r); err != nil {
		t.Fatal(err)
	}
	return string(harden(b.Bytes()))
}

func TestJSONIsThatOfEncodingJSON(t *testing.T) {
	type pair struct {
		A string   `json:"a"`
		B []string `json:"b,omitempty"`
	}
	full := discover.Finding{
		Kind: "weak-tls", Severity: discover.Notice, Hostname: "a.example", Endpoints: []string{"10.0.0.1:443", "[::1]:443"},
		Certificate: "00ff", Surface: "edge", Owner: "<infra>", Handshakes: 1 << 60, Clients: 3, Share: 1e-7,
		FirstSeen: time.Unix(1, 5).UTC(), LastSeen: time.Unix(2, 0).UTC(), Detail: "a \"detail\"\n", Remedy: "\u202eremedy \xff",
		Evidence: map[string]any{
			"port": uint16(443), "n": 3, "n64": int64(-3), "u64": uint64(7), "yes": true, "nil": nil, "text": "a&b\x7f",
			"texts": []string{"x", "é"}, "no texts": []string{}, "nil texts": []string(nil), "pairs": []pair{{"a", nil}, {"b", []string{"c"}}},
			"none": []pair{}, "map": map[string]uint64{"b": 1, "a": 2}, "empty": map[string]int{}, "deep": map[string]map[string]uint64{"x": {"y": 1}},
			"share": 0.25, "when": time.Unix(3, 0).UTC(), "more": 1, "than": 2, "sixteen": 3, "keys": 4,
		},
	}
	plain := full
	plain.Hostname, plain.Certificate, plain.Owner, plain.Endpoints, plain.Evidence, plain.Share = "", "", "", []string{}, map[string]any{}, 0
	bare := plain
	bare.Endpoints, bare.Evidence, bare.Share = nil, nil, 1
	for name, list := range map[string][]discover.Finding{
		"none": {}, "one": {full}, "without what can be missing": {plain}, "nothing": {bare}, "several": {full, plain, bare, full},
		"what looks like a report without findings": {{Detail: noFindings, Evidence: map[string]any{noFindings: noFindings}}},
	} {
		t.Run(name, func(t *testing.T) {
			r := &Report{Findings: list, Warnings: []Warning{{Ref: noFindings, Text: "x"}}}
			var b strings.Builder
			w := bufio.NewWriter(&b)
			if err := writeJSON(w, r, Options{}); err != nil {
				t.Fatal(err)
			}
			w.Flush()
			if want := asEncoded(t, r); b.String() != want {
				t.Errorf("got\n%s\nwant\n%s", b.String(), want)
			}
		})
	}
}

func TestJSONTime(t *testing.T) {
	r := &Report{Findings: []discover.Finding{{FirstSeen: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}}}
	if err := writeJSON(bufio.NewWriter(&bytes.Buffer{}), r, Options{}); err == nil {
		t.Error("a year of five digits: got no error, and encoding/json gives one")
	}
}
