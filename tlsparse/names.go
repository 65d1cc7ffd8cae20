package tlsparse

import "sort"

// codepoint is one row of a registry.
type codepoint struct {
	value uint16
	name  string
}

// lookup returns the name of v in table, which ascends.
func lookup(table []codepoint, v uint16) (string, bool) {
	i := sort.Search(len(table), func(i int) bool { return table[i].value >= v })
	if i < len(table) && table[i].value == v {
		return table[i].name, true
	}
	return "", false
}

// nameOrHex returns the name of v in table, or its number as "0x1234".
func nameOrHex(table []codepoint, v uint16) string {
	if name, ok := lookup(table, v); ok {
		return name
	}
	if IsGREASE(v) {
		return "GREASE_" + hex16(v)
	}
	return hex16(v)
}

const hexDigits = "0123456789abcdef"

func hex16(v uint16) string {
	return string([]byte{'0', 'x', hexDigits[v>>12], hexDigits[v>>8&15], hexDigits[v>>4&15], hexDigits[v&15]})
}

func hex8(v uint8) string {
	return string([]byte{'0', 'x', hexDigits[v>>4], hexDigits[v&15]})
}

// IsGREASE reports whether v is one of the sixteen values that clients insert
// anywhere to keep peers tolerant (RFC 8701 §2).
func IsGREASE(v uint16) bool {
	return v&0x0f0f == 0x0a0a && v>>8 == v&0xff
}

// Protocol versions as they stand on the wire.
const (
	VersionSSL20  = 0x0002
	VersionSSL30  = 0x0300
	VersionTLS10  = 0x0301
	VersionTLS11  = 0x0302
	VersionTLS12  = 0x0303
	VersionTLS13  = 0x0304
	VersionTLCP11 = 0x0101 // GB/T 38636, the Chinese TLCP
	VersionDTLS10 = 0xfeff
	VersionDTLS12 = 0xfefd
	VersionDTLS13 = 0xfefc
)

// Version is a protocol version that is understood.
type Version struct {
	Number uint16 // on the wire
	Name   string // as VersionName says it; two numbers may have one name
	What   string // what of its handshakes is visible
	Source string // what specifies it
}

const (
	allVisible  = "names and certificates are visible"
	nameVisible = "names are visible, certificates are encrypted"
)

// versions is the table of versions by name.
var versions = [...]Version{
	{VersionSSL20, "SSL 2.0", "certificates are visible; no name is sent", "draft-hickman-netscape-ssl"},
	{VersionSSL30, "SSL 3.0", allVisible, "RFC 6101"},
	{VersionTLS10, "TLS 1.0", allVisible, "RFC 2246"},
	{VersionTLS11, "TLS 1.1", allVisible, "RFC 4346"},
	{VersionTLS12, "TLS 1.2", allVisible, "RFC 5246"},
	{VersionTLS13, "TLS 1.3", nameVisible, "RFC 8446"}, // its drafts: DraftVersion
	{VersionTLCP11, "TLCP 1.1", allVisible, "GB/T 38636"},
	{VersionDTLS10, "DTLS 1.0", allVisible, "RFC 4347"},
	{0x0100, "DTLS 1.0", allVisible, "OpenSSL before 0.9.8f, AnyConnect"},
	{VersionDTLS12, "DTLS 1.2", allVisible, "RFC 6347"},
	{VersionDTLS13, "DTLS 1.3", nameVisible, "RFC 9147"},
}

// Versions lists the versions that are understood, older ones first.
func Versions() []Version { return append([]Version(nil), versions[:]...) }

// VersionName names a negotiated version: "TLS 1.2", "SSL 3.0", "DTLS 1.3". A
// draft of TLS 1.3 counts as TLS 1.3 (DraftVersion tells which). With dtls a
// version in TLS's own numbering, as the TLS 1.3 fields carry it, is named as
// that of DTLS. What is unknown is "0x1234".
func VersionName(v uint16, dtls bool) string {
	if DraftVersion(v) > 0 {
		v = VersionTLS13
	}
	if v == VersionTLS13 && dtls {
		v = VersionDTLS13
	}
	for i := range versions {
		if versions[i].Number == v {
			return versions[i].Name
		}
	}
	return hex16(v)
}

// DraftVersion returns the number of the TLS 1.3 draft that v stands for, or 0:
// 0x7f12 is draft 18 (draft-ietf-tls-tls13-18 §4.2.1.1); 0xfb17 and 0xfb1a are
// Facebook's drafts 23 and 26.
func DraftVersion(v uint16) int {
	switch v >> 8 {
	case 0x7f, 0xfb:
		return int(v & 0xff)
	}
	return 0
}

// CipherSuiteName returns the IANA name of a cipher suite, or "0x1234".
func CipherSuiteName(v uint16) string { return nameOrHex(cipherSuites[:], v) }

// GroupName returns the IANA name of a key-exchange group, or "0x1234".
func GroupName(v uint16) string { return nameOrHex(groups[:], v) }

// SignatureSchemeName returns the IANA name of a signature scheme, or
// "0x1234". The pairs of hash and signature of TLS 1.2 that RFC 8446 did not
// take over are named in its manner ("dsa_sha256").
func SignatureSchemeName(v uint16) string { return nameOrHex(signatureSchemes[:], v) }

// ExtensionName returns the IANA name of an extension type, or "0x1234".
func ExtensionName(v uint16) string { return nameOrHex(extensionTypes[:], v) }

// AlertName returns the name of an alert description as RFC 8446 §6 writes it
// ("certificate_expired"), or "0x12".
func AlertName(v uint8) string {
	if name, ok := lookup(alerts[:], uint16(v)); ok {
		return name
	}
	return hex8(v)
}

// AlertLevelName returns "warning", "fatal" or the number as "0x12".
func AlertLevelName(v uint8) string {
	switch v {
	case AlertWarning:
		return "warning"
	case AlertFatal:
		return "fatal"
	}
	return hex8(v)
}
