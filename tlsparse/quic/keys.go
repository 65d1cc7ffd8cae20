package quic

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
)

// Lengths of AEAD_AES_128_GCM, which protects Initial packets in every version.
const (
	keyLen    = 16
	ivLen     = 12
	tagLen    = 16
	sampleLen = 16
)

// expandLabel returns the info of HKDF-Expand-Label with an empty context
// (RFC 8446 §7.1).
func expandLabel(label string, length int) string {
	const prefix = "tls13 "
	return string([]byte{byte(length >> 8), byte(length), byte(len(prefix) + len(label))}) + prefix + label + "\x00"
}

var (
	clientSecret = expandLabel("client in", sha256.Size)
	serverSecret = expandLabel("server in", sha256.Size)
)

// keys protect the Initial packets of one side.
type keys struct {
	aead  cipher.AEAD
	block cipher.Block // of the same key, for packets whose tag is cut off
	hp    cipher.Block
	iv    [ivLen]byte
}

// deriveKeys derives the keys of one side from the connection id that the client
// chose for the server (RFC 9001 §5.2).
func deriveKeys(s *scheme, id []byte, side Side) *keys {
	initial := extract(id, s.salt)
	label := clientSecret
	if side == Server {
		label = serverSecret
	}
	secret := expand(initial[:], label)
	key, hp, iv := expand(secret[:], s.key), expand(secret[:], s.hp), expand(secret[:], s.iv)
	k := &keys{
		block: must(aes.NewCipher(key[:keyLen])),
		hp:    must(aes.NewCipher(hp[:keyLen])),
		iv:    [ivLen]byte(iv[:]),
	}
	k.aead = must(cipher.NewGCM(k.block))
	return k
}

// must returns v. What it wraps fails for lengths only, and these are ours.
func must[T any](v T, err error) T {
	if err != nil {
		panic("quic: " + err.Error())
	}
	return v
}

// keySlots is the number of connections whose keys a Reader remembers. One that
// falls out has its keys derived again; all of them take about 1 MiB.
const keySlots = 256

// keyRing remembers keys by what they are derived from.
type keyRing struct {
	slots [keySlots]keySlot
}

type keySlot struct {
	id     ID
	scheme schemeID
	sides  [2]*keys
}

// get returns the keys of one side, and whether they had to be derived.
func (r *keyRing) get(s schemeID, id *ID, side Side) (k *keys, derived bool) {
	slot := &r.slots[(id.hash()^uint32(s)*0x9e3779b1)%keySlots]
	if slot.scheme != s || slot.id != *id {
		*slot = keySlot{id: *id, scheme: s}
	}
	i := side.index()
	if slot.sides[i] == nil {
		slot.sides[i] = deriveKeys(&schemes[s], slot.id.Bytes(), side)
		derived = true
	}
	return slot.sides[i], derived
}

// index is 0 for the client, 1 for the server.
func (s Side) index() int {
	if s == Server {
		return 1
	}
	return 0
}
