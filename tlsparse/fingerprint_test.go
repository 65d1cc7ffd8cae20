package tlsparse

import "testing"

// uint16s reads four-digit hex numbers.
func uint16s(t *testing.T, list string) (out []uint16) {
	t.Helper()
	for i := 0; i+4 <= len(list); i += 5 {
		b := unhex(t, list[i:i+4])
		out = append(out, uint16(b[0])<<8|uint16(b[1]))
	}
	return out
}

// TestJA4 has the examples of JA4's specification (FoxIO, technical_details/JA4.md).
func TestJA4(t *testing.T) {
	h := ClientHello{
		LegacyVersion:       VersionTLS12,
		HasServerName:       true,
		CipherSuites:        uint16s(t, "1a1a,1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035"),
		Extensions:          uint16s(t, "2a2a,001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015,3a3a"),
		SignatureAlgorithms: uint16s(t, "0403,0804,0401,0503,0805,0501,0806,0601"),
		SupportedVersions:   uint16s(t, "4a4a,0304,0303"),
		ALPN:                [][]byte{[]byte("h2"), []byte("http/1.1")},
	}
	check := func(name, want string, transport byte) {
		t.Helper()
		if got := JA4(&h, transport); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	check("the example", "t13d1516h2_8daaf6152771_e5627efa2ab1", 't')
	check("over QUIC", "q13d1516h2_8daaf6152771_e5627efa2ab1", 'q')
	h.SignatureAlgorithms = nil
	check("without signature algorithms", "t13d1516h2_8daaf6152771_6d807ffa2a79", 't')
	h.CipherSuites, h.HasServerName = nil, false
	check("without cipher suites", "t13i0016h2_000000000000_6d807ffa2a79", 't')
	h.Extensions = uint16s(t, "0000,0010,0a0a")
	check("without other extensions", "t13i0002h2_000000000000_000000000000", 't')

	h = ClientHello{}
	for protocol, want := range map[string]string{
		"h2": "h2", "http/1.1": "h1", "\xab": "ab", "\xab\xcd": "ad", "0\xab": "3b", "01\xab\xcd": "3d",
		"0\xab\xcd1": "01", "x": "xx", "": "00",
	} {
		h.ALPN = [][]byte{[]byte(protocol)}
		check("ALPN "+protocol, "t00i0000"+want+"_000000000000_000000000000", 't')
	}
	h.ALPN = nil
	for version, want := range map[uint16]string{
		VersionTLS13: "13", VersionTLS12: "12", VersionTLS11: "11", VersionTLS10: "10", VersionSSL30: "s3",
		VersionSSL20: "s2", VersionDTLS10: "d1", VersionDTLS12: "d2", VersionDTLS13: "d3", 0x1234: "00",
	} {
		h.LegacyVersion = version
		check("version "+want, "d"+want+"i000000_000000000000_000000000000", 'd')
	}
	h.SupportedVersions = []uint16{VersionDTLS12, VersionDTLS13, 0x8a8a}
	check("DTLS 1.3", "dd3i000000_000000000000_000000000000", 'd')
	h.CipherSuites = make([]uint16, 200)
	if got := JA4(&h, 'd'); got[:10] != "dd3i990000" {
		t.Errorf("200 cipher suites: got %s", got)
	}
}

// TestJA3 has the examples of JA3's README (github.com/salesforce/ja3).
func TestJA3(t *testing.T) {
	h := ClientHello{
		LegacyVersion:   769,
		CipherSuites:    []uint16{47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4},
		Extensions:      []uint16{0, 10, 11},
		SupportedGroups: []uint16{23, 24, 25},
		ECPointFormats:  []byte{0},
	}
	hash, text := JA3(&h)
	if text != "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0" || hash != "ada70206e40642a3e4461f35503241d5" {
		t.Errorf("got %s of %s", hash, text)
	}
	h.CipherSuites = append([]uint16{0x0a0a}, h.CipherSuites...)
	h.Extensions = append(h.Extensions, 0xfafa)
	h.SupportedGroups = append([]uint16{0x2a2a}, h.SupportedGroups...)
	if got := string(AppendJA3([]byte("x "), &h)); got != "x "+hash {
		t.Errorf("with GREASE: got %s", got)
	}
	h = ClientHello{LegacyVersion: 769, CipherSuites: []uint16{4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99}}
	if hash, text := JA3(&h); text != "769,4-5-10-9-100-98-3-6-19-18-99,,," || hash != "de350869b8c85de67a350c8d186f11e6" {
		t.Errorf("without extensions: got %s of %s", hash, text)
	}
}
