package decode_test

import (
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"blindspot/capture/decode"
)

// strangers are datagrams that are no tunnel, whatever their port.
func strangers(t *testing.T) map[string][]byte {
	out := map[string][]byte{}
	for name, text := range map[string]string{
		"quic initial":            "c300000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11",         // RFC 9001, appendix A.2
		"quic retry":              "ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba", // A.4
		"quic short header":       "4cfe4189655e5cd55c41f69080575d7999c25a5bfb",                               // A.5
		"quic version 2 initial":  "d36b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485",
		"quic fixed bit greased":  "8300000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11",
		"quic version negotiated": "80000000000008f067a5502a4262b500000001",
		"dtls 1.2 client hello":   "16feff000000000000000000c8010000bc00000000000000bcfefd0102030405060708090a",
		"dtls 1.2 data":           "17fefd0001000000000005001d000100000000000512345678901234567890123456789012",
		"dtls 1.2 connection id":  "19fefd0001000000000005aabbccdd001d123456789012345678901234567890123456789012",
		"dtls 1.3 data":           "2f01001d1234567890123456789012345678901234567890123456789012345678901234",
		"stun":                    "000100002112a442b7e7a701bc34d686fa87dfae",
		"turn channel data":       "4001001016feff0000000000000000000101020304050607",
		"rtp":                     "8000000100000001000000010102030405060708",
		"dns":                     "1234010000010000000000000377777707657861" + "6d706c65000001000108000000",
		"wireguard":               "01000000d8f2b1a2" + strings.Repeat("a7", 140),
		"openvpn":                 "38" + strings.Repeat("5b", 41),
	} {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(name, err)
		}
		out[name] = b
	}
	return out
}

// TestStrangers: a datagram on a tunnel's port that is no tunnel stays one.
func TestStrangers(t *testing.T) {
	for name, b := range strangers(t) {
		for _, port := range tunnelPorts {
			d, s, p := decode.New(decode.Config{}), decode.Segment{}, over(port, b)
			got := ""
			if d.Decode(&p, &s) {
				got = show(&s)
			}
			if want := udpLine(port, string(b)); got != want {
				t.Errorf("%s on port %d: got %q\nwant %q", name, port, got, want)
			}
		}
	}
}

// TestRandomPayloads: what is encrypted is not taken for a tunnel. The first
// byte is that of QUIC, or any.
func TestRandomPayloads(t *testing.T) {
	const rounds = 10_000
	r := rand.NewChaCha8([32]byte{1})
	payload := make([]byte, 1200)
	for _, port := range tunnelPorts {
		d, quic, other := decode.New(decode.Config{}), 0, 0
		for i := range rounds {
			r.Read(payload)
			if i%2 == 0 {
				payload[0] |= 0x40
			}
			s, p := decode.Segment{}, over(port, payload)
			switch ok := d.Decode(&p, &s) && slices.Equal(s.Payload, payload); {
			case ok:
			case i%2 == 0:
				quic++
			default:
				other++
			}
		}
		if quic > 0 || other > 1 {
			t.Errorf("port %d: of %d random payloads %d like QUIC and %d others were taken for a tunnel", port, rounds, quic, other)
		}
	}
}
