package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"blindspot/capture/decode"
	"blindspot/cmd/blindspot/internal/ingest"
	"blindspot/discover"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata/pcaps, and the table of README.md")

const pcaps = "../../testdata/pcaps"

// captures returns the shipped captures.
func captures(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(pcaps)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		if _, rest, _ := strings.Cut(e.Name(), ".pcap"); !e.IsDir() && strings.Contains(e.Name(), ".pcap") && !strings.HasSuffix(rest, ".golden") {
			list = append(list, e.Name())
		}
	}
	if len(list) == 0 {
		t.Fatalf("no capture in %s", pcaps)
	}
	return list
}

// stem is the name that a capture shares with its truth and its golden file,
// and with other forms of the same capture.
func stem(name string) string {
	s, _, _ := strings.Cut(name, ".pcap")
	return filepath.Join(pcaps, s)
}

// decodeAs is what somebody must know of a capture to read it.
var decodeAs = map[string]decode.Config{
	"tunnel-vxlan-port.pcap": {UDPPorts: map[string][]uint16{"vxlan": {14789}}},
}

// events reads a capture as "blindspot pcap --events" does.
func events(t *testing.T, name string) []byte {
	t.Helper()
	lines, _ := readWhole(t, name)
	return lines
}

// readWhole returns the events of a capture, and what was counted.
func readWhole(t *testing.T, name string) ([]byte, *discover.Inventory) {
	t.Helper()
	var out bytes.Buffer
	run := newRun(t, ingest.Config{Events: ingest.NewEvents(&out, "memory"), Decode: decodeAs[name]})
	res, err := run.Read(context.Background(), filepath.Join(pcaps, name))
	if err != nil {
		t.Fatal(err)
	}
	if cut := strings.Contains(name, "-cut"); (res.Fault != nil) != cut {
		t.Errorf("fault: got %v, want one: %v", res.Fault, cut)
	}
	return out.Bytes(), run.Inventory()
}

func newRun(t *testing.T, cfg ingest.Config) *ingest.Run {
	t.Helper()
	run, err := ingest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := run.Close(); err != nil {
			t.Error(err)
		}
	})
	return run
}

// TestGolden holds the events of every shipped capture.
func TestGolden(t *testing.T) {
	for _, name := range captures(t) {
		t.Run(name, func(t *testing.T) {
			got := events(t, name)
			path := stem(name) + ".golden"
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatalf("%v (make it with -update, and review it)", err)
			}
			diffLines(t, got, want)
		})
	}
}

func diffLines(t *testing.T, got, want []byte) {
	t.Helper()
	g, w := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range max(len(g), len(w)) {
		switch {
		case i >= len(g):
			t.Errorf("line %d missing: %s", i+1, w[i])
		case i >= len(w):
			t.Errorf("line %d is new: %s", i+1, g[i])
		case !bytes.Equal(g[i], w[i]):
			t.Errorf("line %d:\n got %s\nwant %s", i+1, g[i], w[i])
		}
	}
}

// handshake is an entry of a truth file: what servers and clients really did,
// by their own logs, exit codes and key logs. What is not known is left out.
type handshake struct {
	Client       string   `json:"client"`
	Server       string   `json:"server"`
	Transport    string   `json:"transport"`
	SNI          string   `json:"sni"`
	NoSNI        bool     `json:"no_sni"`
	ALPNOffered  []string `json:"alpn_offered"`
	ALPNChosen   string   `json:"alpn_chosen"`
	Version      string   `json:"version"`
	Cipher       string   `json:"cipher"`
	Group        string   `json:"group"`
	Certs        []string `json:"certs"`
	ClientCerts  []string `json:"client_certs"`
	Visible      bool     `json:"visible"`
	Resumed      *bool    `json:"resumed"`
	HelloRetry   *bool    `json:"hello_retry"`
	ClientAuth   *bool    `json:"client_auth_requested"`
	KeyProof     *bool    `json:"key_proof"`
	OCSP         string   `json:"ocsp"`
	ECH          string   `json:"ech"`
	EarlyData    *bool    `json:"early_data"`
	RawPublicKey string   `json:"raw_public_key"`
	Tunnel       []string `json:"tunnel"`     // outermost first
	InAndOut     bool     `json:"in_and_out"` // seen both in the tunnel and bare
	StartTLS     string   `json:"starttls"`   // protocols before TLS, outermost first
	Target       string   `json:"target"`     // what a proxy was asked for
	ClientOrigin string   `json:"client_origin"`
	Hop          bool     `json:"hop"` // the far side of a handshake that has an entry of its own
	Outcome      string   `json:"outcome"`
	Alert        *struct {
		From, Level, Description string
		Protected                bool
	} `json:"alert"`
	ClientRandom string `json:"client_random"`
	Note         string `json:"note"`
}

// event is an event as others read it.
type event struct {
	Client       string   `json:"client"`
	Server       string   `json:"server"`
	Transport    string   `json:"transport"`
	SNI          *string  `json:"sni"`
	SNIRaw       *string  `json:"sni_raw"`
	ALPN         []string `json:"alpn"`
	ALPNChosen   *string  `json:"alpn_chosen"`
	Version      *string  `json:"version"`
	Cipher       *string  `json:"cipher"`
	Group        *string  `json:"group"`
	Certs        []string `json:"certs"`
	ClientCerts  []string `json:"client_certs"`
	CertsFrom    *string  `json:"certs_from"`
	CertsHidden  *string  `json:"certs_hidden"`
	Resumed      *bool    `json:"resumed"`
	HelloRetry   bool     `json:"hello_retry"`
	ClientAuth   *bool    `json:"client_auth_requested"`
	KeyProof     *bool    `json:"key_proof"`
	OCSP         *string  `json:"ocsp"`
	ECH          *string  `json:"ech"`
	EarlyData    bool     `json:"early_data"`
	Tunnel       []string `json:"tunnel"`
	StartTLS     *string  `json:"starttls"`
	Target       *string  `json:"target"`
	ClientOrigin *string  `json:"client_origin"`
	Outcome      string   `json:"outcome"`
	ClientRandom *string  `json:"client_random"`
	PacketsLost  int      `json:"packets_lost"`
	Alerts       []struct {
		From               string
		Level, Description *string
		Protected          bool
	} `json:"alerts"`
}

// outOfSight are handshakes of the truth of which no sensor can know better,
// by capture, number and field, with the reason.
var outOfSight = map[string]string{
	"format-cut-gz.pcap 3 event":   "it is behind the cut; tshark does not see it either",
	"link-snaplen-96.pcap 1 event": "the 30 bytes that are left of a hello hold neither its random nor its name",
	"link-snaplen-96.pcap 2 event": "the same",
	"link-snaplen-96.pcap 3 event": "the same",
	"link-snaplen-256.pcap 2 alpn": "the list is behind the cut",
	"go-ech.pcap 1 ech":            "whether the offer was accepted only the keys show",
	"go-ech.pcap 2 ech":            "the same",
	"go-ech.pcap 2 outcome":        "ech_required comes encrypted, behind the client's Finished",
	"go-ech.pcap 2 alerts":         "the same",
}

// excused reports whether a difference is out of sight.
func excused(used map[string]bool, capture string, n int, field string) bool {
	key := fmt.Sprintf("%s %d %s", capture, n, field)
	_, known := outOfSight[key]
	used[key] = true
	return known
}

// TestTruth compares the events of every shipped capture with what its servers
// and clients did: every handshake once, and nothing else.
func TestTruth(t *testing.T) {
	used := map[string]bool{}
	for _, name := range captures(t) {
		t.Run(name, func(t *testing.T) {
			truth := readTruth(t, stem(name)+".truth.json")
			lines, inv := readWhole(t, name)
			checkCleartext(t, name, inv)
			seen := parseEvents(t, lines)
			for i, h := range truth {
				if h.Hop {
					continue // one handshake is one event; TestHops has the hops
				}
				j := slices.IndexFunc(seen, func(e *event) bool { return h.is(e) })
				if j < 0 {
					if excused(used, name, i+1, "event") {
						continue
					}
					t.Errorf("handshake %d, %s → %s %q (%s): no event", i+1, h.Client, h.Server, h.SNI, h.Note)
					continue
				}
				h.check(t, i+1, seen[j], func(field string) bool { return excused(used, name, i+1, field) })
				seen = slices.Delete(seen, j, j+1)
			}
			for _, e := range seen {
				t.Errorf("an event of no handshake: %s → %s, name %s, random %s", e.Client, e.Server, word(e.SNI), word(e.ClientRandom))
			}
		})
	}
	for key := range outOfSight {
		if !used[key] && !t.Failed() {
			t.Errorf("%s is said to be out of sight, and is seen: take it off the list", key)
		}
	}
}

// TestHops: a handshake on both sides of a NAT, a proxy or a load balancer that
// does not end TLS is one, and the way it took is kept, with the chain at its end.
func TestHops(t *testing.T) {
	for _, name := range []string{"wire-nat", "preface-connect", "preface-socks", "preface-proxy-ends"} {
		t.Run(name, func(t *testing.T) {
			run, err := ingest.New(ingest.Config{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := run.Read(context.Background(), filepath.Join(pcaps, name+".pcap")); err != nil {
				t.Fatal(err)
			}
			checkHops(t, run.Inventory(), readTruth(t, filepath.Join(pcaps, name+".truth.json")))
		})
	}
}

func checkHops(t *testing.T, inv *discover.Inventory, truth []*handshake) {
	t.Helper()
	nearest := map[string]string{} // server that the client itself spoke to, by random
	for _, h := range truth {
		if !h.Hop {
			nearest[h.ClientRandom] = h.Server
		}
	}
	want := map[[2]string]uint64{}
	var handshakes, hops uint64
	for _, h := range truth {
		if h.Hop {
			want[[2]string{nearest[h.ClientRandom], h.Server}]++
			hops++
		} else {
			handshakes++
		}
	}
	for _, hop := range inv.Hops {
		way := [2]string{hop.From.String(), hop.To.String()}
		if hop.Count != want[way] {
			t.Errorf("hop from %s to %s: got %d handshakes, want %d", way[0], way[1], hop.Count, want[way])
		}
		delete(want, way)
	}
	for way := range want {
		t.Errorf("no hop from %s to %s", way[0], way[1])
	}
	var counted, forwarded uint64
	for s, err := range inv.Sightings {
		if err != nil {
			t.Fatal(err)
		}
		counted += s.Count
		forwarded += s.Forwarded
	}
	if counted != handshakes || forwarded != hops || inv.Sensor.Handshakes != handshakes {
		t.Errorf("got %d handshakes, %d forwarded, %d in the head; want %d, %d, %d", counted, forwarded, inv.Sensor.Handshakes, handshakes, hops, handshakes)
	}
}

func readTruth(t *testing.T, path string) []*handshake {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Handshakes []*handshake }
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return file.Handshakes
}

func parseEvents(t *testing.T, lines []byte) []*event {
	t.Helper()
	var list []*event
	for line := range bytes.Lines(lines) {
		e := &event{}
		if err := json.Unmarshal(line, e); err != nil {
			t.Fatalf("event %s: %v", line, err)
		}
		list = append(list, e)
	}
	return list
}

// is reports whether e is the event of h.
func (h *handshake) is(e *event) bool {
	return h.Client == e.Client && h.Server == e.Server &&
		(h.ClientRandom == "" || e.ClientRandom == nil || h.ClientRandom == *e.ClientRandom)
}

// check compares what is known of h, and can be seen, with e.
func (h *handshake) check(t *testing.T, n int, e *event, excused func(field string) bool) {
	t.Helper()
	differ := func(field string, got, want any) {
		t.Helper()
		if excused(field) {
			return
		}
		t.Errorf("handshake %d, %s → %s %q, %s: got %v, want %v (%s)", n, h.Client, h.Server, h.SNI, field, got, want, h.Note)
	}
	same := func(field string, got *string, want string) {
		t.Helper()
		if want != "" && word(got) != want {
			differ(field, word(got), want)
		}
	}
	hidden := word(e.CertsHidden)
	hello, answer := e.ClientRandom != nil, e.Version != nil // seen at all: some captures hold one side only
	if hello {
		same("client_random", e.ClientRandom, h.ClientRandom)
		same("sni", e.SNI, h.SNI)
		if h.NoSNI && (e.SNI != nil || e.SNIRaw != nil) {
			differ("sni", word(e.SNI)+word(e.SNIRaw), nil)
		}
		if h.ALPNOffered != nil && !slices.Equal(e.ALPN, h.ALPNOffered) {
			differ("alpn", e.ALPN, h.ALPNOffered)
		}
	}
	if answer || hidden != "one-sided" && hidden != "truncated" {
		same("version", e.Version, h.Version)
		same("cipher", e.Cipher, h.Cipher)
		if h.HelloRetry != nil && e.HelloRetry != *h.HelloRetry {
			differ("hello_retry", e.HelloRetry, *h.HelloRetry)
		}
	}
	h.checkCertificates(e, differ)
	if h.Resumed != nil && e.Resumed != nil && *e.Resumed != *h.Resumed {
		differ("resumed", *e.Resumed, *h.Resumed)
	}
	if h.ClientAuth != nil && e.ClientAuth != nil && *e.ClientAuth != *h.ClientAuth {
		differ("client_auth_requested", *e.ClientAuth, *h.ClientAuth)
	}
	if h.KeyProof != nil && e.KeyProof != nil && *e.KeyProof != *h.KeyProof {
		differ("key_proof", *e.KeyProof, *h.KeyProof)
	}
	same("ech", e.ECH, h.ECH)
	if !slices.Equal(e.Tunnel, h.Tunnel) && !(h.InAndOut && len(e.Tunnel) == 0) {
		differ("tunnel", e.Tunnel, h.Tunnel)
	}
	h.checkPreface(e, differ)
	if h.EarlyData != nil && hello && e.EarlyData != *h.EarlyData {
		differ("early_data", e.EarlyData, *h.EarlyData)
	}
	if e.Outcome == "unknown" && (!hello || !answer || e.PacketsLost > 0 || hidden == "one-sided" || hidden == "truncated") {
		return // not seen whole: how it ended is out of sight, and the event says so
	}
	if e.Outcome != h.Outcome {
		differ("outcome", e.Outcome, h.Outcome)
	}
	h.checkAlert(e, differ)
}

func (h *handshake) checkCertificates(e *event, differ func(string, any, any)) {
	if !h.Visible && word(e.CertsFrom) == "decrypted" { // the capture brings the secrets along
		if !slices.Equal(e.Certs, h.Certs) {
			differ("certs", e.Certs, h.Certs)
		}
		return
	}
	if !h.Visible {
		if len(e.Certs) > 0 {
			differ("certs", e.Certs, "none, as they were not visible")
		}
		return
	}
	if hidden := word(e.CertsHidden); hidden != "null" && len(h.Certs) > 0 {
		differ("certs_hidden", hidden, "null: the certificates were visible")
		return
	}
	if !slices.Equal(e.Certs, h.Certs) {
		differ("certs", e.Certs, h.Certs)
	}
	if h.Version != "TLS 1.3" && !slices.Equal(e.ClientCerts, h.ClientCerts) {
		differ("client_certs", e.ClientCerts, h.ClientCerts)
	}
	if h.OCSP != "" && word(e.OCSP) != h.OCSP {
		differ("ocsp", word(e.OCSP), h.OCSP)
	}
	if h.KeyProof != nil && e.KeyProof == nil && e.ClientRandom != nil { // the signature is over both randoms
		differ("key_proof", nil, *h.KeyProof)
	}
}

func (h *handshake) checkAlert(e *event, differ func(string, any, any)) {
	if h.Alert == nil {
		return
	}
	for _, a := range e.Alerts {
		if a.From == h.Alert.From && a.Protected == h.Alert.Protected &&
			(h.Alert.Protected || h.Alert.Description == "" || word(a.Description) == h.Alert.Description) {
			return
		}
	}
	differ("alerts", e.Alerts, *h.Alert)
}

func word(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}
