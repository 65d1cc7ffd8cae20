package tlsparse

import "golang.org/x/crypto/cryptobyte"

// ECHRetryConfigs returns the ECHConfigList of a TLS 1.3 server's
// EncryptedExtensions, nil where there is none. A server sends one where it
// could not decrypt an Encrypted Client Hello and went on with the outer one
// (RFC 9849 §7.1): the name in the clear is the one that was served. Without it
// nothing is known: a server that does not do ECH, or that accepted, sends none.
func ECHRetryConfigs(body []byte) []byte {
	s := cryptobyte.String(body)
	var block, data cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&block) {
		return nil
	}
	for !block.Empty() {
		var typ uint16
		if !block.ReadUint16(&typ) || !block.ReadUint16LengthPrefixed(&data) {
			return nil
		}
		if typ == ExtECH {
			return data
		}
	}
	return nil
}
