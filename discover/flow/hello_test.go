package flow

import (
	"fmt"
	"testing"

	"blindspot/tlsparse"
)

// TestHelloExtensions: what a hello offers, as an observation says it. TLS to
// PostgreSQL 17 may begin at once, which only its ALPN tells ("postgresql" in
// IANA's registry): there is no preface.
func TestHelloExtensions(t *testing.T) {
	alpn := func(names ...string) []byte {
		var list []byte
		for _, n := range names {
			list = append(append(list, byte(len(n))), n...)
		}
		return helloExtension(tlsparse.ExtALPN, before16(list))
	}
	outer := append([]byte{0, 0, 1, 0, 1, 9, 0, 32}, append(make([]byte, 32), 0, 1, 7)...) // RFC 9849 §5
	for _, test := range []struct {
		name      string
		extension []byte
		want      string
	}{
		{"nothing", nil, `ALPN [], preface "", ECH "", ESNI false, early data false`},
		{"PostgreSQL without SSLRequest", alpn("postgresql"), `ALPN [postgresql], preface "", ECH "", ESNI false, early data false`},
		{"protocols in order", alpn("h2", "http/1.1"), `ALPN [h2 http/1.1], preface "", ECH "", ESNI false, early data false`},
		{"protocols that are GREASE, or nonsense", alpn("\x0a\x0a", "a\nb\x1b[2J\""), `ALPN [\x0a\x0a a\x0ab\x1b[2J\x22], preface "", ECH "", ESNI false, early data false`},
		{"ECH, or GREASE for it", helloExtension(tlsparse.ExtECH, outer), `ALPN [], preface "", ECH "offered", ESNI false, early data false`},
		{"ESNI of old", helloExtension(0xffce, make([]byte, 300)), `ALPN [], preface "", ECH "offered", ESNI true, early data false`},
		{"0-RTT", helloExtension(tlsparse.ExtEarlyData, nil), `ALPN [], preface "", ECH "", ESNI false, early data true`},
	} {
		d := handshake12(madeHello("", test.extension, serverNames(hostName(testName))), madeAnswer(""), madeChain([]byte("leaf")), madeDone)
		d.leaf = sha256Of("leaf")
		got, _ := run(t, Config{}, d.packets(1, 2, 1460))
		o := checkOne(t, got, d, testName)
		if said := fmt.Sprintf("ALPN %s, preface %q, ECH %q, ESNI %v, early data %v", o.ALPN, o.Preface, o.ECH, o.ESNI, o.EarlyData); said != test.want {
			t.Errorf("%s: got %s, want %s", test.name, said, test.want)
		}
	}
}
