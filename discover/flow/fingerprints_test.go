package flow

import (
	"slices"
	"testing"

	"blindspot/discover"
	"blindspot/tlsparse"
)

// TestFingerprintsAreThose: what is remembered is what would be calculated, for
// hellos that differ in one thing each.
func TestFingerprintsAreThose(t *testing.T) {
	base := func() tlsparse.ClientHello {
		return tlsparse.ClientHello{
			LegacyVersion: tlsparse.VersionTLS12, HasServerName: true,
			CipherSuites: []uint16{0x1301, 0xc02f}, Extensions: []uint16{0, 10, 11, 13, 16, 43},
			SupportedGroups: []uint16{29, 23}, ECPointFormats: []byte{0}, SignatureAlgorithms: []uint16{0x0403, 0x0804},
			SupportedVersions: []uint16{tlsparse.VersionTLS13, tlsparse.VersionTLS12}, ALPN: [][]byte{[]byte("h2"), []byte("http/1.1")},
		}
	}
	var hellos []tlsparse.ClientHello
	for _, change := range []func(h *tlsparse.ClientHello){
		func(*tlsparse.ClientHello) {},
		func(h *tlsparse.ClientHello) { h.LegacyVersion = tlsparse.VersionTLS11 },
		func(h *tlsparse.ClientHello) { h.HasServerName = false },
		func(h *tlsparse.ClientHello) { h.CipherSuites = []uint16{0xc02f, 0x1301} },
		func(h *tlsparse.ClientHello) { h.CipherSuites = []uint16{0x2a2a, 0x1301, 0xc02f} },
		func(h *tlsparse.ClientHello) {
			h.CipherSuites, h.Extensions = h.CipherSuites[:1], append([]uint16{0xc02f}, h.Extensions...)
		},
		func(h *tlsparse.ClientHello) { h.Extensions = append(h.Extensions, 0xfafa) },
		func(h *tlsparse.ClientHello) { h.Extensions = append(h.Extensions, 21) },
		func(h *tlsparse.ClientHello) { h.SupportedGroups = h.SupportedGroups[:1] },
		func(h *tlsparse.ClientHello) { h.ECPointFormats = nil },
		func(h *tlsparse.ClientHello) { h.SupportedVersions = h.SupportedVersions[1:] },
		func(h *tlsparse.ClientHello) { h.SignatureAlgorithms = []uint16{0x0804, 0x0403} },
		func(h *tlsparse.ClientHello) { h.ALPN = nil },
		func(h *tlsparse.ClientHello) { h.ALPN = [][]byte{{}} },
		func(h *tlsparse.ClientHello) { h.ALPN = h.ALPN[1:] },
	} {
		h := base()
		change(&h)
		hellos = append(hellos, h)
	}
	var f fingerprints
	for range 2 {
		for i := range hellos {
			for _, transport := range []byte("tqd") {
				var o discover.Observation
				f.ofClient(&hellos[i], transport, &o)
				ja3, _ := tlsparse.JA3(&hellos[i])
				if ja4 := tlsparse.JA4(&hellos[i], transport); o.JA3 != ja3 || o.JA4 != ja4 {
					t.Errorf("hello %d over %c: got %s and %s, want %s and %s", i, transport, o.JA3, o.JA4, ja3, ja4)
				}
			}
		}
		slices.Reverse(hellos)
	}
	if want := 3 * (len(hellos) - 3); len(f.client) != want { // two differ by GREASE, one by an empty protocol
		t.Errorf("got %d fingerprints, want %d", len(f.client), want)
	}
}

func TestServerFingerprintsAreThose(t *testing.T) {
	var f fingerprints
	for range 2 {
		for _, h := range []tlsparse.ServerHello{
			{LegacyVersion: 0x0303, CipherSuite: 0xc02f, Extensions: []uint16{0, 16}},
			{LegacyVersion: 0x0303, CipherSuite: 0xc02f, Extensions: []uint16{16, 0}},
			{LegacyVersion: 0x0303, CipherSuite: 0xc030, Extensions: []uint16{16, 0}},
			{LegacyVersion: 0x0302, CipherSuite: 0xc030},
		} {
			want, _ := tlsparse.JA3S(&h)
			if got := f.ofServer(&h); got != want {
				t.Errorf("%+v: got %s, want %s", h, got, want)
			}
		}
	}
}

func TestFingerprintBound(t *testing.T) {
	var f fingerprints
	for i := range 2 * maxFingerprints {
		h := tlsparse.ClientHello{Extensions: []uint16{uint16(i >> 4), uint16(i)}}
		f.ofClient(&h, 't', &discover.Observation{})
		f.ofServer(&tlsparse.ServerHello{Extensions: h.Extensions})
	}
	if len(f.client) > maxFingerprints || len(f.server) > maxFingerprints {
		t.Errorf("got %d and %d, want at most %d", len(f.client), len(f.server), maxFingerprints)
	}
}
