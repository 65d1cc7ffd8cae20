package quic

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"blindspot/tlsparse"
)

// TestChaCha derives the keys of RFC 9001 §A.5 and masks its sample.
func TestChaCha(t *testing.T) {
	secret := unhex("9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b")
	k, err := sealedKeys(schemeV1, 0x1303, secret)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := hex.EncodeToString(k.iv[:]), "e0459b3474bdd0e44a41c144"; got != want {
		t.Errorf("iv %s, want %s", got, want)
	}
	var mask [sampleLen]byte
	k.hp.Encrypt(mask[:], unhex("5e5cd55c41f69080575d7999c25a5bfb"))
	if got, want := hex.EncodeToString(mask[:5]), "aefefe7d03"; got != want {
		t.Errorf("mask %s, want %s", got, want)
	}
	// The protected packet of the section: its payload is one PING.
	packet := unhex("4cfe4189655e5cd55c41f69080575d7999c25a5bfb")
	nonce := k.iv
	pn := 654360564
	for i := range 4 {
		nonce[ivLen-1-i] ^= byte(pn >> (8 * i))
	}
	plain, err := k.aead.Open(nil, nonce[:], packet[4:], unhex("4200bff4"))
	if err != nil || hex.EncodeToString(plain) != "01" {
		t.Errorf("payload %x, %v, want a PING", plain, err)
	}
}

func TestSealedKeys(t *testing.T) {
	tests := []struct {
		name   string
		suite  uint16
		secret int
		ok     bool
	}{
		{"aes 128", 0x1301, 32, true},
		{"aes 256", 0x1302, 48, true},
		{"chacha20", 0x1303, 32, true},
		{"ccm", 0x1304, 32, true},
		{"ccm with short tags", 0x1305, 32, false},
		{"another hash", 0x1302, 32, false},
		{"tls 1.2", 0xc02f, 32, false},
	}
	for _, tt := range tests {
		if _, err := sealedKeys(schemeV1, tt.suite, make([]byte, tt.secret)); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	var r Reader
	if _, err := r.Unlock(new(Conn), 0x1301, make([]byte, 32), nil); err == nil {
		t.Error("a connection of which nothing was opened was unlocked")
	}
}

// sealedSecret is a secret that tests make Handshake packets with.
var sealedSecret = bytes.Repeat([]byte{0x5a}, 32)

// handshake returns a Handshake packet with these frames, by the keys that
// TestChaCha and TestUnlock check.
func (m *maker) handshake(suite uint16, payload []byte) []byte {
	s := schemeOf(m.version)
	k := must(sealedKeys(s, suite, sealedSecret))
	for len(payload) < 4 {
		payload = append(payload, framePadding)
	}
	first := byte(longForm | fixedBit | 2<<4 | 1)
	if schemes[s].v2Types {
		first |= 1 << 4
	}
	b := m.ids(first)
	b = binary.BigEndian.AppendUint16(b, 0x4000|uint16(2+len(payload)+tagLen))
	number := len(b)
	b = binary.BigEndian.AppendUint16(b, m.number)
	nonce := k.iv
	nonce[10] ^= byte(m.number >> 8)
	nonce[11] ^= byte(m.number)
	m.number++
	b = k.aead.Seal(b, nonce[:], payload, b)
	var mask [sampleLen]byte
	k.hp.Encrypt(mask[:], b[number+4:number+4+sampleLen])
	b[0] ^= mask[0] & 0x0f
	b[number] ^= mask[1]
	b[number+1] ^= mask[2]
	return b
}

// answered returns a Reader and a connection of which both hellos were seen.
func answered(t testing.TB, version uint32) (*Reader, *Conn) {
	t.Helper()
	r, c := &Reader{KeepHandshake: true}, new(Conn)
	r.Datagram(c, newClient(version).packet(whole(rfcHello(t))), 0, Unknown)
	r.Datagram(c, newServer(version).packet(whole(rfcAnswer(t))), 0, Unknown)
	if got := messages(r, c); !bytes.Equal(got, []uint8{ch, sh}) {
		t.Fatalf("messages %v", got)
	}
	return r, c
}

// extensions is an EncryptedExtensions message without any.
var extensions = []byte{tlsparse.TypeEncryptedExtensions, 0, 0, 2, 0, 0}

// TestSealed sends Handshake packets with every suite and in both versions,
// before and after the secrets, whole and damaged.
func TestSealed(t *testing.T) {
	for _, version := range []uint32{Version1, Version2} {
		for _, suite := range []uint16{0x1301, 0x1303, 0x1304} {
			r, c := answered(t, version)
			server := newServer(version)
			first := server.handshake(suite, cryptoFrame(extensions, 0, 3))
			second := server.handshake(suite, cryptoFrame(extensions, 3, len(extensions)))
			for i := range first { // every prefix, and every byte changed
				r.Datagram(c, first[:i], 0, Unknown)
				r.Datagram(c, first[:i], len(first)-i, Unknown)
			}
			r.Release(c)
			r.Datagram(c, second, 0, Unknown)
			if got := messages(r, c); len(got) > 0 {
				t.Errorf("%s %#x: messages %v without secrets", VersionName(version), suite, got)
			}
			if _, err := r.Unlock(c, suite, nil, sealedSecret); err != nil {
				t.Fatal(err)
			}
			for i := range first {
				forged := bytes.Clone(first)
				forged[i] ^= 1
				r.Datagram(c, forged, 0, Unknown)
			}
			if got := messages(r, c); len(got) > 0 {
				t.Errorf("%s %#x: messages %v of what was forged", VersionName(version), suite, got)
			}
			ev := r.Datagram(c, first, 0, Unknown)
			if got := messages(r, c); !bytes.Equal(got, []uint8{tlsparse.TypeEncryptedExtensions}) || ev.From != Server || ev.Seen != SeenHandshake|SeenUnsealed {
				t.Errorf("%s %#x: messages %v, %v from %v; %+v", VersionName(version), suite, got, ev.Seen, ev.From, r.Stats())
			}
			r.Release(c)
			if r.Buffered() != 0 {
				t.Errorf("%d bytes are buffered after Release", r.Buffered())
			}
		}
	}
}

// FuzzSealed gives any bytes to a Handshake packet, as what it protects.
func FuzzSealed(f *testing.F) {
	f.Add(cryptoFrame(extensions, 0, len(extensions)), true)
	f.Add([]byte{frameClose, 0x41, 0x30, 0x06, 2, 'o', 'k'}, false)
	f.Add(append(ackECN, pad...), true)
	f.Fuzz(func(t *testing.T, payload []byte, late bool) {
		if len(payload) > 8000 {
			return
		}
		r, c := answered(t, Version1)
		b := newServer(Version1).handshake(0x1301, payload)
		if late {
			r.Datagram(c, b, 0, Unknown)
		}
		if _, err := r.Unlock(c, 0x1301, sealedSecret, sealedSecret); err != nil {
			t.Fatal(err)
		}
		r.Datagram(c, b, 0, Unknown)
		for m, ok := r.Next(c); ok; m, ok = r.Next(c) {
			if !m.Encrypted || m.From != Server {
				t.Errorf("a message of type %d from %v, encrypted %v", m.Type, m.From, m.Encrypted)
			}
		}
		r.Release(c)
		if r.Buffered() != 0 {
			t.Errorf("%d bytes are buffered after Release", r.Buffered())
		}
	})
}
