package tlsparse

import (
	"slices"
	"testing"
)

// TestAllocations: the path of a packet allocates nothing.
func TestAllocations(t *testing.T) {
	v := rfc8448(t)
	client, server := v["4 client-hello"], v["3 server-hello"]
	stream := slices.Concat(server, split(message(TypeCertificate, list24(list24(repeat(2, 4000)...)...)...), 1400), v["3 server-flight"])
	signed := slices.Concat([]byte{3, 0, 29, 32}, repeat(5, 32), []byte{8, 4, 0, 3, 's', 'i', 'g'})
	buf := make([]byte, len(stream))
	out := make([]byte, 0, 2000)
	chain := make([][]byte, 0, 10)
	alerts := make([]Alert, 0, 4)
	var h ClientHello
	var s SSLv2ServerHello
	var sh ServerHello
	var x ServerKeyExchange
	var d Deframer
	tests := []struct {
		name string
		f    func()
	}{
		{"ParseClientHello", func() { _ = ParseClientHello(body(client), &h) }},
		{"ParseClientHello, damaged", func() { _ = ParseClientHello(body(client)[:100], &h) }},
		{"ParseServerHello", func() { _ = ParseServerHello(body(server), &sh) }},
		{"ParseSSLv2ClientHello", func() { _, _ = ParseSSLv2ClientHello(client, &h) }},
		{"ParseSSLv2ServerHello", func() { _, _ = ParseSSLv2ServerHello(client, &s) }},
		{"ProbeClientHello", func() { ProbeClientHello(client) }},
		{"ProbeServerHello", func() { ProbeServerHello(server) }},
		{"ProbeAlert", func() { ProbeAlert(server) }},
		{"ParseAlerts", func() { _, _ = ParseAlerts([]byte{2, 40}, alerts) }},
		{"ParseServerKeyExchange", func() { _ = ParseServerKeyExchange(signed, 0xc02f, VersionTLS12, &x) }},
		{"Deframer", func() {
			copy(buf, stream)
			d = Deframer{}
			for {
				e := d.Step(buf, testLimit)
				if e.Kind == EventNeed {
					break
				}
				if e.Type == TypeCertificate {
					chain, _ = ParseCertificate(e.Body, chain[:0])
				}
			}
			d.Compact(buf)
		}},
		{"AppendJA3", func() { out = AppendJA3(out[:0], &h) }},
		{"AppendJA3S", func() { out = AppendJA3S(out[:0], &sh) }},
		{"AppendJA4", func() { out = AppendJA4(out[:0], &h, 't') }},
		{"CipherSuiteName", func() { CipherSuiteName(0xc02b) }},
	}
	for _, test := range tests {
		test.f()
		if n := testing.AllocsPerRun(100, test.f); n != 0 {
			t.Errorf("%s: %v allocations", test.name, n)
		}
	}
	if len(chain) != 1 {
		t.Errorf("chain of %d, want 1", len(chain))
	}
}

func BenchmarkFingerprints(b *testing.B) {
	var h ClientHello
	if err := ParseClientHello(body(rfc8448(b)["4 client-hello"]), &h); err != nil {
		b.Fatal(err)
	}
	out := make([]byte, 0, 2000)
	b.ReportAllocs()
	for b.Loop() {
		out = AppendJA4(AppendJA3(out[:0], &h), &h, 't')
	}
}

func BenchmarkProbeClientHello(b *testing.B) {
	text := []byte("GET / HTTP/1.1\r\n")
	for b.Loop() {
		ProbeClientHello(text)
	}
}
