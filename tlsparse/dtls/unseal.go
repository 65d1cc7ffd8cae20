package dtls

import (
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"

	"blindspot/tlsparse"
	"blindspot/tlsparse/internal/protect"
)

// handshakeEpoch is the epoch of DTLS 1.3 in which handshake messages are
// encrypted (RFC 9147 §6.1).
const handshakeEpoch = 2

// ErrSuite says that records cannot be opened: a cipher suite that is not known
// here, or a secret that does not fit it.
var ErrSuite = errors.New("records of this cipher suite cannot be opened")

// Unsealer takes the protection off the handshake records of one direction of
// DTLS 1.3 (RFC 9147 §4), for an Assembler to read.
type Unsealer struct {
	aead   cipher.AEAD
	mask   protect.Mask
	iv     [protect.IVLen]byte
	next   uint64 // record number that is due
	cidLen int    // -1: not known
	opened uint32
}

// NewUnsealer returns an Unsealer for the side whose handshake traffic secret
// this is, with the cipher suite that the ServerHello chose. The secret is not
// kept.
func NewUnsealer(suite uint16, secret []byte) (*Unsealer, error) {
	s, ok := protect.SuiteOf(suite)
	if !ok || len(secret) != s.Hash().Size() {
		return nil, fmt.Errorf("cipher suite %#04x, secret of %d bytes: %w", suite, len(secret), ErrSuite)
	}
	key := protect.ExpandLabelDTLS(s.Hash, secret, "key", s.KeyLen)
	number := protect.ExpandLabelDTLS(s.Hash, secret, "sn", s.KeyLen)
	defer clear(key)
	defer clear(number)
	u := &Unsealer{cidLen: -1}
	var err error
	if u.aead, err = s.AEAD(key); err != nil {
		return nil, err
	}
	if u.mask, err = protect.MaskOf(suite, number); err != nil {
		return nil, err
	}
	copy(u.iv[:], protect.ExpandLabelDTLS(s.Hash, secret, "iv", protect.IVLen))
	return u, nil
}

// SetConnectionID is like the Assembler's.
func (u *Unsealer) SetConnectionID(n int) { u.cidLen = n }

// Opened returns how many records were opened.
func (u *Unsealer) Opened() int { return int(u.opened) }

// Datagram appends a datagram of this direction to dst, STUN and TURN taken off,
// with what it could open put, as records in the clear, in front of the records
// that held it: an Assembler tells of the messages and of the records. Nothing of
// other epochs than the handshake's is opened.
func (u *Unsealer) Datagram(dst, b []byte) []byte {
	for len(b) > 0 {
		size := len(b)
		if b[0]&unifiedMask == unified {
			if r, ok := parseCiphertext(b, u.cidLen); ok {
				size = r.size
				dst = u.open(dst, &r, b[:size])
			}
		} else if r, ok := parseRecord(b); ok {
			size = r.size
		}
		dst = append(dst, b[:size]...)
		b = b[size:]
	}
	return dst
}

// open appends what an encrypted record holds to dst, if it opens and is of the
// handshake: messages, or an alert.
func (u *Unsealer) open(dst []byte, r *record, b []byte) []byte {
	if r.epoch != handshakeEpoch || len(r.payload) != r.length || len(r.payload) < protect.SampleLen {
		return dst
	}
	head := append([]byte(nil), b[:len(b)-len(r.payload)]...)
	at, n := len(head), 1
	if b[0]&unifiedLength != 0 {
		at -= 2
	}
	if b[0]&unifiedSeq16 != 0 {
		n = 2
	}
	if at < 1+n {
		return dst // a connection id of a length that nobody knows
	}
	number := head[at-n : at]
	mask := u.mask((*[protect.SampleLen]byte)(r.payload))
	var sent uint64
	for i := range number {
		number[i] ^= mask[i]
		sent = sent<<8 | uint64(number[i])
	}
	seq := restore(sent, u.next, len(number))
	nonce := u.iv
	for i := range 8 {
		nonce[protect.IVLen-1-i] ^= byte(seq >> (8 * i))
	}
	plain, err := u.aead.Open(nil, nonce[:], r.payload, head)
	if err != nil {
		return dst
	}
	u.next = max(u.next, seq+1)
	u.opened++
	for len(plain) > 0 && plain[len(plain)-1] == 0 {
		plain = plain[:len(plain)-1]
	}
	if len(plain) == 0 {
		return dst
	}
	typ, content := plain[len(plain)-1], plain[:len(plain)-1]
	if typ != tlsparse.RecordHandshake && typ != tlsparse.RecordAlert {
		return dst
	}
	dst = append(dst, typ, tlsparse.VersionDTLS12>>8, tlsparse.VersionDTLS12&0xff)
	dst = binary.BigEndian.AppendUint64(dst, seq&(1<<48-1))
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(content)))
	return append(dst, content...)
}

// restore returns the record number nearest to the one that is due of which the
// last n bytes were sent (RFC 9147 §4.2.2).
func restore(sent, due uint64, n int) uint64 {
	window := uint64(1) << (8 * n)
	seq := due&^(window-1) | sent
	switch {
	case seq+window/2 < due:
		return seq + window
	case seq > due+window/2 && seq >= window:
		return seq - window
	}
	return seq
}
