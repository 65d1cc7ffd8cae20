package flow

import (
	"bytes"
	"slices"
	"testing"

	"blindspot/discover"
	"blindspot/tlsparse"
)

// TestProtectedLengths: what the lengths of TLS 1.3's records tell of the end
// (RFC 8446 §5.2: content, type and a tag of 16 bytes; §6: an alert has 2 bytes;
// §4.4: a Finished 36 or 52, an empty Certificate 8). Each ends as its peers
// would say.
func TestProtectedLengths(t *testing.T) {
	v := rfc8448(t)
	for _, test := range []struct {
		name    string
		says    []int // lengths of records: the client's, and below 0 the server's
		outcome discover.Outcome
		alerts  []discover.Alert
	}{
		{"the client's alert", []int{19}, discover.RefusedByClient, []discover.Alert{{Protected: true}}},
		{"the client's alert, padded to 16 as Java does", []int{35}, discover.RefusedByClient, []discover.Alert{{Protected: true}}},
		{"Finished with SHA-256", []int{53}, discover.Established, nil},
		{"Finished with SHA-384", []int{69}, discover.Established, nil},
		{"an empty Certificate, then Finished", []int{25, 53, -100}, discover.Established, nil},
		{"an empty Certificate alone says nothing", []int{25}, discover.OutcomeUnknown, nil},
		{"a Certificate, CertificateVerify and Finished", []int{600, 281, 53, -255}, discover.Established, nil},
		{"tickets before the client's Finished, as Go sends them", []int{-250, 53}, discover.Established, nil},
		{"the server's alert behind the client's Finished", []int{53, -19}, discover.RefusedByServer, []discover.Alert{{FromServer: true, Protected: true}}},
		{"data both ways, then an alert that closes", []int{53, -255, 100, -400, 19}, discover.Established, nil},
		{"the client closes, and then the server", []int{53, 19, -19}, discover.Established, nil},
		{"nothing", nil, discover.OutcomeUnknown, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := dialogue{turns: []turn{{false, v["3 client-hello"]}, {true, v["3 server-hello"]}, {true, v["3 server-flight"]}}}
			for _, n := range test.says {
				payload := bytes.Repeat([]byte{0xaa}, max(n, -n))
				d.turns = append(d.turns, turn{n < 0, inRecords(tlsparse.RecordApplicationData, 1<<14, payload)})
			}
			for _, mss := range []int{1460, 30} {
				got, _ := run(t, Config{}, d.packets(1, 2, mss))
				if len(got) != 1 {
					t.Fatalf("mss %d: got %d observations, want 1", mss, len(got))
				}
				if o := got[0]; o.Outcome != test.outcome || !slices.Equal(o.Alerts, test.alerts) || len(o.Chain) != 0 || o.CertsHidden != discover.HiddenEncrypted {
					t.Errorf("mss %d: got %s, alerts %v, hidden %q; want %s, %v, encrypted", mss, o.Outcome, o.Alerts, o.CertsHidden, test.outcome, test.alerts)
				}
			}
		})
	}
}
