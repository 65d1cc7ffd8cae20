package quic

import (
	"crypto/aes"
	"crypto/cipher"
)

// retryTagLen is the length of a Retry packet's integrity tag.
const retryTagLen = 16

// verifyRetry reports whether a Retry packet answers a client's Initial packet
// that was sent to the connection id first: its tag covers both (RFC 9001
// §5.8). known is false where the version has no such tag that we know.
func verifyRetry(packet, first []byte) (genuine, known bool) {
	h, ok := ParseHeader(packet)
	if !ok || h.Type != Retry {
		return false, false
	}
	s := &schemes[schemeOf(h.Version)]
	if s.retry.key == "" {
		return false, false
	}
	if len(packet) < 7+retryTagLen || len(first) > maxIDLen {
		return false, true
	}
	aead := must(cipher.NewGCM(must(aes.NewCipher([]byte(s.retry.key)))))
	body, tag := packet[:len(packet)-retryTagLen], packet[len(packet)-retryTagLen:]
	covered := append([]byte{byte(len(first))}, first...)
	covered = append(covered, body...)
	_, err := aead.Open(nil, []byte(s.retry.nonce), tag, covered)
	return err == nil, true
}
