package flow

import (
	"bytes"
	"slices"
	"testing"

	"blindspot/discover"
)

// TestSSLv2Hello: a hello in SSL 2.0's form (RFC 5246 §E.2) has no name and no
// random, and is answered with TLS.
func TestSSLv2Hello(t *testing.T) {
	hello := slices.Concat([]byte{0x80, 34, 1, 3, 1, 0, 9, 0, 0, 0, 16},
		[]byte{0, 0, 0x2f, 7, 0, 0xc0, 0, 0, 0x35}, bytes.Repeat([]byte{0xcc}, 16))
	for _, mss := range []int{1460, 5} {
		d := handshake12(nil, madeAnswer(""), madeChain([]byte("leaf")), madeDone)
		d.turns[0].data, d.leaf = hello, sha256Of("leaf")
		got, _ := run(t, Config{}, d.packets(1, 2, mss))
		o := checkOne(t, got, d, "")
		if o.HasSNI || !o.Hello || o.ClientRandom != nil || o.JA3 != "" || o.JA4 != "" || o.CertsFrom != discover.FromWire {
			t.Errorf("mss %d: got name %v, hello %v, random %x, JA3 %q, JA4 %q, certificates from %q", mss, o.HasSNI, o.Hello, o.ClientRandom, o.JA3, o.JA4, o.CertsFrom)
		}
	}
}
