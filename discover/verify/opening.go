package verify

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"strings"

	"blindspot/tlsparse"

	"golang.org/x/crypto/chacha20poly1305"
)

// secrets takes the server's handshake secret of our own connection from Go's
// key log, and nothing else of it.
type secrets struct{ server []byte }

func (s *secrets) Write(line []byte) (int, error) {
	words := strings.Fields(string(line))
	if len(words) == 3 && words[0] == "SERVER_HANDSHAKE_TRAFFIC_SECRET" {
		s.server, _ = hex.DecodeString(words[2])
	}
	return len(line), nil
}

// chain13 opens the server's flight of a TLS 1.3 handshake and returns its
// chain as sent, nil where it cannot (RFC 8446 §5.2, §7.3).
func chain13(flight []byte, suite uint16, secret []byte) [][]byte {
	aead, iv := protection(suite, secret)
	if aead == nil {
		return nil
	}
	var messages []byte
	for seq := uint64(0); ; {
		r, answer := tlsparse.ParseRecordHeader(flight)
		if answer != tlsparse.Yes || len(flight) < tlsparse.RecordHeaderLen+r.Length {
			break
		}
		header, sealed := flight[:tlsparse.RecordHeaderLen], flight[tlsparse.RecordHeaderLen:tlsparse.RecordHeaderLen+r.Length]
		flight = flight[tlsparse.RecordHeaderLen+r.Length:]
		if r.Type != tlsparse.RecordApplicationData {
			continue
		}
		inner, err := aead.Open(nil, nonce(iv, seq), sealed, header)
		if err != nil {
			break // the keys have changed
		}
		seq++
		inner = []byte(strings.TrimRight(string(inner), "\x00")) // padding
		if n := len(inner); n > 0 && inner[n-1] == tlsparse.RecordHandshake {
			messages = append(messages, inner[:n-1]...)
		}
	}
	return chainIn(messages)
}

// chainIn finds the Certificate message of TLS 1.3 (RFC 8446 §4.4.2).
func chainIn(messages []byte) [][]byte {
	for {
		typ, n, ok := tlsparse.ParseHandshakeHeader(messages)
		if !ok || len(messages) < tlsparse.HandshakeHeaderLen+n {
			return nil
		}
		body := messages[tlsparse.HandshakeHeaderLen : tlsparse.HandshakeHeaderLen+n]
		messages = messages[tlsparse.HandshakeHeaderLen+n:]
		if typ != tlsparse.TypeCertificate {
			continue
		}
		_, entries, _ := tlsparse.ParseCertificate13(body, nil)
		var chain [][]byte
		for i := range entries {
			chain = append(chain, entries[i].Data)
		}
		return chain
	}
}

// protection derives the keys of a traffic secret (RFC 8446 §7.3), nil for what
// Go does not speak.
func protection(suite uint16, secret []byte) (cipher.AEAD, []byte) {
	keyLen, hash := 16, sha256.New
	switch suite {
	case tls.TLS_AES_128_GCM_SHA256:
	case tls.TLS_AES_256_GCM_SHA384:
		keyLen, hash = 32, sha512.New384
	case tls.TLS_CHACHA20_POLY1305_SHA256:
		keyLen = 32
	default:
		return nil, nil
	}
	key, iv := expandLabel(hash, secret, "key", keyLen), expandLabel(hash, secret, "iv", 12)
	if key == nil || iv == nil {
		return nil, nil
	}
	if suite == tls.TLS_CHACHA20_POLY1305_SHA256 {
		aead, err := chacha20poly1305.New(key)
		if err != nil {
			return nil, nil
		}
		return aead, iv
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, nil
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, nil
	}
	return aead, iv
}

// expandLabel is HKDF-Expand-Label with an empty context (RFC 8446 §7.1).
func expandLabel(h func() hash.Hash, secret []byte, label string, n int) []byte {
	label = "tls13 " + label
	info := string(binary.BigEndian.AppendUint16(nil, uint16(n))) + string(rune(len(label))) + label + "\x00"
	out, err := hkdf.Expand(h, secret, info, n)
	if err != nil {
		return nil
	}
	return out
}

func nonce(iv []byte, seq uint64) []byte {
	out := append([]byte(nil), iv...)
	for i := range 8 {
		out[len(out)-1-i] ^= byte(seq >> (8 * i))
	}
	return out
}
