package tlsparse

import "golang.org/x/crypto/cryptobyte"

// NewSessionTicket is a ticket for a later resumption (RFC 5077 §3.3, RFC 8446
// §4.6.1). Lifetime is in seconds, 0 in RFC 5077's form for "unspecified".
type NewSessionTicket struct {
	Lifetime     uint32
	Ticket       []byte
	MaxEarlyData uint32 // TLS 1.3
}

// ParseNewSessionTicket fills t from a message's body, of the version chosen.
func ParseNewSessionTicket(body []byte, version uint16, t *NewSessionTicket) error {
	*t = NewSessionTicket{}
	s := cryptobyte.String(body)
	tls13 := version == VersionTLS13 || version == VersionDTLS13 || DraftVersion(version) > 0
	var nonce cryptobyte.String
	if !s.ReadUint32(&t.Lifetime) ||
		tls13 && (!s.Skip(4) || !s.ReadUint8LengthPrefixed(&nonce)) || // ticket_age_add
		!readInt16(&s, &t.Ticket) {
		return ErrMalformed
	}
	if tls13 {
		return t.readExtensions(s)
	}
	if !s.Empty() {
		return ErrMalformed
	}
	return nil
}

func (t *NewSessionTicket) readExtensions(s cryptobyte.String) error {
	var block, data cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&block) || !s.Empty() {
		return ErrMalformed
	}
	for !block.Empty() {
		var typ uint16
		if !block.ReadUint16(&typ) || !block.ReadUint16LengthPrefixed(&data) ||
			typ == ExtEarlyData && !data.ReadUint32(&t.MaxEarlyData) {
			return ErrMalformed
		}
	}
	return nil
}

// ParseEncryptedExtensions resets h and fills in what a TLS 1.3 server says
// behind its ServerHello (RFC 8446 §4.3.1), in the fields of ServerHello: ALPN,
// EarlyData, certificate types, ServerNameAck. The rest of h stays zero.
func ParseEncryptedExtensions(body []byte, h *ServerHello) error {
	h.reset()
	return h.readExtensions(body)
}
