package keylog

import (
	"bytes"
	"testing"

	"blindspot/tlsparse"
)

// FuzzFlight gives any bytes to Openers of every kind, at once and in parts: the
// same comes out, and nothing that was not opened.
func FuzzFlight(f *testing.F) {
	v := rfc8448(f)
	for _, s := range []string{"3", "5", "6"} {
		f.Add(v[s+" server-flight"], v[s+" server-secret"], uint16(100), uint8(0))
	}
	f.Add(append(bytes.Clone(v["4 early-data"]), v["4 client-flight"]...), v["4 client-secret"], uint16(30), uint8(1))
	f.Add([]byte("\x16\x03\x03\x00\x28"+string(make([]byte, 40))+"\x14\x03\x03\x00\x01\x01"), make([]byte, 48), uint16(7), uint8(4))
	f.Add([]byte("\x16\x03\x01\x00\x30"+string(make([]byte, 48))), make([]byte, 48), uint16(7), uint8(6))
	f.Fuzz(func(t *testing.T, b, secret []byte, split uint16, kind uint8) {
		make := func() *Opener {
			var o *Opener
			var err error
			switch kind % 8 {
			case 0, 1:
				o, err = NewOpener(secret, 0x1301, kind%8 == 1)
			case 2:
				o, err = NewOpener(secret, 0x1304, false)
			case 3:
				o, err = NewOpener(secret, 0x1302, false)
			default:
				s := Session{Version: 0x0303, Suite: 0xc02b, EncryptThenMAC: kind&0x10 != 0}
				switch kind % 8 {
				case 5:
					s.Suite = 0xcca8
				case 6:
					s.Version, s.Suite = 0x0301, 0x002f
				case 7:
					s.Suite = 0xc027
				}
				o, err = NewOpener12(secret, s, kind&0x20 != 0)
			}
			if err != nil {
				return nil
			}
			return o
		}
		whole, parts := make(), make()
		if whole == nil {
			return
		}
		before := bytes.Clone(b)
		n := whole.Flight(b)
		if !bytes.Equal(before, b) || n > len(b) {
			t.Fatal("the flight was changed")
		}
		at := parts.Flight(b[:min(int(split), len(b))])
		at += parts.Flight(b[at:])
		if at != n || !bytes.Equal(whole.plain, parts.plain) || whole.State() != parts.State() {
			t.Errorf("at once %d bytes, %v; in parts %d, %v", n, whole, at, parts)
		}
		if whole.Stats().Records == 0 && len(whole.plain) > 0 {
			t.Error("plain bytes of no record")
		}
		var h Hidden
		h.Read(true, whole)
		whole.Wipe()
		if _, _, ok := whole.Next(); ok || whole.Flight(b) != 0 {
			t.Error("something is left after Wipe")
		}
	})
}

// FuzzHidden gives any messages, each with its header, in any order.
func FuzzHidden(f *testing.F) {
	v := rfc8448(f)
	f.Add(append(bytes.Clone(v["3 encrypted-extensions"]), v["3 certificate"]...), uint16(0))
	f.Add(append(bytes.Clone(v["6 certificate-request"]), v["3 certificate-verify"]...), uint16(1))
	f.Fuzz(func(t *testing.T, b []byte, sides uint16) {
		h := Hidden{Transcript: NewTranscript(0x1301), Limit: 16 << 10}
		for i := range 16 {
			typ, n, ok := tlsparse.ParseHandshakeHeader(b)
			if !ok || n > len(b)-4 {
				return
			}
			h.Message(sides>>i&1 == 0, typ, b[4:4+n])
			b = b[4+n:]
		}
		for _, side := range []*Identity{&h.Server, &h.Client} {
			side.Delegated()
			if side.Proof.Signed != nil && !side.Seen {
				t.Error("a proof without a certificate")
			}
		}
	})
}
