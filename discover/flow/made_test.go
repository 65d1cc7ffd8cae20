package flow

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"blindspot/tlsparse"
)

// Handshakes put together by hand, as RFC 8446 §5.1 and RFC 5246 §7.4 lay them
// out, for what no program at hand sends.

// inRecords puts payload into records of at most n bytes.
func inRecords(typ byte, n int, payload []byte) (out []byte) {
	for part := range slices.Chunk(payload, n) {
		out = binary.BigEndian.AppendUint16(append(out, typ, 3, 3), uint16(len(part)))
		out = append(out, part...)
	}
	return out
}

// oneMessage is a handshake message.
func oneMessage(typ byte, body []byte) []byte {
	return append(before24(typ, len(body)), body...)
}

func before24(typ byte, n int) []byte { return []byte{typ, byte(n >> 16), byte(n >> 8), byte(n)} }

func before16(b []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)
}

// helloExtension is one extension of a hello.
func helloExtension(typ uint16, data []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, typ), before16(data)...)
}

// hostName is an entry of a server_name list (RFC 6066 §3).
func hostName(name string) []byte { return append([]byte{0}, before16([]byte(name))...) }

// serverNames is a server_name extension.
func serverNames(entries ...[]byte) []byte {
	return helloExtension(tlsparse.ExtServerName, before16(slices.Concat(entries...)))
}

// madeHello is a ClientHello of TLS 1.2.
func madeHello(session string, extensions ...[]byte) []byte {
	b := append([]byte{3, 3}, bytes.Repeat([]byte{0xc1}, 32)...)
	b = append(append(b, byte(len(session))), session...)
	b = append(b, 0, 2, 0x00, 0x9c, 1, 0) // TLS_RSA_WITH_AES_128_GCM_SHA256
	return oneMessage(tlsparse.TypeClientHello, append(b, before16(slices.Concat(extensions...))...))
}

// madeAnswer is the ServerHello to it.
func madeAnswer(session string, extensions ...[]byte) []byte {
	b := append([]byte{3, 3}, bytes.Repeat([]byte{0x5e}, 32)...)
	b = append(append(b, byte(len(session))), session...)
	b = append(b, 0x00, 0x9c, 0)
	if len(extensions) > 0 {
		b = append(b, before16(slices.Concat(extensions...))...)
	}
	return oneMessage(tlsparse.TypeServerHello, b)
}

// madeChain is a Certificate message (RFC 5246 §7.4.2).
func madeChain(certificates ...[]byte) []byte {
	var list []byte
	for _, der := range certificates {
		list = append(append(list, before24(0, len(der))[1:]...), der...)
	}
	return oneMessage(tlsparse.TypeCertificate, append(before24(0, len(list))[1:], list...))
}

var (
	madeDone = oneMessage(tlsparse.TypeServerHelloDone, nil)
	madeKey  = oneMessage(tlsparse.TypeClientKeyExchange, bytes.Repeat([]byte{1}, 258))
	// madeEnd is ChangeCipherSpec and Finished of a side.
	madeEnd = append([]byte{20, 3, 3, 0, 1, 1}, inRecords(22, 40, bytes.Repeat([]byte{0xf1}, 40))...)
)

// handshake12 is a full handshake of TLS 1.2 with the given hello and the
// server's messages.
func handshake12(hello []byte, flight ...[]byte) dialogue {
	return dialogue{turns: []turn{
		{false, inRecords(22, 1<<14, hello)},
		{true, inRecords(22, 1<<14, slices.Concat(flight...))},
		{false, append(inRecords(22, 1<<14, madeKey), madeEnd...)},
		{true, madeEnd},
	}}
}

// TestMade: what is made here is a handshake.
func TestMade(t *testing.T) {
	d := handshake12(madeHello("", serverNames(hostName(testName))), madeAnswer(""), madeChain([]byte("leaf")), madeDone)
	d.leaf = sha256Of("leaf")
	for _, mss := range []int{1460, 7} {
		got, _ := run(t, Config{}, d.packets(1, 2, mss))
		if o := checkOne(t, got, d, testName); len(o.ClientRandom) != 32 || o.Version != "TLS 1.2" || o.PacketsLost != 0 {
			t.Errorf("mss %d: got %s, random %x, %d packets lost", mss, o.Version, o.ClientRandom, o.PacketsLost)
		}
	}
}
