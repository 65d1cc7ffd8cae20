package keylog

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"hash"
	"slices"

	"blindspot/tlsparse"
	"blindspot/tlsparse/internal/protect"
)

// Session is what the hellos of a handshake up to TLS 1.2 have agreed on.
type Session struct {
	Version        uint16 // TLS 1.0 to 1.2
	Suite          uint16
	ClientRandom   []byte
	ServerRandom   []byte
	EncryptThenMAC bool // the server's extension (RFC 7366)
}

// NewOpener12 returns an Opener for one direction up to TLS 1.2, of which it is
// given the records behind the ChangeCipherSpec, all of them, for they are
// counted. It opens the handshake messages and alerts among them: Finished, and
// a renegotiation up to its own ChangeCipherSpec, where it ends. Application
// data is passed over.
func NewOpener12(master []byte, session Session, fromServer bool) (*Opener, error) {
	if len(master) == 0 {
		return nil, ErrNoSecret
	}
	v := session.Version
	s, ok := suite12Of(session.Suite)
	if !ok || v < tlsparse.VersionTLS10 || v > tlsparse.VersionTLS12 {
		return nil, fmt.Errorf("cipher suite %#04x in version %#04x: %w", session.Suite, v, ErrSuite)
	}
	k := &tls12{version: v, etm: session.EncryptThenMAC}
	macLen, ivLen := 0, s.fixedIV
	if s.block != nil {
		macLen = s.mac().Size()
	}
	if s.block != nil && v == tlsparse.VersionTLS10 {
		ivLen = blockLen(s)
	}
	seed := slices.Concat(session.ServerRandom, session.ClientRandom)
	material := prf(v, session.Suite, master, "key expansion", seed, 2*(macLen+s.keyLen+ivLen))
	defer clear(material)
	side := 0
	if fromServer {
		side = 1
	}
	part := func(at, n int) []byte { return material[at+side*n : at+(side+1)*n] }
	macKey, key, iv := part(0, macLen), part(2*macLen, s.keyLen), part(2*(macLen+s.keyLen), ivLen)
	k.iv = slices.Clone(iv)
	var err error
	if s.aead != nil {
		k.aead, err = s.aead(key)
	} else {
		k.mac = hmac.New(s.mac, macKey)
		k.block, err = s.block(key)
	}
	if err != nil {
		return nil, err
	}
	return &Opener{keys: k}, nil
}

// blockLen returns the block length of a suite in CBC mode.
func blockLen(s suite12) int {
	if s.keyLen == 24 {
		return 8 // 3DES
	}
	return 16
}

// tls12 is the protection of records up to TLS 1.2 (RFC 5246 §6.2.3).
type tls12 struct {
	version uint16
	seq     uint64
	etm     bool
	wiped   bool
	lost    int

	aead cipher.AEAD
	iv   []byte // fixed part of the nonce; in TLS 1.0 the last block of ciphertext

	block cipher.Block
	mac   hash.Hash
}

func (k *tls12) lastFinished() bool { return false }

func (k *tls12) passed() int { return k.lost }

func (k *tls12) wipe() {
	clear(k.iv)
	*k = tls12{wiped: true, lost: k.lost}
}

func (k *tls12) open(dst []byte, r tlsparse.Record, record []byte) (out []byte, typ uint8, ok, skip bool) {
	switch {
	case r.Type == tlsparse.RecordChangeCipherSpec:
		return dst, r.Type, false, true
	case k.wiped:
		return dst, r.Type, false, false
	}
	sealed := record[tlsparse.RecordHeaderLen:]
	defer k.chain(sealed)
	if r.Type != tlsparse.RecordHandshake && r.Type != tlsparse.RecordAlert {
		k.seq++
		return dst, r.Type, false, true
	}
	for i := range uint64(maxAhead) {
		out, ok := k.try(dst, r, sealed, k.seq+i)
		if ok {
			k.seq += i + 1
			k.lost += int(i)
			return out, r.Type, true, false
		}
	}
	k.seq++
	return dst, r.Type, false, false
}

// chain keeps what the next record of TLS 1.0 begins from.
func (k *tls12) chain(sealed []byte) {
	if k.block == nil || k.version > tlsparse.VersionTLS10 {
		return
	}
	if k.etm {
		sealed = sealed[:max(0, len(sealed)-k.mac.Size())]
	}
	if n := k.block.BlockSize(); len(sealed) >= n {
		copy(k.iv, sealed[len(sealed)-n:])
	}
}

// try opens a record as the one with a sequence number.
func (k *tls12) try(dst []byte, r tlsparse.Record, sealed []byte, seq uint64) ([]byte, bool) {
	var head [13]byte // what the tag or MAC covers before the content
	binary.BigEndian.PutUint64(head[:], seq)
	head[8] = r.Type
	binary.BigEndian.PutUint16(head[9:], r.Version)
	switch {
	case k.aead != nil:
		return k.openAEAD(dst, head, sealed, seq)
	case k.etm:
		return k.openThenDecrypt(dst, head, sealed)
	}
	return k.decryptThenOpen(dst, head, sealed)
}

// openAEAD opens GCM and CCM, with the rest of the nonce in front (RFC 5288 §3,
// RFC 6655 §3), and ChaCha20-Poly1305, without (RFC 7905 §2).
func (k *tls12) openAEAD(dst []byte, head [13]byte, sealed []byte, seq uint64) ([]byte, bool) {
	var nonce [protect.IVLen]byte
	if n := copy(nonce[:], k.iv); n < len(nonce) {
		explicit := len(nonce) - n
		if len(sealed) < explicit {
			return dst, false
		}
		copy(nonce[n:], sealed)
		sealed = sealed[explicit:]
	} else {
		for i := range 8 {
			nonce[protect.IVLen-1-i] ^= byte(seq >> (8 * i))
		}
	}
	n := len(sealed) - k.aead.Overhead()
	if n < 0 {
		return dst, false
	}
	binary.BigEndian.PutUint16(head[11:], uint16(n))
	out, err := k.aead.Open(dst, nonce[:], sealed, head[:])
	if err != nil {
		return dst, false
	}
	return out, true
}

// openThenDecrypt checks the MAC of the ciphertext first (RFC 7366 §3).
func (k *tls12) openThenDecrypt(dst []byte, head [13]byte, sealed []byte) ([]byte, bool) {
	n := len(sealed) - k.mac.Size()
	if n < 0 || !k.check(head, sealed[:n], sealed[n:]) {
		return dst, false
	}
	return k.decrypt(dst, sealed[:n])
}

// decryptThenOpen decrypts first, and checks the MAC of the content (RFC 5246
// §6.2.3.2).
func (k *tls12) decryptThenOpen(dst []byte, head [13]byte, sealed []byte) ([]byte, bool) {
	from := len(dst)
	out, ok := k.decrypt(dst, sealed)
	n := len(out) - k.mac.Size()
	if !ok || n < from || !k.check(head, out[from:n], out[n:]) {
		clear(out[from:])
		return out[:from], false
	}
	return out[:n], true
}

// check compares a MAC with that of head and content.
func (k *tls12) check(head [13]byte, content, mac []byte) bool {
	binary.BigEndian.PutUint16(head[11:], uint16(len(content)))
	k.mac.Reset()
	k.mac.Write(head[:])
	k.mac.Write(content)
	return subtle.ConstantTimeCompare(k.mac.Sum(nil), mac) == 1
}

// decrypt appends the content of b, without initialisation vector and padding,
// to dst.
func (k *tls12) decrypt(dst, b []byte) ([]byte, bool) {
	size, iv := k.block.BlockSize(), k.iv
	if k.version > tlsparse.VersionTLS10 {
		if len(b) < size {
			return dst, false
		}
		iv, b = b[:size], b[size:]
	}
	if len(b) == 0 || len(b)%size != 0 {
		return dst, false
	}
	from := len(dst)
	dst = append(dst, b...)
	cipher.NewCBCDecrypter(k.block, iv).CryptBlocks(dst[from:], dst[from:])
	pad := int(dst[len(dst)-1]) + 1
	if pad > len(b) {
		return dst[:from], false
	}
	return dst[:len(dst)-pad], true
}
