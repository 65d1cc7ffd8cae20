package dtls

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
)

// indication builds a STUN message of attributes.
func indication(typ uint16, attributes ...[]byte) []byte {
	body := slices.Concat(attributes...)
	b := binary.BigEndian.AppendUint16(nil, typ)
	b = binary.BigEndian.AppendUint16(b, uint16(len(body)))
	b = append(b, unhex("2112a442 b7e7a701bc34d686fa87dfae")...)
	return append(b, body...)
}

// attribute builds one, padded to four bytes.
func attribute(typ uint16, value []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, typ)
	b = binary.BigEndian.AppendUint16(b, uint16(len(value)))
	return append(append(b, value...), fill(0, -len(value)&3)...)
}

// The addresses of RFC 5769 §2.2 and §2.3, whose transaction id indication has.
var (
	peer4 = attribute(turnPeer, unhex("0001a147e112a643"))
	peer6 = attribute(turnPeer, unhex("0002a1470113a9faa5d3f179bc25f4b5bed2b9d9"))
)

func TestParseTURN(t *testing.T) {
	data := []byte{1, 2, 3, 4, 5}
	for _, c := range []struct {
		name string
		b    []byte
		want Frame
		ok   bool
	}{
		{"Send indication", indication(turnSend, peer4, attribute(turnPayload, data)), Frame{data, 0, true, netip.MustParseAddrPort("192.0.2.1:32853")}, true},
		{"Data indication", indication(turnData, attribute(turnPayload, data), peer6), Frame{data, 0, false, netip.MustParseAddrPort("[2001:db8:1234:5678:11:2233:4455:6677]:32853")}, true},
		{"without data", indication(turnData, peer4), Frame{}, false},
		{"a request", indication(0x0001, peer4, attribute(turnPayload, data)), Frame{}, false},
		{"ChannelData", append([]byte{0x40, 1, 0, 5}, data...), Frame{Data: data, Channel: 0x4001}, true},
		{"ChannelData, padded", append(append([]byte{0x7f, 0xff, 0, 5}, data...), 0, 0, 0), Frame{Data: data, Channel: 0x7fff}, true},
		{"ChannelData with more behind", append(append([]byte{0x40, 1, 0, 5}, data...), 0, 0, 0, 0), Frame{}, false},
		{"ChannelData, cut", append([]byte{0x40, 1, 0, 6}, data...), Frame{}, false},
		{"above the channels", append([]byte{0x80, 1, 0, 5}, data...), Frame{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := ParseTURN(c.b)
			if ok != c.ok || ok && (string(got.Data) != string(c.want.Data) || got.Channel != c.want.Channel || got.Send != c.want.Send || got.Peer != c.want.Peer) {
				t.Errorf("got %+v, %v, want %+v, %v", got, ok, c.want, c.ok)
			}
			for i := range c.b {
				if f, ok := ParseTURN(c.b[:i]); ok && c.ok && string(f.Data) != string(c.want.Data) {
					t.Errorf("prefix of %d bytes: got %x", i, f.Data)
				}
			}
		})
	}
}

func TestStrip(t *testing.T) {
	record := hs(msg(ch, 0, clientHello(0, 0, 2)...))
	channel := append([]byte{0x40, 1, 0, byte(len(record))}, record...)
	// The header of an RDP-UDP packet with acknowledgements and data, as
	// MS-RDPEUDP §2.2.2 lays it out.
	rdp := unhex("c76d5c17 0400 000c 0002 4142 00000000")
	rdp = rdp[:len(rdp)-4]
	source := unhex("9fd6752c 9fd6752c")
	for _, c := range []struct {
		name, word string
		b, want    []byte
	}{
		{"a record", "", record, record},
		{"channel", "turn-channel", channel, record},
		{"Send indication", "turn-send", indication(turnSend, peer4, attribute(turnPayload, record)), record},
		{"Data indication", "turn-data", indication(turnData, peer4, attribute(turnPayload, record)), record},
		{"ciphertext of DTLS 1.3 in a channel", "turn-channel", append([]byte{0x40, 1, 0, 22, 0x2f, 1, 2, 0, 17}, fill(1, 17)...), append([]byte{0x2f, 1, 2, 0, 17}, fill(1, 17)...)},
		{"RTP in a channel", "", append([]byte{0x40, 1, 0, 20, 0x80}, fill(1, 19)...), nil},
		{"QUIC's short header", "", append([]byte{0x41, 2, 0, 80}, fill(0x16, 80)...), nil},
		{"RDP-UDP", "rdp-udp", slices.Concat(rdp, source, record), record},
		{"RDP-UDP with acknowledged acknowledgements", "rdp-udp", slices.Concat(rdp[:6], []byte{1, 0x0c}, rdp[8:], fill(0, 4), source, record), record},
		{"RDP-UDP without data", "", slices.Concat(rdp[:6], []byte{0, 4}, rdp[8:], source, record), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.want == nil {
				c.want = c.b
			}
			got, word := Strip(c.b)
			if word != c.word || string(got) != string(c.want) {
				t.Errorf("got %q %x, want %q %x", word, got, c.word, c.want)
			}
			for i := range c.b {
				// An indication or channel of which the end is missing is none.
				if got, word := Strip(c.b[:i]); word == "" && len(got) != i {
					t.Errorf("prefix of %d bytes: got %q %x", i, word, got)
				}
			}
		})
	}
}

// FuzzStrip: what is taken off is a part of the datagram.
func FuzzStrip(f *testing.F) {
	record := hs(msg(ch, 0, clientHello(0, 0, 2)...))
	f.Add(append([]byte{0x40, 1, 0, byte(len(record))}, record...))
	f.Add(indication(turnSend, peer6, attribute(turnPayload, record)))
	f.Fuzz(func(t *testing.T, b []byte) {
		inner, word := Strip(b)
		if word == "" && len(inner) != len(b) || word != "" && (len(inner) >= len(b) || !isRecordStart(inner)) {
			t.Fatalf("%q: %x", word, inner)
		}
		if again, word := Strip(inner); word != "" || len(again) != len(inner) {
			t.Fatalf("taken off twice: %q", word)
		}
	})
}
