package tlsparse

import (
	"bytes"
	"testing"
)

// credential is a DelegatedCredential put together by hand from the grammar of
// RFC 9345 §4: seven days, ed25519, a key of 3 bytes, signed with
// ecdsa_secp256r1_sha256.
var credential = []byte("\x00\x09\x3a\x80" + "\x08\x07" + "\x00\x00\x03abc" + "\x04\x03" + "\x00\x04sign")

func TestDelegatedCredential(t *testing.T) {
	var c DelegatedCredential
	if err := ParseDelegatedCredential(credential, &c); err != nil || c.ValidTime != 604800 || c.Verify != 0x0807 ||
		string(c.PublicKey) != "abc" || c.Scheme != 0x0403 || string(c.Signature) != "sign" {
		t.Errorf("got %+v, %v", c, err)
	}
	for i := range credential {
		var c DelegatedCredential
		if err := ParseDelegatedCredential(credential[:i], &c); err == nil {
			t.Errorf("a prefix of %d bytes parses", i)
		}
	}
	if err := ParseDelegatedCredential(append(bytes.Clone(credential), 0), &c); err == nil {
		t.Error("a trailing byte parses")
	}
	ParseDelegatedCredential(credential, &c)
	want := string(bytes.Repeat([]byte{0x20}, 64)) + "TLS, server delegated credentials\x00" + "leaf" +
		"\x00\x09\x3a\x80" + "\x08\x07" + "\x00\x00\x03abc" + "\x04\x03"
	if got := AppendDelegatedCredentialSigned([]byte("x"), []byte("leaf"), &c); string(got) != "x"+want {
		t.Errorf("signed %q, want %q", got, want)
	}
}

// TestDelegatedInChain: the credential comes with the leaf's entry.
func TestDelegatedInChain(t *testing.T) {
	entry := append([]byte{0, byte(ExtDelegatedCredential), 0, byte(len(credential))}, credential...)
	list := append([]byte{0, 0, 1, 'x', 0, byte(len(entry))}, entry...)
	body := append([]byte{0, 0, 0, byte(len(list))}, list...)
	_, chain, err := ParseCertificate13(body, nil)
	if err != nil || len(chain) != 1 || !bytes.Equal(chain[0].DelegatedCredential, credential) {
		t.Errorf("got %+v, %v", chain, err)
	}
}

func TestECHRetryConfigs(t *testing.T) {
	configs := "\xfe\x0d\x00\x05\x00\x03abc"
	alpn := "\x00\x10\x00\x05\x00\x03\x02h2"
	tests := []struct {
		name, body, want string
	}{
		{"none", "\x00\x00", ""},
		{"other extensions", "\x00\x09" + alpn, ""},
		{"configs", "\x00\x12" + alpn + configs, "\x00\x03abc"},
		{"cut", "\x00\x12" + alpn + configs[:4], ""},
		{"empty", "", ""},
	}
	for _, tt := range tests {
		if got := string(ECHRetryConfigs([]byte(tt.body))); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestCertificateVerifySigned is the example of RFC 8446 §4.4.3, with a
// transcript hash of 32 times 01.
func TestCertificateVerifySigned(t *testing.T) {
	hash := bytes.Repeat([]byte{1}, 32)
	want := string(bytes.Repeat([]byte{0x20}, 64)) + "TLS 1.3, server CertificateVerify\x00" + string(hash)
	if got := AppendCertificateVerifySigned(nil, true, hash); string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := AppendCertificateVerifySigned(nil, false, hash); !bytes.Contains(got, []byte("TLS 1.3, client CertificateVerify\x00")) || len(got) != len(want) {
		t.Errorf("got %q", got)
	}
}

func FuzzHiddenMessages(f *testing.F) {
	f.Add(credential)
	f.Add([]byte("\x00\x09\xfe\x0d\x00\x05\x00\x03abc"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var c DelegatedCredential
		if ParseDelegatedCredential(b, &c) == nil && len(AppendDelegatedCredentialSigned(nil, nil, &c)) != 98+len(b)-2-len(c.Signature) {
			t.Errorf("signed %d bytes of %d", len(c.Signed), len(b))
		}
		if r := ECHRetryConfigs(b); len(r) > len(b) {
			t.Errorf("%d bytes of %d", len(r), len(b))
		}
		var h ServerHello
		ParseEncryptedExtensions(b, &h)
		_, chain, _ := ParseCertificate13(b, nil)
		for i := range chain {
			ParseDelegatedCredential(chain[i].DelegatedCredential, &c)
		}
	})
}
