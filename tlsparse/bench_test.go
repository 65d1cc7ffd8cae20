package tlsparse

import (
	"slices"
	"testing"
)

// BenchmarkParse is the cost of each message that a handshake is read for.
func BenchmarkParse(b *testing.B) {
	v := rfc8448(b)
	client, server := body(v["4 client-hello"]), body(v["3 server-hello"])
	chain := list24(slices.Concat(list24(repeat(2, 1300)...), list24(repeat(3, 1500)...))...)
	signed := slices.Concat([]byte{3, 0, 29, 32}, repeat(5, 32), []byte{8, 4, 1, 0}, repeat(6, 256))
	var h ClientHello
	var sh ServerHello
	var x ServerKeyExchange
	certs := make([][]byte, 0, 4)
	messages := []struct {
		name  string
		parse func() error
	}{
		{"ClientHello", func() error { return ParseClientHello(client, &h) }},
		{"ServerHello", func() error { return ParseServerHello(server, &sh) }},
		{"Certificate", func() (err error) { certs, err = ParseCertificate(chain, certs[:0]); return err }},
		{"ServerKeyExchange", func() error { return ParseServerKeyExchange(signed, 0xc02f, VersionTLS12, &x) }},
	}
	for _, m := range messages {
		b.Run(m.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := m.parse(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
