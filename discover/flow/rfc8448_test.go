package flow

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"blindspot/discover"
	"blindspot/tlsparse"
)

// rfc8448 returns the records of RFC 8448's traces by "section name".
func rfc8448(t testing.TB) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile("../../tlsparse/testdata/rfc8448.txt")
	if err != nil {
		t.Fatal(err)
	}
	records := make(map[string][]byte)
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if f[0] == "#" {
			continue
		}
		if records[f[0]+" "+f[1]], err = hex.DecodeString(f[2]); err != nil {
			t.Fatal(err)
		}
	}
	return records
}

// TestRFC8448: the traces of the RFC, each one handshake for "server": without
// ChangeCipherSpec (§3), resumed with 0-RTT data before the ServerHello (§4),
// with a HelloRetryRequest, whose fingerprints are of the first hello (§5), and
// with the echoed session id and the ChangeCipherSpecs of middlebox mode, which
// is no resumption (§7).
func TestRFC8448(t *testing.T) {
	v := rfc8448(t)
	for _, test := range []struct {
		name           string
		says           []string // client's and server's records
		outcome        discover.Outcome
		resumed        discover.Tri
		hidden         string
		retried, early bool
	}{
		{"simple", []string{"C3 client-hello", "S3 server-hello", "S3 server-flight", "C3 client-finished"}, discover.Established, discover.No, discover.HiddenEncrypted, false, false},
		{"resumed", []string{"C4 client-hello", "C4 early-data", "S4 server-hello", "S4 server-flight"}, discover.OutcomeUnknown, discover.Yes, discover.HiddenResumed, false, true},
		{"retried", []string{"C5 client-hello", "S5 hello-retry-request", "C5 client-hello-2", "S5 server-hello", "C3 client-finished"}, discover.Established, discover.No, discover.HiddenEncrypted, true, false},
		{"middlebox mode", []string{"C7 client-hello", "S7 server-hello", "C7 client-finished"}, discover.Established, discover.No, discover.HiddenEncrypted, false, false},
	} {
		for _, mss := range []int{1460, 50, 1} {
			var d dialogue
			for _, s := range test.says {
				record, ok := v[s[1:]]
				if !ok {
					t.Fatalf("no %q in the vectors", s[1:])
				}
				d.turns = append(d.turns, turn{s[0] == 'S', record})
			}
			got, _ := run(t, Config{}, d.packets(1, 2, mss))
			if len(got) != 1 {
				t.Errorf("%s, mss %d: got %d observations, want 1", test.name, mss, len(got))
				continue
			}
			o := got[0]
			if o.SNI != "server" || o.Version != "TLS 1.3" || o.Outcome != test.outcome || o.Resumed != test.resumed || o.CertsHidden != test.hidden ||
				o.HelloRetry != test.retried || o.EarlyData != test.early {
				t.Errorf("%s, mss %d: got %q, %s, %s, resumed %v, hidden %q, retried %v, early data %v", test.name, mss, o.SNI, o.Version, o.Outcome, o.Resumed, o.CertsHidden, o.HelloRetry, o.EarlyData)
			}
			if o.ClientAuthRequested != discover.Unknown { // it is encrypted
				t.Errorf("%s, mss %d: got client certificate asked for: %v, want unknown", test.name, mss, o.ClientAuthRequested)
			}
			var h tlsparse.ClientHello
			if err := tlsparse.ParseClientHello(v[test.says[0][1:]][9:], &h); err != nil {
				t.Fatal(err)
			}
			if want, _ := tlsparse.JA3(&h); o.JA3 != want || o.JA4 != tlsparse.JA4(&h, 't') {
				t.Errorf("%s, mss %d: got JA3 %s and JA4 %s, want those of the first hello, %s and %s", test.name, mss, o.JA3, o.JA4, want, tlsparse.JA4(&h, 't'))
			}
		}
	}
}
