package tlsparse

import (
	"crypto/sha256"
	"slices"
)

// AppendJA4 appends the JA4 fingerprint of a hello (FoxIO's JA4, the TLS client
// part, BSD-3-Clause). transport is 't' for TCP, 'q' for QUIC, 'd' for DTLS.
func AppendJA4(dst []byte, h *ClientHello, transport byte) []byte {
	dst = append(dst, transport)
	dst = append(dst, ja4Version(h, transport)...)
	if h.HasServerName {
		dst = append(dst, 'd')
	} else {
		dst = append(dst, 'i')
	}
	dst = appendCount(dst, h.CipherSuites)
	dst = appendCount(dst, h.Extensions)
	dst = appendJA4ALPN(dst, h.ALPN)
	dst = append(dst, '_')
	from := len(dst)
	dst = hashJA4(appendSortedHex(dst, h.CipherSuites, false), from)
	dst = append(dst, '_')
	from = len(dst)
	dst = appendSortedHex(dst, h.Extensions, true)
	dst = appendJA4Algorithms(dst, h.SignatureAlgorithms, from)
	return hashJA4(dst, from)
}

// JA4 returns the JA4 fingerprint of a hello.
func JA4(h *ClientHello, transport byte) string {
	return string(AppendJA4(nil, h, transport))
}

// ja4Version names the highest version of supported_versions, or else the
// version field. For DTLS, whose numbers descend, that is the lowest number.
func ja4Version(h *ClientHello, transport byte) string {
	var best uint16
	for _, v := range h.SupportedVersions {
		if IsGREASE(v) {
			continue
		}
		if best == 0 || (v > best) != (transport == 'd') {
			best = v
		}
	}
	if best == 0 {
		best = h.LegacyVersion
	}
	switch best {
	case VersionTLS13:
		return "13"
	case VersionTLS12:
		return "12"
	case VersionTLS11:
		return "11"
	case VersionTLS10:
		return "10"
	case VersionSSL30:
		return "s3"
	case VersionSSL20:
		return "s2"
	case VersionDTLS10:
		return "d1"
	case VersionDTLS12:
		return "d2"
	case VersionDTLS13:
		return "d3"
	}
	return "00"
}

// appendCount appends the number of values that are no GREASE in two digits.
func appendCount(dst []byte, values []uint16) []byte {
	n := 0
	for _, v := range values {
		if !IsGREASE(v) {
			n++
		}
	}
	n = min(n, 99)
	return append(dst, byte('0'+n/10), byte('0'+n%10))
}

// appendJA4ALPN appends first and last character of the first protocol, or,
// where one of them is not alphanumeric, those of its hex form.
func appendJA4ALPN(dst []byte, protocols [][]byte) []byte {
	if len(protocols) == 0 || len(protocols[0]) == 0 {
		return append(dst, "00"...)
	}
	first, last := protocols[0][0], protocols[0][len(protocols[0])-1]
	if alphanumeric(first) && alphanumeric(last) {
		return append(dst, first, last)
	}
	return append(dst, hexDigits[first>>4], hexDigits[last&15])
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// sortedHere is how many values are sorted without an allocation.
const sortedHere = 128

// appendSortedHex appends the values that are no GREASE in ascending order, as
// four hex digits with commas between them. Extensions leave out those that the
// first part of the fingerprint covers.
func appendSortedHex(dst []byte, values []uint16, extensions bool) []byte {
	var here [sortedHere]uint16
	sorted := here[:0]
	for _, v := range values {
		if IsGREASE(v) || extensions && (v == ExtServerName || v == ExtALPN) {
			continue
		}
		sorted = append(sorted, v)
	}
	slices.Sort(sorted)
	for i, v := range sorted {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendHex16(dst, v)
	}
	return dst
}

// appendJA4Algorithms appends the signature algorithms in their own order
// behind an underscore, if there are any.
func appendJA4Algorithms(dst []byte, algorithms []uint16, from int) []byte {
	if len(dst) == from {
		return dst
	}
	separator := byte('_')
	for _, v := range algorithms {
		if IsGREASE(v) {
			continue
		}
		dst = appendHex16(append(dst, separator), v)
		separator = ','
	}
	return dst
}

func appendHex16(dst []byte, v uint16) []byte {
	return append(dst, hexDigits[v>>12], hexDigits[v>>8&15], hexDigits[v>>4&15], hexDigits[v&15])
}

// hashJA4 replaces b[from:] by the first 12 hex digits of its SHA-256, or by
// zeros where it is empty.
func hashJA4(b []byte, from int) []byte {
	if len(b) == from {
		return append(b, "000000000000"...)
	}
	sum := sha256.Sum256(b[from:])
	return appendHex(b[:from], sum[:6])
}
