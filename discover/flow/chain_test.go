package flow

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"testing"

	"blindspot/discover"
	"blindspot/tlsparse"
)

func sha256Of(s string) [32]byte { return sha256.Sum256([]byte(s)) }

// TestChainAsPresented: a chain is kept as the server sent it, whatever is in it
// (RFC 5246 §7.4.2 wants an order; servers do as they like).
func TestChainAsPresented(t *testing.T) {
	leaf, issuer, root := []byte("leaf"), []byte("issuer"), []byte("root")
	long := bytes.Repeat([]byte{7}, 100_000)
	for _, test := range []struct {
		name   string
		chain  [][]byte
		behind []byte // what follows the Certificate message
	}{
		{"in order", [][]byte{leaf, issuer}, madeDone},
		{"with the root", [][]byte{leaf, issuer, root}, madeDone},
		{"unordered", [][]byte{leaf, root, issuer}, madeDone},
		{"duplicated", [][]byte{leaf, issuer, leaf, issuer}, madeDone},
		{"a certificate without bytes between", [][]byte{leaf, {}, issuer}, madeDone},
		{"the leaf without bytes", [][]byte{{}, issuer}, madeDone},
		{"empty", nil, madeDone},
		{"of more than 64 KB", [][]byte{leaf, long}, madeDone},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := handshake12(madeHello("", serverNames(hostName(testName))), madeAnswer(""), madeChain(test.chain...), test.behind)
			want := make([]discover.Fingerprint, 0)
			for _, der := range test.chain {
				want = append(want, sha256.Sum256(der))
			}
			got, table := run(t, Config{}, d.packets(1, 2, 1460))
			if len(got) != 1 {
				t.Fatalf("got %d observations, want 1", len(got))
			}
			o := got[0]
			if !slices.Equal(o.Chain, want) || o.CertsHidden != "" || o.Outcome != discover.Established || table.Stats().UnparsedServer != 0 {
				t.Errorf("got chain %v, hidden %q, outcome %q, %d unparsed; want %v", o.Chain, o.CertsHidden, o.Outcome, table.Stats().UnparsedServer, want)
			}
			for i, raw := range o.DER {
				if !bytes.Equal(raw.DER, test.chain[i]) || raw.SHA256 != want[i] {
					t.Errorf("certificate %d: got %d bytes, want %d", i, len(raw.DER), len(test.chain[i]))
				}
			}
		})
	}
}

// TestErrorBehindTheCertificate: neither an alert nor nonsense after the
// certificate loses the name or the chain.
func TestErrorBehindTheCertificate(t *testing.T) {
	for _, test := range []struct {
		name    string
		server  bool
		said    []byte
		outcome discover.Outcome
	}{
		{"the client refuses", false, inRecords(tlsparse.RecordAlert, 2, []byte{2, 48}), discover.RefusedByClient},
		{"the server gives up", true, inRecords(tlsparse.RecordAlert, 2, []byte{2, 80}), discover.RefusedByServer},
		{"the server speaks nonsense", true, []byte("HTTP/1.1 502 Bad Gateway\r\n\r\n"), discover.OutcomeUnknown},
		{"the client speaks nonsense", false, []byte("GET / HTTP/1.1\r\n\r\n"), discover.OutcomeUnknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := handshake12(madeHello("", serverNames(hostName(testName))), madeAnswer(""), madeChain([]byte("leaf")))
			d.turns = append(d.turns[:2], turn{test.server, test.said})
			got, _ := run(t, Config{}, d.packets(1, 2, 1460))
			if len(got) != 1 {
				t.Fatalf("got %d observations, want 1", len(got))
			}
			o := got[0]
			if o.SNI != testName || o.Outcome != test.outcome || !slices.Equal(o.Chain, []discover.Fingerprint{sha256Of("leaf")}) {
				t.Errorf("got %q, %s, chain %v; want %q, %s, the leaf", o.SNI, o.Outcome, o.Chain, testName, test.outcome)
			}
		})
	}
}
