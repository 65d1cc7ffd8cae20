package tlsparse

import "golang.org/x/crypto/cryptobyte"

// CertificateRequest is a server's wish for a client certificate (RFC 5246
// §7.4.4, RFC 8446 §4.3.2). Byte slices alias the parsed message; lists are
// reused by the next parse into it.
type CertificateRequest struct {
	Context                 []byte // TLS 1.3; not empty after the handshake
	CertificateTypes        []byte // up to TLS 1.2
	SignatureAlgorithms     []uint16
	SignatureAlgorithmsCert []uint16 // TLS 1.3
	CertificateAuthorities  [][]byte // DER of distinguished names
	StatusRequest           bool     // TLS 1.3
	SCT                     bool     // TLS 1.3
}

// ParseCertificateRequest fills r from a message's body, of the version chosen.
// On damage it returns ErrMalformed, and r holds what came before.
func ParseCertificateRequest(body []byte, version uint16, r *CertificateRequest) error {
	*r = CertificateRequest{
		SignatureAlgorithms:     r.SignatureAlgorithms[:0],
		SignatureAlgorithmsCert: r.SignatureAlgorithmsCert[:0],
		CertificateAuthorities:  r.CertificateAuthorities[:0],
	}
	ok := false
	if version == VersionTLS13 || version == VersionDTLS13 || DraftVersion(version) > 0 {
		ok = r.parse13(body)
	} else {
		ok = r.parse12(body, version == VersionTLS12 || version == VersionDTLS12)
	}
	if !ok {
		return ErrMalformed
	}
	return nil
}

// parse12 reads the form up to TLS 1.2, which alone has signature algorithms.
func (r *CertificateRequest) parse12(s cryptobyte.String, algorithms bool) (ok bool) {
	var types, list cryptobyte.String
	if !s.ReadUint8LengthPrefixed(&types) {
		return false
	}
	r.CertificateTypes = types
	if algorithms {
		if !s.ReadUint16LengthPrefixed(&list) {
			return false
		}
		if r.SignatureAlgorithms, ok = readUint16s(list, r.SignatureAlgorithms); !ok {
			return false
		}
	}
	r.CertificateAuthorities, ok = readDNs(s, r.CertificateAuthorities)
	return ok
}

func (r *CertificateRequest) parse13(s cryptobyte.String) (ok bool) {
	var context, block, data cryptobyte.String
	if !s.ReadUint8LengthPrefixed(&context) {
		return false
	}
	r.Context = context
	if !s.ReadUint16LengthPrefixed(&block) || !s.Empty() {
		return false
	}
	for !block.Empty() {
		var typ uint16
		if !block.ReadUint16(&typ) || !block.ReadUint16LengthPrefixed(&data) {
			return false
		}
		ok = true
		switch typ {
		case ExtSignatureAlgorithms:
			r.SignatureAlgorithms, ok = readList16(data, r.SignatureAlgorithms)
		case ExtSignatureAlgsCert:
			r.SignatureAlgorithmsCert, ok = readList16(data, r.SignatureAlgorithmsCert)
		case ExtCertificateAuthorities:
			r.CertificateAuthorities, ok = readDNs(data, r.CertificateAuthorities)
		case ExtStatusRequest:
			r.StatusRequest = true
		case ExtSCT:
			r.SCT = true
		}
		if !ok {
			return false
		}
	}
	return true
}
