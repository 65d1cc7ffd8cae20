package flow

import (
	"blindspot/discover"
	"blindspot/tlsparse"
)

// maxFingerprints bounds the hellos whose fingerprints are remembered; beyond it
// they are forgotten, all at once. A client that shuffles its extensions has a
// new one in each hello.
const maxFingerprints = 1 << 12

// fingerprints remembers JA3 and JA4 by what they are made of, so that they are
// calculated once for each distinct hello: three hashes cost more than all else
// that is read of it.
type fingerprints struct {
	client map[string]clientPrint
	server map[string]string
	key    []byte // scratch, as text is
	text   []byte
}

type clientPrint struct{ ja3, ja4 string }

// ofClient puts the fingerprints of h into o.
func (f *fingerprints) ofClient(h *tlsparse.ClientHello, transport byte, o *discover.Observation) {
	f.clientKey(h, transport)
	p, ok := f.client[string(f.key)]
	if !ok {
		if f.client == nil || len(f.client) >= maxFingerprints {
			f.client = make(map[string]clientPrint)
		}
		f.text = tlsparse.AppendJA3(f.text[:0], h)
		p.ja3 = string(f.text)
		f.text = tlsparse.AppendJA4(f.text[:0], h, transport)
		p.ja4 = string(f.text)
		f.client[string(f.key)] = p
	}
	o.JA3, o.JA4 = p.ja3, p.ja4
}

// clientKey writes down what both fingerprints depend on. GREASE is left out of
// both, and differs from hello to hello.
func (f *fingerprints) clientKey(h *tlsparse.ClientHello, transport byte) {
	name := byte(oneIf(h.HasServerName))
	f.key = append(f.key[:0], transport, name, byte(h.LegacyVersion>>8), byte(h.LegacyVersion))
	f.list(h.CipherSuites)
	f.list(h.Extensions)
	f.list(h.SupportedGroups)
	f.list(h.SupportedVersions)
	f.list(h.SignatureAlgorithms)
	f.key = append(append(f.key, byte(len(h.ECPointFormats))), h.ECPointFormats...)
	if len(h.ALPN) > 0 && len(h.ALPN[0]) > 0 {
		p := h.ALPN[0]
		f.key = append(f.key, p[0], p[len(p)-1])
	}
}

// list appends values that are no GREASE behind their number.
func (f *fingerprints) list(values []uint16) {
	at := len(f.key)
	f.key = append(f.key, 0, 0)
	n := 0
	for _, v := range values {
		if !tlsparse.IsGREASE(v) {
			f.key = append(f.key, byte(v>>8), byte(v))
			n++
		}
	}
	f.key[at], f.key[at+1] = byte(n>>8), byte(n)
}

// ofServer returns the fingerprint of h.
func (f *fingerprints) ofServer(h *tlsparse.ServerHello) string {
	f.key = append(f.key[:0], byte(h.LegacyVersion>>8), byte(h.LegacyVersion), byte(h.CipherSuite>>8), byte(h.CipherSuite))
	f.list(h.Extensions)
	p, ok := f.server[string(f.key)]
	if !ok {
		if f.server == nil || len(f.server) >= maxFingerprints {
			f.server = make(map[string]string)
		}
		f.text = tlsparse.AppendJA3S(f.text[:0], h)
		p = string(f.text)
		f.server[string(f.key)] = p
	}
	return p
}
