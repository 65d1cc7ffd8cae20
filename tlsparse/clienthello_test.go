package tlsparse

import (
	"bytes"
	"slices"
	"testing"
)

// hello builds a ClientHello's body with the given extensions block.
func hello(extensions ...[]byte) []byte {
	b := append([]byte{3, 3}, repeat(0xaa, 32)...)
	b = append(b, 0)                         // session id
	b = append(b, 0, 4, 0x1a, 0x1a, 0x13, 1) // suites: GREASE, TLS_AES_128_GCM_SHA256
	b = append(b, 1, 0)                      // compression
	if extensions == nil {
		return b
	}
	block := slices.Concat(extensions...)
	b = append(b, byte(len(block)>>8), byte(len(block)))
	return append(b, block...)
}

func extension(typ uint16, data ...byte) []byte {
	return append([]byte{byte(typ >> 8), byte(typ), byte(len(data) >> 8), byte(len(data))}, data...)
}

// serverName builds a server_name extension; entries come with type and length.
func serverName(entries ...[]byte) []byte {
	list := slices.Concat(entries...)
	return extension(ExtServerName, append([]byte{byte(len(list) >> 8), byte(len(list))}, list...)...)
}

func nameEntry(typ byte, name string) []byte {
	return append([]byte{typ, byte(len(name) >> 8), byte(len(name))}, name...)
}

func TestServerName(t *testing.T) {
	tests := []struct {
		name       string
		extensions [][]byte
		want       string
		has, host  bool
		count      int
		other      bool
		malformed  bool
		err        bool
	}{
		{name: "no extensions"},
		{name: "an empty block", extensions: [][]byte{{}}},
		{name: "a name", extensions: [][]byte{serverName(nameEntry(0, "a.example"))}, want: "a.example", has: true, host: true, count: 1},
		{name: "an empty extension", extensions: [][]byte{extension(0)}, has: true},
		{name: "an empty list", extensions: [][]byte{serverName()}, has: true},
		{name: "an empty name", extensions: [][]byte{serverName(nameEntry(0, ""))}, has: true, host: true, count: 1},
		{name: "two names: the first", extensions: [][]byte{serverName(nameEntry(0, "a"), nameEntry(0, "b"))}, want: "a", has: true, host: true, count: 2},
		{name: "an unknown type before", extensions: [][]byte{serverName(nameEntry(7, "x"), nameEntry(0, "b"))}, want: "b", has: true, host: true, count: 2, other: true},
		{name: "an unknown type alone", extensions: [][]byte{serverName(nameEntry(7, "x"))}, has: true, count: 1, other: true},
		{name: "not a hostname", extensions: [][]byte{serverName(nameEntry(0, "\x00\n\"\x1b["))}, want: "\x00\n\"\x1b[", has: true, host: true, count: 1},
		{name: "300 bytes", extensions: [][]byte{serverName(nameEntry(0, string(repeat('x', 300))))}, want: string(repeat('x', 300)), has: true, host: true, count: 1},
		{name: "a list that is too long", extensions: [][]byte{extension(0, 0, 99, 0, 0, 1, 'a')}, want: "a", has: true, host: true, count: 1, malformed: true},
		{name: "a list that is too short", extensions: [][]byte{extension(0, 0, 4, 0, 0, 1, 'a', 'b')}, want: "a", has: true, host: true, count: 1, malformed: true},
		{name: "a name that is cut", extensions: [][]byte{extension(0, 0, 4, 0, 0, 5, 'a')}, has: true, malformed: true},
		{name: "twice: the first", extensions: [][]byte{serverName(nameEntry(0, "a")), serverName(nameEntry(0, "b"))}, want: "a", has: true, host: true, count: 1},
		{name: "a bad extension before", extensions: [][]byte{extension(ExtALPN, 9, 9, 9), serverName(nameEntry(0, "a"))}, want: "a", has: true, host: true, count: 1, malformed: true},
		{name: "a broken block behind", extensions: [][]byte{serverName(nameEntry(0, "a")), {0, 5, 0, 9, 1}}, want: "a", has: true, host: true, count: 1, malformed: true, err: true},
		{name: "one byte behind", extensions: [][]byte{serverName(nameEntry(0, "a")), {0}}, want: "a", has: true, host: true, count: 1, malformed: true, err: true},
	}
	var h ClientHello
	for _, test := range tests {
		b := hello(test.extensions...)
		err := ParseClientHello(b, &h)
		if string(h.ServerName) != test.want || h.HasServerName != test.has || h.HasHostName != test.host ||
			h.NameCount != test.count || h.OtherNameTypes != test.other || h.Malformed != test.malformed || (err != nil) != test.err {
			t.Errorf("%s: got %q, has %v, host %v, count %d, other %v, malformed %v, error %v", test.name,
				h.ServerName, h.HasServerName, h.HasHostName, h.NameCount, h.OtherNameTypes, h.Malformed, err)
		}
		if !h.GREASE || len(h.CipherSuites) != 2 {
			t.Errorf("%s: GREASE %v, suites %x", test.name, h.GREASE, h.CipherSuites)
		}
		for i := range b {
			if err := ParseClientHello(b[:i], &h); err == nil && h.HasServerName {
				t.Errorf("%s: prefix of %d bytes: got name %q", test.name, i, h.ServerName)
			}
		}
	}
}

// TestClientHelloExtensions goes through what RFC 8448's hellos do not have.
func TestClientHelloExtensions(t *testing.T) {
	ech := slices.Concat([]byte{0, 0, 1, 0, 1, 0x2a, 0, 32}, repeat(1, 32), []byte{0, 3, 7, 7, 7})
	tests := []struct {
		name string
		data []byte
		ok   func(h *ClientHello) bool
	}{
		{"alpn", extension(ExtALPN, 0, 12, 2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'),
			func(h *ClientHello) bool {
				return len(h.ALPN) == 2 && string(h.ALPN[0]) == "h2" && string(h.ALPN[1]) == "http/1.1"
			}},
		{"ech outer", extension(ExtECH, ech...), func(h *ClientHello) bool { return h.ECH == ECHOuter && h.ECHConfigID == 0x2a }},
		{"ech inner", extension(ExtECH, 1), func(h *ClientHello) bool { return h.ECH == ECHInner }},
		{"ech of a later form", extension(ExtECH, 9, 9), func(h *ClientHello) bool { return h.ECH == ECHUnknown }},
		{"esni", extension(ExtESNI, 1, 2, 3), func(h *ClientHello) bool { return h.ESNI }},
		{"point formats", extension(ExtECPointFormats, 3, 0, 1, 2), func(h *ClientHello) bool { return bytes.Equal(h.ECPointFormats, []byte{0, 1, 2}) }},
		{"status request", extension(ExtStatusRequest, 1, 0, 0, 0, 0), func(h *ClientHello) bool { return h.StatusRequest }},
		{"status request v2", extension(ExtStatusRequestV2, 0, 0), func(h *ClientHello) bool { return h.StatusRequestV2 }},
		{"sct", extension(ExtSCT), func(h *ClientHello) bool { return h.SCT }},
		{"raw public keys", slices.Concat(extension(ExtClientCertificateType, 2, 2, 0), extension(ExtServerCertificateType, 1, 2)),
			func(h *ClientHello) bool {
				return bytes.Equal(h.ClientCertificateTypes, []byte{2, 0}) && bytes.Equal(h.ServerCertificateTypes, []byte{2})
			}},
		{"compress certificate", extension(ExtCompressCertificate, 4, 0, 2, 0, 3), func(h *ClientHello) bool { return slices.Equal(h.CompressCertificate, []uint16{2, 3}) }},
		{"delegated credential", extension(ExtDelegatedCredential, 0, 2, 4, 3), func(h *ClientHello) bool { return slices.Equal(h.DelegatedCredential, []uint16{0x0403}) }},
		{"extended master secret", extension(ExtExtendedMasterSecret), func(h *ClientHello) bool { return h.ExtendedMasterSecret }},
		{"encrypt then mac", extension(ExtEncryptThenMAC), func(h *ClientHello) bool { return h.EncryptThenMAC }},
		{"a ticket", extension(ExtSessionTicket, repeat(1, 192)...), func(h *ClientHello) bool { return h.SessionTicket && h.SessionTicketLen == 192 }},
		{"renegotiation", extension(ExtRenegotiationInfo, append([]byte{12}, repeat(1, 12)...)...), func(h *ClientHello) bool { return h.RenegotiationInfo && h.RenegotiationInfoLen == 12 }},
		{"post handshake auth", extension(ExtPostHandshakeAuth), func(h *ClientHello) bool { return h.PostHandshakeAuth }},
		{"quic", extension(ExtQUICTransportParams, 1), func(h *ClientHello) bool { return h.QUICTransportParameters }},
		{"quic in drafts", extension(ExtQUICTransportDraft, 1), func(h *ClientHello) bool { return h.QUICTransportParameters }},
		{"npn", extension(ExtNextProtocol), func(h *ClientHello) bool { return h.NextProtocol }},
		{"certificate authorities", extension(ExtCertificateAuthorities, 0, 4, 0, 2, 0x30, 0), func(h *ClientHello) bool {
			return len(h.CertificateAuthorities) == 1 && bytes.Equal(h.CertificateAuthorities[0], []byte{0x30, 0})
		}},
		{"signature algorithms cert", extension(ExtSignatureAlgsCert, 0, 2, 8, 7), func(h *ClientHello) bool { return slices.Equal(h.SignatureAlgorithmsCert, []uint16{0x0807}) }},
		{"draft versions", extension(ExtSupportedVersions, 4, 0x7f, 0x1c, 3, 3), func(h *ClientHello) bool { return h.MaxVersion() == VersionTLS13 }},
		{"GREASE versions", extension(ExtSupportedVersions, 4, 0xfa, 0xfa, 3, 2), func(h *ClientHello) bool { return h.MaxVersion() == VersionTLS11 }},
		{"no versions", nil, func(h *ClientHello) bool { return h.MaxVersion() == VersionTLS12 }},
		{"DTLS 1.3 and 1.2", extension(ExtSupportedVersions, 4, 0xfe, 0xfc, 0xfe, 0xfd), func(h *ClientHello) bool { return h.MaxVersion() == VersionDTLS13 }},
		{"DTLS 1.0, GREASE and 1.2", extension(ExtSupportedVersions, 6, 0xfe, 0xff, 0xfa, 0xfa, 0xfe, 0xfd), func(h *ClientHello) bool { return h.MaxVersion() == VersionDTLS12 }},
	}
	var h ClientHello
	for _, test := range tests {
		err := ParseClientHello(hello(test.data), &h)
		if err != nil || h.Malformed || h.Duplicates || !test.ok(&h) {
			t.Errorf("%s: error %v, got %+v", test.name, err, h)
		}
		if err := ParseClientHello(append(hello(test.data), 1, 2, 3), &h); err != nil || h.TrailingBytes != 3 || !test.ok(&h) {
			t.Errorf("%s and three bytes: error %v, got %+v", test.name, err, h)
		}
	}
}

func TestClientHelloMalformedExtensions(t *testing.T) {
	var all [][]byte
	for typ := range uint16(12) {
		all = append(all, extension(typ+10, 0xff))
	}
	var h ClientHello
	err := ParseClientHello(hello(append(all, all...)...), &h)
	want := []uint16{ExtSupportedGroups, ExtECPointFormats, ExtSignatureAlgorithms, ExtALPN, ExtClientCertificateType, ExtServerCertificateType}
	if err != nil || !h.Malformed || !h.Duplicates || !slices.Equal(h.MalformedExtensions, want) || len(h.Extensions) != 24 {
		t.Errorf("got %v, duplicates %v, malformed %v", err, h.Duplicates, h.MalformedExtensions)
	}
	many := bytes.Repeat(extension(40000), 16000)
	if err := ParseClientHello(hello(many), &h); err != nil || len(h.Extensions) != 16000 || !h.Duplicates {
		t.Errorf("16000 extensions: got %d, %v", len(h.Extensions), err)
	}
}

func FuzzClientHello(f *testing.F) {
	for _, record := range rfc8448(f) {
		if record[0] == RecordHandshake {
			f.Add(body(record))
		}
	}
	f.Add(hello(serverName(nameEntry(0, "a"))))
	f.Fuzz(func(t *testing.T, b []byte) {
		var h ClientHello
		err := ParseClientHello(b, &h)
		if len(h.ServerName) > 0 && !bytes.Contains(b, h.ServerName) {
			t.Errorf("name %q is not in the message", h.ServerName)
		}
		if err != nil && len(b) > 0 && h.TrailingBytes > len(b) {
			t.Errorf("%d bytes trail in %d", h.TrailingBytes, len(b))
		}
		JA3(&h)
		if ja4 := JA4(&h, 't'); len(ja4) != 36 {
			t.Errorf("JA4 %q", ja4)
		}
		again := h
		if err2 := ParseClientHello(b, &again); err2 != err || string(again.ServerName) != string(h.ServerName) {
			t.Errorf("parsed again: %q, %v, before %q, %v", again.ServerName, err2, h.ServerName, err)
		}
	})
}

func FuzzProbe(f *testing.F) {
	for _, record := range rfc8448(f) {
		f.Add(record)
	}
	f.Add(ssl2Hello())
	f.Add(ssl2ServerHelloBytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		for name, probe := range map[string]func([]byte) Answer{"client": ProbeClientHello, "server": ProbeServerHello, "alert": ProbeAlert, "certificate": ProbeCertificate} {
			last := probe(nil)
			if last != Maybe {
				t.Fatalf("%s: of nothing: %v", name, last)
			}
			for i := range min(len(b), 200) {
				ans := probe(b[:i+1])
				if last != Maybe && ans != last {
					t.Errorf("%s: %v at %d bytes, %v at %d", name, last, i, ans, i+1)
				}
				last = ans
			}
		}
	})
}

func TestProbes(t *testing.T) {
	v := rfc8448(t)
	ch, sh := v["3 client-hello"], v["3 server-hello"]
	bytewise := split(ch[RecordHeaderLen:], 1)
	damaged := func(b []byte, at int, to byte) []byte {
		b = bytes.Clone(b)
		b[at] = to
		return b
	}
	tests := []struct {
		name                  string
		b                     []byte
		client, server, alert Answer
	}{
		{"nothing", nil, Maybe, Maybe, Maybe},
		{"0x16", ch[:1], Maybe, Maybe, No},
		{"client hello", ch, Yes, No, No},
		{"client hello in records of one byte", bytewise, Yes, No, No},
		{"one such record", bytewise[:6], Maybe, No, No},
		{"server hello", sh, No, Yes, No},
		{"server hello in records of one byte", split(sh[RecordHeaderLen:], 1), No, Yes, No},
		{"hello retry request", v["5 hello-retry-request"], No, Yes, No},
		{"alert", []byte{21, 3, 1, 0, 2, 2, 40}, No, No, Yes},
		{"alert without description", []byte{21, 3, 1, 0, 2, 2}, No, No, Maybe},
		{"alert of unknown description", []byte{21, 3, 1, 0, 2, 2, 254}, No, No, No},
		{"alert of unknown level", []byte{21, 3, 1, 0, 2, 3, 40}, No, No, No},
		{"encrypted alert", []byte{21, 3, 1, 0, 26, 2, 40}, No, No, No},
		{"application data", []byte{23, 3, 3, 0, 20, 1}, No, No, No},
		{"record of no bytes", []byte{22, 3, 1, 0, 0}, No, No, No},
		{"record that is too long", []byte{22, 3, 1, 0x60}, No, No, No},
		{"SSL 3.0 record with TLS 1.2 hello", damaged(ch, 2, 0), Yes, No, No},
		{"odd minor versions", damaged(damaged(ch, 2, 9), 10, 77), Yes, No, No},
		{"draft version", damaged(ch, 9, 0x7f), Yes, No, No},
		{"major version 4", damaged(ch, 1, 4), No, No, No},
		{"client version 2", damaged(ch, 9, 2), No, No, No},
		{"session id of 33 bytes", damaged(ch, 43, 33), No, No, No},
		{"odd cipher suites", damaged(ch, 45, 5), No, No, No},
		{"no cipher suites", damaged(ch, 45, 0), Yes, No, No},
		{"cipher suites that do not fit", damaged(ch, 44, 1), No, No, No},
		{"hello of 40 bytes", damaged(ch, 8, 40), No, No, No},
		{"hello of 16 MB", damaged(ch, 6, 0xff), No, No, No},
		{"text", []byte("\x16\x03 is no TLS"), No, No, No},
	}
	for _, test := range tests {
		got := [3]Answer{ProbeClientHello(test.b), ProbeServerHello(test.b), ProbeAlert(test.b)}
		if want := [3]Answer{test.client, test.server, test.alert}; got != want {
			t.Errorf("%s: client, server, alert: got %v, want %v", test.name, got, want)
		}
	}
}

func TestProbeCertificate(t *testing.T) {
	der := append([]byte{0x30}, repeat(1, 99)...)
	chain := message(TypeCertificate, list24(slices.Concat(list24(der...), list24(der...))...)...)
	for _, size := range []int{1, 7, 1000} {
		b := split(chain, size)
		last := Maybe
		for i := range b {
			ans := ProbeCertificate(b[:i])
			if ans < last {
				t.Fatalf("records of %d: %v at %d bytes, after %v", size, ans, i, last)
			}
			last = ans
		}
		if last != Yes {
			t.Errorf("records of %d: got %v, want yes", size, last)
		}
	}
	for at, to := range map[int]byte{0: TypeServerHello, 3: 0, 6: 0, 9: 0xff, 10: 0x31} {
		bad := bytes.Clone(chain)
		bad[at] = to
		if ans := ProbeCertificate(split(bad, 1000)); ans != No {
			t.Errorf("byte %d changed: %v", at, ans)
		}
	}
	if ans := ProbeCertificate(slices.Concat(split(chain[:8], 8), record(RecordAlert, 2, 40))); ans != No {
		t.Errorf("cut by an alert: %v", ans)
	}
}
