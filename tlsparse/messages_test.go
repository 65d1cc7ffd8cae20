package tlsparse

import (
	"bytes"
	"encoding/hex"
	"slices"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// list24 puts a 24-bit length before b.
func list24(b ...byte) []byte {
	return append([]byte{byte(len(b) >> 16), byte(len(b) >> 8), byte(len(b))}, b...)
}

func TestParseCertificate(t *testing.T) {
	tests := []struct {
		name string
		body []byte
		want []string
		err  bool
	}{
		{"empty", list24(), nil, false},
		{"one", list24(list24('a', 'b')...), []string{"ab"}, false},
		{"a certificate without bytes", list24(slices.Concat(list24(), list24('a'), list24())...), []string{"", "a", ""}, false},
		{"no list", nil, nil, true},
		{"half a length", []byte{0, 0}, nil, true},
		{"list longer than the message", []byte{0, 0, 9, 0, 0, 1, 'a'}, []string{"a"}, true},
		{"list shorter than the message", append(list24(list24('a')...), 'x'), []string{"a"}, true},
		{"certificate longer than the list", list24(slices.Concat(list24('a'), []byte{0, 0, 9, 'b'})...), []string{"a"}, true},
	}
	for _, test := range tests {
		got, err := ParseCertificate(test.body, [][]byte{[]byte("before")})
		var names []string
		for _, c := range got[1:] {
			names = append(names, string(c))
		}
		if !slices.Equal(names, test.want) || (err != nil) != test.err {
			t.Errorf("%s: got %q, %v", test.name, names, err)
		}
	}
	long := list24(bytes.Repeat(list24('a'), maxChain+1)...)
	if got, err := ParseCertificate(long, nil); err == nil || len(got) != maxChain {
		t.Errorf("a chain of %d: got %d, %v", maxChain+1, len(got), err)
	}
	big := list24(list24(repeat('c', 100000)...)...)
	if got, err := ParseCertificate(big, nil); err != nil || len(got) != 1 || len(got[0]) != 100000 {
		t.Errorf("100,000 bytes: got %d, %v", len(got), err)
	}
}

func TestParseAlerts(t *testing.T) {
	tests := []struct {
		payload []byte
		want    []Alert
		err     bool
	}{
		{nil, nil, false},
		{[]byte{2, 45}, []Alert{{2, 45}}, false},
		{[]byte{1, 112, 2, 40}, []Alert{{1, 112}, {2, 40}}, false},
		{[]byte{1, 112, 2}, []Alert{{1, 112}}, true},
		{[]byte{2}, nil, true},
	}
	for _, test := range tests {
		if got, err := ParseAlerts(test.payload, nil); !slices.Equal(got, test.want) || (err != nil) != test.err {
			t.Errorf("%x: got %v, %v", test.payload, got, err)
		}
	}
	if got, err := ParseAlerts(repeat(1, 1000), nil); len(got) != maxAlerts || err == nil {
		t.Errorf("500 alerts: got %d, %v", len(got), err)
	}
}

func TestParseServerHelloTLS12(t *testing.T) {
	// RFC 7301 §3.1 and RFC 5246 §7.4.1.3, with the sentinel of RFC 8446 §4.1.3.
	random := append(repeat(0x11, 24), "DOWNGRD\x01"...)
	fixed := slices.Concat([]byte{3, 3}, random, []byte{2, 9, 9}, []byte{0xc0, 0x2b, 0})
	block := slices.Concat(extension(ExtALPN, 0, 3, 2, 'h', '2'), extension(ExtSessionTicket), extension(ExtStatusRequest),
		extension(ExtExtendedMasterSecret), extension(ExtServerCertificateType, 2), extension(ExtALPN, 0, 3, 2, 'x', 'x'))
	var h ServerHello
	if err := ParseServerHello(fixed, &h); err != nil || h.CipherSuite != 0xc02b || h.SelectedVersion != VersionTLS12 ||
		h.Downgrade != DowngradeTLS12 || !bytes.Equal(h.SessionID, []byte{9, 9}) {
		t.Errorf("without extensions: %v, %+v", err, h)
	}
	b := slices.Concat(fixed, []byte{0, byte(len(block))}, block)
	if err := ParseServerHello(b, &h); err != nil || len(h.ALPN) != 1 || string(h.ALPN[0]) != "h2" || !h.SessionTicket ||
		!h.StatusRequest || !h.ExtendedMasterSecret || !h.Duplicates || h.Malformed || len(h.Extensions) != 6 ||
		!h.HasServerCertificateType || h.ServerCertificateType != CertificateTypeRawPublicKey || h.HasClientCertificateType {
		t.Errorf("with extensions: %v, %+v", err, h)
	}
	if hash, text := JA3S(&h); text != "771,49195,16-35-5-23-20-16" || len(hash) != 32 {
		t.Errorf("JA3S of %q is %q", text, hash)
	}
	draft := slices.Concat([]byte{0x7f, 18}, repeat(1, 32), []byte{0x13, 1}, []byte{0, 8, 0, 40, 0, 4, 0, 29, 0, 0})
	if err := ParseServerHello(draft, &h); err != nil || h.CipherSuite != 0x1301 || h.KeyShareGroup != 29 ||
		VersionName(h.SelectedVersion, false) != "TLS 1.3" || h.Downgrade != DowngradeNone {
		t.Errorf("draft 18: %v, %+v", err, h)
	}
}

func TestParseCertificateStatus(t *testing.T) {
	tests := []struct {
		name string
		body []byte
		want []string
		err  bool
	}{
		{"ocsp", append([]byte{1}, list24('a', 'b')...), []string{"ab"}, false},
		{"ocsp_multi", append([]byte{2}, list24(slices.Concat(list24('a'), list24(), list24('c'))...)...), []string{"a", "", "c"}, false},
		{"another type", []byte{9, 1}, nil, false},
		{"nothing", nil, nil, true},
		{"cut", []byte{1, 0, 0, 5, 'a'}, nil, true},
		{"too long", append([]byte{1}, 0, 0, 1, 'a', 'b'), []string{"a"}, true},
	}
	var c CertificateStatus
	for _, test := range tests {
		err := ParseCertificateStatus(test.body, &c)
		var got []string
		for _, r := range c.Responses {
			got = append(got, string(r))
		}
		if !slices.Equal(got, test.want) || (err != nil) != test.err {
			t.Errorf("%s: got %q, %v", test.name, got, err)
		}
	}
}

func TestParseServerKeyExchange(t *testing.T) {
	ecdhe := slices.Concat([]byte{3, 0, 29, 32}, repeat(5, 32))
	dhe := slices.Concat([]byte{0, 2, 7, 7, 0, 1, 2, 0, 2, 8, 8})
	signed12 := []byte{8, 4, 0, 3, 's', 'i', 'g'}
	signed10 := signed12[2:]
	explicit := slices.Concat([]byte{1}, []byte{1, 23, 1, 1, 1, 2, 2, 4, 4, 1, 9, 1, 1}, []byte{2, 4, 5})
	tests := []struct {
		name    string
		suite   uint16
		version uint16
		body    []byte
		kind    KeyExchange
		params  []byte
		group   uint16
		scheme  uint16
		sig     string
		public  int
	}{
		{"ECDHE, TLS 1.2", 0xc02f, VersionTLS12, slices.Concat(ecdhe, signed12), KeyExchangeECDHE, ecdhe, 29, 0x0804, "sig", 32},
		{"ECDHE, DTLS 1.2", 0xc02b, VersionDTLS12, slices.Concat(ecdhe, signed12), KeyExchangeECDHE, ecdhe, 29, 0x0804, "sig", 32},
		{"ECDHE, TLS 1.0", 0xc013, VersionTLS10, slices.Concat(ecdhe, signed10), KeyExchangeECDHE, ecdhe, 29, 0, "sig", 32},
		{"ECDHE, explicit prime", 0xc013, VersionTLS10, slices.Concat(explicit, signed10), KeyExchangeECDHE, explicit, 0, 0, "sig", 2},
		{"DHE, TLS 1.1", 0x0033, VersionTLS11, slices.Concat(dhe, signed10), KeyExchangeDHE, dhe, 0, 0, "sig", 2},
		{"DHE, TLS 1.2", 0x009e, VersionTLS12, slices.Concat(dhe, signed12), KeyExchangeDHE, dhe, 0, 0x0804, "sig", 2},
		{"ECDH_anon", 0xc018, VersionTLS12, ecdhe, KeyExchangeECDHE, ecdhe, 29, 0, "", 32},
		{"DH_anon", 0x0034, VersionTLS12, dhe, KeyExchangeDHE, dhe, 0, 0, "", 2},
		{"RSA_EXPORT", 0x0003, VersionSSL30, slices.Concat(dhe[:7], signed10), KeyExchangeRSAExport, dhe[:7], 0, 0, "sig", 0},
		{"ECDHE_PSK", 0xc037, VersionTLS12, slices.Concat([]byte{0, 1, 'h'}, ecdhe), KeyExchangeECDHE, ecdhe, 29, 0, "", 32},
		{"PSK", 0x00a8, VersionTLS12, []byte{0, 1, 'h'}, KeyExchangePSK, []byte{}, 0, 0, "", 0},
		{"SRP", 0xc01e, VersionTLS10, slices.Concat(dhe[:7], []byte{1, 'x', 0, 2, 8, 8}, signed10), KeyExchangeSRP, slices.Concat(dhe[:7], []byte{1, 'x', 0, 2, 8, 8}), 0, 0, "sig", 2},
	}
	for _, test := range tests {
		var x ServerKeyExchange
		err := ParseServerKeyExchange(test.body, test.suite, test.version, &x)
		if err != nil || x.Kind != test.kind || !bytes.Equal(x.Params, test.params) || x.Group != test.group ||
			x.Scheme != test.scheme || string(x.Signature) != test.sig || x.Signed != (test.sig != "") || len(x.PublicKey) != test.public {
			t.Errorf("%s: %v, got %+v", test.name, err, x)
		}
		for i := range test.body {
			if ParseServerKeyExchange(test.body[:i], test.suite, test.version, &x) == nil {
				t.Errorf("%s: prefix of %d bytes parses", test.name, i)
			}
		}
	}
	var x ServerKeyExchange
	if err := ParseServerKeyExchange([]byte("?"), 0x002f, VersionTLS12, &x); err != nil || x.Kind != KeyExchangeOther {
		t.Errorf("a suite without the message: %v, %+v", err, x)
	}
	if got := KeyExchangeSigned([]byte("0"), []byte("12"), []byte("34"), []byte("5")); string(got) != "012345" {
		t.Errorf("signed: got %q", got)
	}
}

func TestParseCertificateRequest(t *testing.T) {
	names := []byte{0, 8, 0, 2, 0x30, 0, 0, 2, 0x31, 0}
	tests := []struct {
		name       string
		version    uint16
		body       []byte
		types, cas int
		algorithms int
		context    string
	}{
		{"TLS 1.0", VersionTLS10, slices.Concat([]byte{2, 1, 64}, names), 2, 2, 0, ""},
		{"TLS 1.2", VersionTLS12, slices.Concat([]byte{1, 1, 0, 4, 4, 1, 4, 3}, names), 1, 2, 2, ""},
		{"TLS 1.2, no authorities", VersionTLS12, []byte{1, 1, 0, 2, 4, 1, 0, 0}, 1, 0, 1, ""},
		{"TLS 1.3", VersionTLS13, slices.Concat([]byte{1, 'c', 0, 22}, extension(ExtSignatureAlgorithms, 0, 2, 8, 4),
			extension(ExtCertificateAuthorities, names...)), 0, 2, 1, "c"},
	}
	var r CertificateRequest
	for _, test := range tests {
		err := ParseCertificateRequest(test.body, test.version, &r)
		if err != nil || len(r.CertificateTypes) != test.types || len(r.CertificateAuthorities) != test.cas ||
			len(r.SignatureAlgorithms) != test.algorithms || string(r.Context) != test.context {
			t.Errorf("%s: %v, got %+v", test.name, err, r)
		}
		for i := range test.body {
			if ParseCertificateRequest(test.body[:i], test.version, &r) == nil {
				t.Errorf("%s: prefix of %d bytes parses", test.name, i)
			}
		}
	}
}

func TestParseSmallMessages(t *testing.T) {
	var ticket NewSessionTicket
	// RFC 8448 §3, {server} construct a NewSessionTicket handshake message (its
	// ticket shortened).
	b := unhex(t, "0000001efad6aac502000000022c030008002a000400000400")
	if err := ParseNewSessionTicket(b, VersionTLS13, &ticket); err != nil || ticket.Lifetime != 30 ||
		ticket.MaxEarlyData != 1024 || len(ticket.Ticket) != 2 {
		t.Errorf("ticket of TLS 1.3: %v, %+v", err, ticket)
	}
	for i := range b {
		if ParseNewSessionTicket(b[:i], VersionTLS13, &ticket) == nil {
			t.Errorf("ticket: prefix of %d bytes parses", i)
		}
	}
	if err := ParseNewSessionTicket(unhex(t, "0000012c0003616263"), VersionTLS12, &ticket); err != nil ||
		ticket.Lifetime != 300 || string(ticket.Ticket) != "abc" {
		t.Errorf("ticket of TLS 1.2: %v, %+v", err, ticket)
	}
	var c CompressedCertificate
	b = unhex(t, "0002"+"000100"+"000003"+"616263")
	if err := ParseCompressedCertificate(b, &c); err != nil || c.Algorithm != CompressionBrotli || c.UncompressedLength != 256 || string(c.Data) != "abc" {
		t.Errorf("compressed certificate: %v, %+v", err, c)
	}
	var v CertificateVerify
	if err := ParseCertificateVerify(unhex(t, "0003616263"), VersionTLS11, &v); err != nil || v.Scheme != 0 || string(v.Signature) != "abc" {
		t.Errorf("certificate verify of TLS 1.1: %v, %+v", err, v)
	}
	if key, err := ParseRawPublicKey(list24('k')); err != nil || string(key) != "k" {
		t.Errorf("raw public key: %q, %v", key, err)
	}
	_, chain, err := ParseCertificate13(slices.Concat([]byte{0}, list24(slices.Concat(list24('d'), []byte{0, 17},
		extension(ExtStatusRequest, 1, 0, 0, 1, 'o'), extension(ExtSCT, 's', 's', 's', 's'))...)), nil)
	if err != nil || len(chain) != 1 || string(chain[0].OCSP) != "o" || string(chain[0].SCT) != "ssss" {
		t.Errorf("certificate with extensions: %v, %+v", err, chain)
	}
}

func FuzzMessages(f *testing.F) {
	for _, record := range rfc8448(f) {
		f.Add(record, uint16(0xc02f), uint16(VersionTLS12))
		if len(record) > 4 {
			f.Add(record[4:], uint16(0x0033), uint16(VersionTLS13))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, suite, version uint16) {
		var h ServerHello
		_ = ParseServerHello(b, &h)
		JA3S(&h)
		_ = ParseEncryptedExtensions(b, &h)
		total := 0
		chain, _ := ParseCertificate(b, nil)
		for _, c := range chain {
			total += len(c) + 3
		}
		if total > len(b) {
			t.Errorf("%d bytes of certificates in %d", total, len(b))
		}
		_, _, _ = ParseCertificate13(b, nil)
		_, _ = ParseRawPublicKey(b)
		_ = ParseCompressedCertificate(b, new(CompressedCertificate))
		_ = ParseCertificateStatus(b, new(CertificateStatus))
		_ = ParseCertificateRequest(b, version, new(CertificateRequest))
		_ = ParseCertificateVerify(b, version, new(CertificateVerify))
		_ = ParseNewSessionTicket(b, version, new(NewSessionTicket))
		_, _ = ParseAlerts(b, nil)
		var x ServerKeyExchange
		if ParseServerKeyExchange(b, suite, version, &x) == nil && !bytes.Contains(b, x.Params) {
			t.Error("params are not in the message")
		}
	})
}
