package flow

import (
	"bytes"
	"testing"

	"blindspot/discover"
	"blindspot/tlsparse"
)

// TestChainTooLong: a chain over the bound is counted, and not taken for a
// handshake without certificates.
func TestChainTooLong(t *testing.T) {
	chain := make([][]byte, 3)
	for i := range chain {
		chain[i] = bytes.Repeat([]byte{byte(i)}, 70_000)
	}
	d := handshake12(madeHello("", serverNames(hostName(testName))), madeAnswer(""), madeChain(chain...), madeDone)
	got, table := run(t, Config{}, d.packets(1, 2, 1460))
	if len(got) != 1 || table.Stats().TooLong != 1 {
		t.Fatalf("got %d observations, %d messages too long; want 1 and 1", len(got), table.Stats().TooLong)
	}
	o := got[0]
	if o.SNI != testName || o.Outcome != discover.Established || o.CertsHidden != discover.HiddenTruncated || len(o.Chain) != 0 || o.Resumed == discover.Yes {
		t.Errorf("got %q, %s, hidden %q, %d certificates, resumed %v; want %q, established, truncated, none, not resumed",
			o.SNI, o.Outcome, o.CertsHidden, len(o.Chain), o.Resumed, testName)
	}
}

// TestRawPublicKey: a key in place of a certificate (RFC 7250 §3) is no chain,
// and nothing that could not be read.
func TestRawPublicKey(t *testing.T) {
	key := append([]byte{0x30, 0x59, 0x30, 0x13}, make([]byte, 87)...)
	message := oneMessage(tlsparse.TypeCertificate, append(before24(0, len(key))[1:], key...))
	d := handshake12(madeHello("", serverNames(hostName(testName)), helloExtension(tlsparse.ExtServerCertificateType, []byte{1, 2})),
		madeAnswer("", helloExtension(tlsparse.ExtServerCertificateType, []byte{2})), message, madeDone)
	got, table := run(t, Config{}, d.packets(1, 2, 1460))
	if len(got) != 1 {
		t.Fatalf("got %d observations, want 1", len(got))
	}
	if o := got[0]; len(o.Chain) != 0 || o.CertsHidden != "" || o.Outcome != discover.Established || table.Stats().UnparsedServer != 0 {
		t.Errorf("got chain %v, hidden %q, %s, %d unparsed; want none, not hidden, established, none", o.Chain, o.CertsHidden, o.Outcome, table.Stats().UnparsedServer)
	}
}
