package keylog_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"testing"

	"blindspot/tlsparse"
	"blindspot/tlsparse/keylog"
)

// readTrace returns what each side sent in a trace, and its key log.
func readTrace(t testing.TB, name string) (client, server []byte, keys string) {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name + ".trace")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		what, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		var err error
		switch what {
		case "client":
			client, err = hex.DecodeString(rest)
		case "server":
			server, err = hex.DecodeString(rest)
		case "key":
			keys += rest + "\n"
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return client, server, keys
}

// openTrace opens a trace of TLS 1.3.
func openTrace(t *testing.T, name string) *opened {
	t.Helper()
	client, server, keys := readTrace(t, name)
	var log keylog.Log
	log.Add(name, []byte(keys))
	found := map[string]*opened{}
	openConversation(t, readClear(client), readClear(server), &log, found)
	for _, o := range found {
		if o != nil {
			return o
		}
	}
	t.Fatalf("%s: not opened", name)
	return nil
}

// Certificates of testdata/pcaps/pki by SHA-256, as the truth of the captures
// there has them.
const (
	ecdsaLeaf  = "df04445dec9f556a5cdf15eee2db082148d5b0d71d1e27386295f1e9884f8a19"
	deviceLeaf = "5e219abe5be63e61616cd1bf57b391cf4a6c02e8fb817bde045bdb0aa39d2f1a"
)

// TestTraces opens what the shipped captures do not have: AES-CCM, and
// compressed certificates of both sides.
func TestTraces(t *testing.T) {
	tests := []struct {
		name       string
		suite      uint16
		compressed uint16
		client     []string
	}{
		{"openssl-ccm", 0x1304, 0, nil},
		{"openssl-ccm8", 0x1305, 0, nil},
		{"boringssl-zlib", 0x1301, tlsparse.CompressionZlib, []string{deviceLeaf}},
		{"boringssl-brotli", 0x1301, tlsparse.CompressionBrotli, []string{deviceLeaf}},
	}
	for _, tt := range tests {
		o := openTrace(t, tt.name)
		h := &o.hidden
		if o.suite != tt.suite || h.Malformed > 0 || !h.Server.Finished || !h.Client.Finished || h.Server.Compressed != tt.compressed {
			t.Errorf("%s: suite %#x, compressed %d, %v; %s", tt.name, o.suite, h.Server.Compressed, h.Err, o.states)
		}
		if got := fingerprints(h.Server.Certificates); !slices.Equal(got, []string{ecdsaLeaf}) {
			t.Errorf("%s: server %v, want %v", tt.name, got, ecdsaLeaf)
		}
		if got := fingerprints(h.Client.Certificates); !slices.Equal(got, tt.client) {
			t.Errorf("%s: client %v, want %v", tt.name, got, tt.client)
		}
		for _, side := range []*keylog.Identity{&h.Server, &h.Client} {
			if len(side.Certificates) == 0 {
				continue
			}
			if side.Proof.Signed == nil {
				t.Errorf("%s: no proof", tt.name)
			} else if err := verify(side.Certificates[0].Data, &side.Proof); err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
		}
	}
}

// TestLost leaves records of a flight out: what follows them is found, and
// there is no proof of a transcript with a gap.
func TestLost(t *testing.T) {
	client, server, keys := readTrace(t, "openssl-ccm")
	var log keylog.Log
	log.Add("", []byte(keys))
	up, down := readClear(client), readClear(server)
	records := splitRecords(down.sealed)
	if len(records) < 4 {
		t.Fatalf("%d records", len(records))
	}
	down.sealed = bytes.Join(slices.Concat(records[:1], records[2:]), nil) // without the second: the certificate, or what is before it
	found := map[string]*opened{}
	openConversation(t, up, down, &log, found)
	for _, o := range found {
		if !strings.Contains(o.states, " 1}") || o.hidden.Server.Proof.Signed != nil || !o.hidden.Server.Finished {
			t.Errorf("%s, %+v", o.states, o.hidden.Server)
		}
	}
	if len(found) != 1 {
		t.Error("not opened")
	}
}

func splitRecords(b []byte) (records [][]byte) {
	for {
		r, ans := tlsparse.ParseRecordHeader(b)
		n := tlsparse.RecordHeaderLen + r.Length
		if ans != tlsparse.Yes || n > len(b) {
			return records
		}
		records = append(records, b[:n])
		b = b[n:]
	}
}
