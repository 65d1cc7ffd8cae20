package tlsparse

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"testing"
)

// rfc8448 returns the vectors of testdata/rfc8448.txt by "section name".
func rfc8448(t testing.TB) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile("testdata/rfc8448.txt")
	if err != nil {
		t.Fatal(err)
	}
	vectors := make(map[string][]byte)
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if f[0] == "#" {
			continue
		}
		b, err := hex.DecodeString(f[2])
		if err != nil {
			t.Fatalf("%s %s: %v", f[0], f[1], err)
		}
		vectors[f[0]+" "+f[1]] = b
	}
	return vectors
}

// body returns the body of the one handshake message in a record.
func body(record []byte) []byte { return record[RecordHeaderLen+HandshakeHeaderLen:] }

// TestRFC8448Transcripts proves that the vectors are the RFC's, by the digests
// that it gives.
func TestRFC8448Transcripts(t *testing.T) {
	v := rfc8448(t)
	for _, section := range []string{"3", "5", "6", "7"} {
		var transcript []byte
		hello := v[section+" client-hello"][RecordHeaderLen:]
		if retry, ok := v[section+" hello-retry-request"]; ok {
			sum := sha256.Sum256(hello) // RFC 8446 §4.4.1
			transcript = append([]byte{TypeMessageHash, 0, 0, 32}, sum[:]...)
			transcript = append(transcript, retry[RecordHeaderLen:]...)
			hello = v[section+" client-hello-2"][RecordHeaderLen:]
		}
		certificate, ok := v[section+" certificate"]
		if !ok {
			certificate = v["3 certificate"]
		}
		transcript = slices.Concat(transcript, hello, v[section+" server-hello"][RecordHeaderLen:],
			v[section+" encrypted-extensions"], v[section+" certificate-request"], certificate)
		if got := sha256.Sum256(transcript); !bytes.Equal(got[:], v[section+" digest"]) {
			t.Errorf("section %s: transcript %x, want %x", section, got, v[section+" digest"])
		}
	}
}

func TestRFC8448ClientHellos(t *testing.T) {
	v := rfc8448(t)
	groups := []uint16{29, 23, 24, 25, 256, 257, 258, 259, 260}
	algorithms := []uint16{0x0403, 0x0503, 0x0603, 0x0203, 0x0804, 0x0805, 0x0806, 0x0401,
		0x0501, 0x0601, 0x0201, 0x0402, 0x0502, 0x0602, 0x0202}
	tests := []struct {
		name      string
		keyShare  uint16
		groups    []uint16
		psks, psk int
		sessionID int
		early     bool
		cookie    bool
		padding   int
		types     []uint16
	}{
		{name: "3 client-hello", keyShare: 29, groups: groups,
			types: []uint16{0, 0xff01, 10, 35, 51, 43, 13, 45, 28}},
		{name: "4 client-hello", keyShare: 29, groups: groups, psks: 1, psk: 0xb2, early: true, padding: 0x57,
			types: []uint16{0, 0xff01, 10, 51, 42, 43, 13, 45, 28, 21, 41}},
		{name: "5 client-hello", keyShare: 29, groups: []uint16{29, 23, 24},
			types: []uint16{0, 0xff01, 10, 51, 43, 13, 45, 28}},
		{name: "5 client-hello-2", keyShare: 23, groups: []uint16{29, 23, 24}, cookie: true, padding: 0xaf,
			types: []uint16{0, 0xff01, 10, 51, 43, 13, 44, 45, 28, 21}},
		{name: "6 client-hello", keyShare: 29, groups: groups,
			types: []uint16{0, 0xff01, 10, 51, 43, 13, 45, 28}},
		{name: "7 client-hello", keyShare: 29, groups: groups, sessionID: 32,
			types: []uint16{0, 0xff01, 10, 51, 43, 13, 45, 28}},
	}
	var h ClientHello // one for all: nothing may be left over
	for _, test := range tests {
		if err := ParseClientHello(body(v[test.name]), &h); err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		same := h.LegacyVersion == VersionTLS12 && h.MaxVersion() == VersionTLS13 &&
			string(h.ServerName) == "server" && h.NameCount == 1 && !h.OtherNameTypes && h.HasServerName &&
			slices.Equal(h.CipherSuites, []uint16{0x1301, 0x1303, 0x1302}) &&
			bytes.Equal(h.CompressionMethods, []byte{0}) &&
			slices.Equal(h.Extensions, test.types) &&
			slices.Equal(h.KeyShareGroups, []uint16{test.keyShare}) &&
			slices.Equal(h.SupportedGroups, test.groups) &&
			slices.Equal(h.SignatureAlgorithms, algorithms) &&
			slices.Equal(h.SupportedVersions, []uint16{VersionTLS13}) &&
			bytes.Equal(h.PSKModes, []byte{1}) && h.RecordSizeLimit == 0x4001 &&
			h.PSKIdentities == test.psks && h.FirstPSKIdentityLen == test.psk &&
			h.EarlyData == test.early && h.Cookie == test.cookie &&
			h.PaddingLen == test.padding && h.HasPadding == (test.padding > 0) &&
			h.SessionTicket == slices.Contains(test.types, ExtSessionTicket) &&
			len(h.SessionID) == test.sessionID && h.RenegotiationInfo && h.RenegotiationInfoLen == 0 &&
			!h.GREASE && !h.Malformed && !h.Duplicates && h.TrailingBytes == 0 && len(h.ALPN) == 0
		if !same {
			t.Errorf("%s: got %+v", test.name, h)
		}
	}
}

func TestRFC8448ServerHellos(t *testing.T) {
	v := rfc8448(t)
	tests := []struct {
		name      string
		group     uint16
		sessionID int
		psk       bool
		retry     bool
		types     []uint16
	}{
		{"3 server-hello", 29, 0, false, false, []uint16{51, 43}},
		{"4 server-hello", 29, 0, true, false, []uint16{41, 51, 43}},
		{"5 hello-retry-request", 23, 0, false, true, []uint16{51, 44, 43}},
		{"5 server-hello", 23, 0, false, false, []uint16{51, 43}},
		{"6 server-hello", 29, 0, false, false, []uint16{51, 43}},
		{"7 server-hello", 29, 32, false, false, []uint16{51, 43}},
	}
	var h ServerHello
	for _, test := range tests {
		if err := ParseServerHello(body(v[test.name]), &h); err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if h.LegacyVersion != VersionTLS12 || h.SelectedVersion != VersionTLS13 || h.CipherSuite != 0x1301 ||
			h.Compression != 0 || h.KeyShareGroup != test.group || len(h.SessionID) != test.sessionID ||
			h.PSKSelected != test.psk || h.HelloRetryRequest != test.retry || h.Cookie != test.retry ||
			!slices.Equal(h.Extensions, test.types) || h.Downgrade != DowngradeNone ||
			h.Malformed || h.Duplicates || h.TrailingBytes != 0 {
			t.Errorf("%s: got %+v", test.name, h)
		}
	}
	for name, want := range map[string]bool{"3": false, "4": true, "5": false} {
		err := ParseEncryptedExtensions(v[name+" encrypted-extensions"][HandshakeHeaderLen:], &h)
		if err != nil || h.EarlyData != want || !h.ServerNameAck {
			t.Errorf("%s encrypted-extensions: early data %v, server name %v, error %v", name, h.EarlyData, h.ServerNameAck, err)
		}
	}
}

func TestRFC8448Certificates(t *testing.T) {
	v := rfc8448(t)
	for name, issuer := range map[string]string{"3 certificate": "CN=rsa", "6 certificate": "CN=ecdsa256"} {
		b := v[name][HandshakeHeaderLen:]
		context, chain, err := ParseCertificate13(b, nil)
		if err != nil || len(context) != 0 || len(chain) != 1 {
			t.Fatalf("%s: got %d certificates, context %x, error %v", name, len(chain), context, err)
		}
		c, err := x509.ParseCertificate(chain[0].Data)
		if err != nil || c.Issuer.String() != issuer {
			t.Errorf("%s: got %v, %v, want issuer %s", name, c, err, issuer)
		}
		for i := range b {
			if _, chain, err := ParseCertificate13(b[:i], nil); err == nil || len(chain) == 1 && i < len(b)-2 {
				t.Errorf("%s: prefix of %d bytes: %d certificates, error %v", name, i, len(chain), err)
			}
		}
	}
	var r CertificateRequest
	request := v["6 certificate-request"][HandshakeHeaderLen:]
	if err := ParseCertificateRequest(request, VersionTLS13, &r); err != nil || len(r.Context) != 0 ||
		len(r.SignatureAlgorithms) != 15 || r.SignatureAlgorithms[0] != 0x0403 {
		t.Errorf("certificate request: got %+v, %v", r, err)
	}
	var verify CertificateVerify
	if err := ParseCertificateVerify(v["3 certificate-verify"][HandshakeHeaderLen:], VersionTLS13, &verify); err != nil ||
		verify.Scheme != 0x0804 || len(verify.Signature) != 128 {
		t.Errorf("certificate verify: got %+v, %v", verify, err)
	}
}

// TestHelloPrefixes: no proper prefix parses, unless it ends before the
// extensions; none gives a wrong name; every probe of a prefix asks for more.
func TestHelloPrefixes(t *testing.T) {
	for name, record := range rfc8448(t) {
		switch {
		case strings.Contains(name, "client-hello"):
			clientHelloPrefixes(t, name, record)
		case strings.Contains(name, "server-hello") || strings.Contains(name, "retry"):
			serverHelloPrefixes(t, name, record)
		}
	}
}

func clientHelloPrefixes(t *testing.T, name string, record []byte) {
	b := body(record)
	var h ClientHello
	var allowed int
	for i := range b {
		err := ParseClientHello(b[:i], &h)
		if err == nil {
			allowed++
			if len(h.Extensions) > 0 || h.HasServerName {
				t.Errorf("%s: prefix of %d bytes parses with extensions %v", name, i, h.Extensions)
			}
		}
		if n := string(h.ServerName); n != "" && n != "server" {
			t.Errorf("%s: prefix of %d bytes: got name %q", name, i, n)
		}
	}
	if allowed != 1 {
		t.Errorf("%s: %d prefixes parse, want 1", name, allowed)
	}
	answers := No
	for i := range record {
		ans := ProbeClientHello(record[:i])
		if ans == No || ans < answers {
			t.Errorf("%s: probe of %d bytes: %v after %v", name, i, ans, answers)
		}
		answers = ans
		if ans := ProbeServerHello(record[:i]); i > RecordHeaderLen && ans != No {
			t.Errorf("%s: server probe of %d bytes: %v", name, i, ans)
		}
	}
	if answers != Yes {
		t.Errorf("%s: probe: got %v, want yes", name, answers)
	}
}

func serverHelloPrefixes(t *testing.T, name string, record []byte) {
	b := body(record)
	var h ServerHello
	var allowed int
	for i := range b {
		if ParseServerHello(b[:i], &h) == nil {
			allowed++
		}
	}
	if allowed != 1 {
		t.Errorf("%s: %d prefixes parse, want 1", name, allowed)
	}
	for i := range record {
		if ans := ProbeServerHello(record[:i]); ans == No {
			t.Errorf("%s: probe of %d bytes: %v", name, i, ans)
		}
	}
	if ans := ProbeServerHello(record); ans != Yes {
		t.Errorf("%s: probe: got %v, want yes", name, ans)
	}
}
