package tlsparse

import (
	"strings"

	"golang.org/x/crypto/cryptobyte"
)

// ServerKeyExchange is a server's share of the key exchange up to TLS 1.2 (RFC
// 5246 §7.4.3, RFC 8422 §5.4). All slices alias the parsed message.
type ServerKeyExchange struct {
	Kind KeyExchange

	// Params is what the signature covers, behind the two randoms.
	Params []byte
	// Group is the named curve of an ECDHE exchange, 0 for an explicit one.
	Group uint16
	// PublicKey is the server's point, or its dh_Ys.
	PublicKey []byte
	// Prime and Generator of DHE; modulus and exponent of RSA export.
	Prime     []byte
	Generator []byte
	// PSKHint is what a PSK exchange says first.
	PSKHint []byte

	// Scheme is the signature scheme of TLS 1.2, 0 before (see
	// KeyExchangeSigned).
	Scheme    uint16
	Signed    bool
	Signature []byte
}

// KeyExchange is the form of a ServerKeyExchange.
type KeyExchange uint8

// The forms. With KeyExchangeOther nothing is read.
const (
	KeyExchangeOther KeyExchange = iota
	KeyExchangeECDHE
	KeyExchangeDHE
	KeyExchangeRSAExport
	KeyExchangePSK // PSK and RSA_PSK: a hint only
	KeyExchangeSRP
)

// Elliptic curve types (RFC 8422 §5.4).
const (
	curveExplicitPrime = 1
	curveExplicitChar2 = 2
	curveNamed         = 3
)

// keyExchangeOf reads off a suite's name how its ServerKeyExchange is made, and
// whether a PSK hint leads and a signature ends it.
func keyExchangeOf(suite uint16) (kind KeyExchange, psk, signed bool) {
	switch suite {
	case 0xc009, 0xc00a, 0xc013, 0xc014, 0xc02b, 0xc02c, 0xc02f, 0xc030, 0xcca8, 0xcca9: // what nearly every server chooses
		return KeyExchangeECDHE, false, true
	}
	name, _ := lookup(cipherSuites[:], suite)
	name = strings.TrimPrefix(name, "TLS_")
	if i := strings.Index(name, "_WITH_"); i >= 0 {
		name = name[:i]
	}
	switch name {
	case "ECDHE_RSA", "ECDHE_ECDSA":
		return KeyExchangeECDHE, false, true
	case "ECDH_anon":
		return KeyExchangeECDHE, false, false
	case "ECDHE_PSK":
		return KeyExchangeECDHE, true, false
	case "DHE_RSA", "DHE_DSS", "DHE_RSA_EXPORT", "DHE_DSS_EXPORT", "DHE_RSA_EXPORT1024", "DHE_DSS_EXPORT1024":
		return KeyExchangeDHE, false, true
	case "DH_anon", "DH_anon_EXPORT":
		return KeyExchangeDHE, false, false
	case "DHE_PSK", "PSK_DHE":
		return KeyExchangeDHE, true, false
	case "RSA_EXPORT", "RSA_EXPORT1024":
		return KeyExchangeRSAExport, false, true
	case "PSK", "RSA_PSK":
		return KeyExchangePSK, true, false
	case "SRP_SHA":
		return KeyExchangeSRP, false, false
	case "SRP_SHA_RSA", "SRP_SHA_DSS":
		return KeyExchangeSRP, false, true
	}
	return KeyExchangeOther, false, false
}

// ParseServerKeyExchange fills x from a message's body, given the cipher suite
// and version that the ServerHello chose, for they decide its form. A suite of
// which the form is not known leaves Kind at KeyExchangeOther without error.
func ParseServerKeyExchange(body []byte, suite, version uint16, x *ServerKeyExchange) error {
	*x = ServerKeyExchange{}
	kind, psk, signed := keyExchangeOf(suite)
	x.Kind = kind
	s := cryptobyte.String(body)
	if kind == KeyExchangeOther {
		return nil
	}
	if psk {
		var hint cryptobyte.String
		if !s.ReadUint16LengthPrefixed(&hint) {
			return ErrMalformed
		}
		x.PSKHint = hint
	}
	before := s
	if !x.readParams(&s) {
		return ErrMalformed
	}
	x.Params = before[:len(before)-len(s)]
	if !signed {
		if !s.Empty() {
			return ErrMalformed
		}
		return nil
	}
	return x.readSignature(s, version)
}

// readParams reads what the signature covers.
func (x *ServerKeyExchange) readParams(s *cryptobyte.String) bool {
	switch x.Kind {
	case KeyExchangeECDHE:
		return x.readECDHE(s)
	case KeyExchangeDHE:
		return readInt16(s, &x.Prime) && readInt16(s, &x.Generator) && readInt16(s, &x.PublicKey)
	case KeyExchangeRSAExport:
		return readInt16(s, &x.Prime) && readInt16(s, &x.Generator)
	case KeyExchangeSRP: // RFC 5054 §2.5.3: N, g, s, B
		var salt cryptobyte.String
		return readInt16(s, &x.Prime) && readInt16(s, &x.Generator) &&
			s.ReadUint8LengthPrefixed(&salt) && readInt16(s, &x.PublicKey)
	}
	return true
}

// readECDHE reads a ServerECDHParams (RFC 8422 §5.4, explicit curves RFC 4492
// §5.4).
func (x *ServerKeyExchange) readECDHE(s *cryptobyte.String) bool {
	var curve uint8
	var point cryptobyte.String
	if !s.ReadUint8(&curve) {
		return false
	}
	fields := 0
	switch curve {
	case curveNamed:
		if !s.ReadUint16(&x.Group) {
			return false
		}
	case curveExplicitPrime:
		fields = 6 // prime, a, b, base, order, cofactor
	case curveExplicitChar2:
		var basis uint8
		if !s.Skip(2) || !s.ReadUint8(&basis) || basis != 1 && basis != 2 {
			return false
		}
		fields = 5 + 1 // k (trinomial), a, b, base, order, cofactor
		if basis == 2 {
			fields = 5 + 3 // k1, k2, k3 (pentanomial)
		}
	default:
		return false
	}
	for ; fields > 0; fields-- {
		if !s.ReadUint8LengthPrefixed(&point) {
			return false
		}
	}
	if !cut8(s, &point) {
		return false
	}
	x.PublicKey = point
	return true
}

// readSignature reads what follows the parameters (RFC 5246 §4.7).
func (x *ServerKeyExchange) readSignature(s cryptobyte.String, version uint16) error {
	var signature cryptobyte.String
	if version >= VersionTLS12 && version < 0x0400 || version == VersionDTLS12 {
		if !s.ReadUint16(&x.Scheme) {
			return ErrMalformed
		}
	}
	if !cut16(&s, &signature) || !s.Empty() {
		return ErrMalformed
	}
	x.Signed = true
	x.Signature = signature
	return nil
}

// readInt16 reads bytes with a 16-bit length.
func readInt16(s *cryptobyte.String, out *[]byte) bool {
	var v cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&v) {
		return false
	}
	*out = v
	return true
}

// KeyExchangeSigned appends to dst what a ServerKeyExchange's signature covers:
// client random, server random and Params (RFC 5246 §7.4.3).
//
// In TLS 1.2 Scheme names digest and algorithm. Before (RFC 2246 §7.4.3, RFC
// 4346 §7.4.3) an RSA key signs MD5 and SHA-1 of it, one after the other, with
// PKCS #1 padding and no DigestInfo; a DSA or ECDSA key signs its SHA-1 (RFC
// 8422 §5.4).
func KeyExchangeSigned(dst, clientRandom, serverRandom, params []byte) []byte {
	dst = append(dst, clientRandom...)
	dst = append(dst, serverRandom...)
	return append(dst, params...)
}

// CertificateVerify is a proof of possession (RFC 5246 §7.4.8, RFC 8446
// §4.4.3). Scheme is 0 before TLS 1.2.
type CertificateVerify struct {
	Scheme    uint16
	Signature []byte
}

// ParseCertificateVerify fills v from a message's body, of the version chosen.
func ParseCertificateVerify(body []byte, version uint16, v *CertificateVerify) error {
	var x ServerKeyExchange
	if DraftVersion(version) > 0 || version == VersionDTLS13 {
		version = VersionTLS13
	}
	err := x.readSignature(body, version)
	*v = CertificateVerify{Scheme: x.Scheme, Signature: x.Signature}
	return err
}
