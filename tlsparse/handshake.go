package tlsparse

// Handshake types (IANA "TLS HandshakeType").
const (
	TypeHelloRequest             = 0
	TypeClientHello              = 1
	TypeServerHello              = 2
	TypeHelloVerifyRequest       = 3
	TypeNewSessionTicket         = 4
	TypeEndOfEarlyData           = 5
	TypeHelloRetryRequest        = 6 // drafts of TLS 1.3 up to 21
	TypeEncryptedExtensions      = 8
	TypeRequestConnectionID      = 9
	TypeNewConnectionID          = 10
	TypeCertificate              = 11
	TypeServerKeyExchange        = 12
	TypeCertificateRequest       = 13
	TypeServerHelloDone          = 14
	TypeCertificateVerify        = 15
	TypeClientKeyExchange        = 16
	TypeClientCertificateRequest = 17
	TypeFinished                 = 20
	TypeCertificateURL           = 21
	TypeCertificateStatus        = 22
	TypeSupplementalData         = 23
	TypeKeyUpdate                = 24
	TypeCompressedCertificate    = 25
	TypeEKTKey                   = 26
	TypeNextProtocol             = 67  // draft-agl-tls-nextprotoneg
	TypeChannelID                = 203 // draft-balfanz-tls-channelid
	TypeMessageHash              = 254
)

// HandshakeHeaderLen is the length of a handshake message's header.
const HandshakeHeaderLen = 4

// ParseHandshakeHeader returns the type and the body's length of the message
// at the start of b (RFC 8446 §4); ok is false where b has fewer than 4 bytes.
func ParseHandshakeHeader(b []byte) (typ uint8, length int, ok bool) {
	if len(b) < HandshakeHeaderLen {
		return 0, 0, false
	}
	return b[0], int(b[1])<<16 | int(b[2])<<8 | int(b[3]), true
}

// knownHandshakeType reports whether a message of this type can stand on the
// wire. message_hash never does.
func knownHandshakeType(typ uint8) bool {
	switch {
	case typ <= TypeHelloRetryRequest,
		typ >= TypeEncryptedExtensions && typ <= TypeClientCertificateRequest,
		typ >= TypeFinished && typ <= TypeEKTKey,
		typ == TypeNextProtocol, typ == TypeChannelID:
		return true
	}
	return false
}
