package quic

import "strconv"

// Versions whose numbers mean something elsewhere.
const (
	Version1 = 0x00000001 // RFC 9000
	Version2 = 0x6b3343cf // RFC 9369

	versionV2Draft = 0x709a50c4
)

// scheme is a way to protect Initial packets: the salt and labels of RFC 9001
// §5.2 and §5.8, and the numbers of the packet types.
type scheme struct {
	name  string
	salt  string
	key   string // HKDF-Expand-Label's info for each
	iv    string
	hp    string
	retry retryKey

	v2Types     bool // packet types in the order of RFC 9369 §3.2
	googleTypes bool // CRYPTO frames have type 8
	notTLS      bool // CRYPTO frames carry Google's own handshake
}

// retryKey protects a Retry packet against accidents (RFC 9001 §5.8). Empty: the
// version does it otherwise.
type retryKey struct{ key, nonce string }

// schemeID is an index of schemes; 0 is none.
type schemeID uint8

const (
	schemeV1 schemeID = iota + 1
	schemeV2
	schemeV2Draft
	schemeDraft29
	schemeDraft25
	schemeDraft23
	schemeDraft22
	schemeT051
	schemeT050
	schemeQ050
)

// schemes is the table of what versions differ in.
var schemes = [...]scheme{
	schemeV1: withLabels("quic", scheme{
		name:  "v1",
		salt:  "\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a",
		retry: retryKey{"\xbe\x0c\x69\x0b\x9f\x66\x57\x5a\x1d\x76\x6b\x54\xe3\x68\xc8\x4e", "\x46\x15\x99\xd3\x5d\x63\x2b\xf2\x23\x98\x25\xbb"},
	}),
	schemeV2: withLabels("quicv2", scheme{
		name:    "v2",
		salt:    "\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9",
		retry:   retryKey{"\x8f\xb4\xb0\x1b\x56\xac\x48\xe2\x60\xfb\xcb\xce\xad\x7c\xcc\x92", "\xd8\x69\x69\xbc\x2d\x7c\x6d\x99\x90\xef\xb0\x4a"},
		v2Types: true,
	}),
	schemeV2Draft: withLabels("quicv2", scheme{ // of draft-ietf-quic-v2 before it had its number
		name:    "v2 draft",
		salt:    "\xa7\x07\xc2\x03\xa5\x9b\x47\x18\x4a\x1d\x62\xca\x57\x04\x06\xea\x7a\xe3\xe5\xd3",
		retry:   retryKey{"\xba\x85\x8d\xc7\xb4\x3d\xe5\xdb\xf8\x76\x17\xff\x4a\xb2\x53\xdb", "\x14\x1b\x99\xc2\x39\xb0\x3e\x78\x5d\x6a\x2e\x9f"},
		v2Types: true,
	}),
	schemeDraft29: withLabels("quic", scheme{ // and 30 to 32
		name:  "draft 29",
		salt:  "\xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8\x99",
		retry: retryKey{"\xcc\xce\x18\x7e\xd0\x9a\x09\xd0\x57\x28\x15\x5a\x6c\xb9\x6b\xe1", "\xe5\x49\x30\xf9\x7f\x21\x36\xf0\x53\x0a\x8c\x1c"},
	}),
	schemeDraft25: withLabels("quic", scheme{ // to 28
		name:  "draft 25",
		salt:  saltDraft23,
		retry: retryKey{"\x4d\x32\xec\xdb\x2a\x21\x33\xc8\x41\xe4\x04\x3d\xf2\x7d\x44\x30", "\x4d\x16\x11\xd0\x55\x13\xa5\x52\xc5\x87\xd5\x75"},
	}),
	schemeDraft23: withLabels("quic", scheme{name: "draft 23", salt: saltDraft23}), // and 24
	schemeDraft22: withLabels("quic", scheme{
		name: "draft 22",
		salt: "\x7f\xbc\xdb\x0e\x7c\x66\xbb\xe9\x2a\x96\xcd\x21\x51\x9e\xbd\x7a\x02\x64\x41\x90",
	}),
	schemeT051: withLabels("quic", scheme{
		name:        "T051",
		salt:        "\x7a\x4e\xde\xf4\xe7\xcc\xee\x5f\xa4\x50\x6c\x19\x12\x4f\xc8\xcc\xda\x6e\x03\x3d",
		googleTypes: true,
	}),
	schemeT050: withLabels("quic", scheme{
		name:        "T050",
		salt:        "\x7f\xf5\x79\xe5\xac\xd0\x72\x91\x55\x80\x30\x4c\x43\xa2\x36\x7c\x60\x48\x83\x10",
		googleTypes: true,
	}),
	schemeQ050: withLabels("quic", scheme{
		name:        "Q050",
		salt:        "\x50\x45\x74\xef\xd0\x66\xfe\x2f\x9d\x94\x5c\xfc\xdb\xd3\xa7\xf0\xd3\xb5\x6b\x45",
		googleTypes: true,
		notTLS:      true,
	}),
}

// saltDraft23 was in use up to draft 28.
const saltDraft23 = "\xc3\xee\xf7\x12\xc7\x2e\xbb\x5a\x11\xa7\xd2\x43\x2b\xb4\x63\x65\xbe\xf9\xf5\x02"

func withLabels(prefix string, s scheme) scheme {
	s.key = expandLabel(prefix+" key", keyLen)
	s.iv = expandLabel(prefix+" iv", ivLen)
	s.hp = expandLabel(prefix+" hp", keyLen)
	return s
}

// guesses are the schemes that a version is tried with that nobody here knows:
// those whose types are in the order of version 1, and of version 2.
var (
	guessesV1 = [...]schemeID{schemeV1, schemeDraft29, schemeDraft25, schemeDraft22, schemeT051, schemeT050}
	guessesV2 = [...]schemeID{schemeV2, schemeV2Draft}
)

// versions is the table of versions by number. Drafts before 22 have other headers
// than RFC 9000.
var versions = [...]struct {
	first, last uint32
	scheme      schemeID
	source      string
}{
	{Version1, Version1, schemeV1, "RFC 9000, RFC 9001"},
	{Version2, Version2, schemeV2, "RFC 9369"},
	{versionV2Draft, versionV2Draft, schemeV2Draft, "draft-ietf-quic-v2"},
	{0xff000016, 0xff000016, schemeDraft22, quicDraft},
	{0xff000017, 0xff000018, schemeDraft23, quicDraft},
	{0xff000019, 0xff00001c, schemeDraft25, quicDraft},
	{0xff00001d, 0xff000020, schemeDraft29, quicDraft},
	{0xff000021, 0xff000022, schemeV1, quicDraft},
	{0xfaceb000, 0xfaceb000, schemeDraft25, mvfst},
	{0xfaceb001, 0xfaceb001, schemeDraft22, mvfst}, // later ones are draft 27
	{0xfaceb002, 0xfaceb00f, schemeDraft25, mvfst},
	{0x54303530, 0x54303530, schemeT050, google},
	{0x54303531, 0x54303531, schemeT051, google},
	{0x51303530, 0x51303530, schemeQ050, google},
}

// Who specified the versions that are no standard.
const (
	quicDraft = "draft-ietf-quic-transport"
	mvfst     = "Facebook's mvfst"
	google    = "Google's QUICHE"
)

// schemeOf returns the scheme of a version, 0 where it is not known.
func schemeOf(version uint32) schemeID {
	for i := range versions {
		if k := &versions[i]; version >= k.first && version <= k.last {
			return k.scheme
		}
	}
	return 0
}

// VersionRange is a range of versions that are understood alike.
type VersionRange struct {
	First, Last uint32
	Source      string // what specifies them
	What        string // what of their handshakes is visible
}

// Versions lists the versions that are understood. One that is not among them
// is tried with what is known of these.
func Versions() []VersionRange {
	list := make([]VersionRange, len(versions))
	for i, k := range versions {
		list[i] = VersionRange{First: k.first, Last: k.last, Source: k.source, What: "names are visible, certificates are encrypted"}
		if schemes[k.scheme].notTLS {
			list[i].What = "no TLS: recognised, and left alone"
		}
	}
	return list
}

// reserved reports whether a version exists only to make a server negotiate
// (RFC 9000 §15).
func reserved(version uint32) bool { return version&0x0f0f0f0f == 0x0a0a0a0a }

// VersionName names a version: "v1", "v2", "draft 29", "mvfst 2", "T051",
// "reserved", or "0x12345678".
func VersionName(version uint32) string {
	switch {
	case version == Version1:
		return "v1"
	case version == Version2:
		return "v2"
	case version == versionV2Draft:
		return "v2 draft"
	case version>>8 == 0xff0000:
		return "draft " + strconv.Itoa(int(version&0xff))
	case version>>4 == 0xfaceb00:
		return "mvfst " + strconv.Itoa(int(version&0xf))
	case googleVersion(version):
		return string([]byte{byte(version >> 24), byte(version >> 16), byte(version >> 8), byte(version)})
	case reserved(version):
		return "reserved"
	}
	s := strconv.FormatUint(uint64(version), 16)
	return "0x00000000"[:10-len(s)] + s
}

// googleVersion reports whether a version is one of Google's before the
// standard: Q or T and three digits.
func googleVersion(v uint32) bool {
	digit := func(b uint32) bool { return b&0xff >= '0' && b&0xff <= '9' }
	return (v>>24 == 'Q' || v>>24 == 'T') && digit(v>>16) && digit(v>>8) && digit(v)
}
