package tlsparse

import (
	"crypto/tls"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	tests := []struct{ got, want string }{
		{VersionName(0x0300, false), "SSL 3.0"}, {VersionName(0x0304, false), "TLS 1.3"},
		{VersionName(0x7f1c, false), "TLS 1.3"}, {VersionName(0x0002, false), "SSL 2.0"},
		{VersionName(0xfeff, true), "DTLS 1.0"}, {VersionName(0xfefd, true), "DTLS 1.2"},
		{VersionName(0xfefc, true), "DTLS 1.3"}, {VersionName(0x0304, true), "DTLS 1.3"},
		{VersionName(0x1234, false), "0x1234"},
		{CipherSuiteName(0xc02b), "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
		{CipherSuiteName(0x1303), "TLS_CHACHA20_POLY1305_SHA256"},
		{CipherSuiteName(0xc100), "TLS_GOSTR341112_256_WITH_KUZNYECHIK_CTR_OMAC"},
		{CipherSuiteName(0x00c6), "TLS_SM4_GCM_SM3"}, {CipherSuiteName(0), "TLS_NULL_WITH_NULL_NULL"},
		{CipherSuiteName(0x8a8a), "GREASE_0x8a8a"}, {CipherSuiteName(0xffff), "0xffff"}, {CipherSuiteName(0x00c8), "0x00c8"},
		{GroupName(29), "x25519"}, {GroupName(23), "secp256r1"}, {GroupName(4588), "X25519MLKEM768"},
		{GroupName(4587), "SecP256r1MLKEM768"}, {GroupName(256), "ffdhe2048"}, {GroupName(999), "0x03e7"},
		{SignatureSchemeName(0x0804), "rsa_pss_rsae_sha256"}, {SignatureSchemeName(0x0905), "mldsa65"},
		{AlertName(45), "certificate_expired"}, {AlertName(250), "0xfa"}, {AlertLevelName(2), "fatal"},
		{ExtensionName(16), "application_layer_protocol_negotiation"}, {ExtensionName(0xfe0d), "encrypted_client_hello"},
	}
	for _, test := range tests {
		if test.got != test.want {
			t.Errorf("got %s, want %s", test.got, test.want)
		}
	}
	if DraftVersion(0x7f12) != 18 || DraftVersion(0x0304) != 0 {
		t.Errorf("drafts: %d, %d", DraftVersion(0x7f12), DraftVersion(0x0304))
	}
}

// TestRegistriesAscend: look-ups are binary.
func TestRegistriesAscend(t *testing.T) {
	for name, table := range map[string][]codepoint{
		"cipher suites": cipherSuites[:], "groups": groups[:], "signature schemes": signatureSchemes[:],
		"extensions": extensionTypes[:], "alerts": alerts[:],
	} {
		for i := 1; i < len(table); i++ {
			if table[i].value <= table[i-1].value {
				t.Errorf("%s: %d after %d", name, table[i].value, table[i-1].value)
			}
		}
	}
}

// TestCipherSuiteNamesAgainstGo compares with crypto/tls.
func TestCipherSuiteNamesAgainstGo(t *testing.T) {
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if got := CipherSuiteName(s.ID); got != s.Name {
			t.Errorf("0x%04x: got %s, want %s", s.ID, got, s.Name)
		}
	}
}

// TestNamesAgainstTShark compares every registry with what Wireshark knows, as
// far as it follows IANA.
func TestNamesAgainstTShark(t *testing.T) {
	out, err := exec.Command("tshark", "-G", "values").Output()
	if err != nil {
		t.Skip("tshark is not installed: ", err)
	}
	normal := strings.NewReplacer(" ", "_", "(", "", ")", "")
	known := map[uint16]string{ // Wireshark's names that are not IANA's
		53: "connection_id_deprecated", 34: "delegated_credential",
		0x4469: "application_settings_old", 0xffa5: "quic_transport_parameters_draft",
	}
	compared := 0
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) < 4 || f[0] != "V" {
			continue
		}
		n, err := strconv.ParseUint(f[2], 0, 16)
		if err != nil || IsGREASE(uint16(n)) || strings.HasPrefix(f[3], "Reserved") {
			continue
		}
		v := uint16(n)
		got, want := "", normal.Replace(f[3])
		switch f[1] {
		case "tls.handshake.ciphersuite":
			got = CipherSuiteName(v)
		case "tls.handshake.extensions_supported_group":
			if v >= 0x200 {
				continue // liboqs's experiments
			}
			got = GroupName(v)
		case "tls.handshake.sig_hash_alg":
			if v >= 0xfe00 {
				continue // the same
			}
			got = SignatureSchemeName(v)
		case "tls.handshake.extension.type":
			got = ExtensionName(v)
			if name, ok := known[v]; ok {
				want = name
			}
		case "tls.alert_message.desc":
			got, want = AlertName(uint8(v)), strings.ToLower(want)
		default:
			continue
		}
		compared++
		if got != want {
			t.Errorf("%s %d: got %s, want %s", f[1], v, got, want)
		}
	}
	t.Logf("%d names compared", compared)
}
