package tlsparse

import (
	"bytes"

	"golang.org/x/crypto/cryptobyte"
)

// ServerHello is a ServerHello or a HelloRetryRequest (RFC 8446 §4.1.3,
// §4.1.4, RFC 5246 §7.4.1.3). Byte slices alias the parsed message; Extensions
// and ALPN are reused by the next parse into it.
type ServerHello struct {
	LegacyVersion   uint16
	SelectedVersion uint16 // supported_versions, or else LegacyVersion
	Random          []byte
	SessionID       []byte
	CipherSuite     uint16
	Compression     uint8
	Extensions      []uint16 // types, as sent

	HelloRetryRequest bool
	Downgrade         Downgrade

	KeyShareGroup        uint16 // 0: none
	PSKSelected          bool   // pre_shared_key: a TLS 1.3 resumption
	PSKIndex             uint16
	ALPN                 [][]byte // one at most, where the server keeps to RFC 7301
	ServerNameAck        bool
	SessionTicket        bool
	StatusRequest        bool
	StatusRequestV2      bool
	SCT                  bool
	ExtendedMasterSecret bool
	EncryptThenMAC       bool
	RenegotiationInfo    bool
	EarlyData            bool // drafts of TLS 1.3
	Cookie               bool // in a HelloRetryRequest
	NextProtocol         bool
	ECH                  bool // in a HelloRetryRequest
	ECPointFormats       []byte

	// RFC 7250; the fields are valid where Has is set.
	HasClientCertificateType bool
	ClientCertificateType    uint8
	HasServerCertificateType bool
	ServerCertificateType    uint8

	Malformed     bool // an extension, or their block, breaks its grammar
	Duplicates    bool // an extension came twice: the first counts
	TrailingBytes int
}

// Downgrade is what the end of a server's random says (RFC 8446 §4.1.3).
type Downgrade uint8

// The sentinels: a server that knows TLS 1.3, or 1.2, chose less.
const (
	DowngradeNone  Downgrade = iota
	DowngradeTLS12           // TLS 1.3 was possible, TLS 1.2 chosen
	DowngradeTLS11           // TLS 1.2 was possible, less chosen
)

// Certificate types (RFC 7250 §3).
const (
	CertificateTypeX509         = 0
	CertificateTypeRawPublicKey = 2
)

// helloRetryRandom marks a HelloRetryRequest (RFC 8446 §4.1.3): the SHA-256 of
// "HelloRetryRequest".
const helloRetryRandom = "\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91" +
	"\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c"

// reset empties h and keeps the memory of its lists.
func (h *ServerHello) reset() {
	*h = ServerHello{Extensions: h.Extensions[:0], ALPN: h.ALPN[:0]}
}

// ParseServerHello resets h and fills it from a message's body, which comes
// without the 4-byte header. ErrMalformed says that the fixed part or the block
// of extensions is cut or does not add up; what came before is in h.
func ParseServerHello(body []byte, h *ServerHello) error {
	h.reset()
	s := cryptobyte.String(body)
	if !s.ReadUint16(&h.LegacyVersion) || !s.ReadBytes(&h.Random, 32) {
		return ErrMalformed
	}
	h.SelectedVersion = h.LegacyVersion
	h.readRandom()
	if !h.readChoice(&s) {
		return ErrMalformed
	}
	if s.Empty() {
		return nil
	}
	return h.readExtensions(s)
}

func (h *ServerHello) readRandom() {
	switch {
	case string(h.Random) == helloRetryRandom:
		h.HelloRetryRequest = true
	case bytes.HasSuffix(h.Random, []byte("DOWNGRD\x01")):
		h.Downgrade = DowngradeTLS12
	case bytes.HasSuffix(h.Random, []byte("DOWNGRD\x00")):
		h.Downgrade = DowngradeTLS11
	}
}

// readChoice reads session id, cipher suite and compression method. Drafts of
// TLS 1.3 up to 21 have the cipher suite only.
func (h *ServerHello) readChoice(s *cryptobyte.String) bool {
	if d := DraftVersion(h.LegacyVersion); d > 0 && d < 22 {
		return s.ReadUint16(&h.CipherSuite)
	}
	var sessionID cryptobyte.String
	if !cut8(s, &sessionID) {
		return false
	}
	h.SessionID = sessionID
	return s.ReadUint16(&h.CipherSuite) && s.ReadUint8(&h.Compression)
}

// readExtensions reads the block of extensions and what follows it.
func (h *ServerHello) readExtensions(s cryptobyte.String) error {
	var length uint16
	if !s.ReadUint16(&length) {
		h.Malformed = true
		return ErrMalformed
	}
	cut := int(length) > len(s)
	block := s[:min(int(length), len(s))]
	h.TrailingBytes = len(s) - len(block)
	var seen extensionSet
	for !block.Empty() {
		typ, data, ok := cutExtension(&block)
		if !ok {
			cut = true
			break
		}
		fresh := seen.add(typ, h.Extensions)
		h.Extensions = append(h.Extensions, typ)
		if !fresh {
			h.Duplicates = true
			continue
		}
		if !h.readExtension(typ, data) {
			h.Malformed = true
		}
	}
	if cut {
		h.Malformed = true
		return ErrMalformed
	}
	return nil
}

// readExtension reads one extension and reports whether it follows its grammar.
func (h *ServerHello) readExtension(typ uint16, data cryptobyte.String) (ok bool) {
	switch typ {
	case ExtSupportedVersions:
		var v uint16
		if ok = data.ReadUint16(&v); ok {
			h.SelectedVersion = v
		}
		return ok && data.Empty()
	case ExtKeyShare, ExtKeyShareDraft:
		// A HelloRetryRequest names the group only; else the share follows.
		var share cryptobyte.String
		return data.ReadUint16(&h.KeyShareGroup) &&
			(data.Empty() || cut16(&data, &share) && data.Empty())
	case ExtPreSharedKey:
		h.PSKSelected = true
		return data.ReadUint16(&h.PSKIndex) && data.Empty()
	case ExtALPN:
		h.ALPN, ok = readALPN(data, h.ALPN)
	case ExtECPointFormats:
		h.ECPointFormats, ok = readBytes8(data)
	case ExtClientCertificateType:
		h.HasClientCertificateType = true
		ok = data.ReadUint8(&h.ClientCertificateType) && data.Empty()
	case ExtServerCertificateType:
		h.HasServerCertificateType = true
		ok = data.ReadUint8(&h.ServerCertificateType) && data.Empty()
	default:
		h.noteExtension(typ)
		return true
	}
	return ok
}

// noteExtension notes those of which presence is all that counts.
func (h *ServerHello) noteExtension(typ uint16) {
	switch typ {
	case ExtServerName:
		h.ServerNameAck = true
	case ExtStatusRequest:
		h.StatusRequest = true
	case ExtStatusRequestV2:
		h.StatusRequestV2 = true
	case ExtSCT:
		h.SCT = true
	case ExtEncryptThenMAC:
		h.EncryptThenMAC = true
	case ExtExtendedMasterSecret:
		h.ExtendedMasterSecret = true
	case ExtSessionTicket:
		h.SessionTicket = true
	case ExtEarlyData:
		h.EarlyData = true
	case ExtCookie:
		h.Cookie = true
	case ExtNextProtocol:
		h.NextProtocol = true
	case ExtRenegotiationInfo:
		h.RenegotiationInfo = true
	case ExtECH:
		h.ECH = true
	}
}
