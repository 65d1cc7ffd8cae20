package tlsparse

import (
	"crypto/md5"
	"strconv"
)

// AppendJA3Text appends the text that JA3 hashes: version, cipher suites,
// extensions, groups and point formats in decimal, GREASE left out
// (github.com/salesforce/ja3).
func AppendJA3Text(dst []byte, h *ClientHello) []byte {
	dst = strconv.AppendUint(dst, uint64(h.LegacyVersion), 10)
	dst = appendDecimals(append(dst, ','), h.CipherSuites)
	dst = appendDecimals(append(dst, ','), h.Extensions)
	dst = appendDecimals(append(dst, ','), h.SupportedGroups)
	dst = append(dst, ',')
	for i, f := range h.ECPointFormats {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = strconv.AppendUint(dst, uint64(f), 10)
	}
	return dst
}

// AppendJA3 appends JA3, the MD5 of AppendJA3Text in hex. Fingerprints are of a
// connection's first hello, before any HelloRetryRequest.
func AppendJA3(dst []byte, h *ClientHello) []byte {
	return hashTail(AppendJA3Text(dst, h), len(dst))
}

// JA3 returns JA3 and the text that it hashes.
func JA3(h *ClientHello) (hash, text string) {
	t := AppendJA3Text(nil, h)
	text = string(t)
	return string(hashTail(t, 0)), text
}

// AppendJA3SText appends the text that JA3S hashes: version, cipher suite and
// extensions in decimal.
func AppendJA3SText(dst []byte, h *ServerHello) []byte {
	dst = strconv.AppendUint(dst, uint64(h.LegacyVersion), 10)
	dst = append(dst, ',')
	dst = strconv.AppendUint(dst, uint64(h.CipherSuite), 10)
	return appendDecimals(append(dst, ','), h.Extensions)
}

// AppendJA3S appends JA3S, the MD5 of AppendJA3SText in hex.
func AppendJA3S(dst []byte, h *ServerHello) []byte {
	return hashTail(AppendJA3SText(dst, h), len(dst))
}

// JA3S returns JA3S and the text that it hashes.
func JA3S(h *ServerHello) (hash, text string) {
	t := AppendJA3SText(nil, h)
	text = string(t)
	return string(hashTail(t, 0)), text
}

// appendDecimals appends values with dashes between them, GREASE left out.
func appendDecimals(dst []byte, values []uint16) []byte {
	first := true
	for _, v := range values {
		if IsGREASE(v) {
			continue
		}
		if !first {
			dst = append(dst, '-')
		}
		first = false
		dst = strconv.AppendUint(dst, uint64(v), 10)
	}
	return dst
}

// hashTail replaces b[from:] by its MD5 in hex.
func hashTail(b []byte, from int) []byte {
	sum := md5.Sum(b[from:])
	return appendHex(b[:from], sum[:])
}

func appendHex(dst, b []byte) []byte {
	for _, c := range b {
		dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
	}
	return dst
}
