package lengths

import (
	"slices"
	"strings"

	"blindspot/tlsparse"
)

// Extra is what a hello asks for that makes a Certificate message longer or
// shorter than its certificates.
type Extra uint8

// The extras. Those from Compressed on change more than the length of a list
// entry: nothing is known of the message then.
const (
	Status      Extra = 1 << iota // status_request: a stapled OCSP response (RFC 8446 §4.4.2.1)
	Timestamps                    // signed_certificate_timestamp (RFC 6962 §3.3.1)
	Delegated                     // delegated_credential (RFC 9345 §4.1.1)
	Compressed                    // compress_certificate (RFC 8879)
	TypeChoice                    // server_certificate_type: perhaps a bare key (RFC 7250)
	Authorities                   // certificate_authorities or trust_anchors: a chain for this client
	SmallRecord                   // record_size_limit or max_fragment_length below the usual: more records
)

var extraWords = [...]string{"status", "sct", "delegated", "compress", "type", "authorities", "small"}

// String writes the extras' words, joined by ",".
func (x Extra) String() string {
	var out []string
	for i, w := range extraWords {
		if x&(1<<i) != 0 {
			out = append(out, w)
		}
	}
	return strings.Join(out, ",")
}

func parseExtra(s string) (x Extra, ok bool) {
	for w := range strings.SplitSeq(s, ",") {
		i := slices.Index(extraWords[:], w)
		if i < 0 || x&(1<<i) != 0 {
			return 0, false
		}
		x |= 1 << i
	}
	return x, true
}

// Extensions and their values that tlsparse has no name for.
const (
	extMaxFragmentLength = 1      // RFC 6066 §4
	extTrustAnchors      = 0xca34 // draft-ietf-tls-trust-anchor-ids
	// usualRecord is the record_size_limit of a record of 16 KiB with its type
	// (RFC 8449 §4).
	usualRecord = 1<<14 + 1
	protoACME   = "acme-tls/1" // RFC 8737: a certificate for the challenge alone
)

// Asks is what of a ClientHello decides which certificates come back and how
// long their message is: hellos with the same Asks are answered alike.
type Asks struct {
	Hash  uint16
	Extra Extra
}

// AsksOf reads a hello. Of signature_algorithms it takes the kinds of keys, in
// their order, as servers choose by them: hellos of several programs then
// compare, and a stranger cannot make many different ones.
func AsksOf(h *tlsparse.ClientHello) Asks {
	a := Asks{Extra: extraOf(h)}
	var buf [64]byte
	b := append(buf[:0], byte(a.Extra))
	b = append(appendKeyOrder(b, h.SignatureAlgorithms), 0)
	b = append(appendKeyOrder(b, h.SignatureAlgorithmsCert), 0)
	for _, alg := range h.CompressCertificate[:min(len(h.CompressCertificate), 8)] {
		b = append(b, byte(alg>>8), byte(alg))
	}
	if slices.ContainsFunc(h.ALPN, func(p []byte) bool { return string(p) == protoACME }) {
		b = append(b, protoACME...)
	}
	a.Hash = hash(b)
	return a
}

// hash is FNV-1a, folded.
func hash(b []byte) uint16 {
	sum := uint32(2166136261)
	for _, c := range b {
		sum = (sum ^ uint32(c)) * 16777619
	}
	return uint16(sum>>16) ^ uint16(sum)
}

func extraOf(h *tlsparse.ClientHello) (x Extra) {
	add := func(is bool, e Extra) {
		if is {
			x |= e
		}
	}
	has := func(typ uint16) bool { return slices.Contains(h.Extensions, typ) }
	add(h.StatusRequest || h.StatusRequestV2, Status)
	add(h.SCT, Timestamps)
	add(has(tlsparse.ExtDelegatedCredential), Delegated)
	add(has(tlsparse.ExtCompressCertificate), Compressed)
	add(has(tlsparse.ExtServerCertificateType), TypeChoice)
	add(has(tlsparse.ExtCertificateAuthorities) || has(extTrustAnchors), Authorities)
	add(has(extMaxFragmentLength) || h.RecordSizeLimit > 0 && h.RecordSizeLimit < usualRecord, SmallRecord)
	return x
}

// appendKeyOrder appends the kinds of keys that a list of signature schemes
// accepts, each once, in the order of first appearance (RFC 8446 §4.2.3).
func appendKeyOrder(dst []byte, schemes []uint16) []byte {
	from := len(dst)
	for _, s := range schemes {
		k := keyOf(s)
		if k != 0 && !slices.Contains(dst[from:], k) {
			dst = append(dst, k)
		}
	}
	return dst
}

// keyOf groups signature schemes by the key that signs; 0 for what TLS 1.3
// does not sign with.
func keyOf(scheme uint16) byte {
	switch scheme {
	case 0x0403, 0x0503, 0x0603: // ecdsa_secp256r1, secp384r1, secp521r1
		return byte(scheme >> 8)
	case 0x0804, 0x0805, 0x0806: // rsa_pss_rsae
		return 'r'
	case 0x0809, 0x080a, 0x080b: // rsa_pss_pss
		return 'p'
	case 0x0807, 0x0808: // ed25519, ed448
		return byte(scheme)
	case 0x081a, 0x081b, 0x081c: // brainpool (RFC 8734)
		return byte(scheme)
	case 0x0904, 0x0905, 0x0906: // ML-DSA
		return byte(scheme) + 0x80
	}
	return 0
}
