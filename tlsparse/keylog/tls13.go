package keylog

import (
	"crypto/cipher"
	"fmt"
	"slices"

	"blindspot/tlsparse"
	"blindspot/tlsparse/internal/protect"
)

// tls13 is the protection of TLS 1.3 records (RFC 8446 §5.2).
type tls13 struct {
	aead  cipher.AEAD // nil: wiped
	iv    [protect.IVLen]byte
	seq   uint64
	ahead int // sequence numbers to try
	lost  int
}

// NewOpener returns an Opener for one direction of TLS 1.3, whose handshake
// traffic secret and cipher suite these are. earlyData says that the records are
// a client's that has offered early data: what does not open before the first
// record that does is then passed over as that.
func NewOpener(secret []byte, suite uint16, earlyData bool) (*Opener, error) {
	if len(secret) == 0 {
		return nil, ErrNoSecret
	}
	s, ok := protect.SuiteOf(suite)
	if !ok {
		return nil, fmt.Errorf("cipher suite %#04x: %w", suite, ErrSuite)
	}
	if len(secret) != s.Hash().Size() {
		return nil, fmt.Errorf("secret of %d bytes for cipher suite %#04x: %w", len(secret), suite, ErrSuite)
	}
	key := protect.ExpandLabel(s.Hash, secret, "key", s.KeyLen)
	defer clear(key)
	aead, err := s.AEAD(key)
	if err != nil {
		return nil, err
	}
	k := &tls13{aead: aead, ahead: maxAhead}
	copy(k.iv[:], protect.ExpandLabel(s.Hash, secret, "iv", protect.IVLen))
	if earlyData {
		k.ahead = 1
	}
	return &Opener{keys: k, early: earlyData}, nil
}

func (k *tls13) lastFinished() bool { return true }

func (k *tls13) passed() int { return k.lost }

func (k *tls13) wipe() { *k = tls13{lost: k.lost} }

func (k *tls13) open(dst []byte, r tlsparse.Record, record []byte) (out []byte, typ uint8, ok, skip bool) {
	if r.Type != tlsparse.RecordApplicationData {
		return dst, 0, false, true // ChangeCipherSpec, alerts in the clear
	}
	header, sealed := record[:tlsparse.RecordHeaderLen], record[tlsparse.RecordHeaderLen:]
	if k.aead == nil || len(sealed) <= k.aead.Overhead() {
		return dst, 0, false, false
	}
	dst = slices.Grow(dst, len(sealed))
	for i := range uint64(k.ahead) {
		nonce := k.iv
		for j := range 8 {
			nonce[protect.IVLen-1-j] ^= byte((k.seq + i) >> (8 * j))
		}
		out, err := k.aead.Open(dst, nonce[:], sealed, header)
		if err != nil {
			continue
		}
		k.seq += i + 1
		k.lost += int(i)
		k.ahead = maxAhead
		return unpad(out, len(dst))
	}
	return dst, 0, false, false
}

// unpad takes padding and type off an inner plaintext (RFC 8446 §5.4), which
// begins at from.
func unpad(out []byte, from int) (_ []byte, typ uint8, ok, skip bool) {
	for n := len(out); n > from; n-- {
		if out[n-1] != 0 {
			return out[:n-1], out[n-1], true, false
		}
	}
	return out[:from], 0, false, false
}

// Fits reports whether a server's handshake traffic secret opens the first
// encrypted record of a flight, which begins like what an Opener is given. It
// tries that one record with that one number, so that it can be asked of many
// secrets.
func Fits(secret []byte, suite uint16, flight []byte) bool {
	o, err := NewOpener(secret, suite, true)
	if err != nil {
		return false
	}
	defer o.Wipe()
	for {
		r, ans := tlsparse.ParseRecordHeader(flight)
		end := tlsparse.RecordHeaderLen + r.Length
		if ans != tlsparse.Yes || end > len(flight) {
			return false
		}
		if r.Type == tlsparse.RecordApplicationData {
			o.Record(flight[:end])
			return o.stats.Records > 0
		}
		flight = flight[end:]
	}
}
