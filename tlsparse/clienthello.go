package tlsparse

import "golang.org/x/crypto/cryptobyte"

// ClientHello is a ClientHello of any version (RFC 8446 §4.1.2, RFC 5246
// §7.4.1.2). Byte slices alias the parsed message. Lists of numbers belong to
// the ClientHello and are reused by the next parse into it; values are as sent
// and in the order sent, GREASE included.
type ClientHello struct {
	// Fixed part.
	LegacyVersion      uint16
	Random             []byte
	SessionID          []byte
	CipherSuites       []uint16
	CompressionMethods []byte
	Extensions         []uint16 // types

	// server_name (RFC 6066 §3). HasServerName: the extension is there, even
	// if no name is. ServerName: the first entry of type host_name, and
	// HasHostName tells an empty one from none.
	HasServerName  bool
	HasHostName    bool
	ServerName     []byte
	NameCount      int  // entries of any type
	OtherNameTypes bool // an entry that is no host_name

	ALPN                    [][]byte
	SupportedVersions       []uint16
	SupportedGroups         []uint16
	ECPointFormats          []byte
	KeyShareGroups          []uint16
	SignatureAlgorithms     []uint16
	SignatureAlgorithmsCert []uint16
	DelegatedCredential     []uint16 // signature algorithms (RFC 9345)
	CompressCertificate     []uint16 // algorithms (RFC 8879)
	PSKModes                []byte
	ClientCertificateTypes  []byte // RFC 7250
	ServerCertificateTypes  []byte // RFC 7250
	CertificateAuthorities  [][]byte
	PSKIdentities           int
	FirstPSKIdentityLen     int
	RecordSizeLimit         uint16 // 0: not sent
	SessionTicket           bool
	SessionTicketLen        int
	PaddingLen              int
	HasPadding              bool
	EarlyData               bool
	StatusRequest           bool
	StatusRequestV2         bool
	SCT                     bool
	ExtendedMasterSecret    bool
	EncryptThenMAC          bool
	RenegotiationInfo       bool
	RenegotiationInfoLen    int // above 0 in a renegotiation
	PostHandshakeAuth       bool
	Cookie                  bool
	NextProtocol            bool
	QUICTransportParameters bool
	ECH                     ECHKind
	ECHConfigID             uint8
	ESNI                    bool
	GREASE                  bool
	SSLv2                   bool     // sent in the form of SSL 2.0
	SSLv2Ciphers            []uint32 // cipher specs that only SSL 2.0 has

	// What a server would reject.
	Malformed           bool     // an extension, or their block, breaks its grammar
	MalformedExtensions []uint16 // which; bounded by maxMalformed
	Duplicates          bool     // an extension came twice: the first counts
	TrailingBytes       int      // after the extensions
}

// ECHKind says what an encrypted_client_hello extension holds (RFC 9849 §5).
type ECHKind uint8

// The kinds. GREASE ECH looks like ECHOuter, on purpose.
const (
	ECHNone ECHKind = iota
	ECHOuter
	ECHInner
	ECHUnknown
)

// maxMalformed bounds ClientHello.MalformedExtensions.
const maxMalformed = 8

// reset empties h and keeps the memory of its lists.
func (h *ClientHello) reset() {
	*h = ClientHello{
		CipherSuites:            h.CipherSuites[:0],
		Extensions:              h.Extensions[:0],
		ALPN:                    h.ALPN[:0],
		SupportedVersions:       h.SupportedVersions[:0],
		SupportedGroups:         h.SupportedGroups[:0],
		KeyShareGroups:          h.KeyShareGroups[:0],
		SignatureAlgorithms:     h.SignatureAlgorithms[:0],
		SignatureAlgorithmsCert: h.SignatureAlgorithmsCert[:0],
		DelegatedCredential:     h.DelegatedCredential[:0],
		CompressCertificate:     h.CompressCertificate[:0],
		CertificateAuthorities:  h.CertificateAuthorities[:0],
		SSLv2Ciphers:            h.SSLv2Ciphers[:0],
		MalformedExtensions:     h.MalformedExtensions[:0],
	}
}

// MaxVersion returns the highest version that the client offers: of
// supported_versions, where a draft of TLS 1.3 counts as TLS 1.3, or else the
// version field. GREASE does not count. The numbers of DTLS descend (RFC 9147
// §5.3): of them the lowest is the highest version.
func (h *ClientHello) MaxVersion() uint16 {
	var best uint16
	for _, v := range h.SupportedVersions {
		if IsGREASE(v) {
			continue
		}
		if DraftVersion(v) > 0 {
			v = VersionTLS13
		}
		if best == 0 || newer(v, best) {
			best = v
		}
	}
	if best == 0 {
		return h.LegacyVersion
	}
	return best
}

// newer compares versions of one protocol.
func newer(v, than uint16) bool {
	if isDTLS(v) && isDTLS(than) {
		return v < than
	}
	return v > than
}

// isDTLS tells the version numbers of DTLS, which are those of TLS in one's
// complement (RFC 4347 §4.1).
func isDTLS(v uint16) bool { return v>>8 == VersionDTLS12>>8 }

// ParseClientHello resets h and fills it from a message's body, which comes
// without the 4-byte header. Once h has parsed a few hellos it allocates
// nothing. A damaged extension is noted, and does not void the others.
// ErrMalformed says that the fixed part or the block of extensions is cut or
// does not add up; what came before the damage is in h, and a ServerName in it
// is whole: it matters even so.
func ParseClientHello(body []byte, h *ClientHello) error {
	h.reset()
	s := cryptobyte.String(body)
	var suites, sessionID, compression cryptobyte.String
	if !s.ReadUint16(&h.LegacyVersion) ||
		!s.ReadBytes(&h.Random, 32) ||
		!cut8(&s, &sessionID) ||
		!cut16(&s, &suites) {
		return ErrMalformed
	}
	h.SessionID = sessionID
	var even bool
	h.CipherSuites, even = readUint16s(suites, h.CipherSuites)
	h.noteGREASE(h.CipherSuites)
	if !even || !cut8(&s, &compression) {
		return ErrMalformed
	}
	h.CompressionMethods = compression
	if s.Empty() {
		return nil // RFC 5246 §7.4.1.2: extensions may be missing
	}
	return h.readExtensions(s)
}

// readExtensions reads the block of extensions and what follows it.
func (h *ClientHello) readExtensions(s cryptobyte.String) error {
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
			h.noteMalformed(typ)
		}
	}
	if cut {
		h.Malformed = true
		return ErrMalformed
	}
	return nil
}

func (h *ClientHello) noteMalformed(typ uint16) {
	h.Malformed = true
	if len(h.MalformedExtensions) < maxMalformed {
		h.MalformedExtensions = append(h.MalformedExtensions, typ)
	}
}

func (h *ClientHello) noteGREASE(list []uint16) {
	if h.GREASE {
		return
	}
	for _, v := range list {
		if IsGREASE(v) {
			h.GREASE = true
			return
		}
	}
}

// readExtension reads one extension and reports whether it follows its grammar.
func (h *ClientHello) readExtension(typ uint16, data cryptobyte.String) (ok bool) {
	switch typ {
	case ExtServerName:
		return h.readServerName(data)
	case ExtALPN:
		h.ALPN, ok = readALPN(data, h.ALPN)
	case ExtSupportedVersions:
		h.SupportedVersions, ok = readList8(data, h.SupportedVersions)
		h.noteGREASE(h.SupportedVersions)
	case ExtSupportedGroups:
		h.SupportedGroups, ok = readList16(data, h.SupportedGroups)
		h.noteGREASE(h.SupportedGroups)
	case ExtECPointFormats:
		h.ECPointFormats, ok = readBytes8(data)
	case ExtSignatureAlgorithms:
		h.SignatureAlgorithms, ok = readList16(data, h.SignatureAlgorithms)
		h.noteGREASE(h.SignatureAlgorithms)
	case ExtSignatureAlgsCert:
		h.SignatureAlgorithmsCert, ok = readList16(data, h.SignatureAlgorithmsCert)
	case ExtDelegatedCredential:
		h.DelegatedCredential, ok = readList16(data, h.DelegatedCredential)
	case ExtCompressCertificate:
		h.CompressCertificate, ok = readList8(data, h.CompressCertificate)
	case ExtKeyShare, ExtKeyShareDraft:
		return h.readKeyShares(data)
	case ExtPreSharedKey:
		return h.readPreSharedKey(data)
	case ExtPSKModes:
		h.PSKModes, ok = readBytes8(data)
	case ExtClientCertificateType:
		h.ClientCertificateTypes, ok = readBytes8(data)
	case ExtServerCertificateType:
		h.ServerCertificateTypes, ok = readBytes8(data)
	case ExtCertificateAuthorities:
		h.CertificateAuthorities, ok = readDNs(data, h.CertificateAuthorities)
	case ExtRecordSizeLimit:
		ok = data.ReadUint16(&h.RecordSizeLimit) && data.Empty()
	case ExtECH:
		return h.readECH(data)
	default:
		h.noteExtension(typ, data)
		return true
	}
	return ok
}

// noteExtension notes those of which presence, or length, is all that counts.
func (h *ClientHello) noteExtension(typ uint16, data cryptobyte.String) {
	switch typ {
	case ExtStatusRequest:
		h.StatusRequest = true
	case ExtStatusRequestV2:
		h.StatusRequestV2 = true
	case ExtSCT:
		h.SCT = true
	case ExtPadding:
		h.HasPadding = true
		h.PaddingLen = len(data)
	case ExtEncryptThenMAC:
		h.EncryptThenMAC = true
	case ExtExtendedMasterSecret:
		h.ExtendedMasterSecret = true
	case ExtSessionTicket:
		h.SessionTicket = true
		h.SessionTicketLen = len(data)
	case ExtEarlyData:
		h.EarlyData = true
	case ExtCookie:
		h.Cookie = true
	case ExtPostHandshakeAuth:
		h.PostHandshakeAuth = true
	case ExtQUICTransportParams, ExtQUICTransportDraft:
		h.QUICTransportParameters = true
	case ExtNextProtocol:
		h.NextProtocol = true
	case ExtRenegotiationInfo:
		h.RenegotiationInfo = true
		h.RenegotiationInfoLen = max(0, len(data)-1)
	case ExtESNI:
		h.ESNI = true
	default:
		h.GREASE = h.GREASE || IsGREASE(typ)
	}
}

// readServerName reads a ServerNameList (RFC 6066 §3).
func (h *ClientHello) readServerName(data cryptobyte.String) bool {
	h.HasServerName = true
	if data.Empty() {
		return true
	}
	var length uint16
	if !data.ReadUint16(&length) {
		return false
	}
	// A name is taken where it is whole, whatever the list's length says.
	list := data[:min(int(length), len(data))]
	var name cryptobyte.String
	for !list.Empty() {
		var typ uint8
		if !list.ReadUint8(&typ) || !cut16(&list, &name) {
			return false
		}
		h.NameCount++
		if typ != 0 {
			h.OtherNameTypes = true
		} else if !h.HasHostName {
			h.HasHostName = true
			h.ServerName = name
		}
	}
	return int(length) == len(data)
}

// readKeyShares reads the groups of a KeyShareClientHello (RFC 8446 §4.2.8).
func (h *ClientHello) readKeyShares(data cryptobyte.String) bool {
	var list, key cryptobyte.String
	if !cut16(&data, &list) {
		return false
	}
	for !list.Empty() {
		var group uint16
		if !list.ReadUint16(&group) || !cut16(&list, &key) {
			return false
		}
		h.KeyShareGroups = append(h.KeyShareGroups, group)
	}
	h.noteGREASE(h.KeyShareGroups)
	return data.Empty()
}

// readPreSharedKey counts the identities of an OfferedPsks (RFC 8446 §4.2.11).
func (h *ClientHello) readPreSharedKey(data cryptobyte.String) bool {
	var identities, identity, binders cryptobyte.String
	if !data.ReadUint16LengthPrefixed(&identities) {
		return false
	}
	for !identities.Empty() {
		if !identities.ReadUint16LengthPrefixed(&identity) ||
			!identities.Skip(4) { // obfuscated_ticket_age
			return false
		}
		if h.PSKIdentities == 0 {
			h.FirstPSKIdentityLen = len(identity)
		}
		h.PSKIdentities++
	}
	return data.ReadUint16LengthPrefixed(&binders) && data.Empty()
}

// readECH reads the head of an ECHClientHello (RFC 9849 §5).
func (h *ClientHello) readECH(data cryptobyte.String) bool {
	var kind uint8
	h.ECH = ECHUnknown
	if !data.ReadUint8(&kind) {
		return false
	}
	if kind == 1 {
		h.ECH = ECHInner
		return data.Empty()
	}
	if kind != 0 {
		return true // a later form
	}
	h.ECH = ECHOuter
	var enc, payload cryptobyte.String
	return data.Skip(4) && // kdf_id, aead_id
		data.ReadUint8(&h.ECHConfigID) &&
		data.ReadUint16LengthPrefixed(&enc) &&
		data.ReadUint16LengthPrefixed(&payload) &&
		data.Empty()
}
