package lengths

import (
	"testing"

	"blindspot/tlsparse"
)

// Real clients ask for what their documentation says.
func TestAsksReal(t *testing.T) {
	want := map[string]Extra{"openssl": 0, "openssl, retry": 0, "Go": Status | Timestamps, "gnutls-cli": Status}
	for name, h := range hellos(t) {
		if got := AsksOf(h); got.Extra != want[name] {
			t.Errorf("%s: got %q, want %q", name, got.Extra, want[name])
		}
	}
	h := hellos(t)
	if AsksOf(h["openssl"]) != AsksOf(h["openssl, retry"]) {
		t.Error("a list of groups changes what is asked of the certificate")
	}
	if AsksOf(h["gnutls-cli"]).Hash == AsksOf(h["openssl"]).Hash {
		t.Error("a client that asks for a status cannot be told from one that does not")
	}
}

func TestAsks(t *testing.T) {
	base := func() *tlsparse.ClientHello {
		return &tlsparse.ClientHello{SignatureAlgorithms: []uint16{0x0403, 0x0804, 0x0401, 0x0807}}
	}
	plain := AsksOf(base())
	tests := []struct {
		name   string
		change func(*tlsparse.ClientHello)
		same   bool
		extra  Extra
	}{
		{"nothing", func(*tlsparse.ClientHello) {}, true, 0},
		{"more hashes of the same keys", func(h *tlsparse.ClientHello) {
			h.SignatureAlgorithms = []uint16{0x0403, 0x0804, 0x0805, 0x0806, 0x0807}
		}, true, 0},
		{"GREASE and what is unknown", func(h *tlsparse.ClientHello) {
			h.SignatureAlgorithms = append([]uint16{0x0a0a, 0x1234}, h.SignatureAlgorithms...)
		}, true, 0},
		{"ALPN", func(h *tlsparse.ClientHello) { h.ALPN = [][]byte{[]byte("h2")} }, true, 0},
		{"a usual record size", func(h *tlsparse.ClientHello) { h.RecordSizeLimit = 16385 }, true, 0},
		{"RSA first", func(h *tlsparse.ClientHello) { h.SignatureAlgorithms = []uint16{0x0804, 0x0403, 0x0807} }, false, 0},
		{"no ECDSA", func(h *tlsparse.ClientHello) { h.SignatureAlgorithms = []uint16{0x0804, 0x0807} }, false, 0},
		{"algorithms for the chain", func(h *tlsparse.ClientHello) { h.SignatureAlgorithmsCert = []uint16{0x0804} }, false, 0},
		{"ACME's challenge", func(h *tlsparse.ClientHello) { h.ALPN = [][]byte{[]byte("acme-tls/1")} }, false, 0},
		{"a status", func(h *tlsparse.ClientHello) { h.StatusRequest = true }, false, Status},
		{"timestamps", func(h *tlsparse.ClientHello) { h.SCT = true }, false, Timestamps},
		{"compression", func(h *tlsparse.ClientHello) {
			h.Extensions, h.CompressCertificate = []uint16{tlsparse.ExtCompressCertificate}, []uint16{2}
		}, false, Compressed},
		{"a delegated credential", func(h *tlsparse.ClientHello) { h.Extensions = []uint16{tlsparse.ExtDelegatedCredential} }, false, Delegated},
		{"a bare key", func(h *tlsparse.ClientHello) { h.Extensions = []uint16{tlsparse.ExtServerCertificateType} }, false, TypeChoice},
		{"authorities", func(h *tlsparse.ClientHello) { h.Extensions = []uint16{tlsparse.ExtCertificateAuthorities} }, false, Authorities},
		{"trust anchors", func(h *tlsparse.ClientHello) { h.Extensions = []uint16{0xca34} }, false, Authorities},
		{"small records", func(h *tlsparse.ClientHello) { h.RecordSizeLimit = 1024 }, false, SmallRecord},
		{"small fragments", func(h *tlsparse.ClientHello) { h.Extensions = []uint16{1} }, false, SmallRecord},
	}
	for _, tt := range tests {
		h := base()
		tt.change(h)
		got := AsksOf(h)
		if (got.Hash == plain.Hash) != tt.same || got.Extra != tt.extra {
			t.Errorf("%s: got %04x %q, plain is %04x", tt.name, got.Hash, got.Extra, plain.Hash)
		}
	}
	if got := Of([]int{23, 1773, 281, 53}, nil, sha256Suite); got != "" {
		t.Errorf("without a hello: got %q, want none", got)
	}
}
