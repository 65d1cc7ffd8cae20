package quic

import (
	"bytes"
	"crypto/aes"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"blindspot/tlsparse"
)

// rfcID is the connection id of the RFCs' examples.
const rfcID = "\x83\x94\xc8\xf0\x3e\x51\x57\x08"

// vectors returns the packets of testdata/rfc.txt by "rfc section what".
func vectors(t testing.TB) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile("testdata/rfc.txt")
	if err != nil {
		t.Fatal(err)
	}
	m := make(map[string][]byte)
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if f[0] == "#" {
			continue
		}
		m[strings.Join(f[:3], " ")] = unhex(f[3])
	}
	return m
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// TestKeys derives the keys of RFC 9001 §A.1 and RFC 9369 §A.1.
func TestKeys(t *testing.T) {
	tests := []struct {
		scheme      schemeID
		side        Side
		key, iv, hp string
	}{
		{schemeV1, Client, "1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c", "9f50449e04a0e810283a1e9933adedd2"},
		{schemeV1, Server, "cf3a5331653c364c88f0f379b6067e37", "0ac1493ca1905853b0bba03e", "c206b8d9b9f0f37644430b490eeaa314"},
		{schemeV2, Client, "8b1a0bc121284290a29e0971b5cd045d", "91f73e2351d8fa91660e909f", "45b95e15235d6f45a6b19cbcb0294ba9"},
		{schemeV2, Server, "82db637861d55e1d011f19ea71d5d2a7", "dd13c276499c0249d3310652", "edf6d05c83121201b436e16877593c3a"},
	}
	for _, tt := range tests {
		k := deriveKeys(&schemes[tt.scheme], []byte(rfcID), tt.side)
		if got := hex.EncodeToString(k.iv[:]); got != tt.iv {
			t.Errorf("%s %v: iv %s, want %s", schemes[tt.scheme].name, tt.side, got, tt.iv)
		}
		var got, want [aes.BlockSize]byte
		k.block.Encrypt(got[:], want[:])
		must(aes.NewCipher(unhex(tt.key))).Encrypt(want[:], make([]byte, aes.BlockSize))
		if got != want {
			t.Errorf("%s %v: key is not %s", schemes[tt.scheme].name, tt.side, tt.key)
		}
		k.hp.Encrypt(got[:], make([]byte, aes.BlockSize))
		must(aes.NewCipher(unhex(tt.hp))).Encrypt(want[:], make([]byte, aes.BlockSize))
		if got != want {
			t.Errorf("%s %v: hp key is not %s", schemes[tt.scheme].name, tt.side, tt.hp)
		}
	}
}

// TestInitialVectors opens the packets of RFC 9001 §A.2, §A.3 and RFC 9369.
func TestInitialVectors(t *testing.T) {
	v := vectors(t)
	for _, rfc := range []string{"9001", "9369"} {
		var r Reader
		var c Conn
		for _, tt := range []struct {
			section string
			from    Side
			typ     uint8
		}{{"A.2", Client, tlsparse.TypeClientHello}, {"A.3", Server, tlsparse.TypeServerHello}} {
			name := rfc + " " + tt.section
			packet := v[name+" packet"]
			if got := Probe(packet); got != tlsparse.Yes {
				t.Errorf("%s: probe says %v", name, got)
			}
			ev := r.Datagram(&c, packet, 0, Unknown)
			if ev.From != tt.from || ev.Seen != SeenInitial {
				t.Errorf("%s: got %v from %v, want initial from %v", name, ev.Seen, ev.From, tt.from)
			}
			if want := v[name+" header"]; !bytes.Equal(r.opener.header, want) {
				t.Errorf("%s: header %x, want %x", name, r.opener.header, want)
			}
			want := v[name+" payload"]
			if !bytes.HasPrefix(r.opener.plain, want) || !padding(r.opener.plain[len(want):]) {
				t.Errorf("%s: payload %x, want %x", name, r.opener.plain, want)
			}
			m, ok := r.Next(&c)
			if !ok || m.Type != tt.typ || m.From != tt.from {
				t.Fatalf("%s: message type %d from %v, %v", name, m.Type, m.From, ok)
			}
			if _, ok := r.Next(&c); ok {
				t.Errorf("%s: a second message", name)
			}
		}
		if id := c.ServerID(); hex.EncodeToString(id.Bytes()) != "f067a5502a4262b5" {
			t.Errorf("rfc %s: server's id %x", rfc, id.Bytes())
		}
		if r.buffered != 0 {
			t.Errorf("rfc %s: %d bytes are still buffered", rfc, r.buffered)
		}
	}
}

// TestRetryVectors checks the tags of RFC 9001 §A.4 and RFC 9369 §A.4.
func TestRetryVectors(t *testing.T) {
	v := vectors(t)
	for _, name := range []string{"9001 A.4", "9369 A.4"} {
		packet := v[name+" packet"]
		if genuine, known := verifyRetry(packet, []byte(rfcID)); !genuine || !known {
			t.Errorf("%s: got %v, %v", name, genuine, known)
		}
		if genuine, _ := verifyRetry(packet, []byte("another")); genuine {
			t.Errorf("%s: genuine for another id", name)
		}
		for i := range packet {
			forged := bytes.Clone(packet)
			forged[i] ^= 1
			if genuine, _ := verifyRetry(forged, []byte(rfcID)); genuine {
				t.Errorf("%s: genuine with byte %d changed", name, i)
			}
			if genuine, _ := verifyRetry(packet[:i], []byte(rfcID)); genuine {
				t.Errorf("%s: prefix of %d bytes is genuine", name, i)
			}
		}
	}
}

// TestPrefixes gives every proper prefix of the RFCs' packets to the Reader: as
// a datagram that is so short, and as one that was cut.
func TestPrefixes(t *testing.T) {
	for name, packet := range vectors(t) {
		if !strings.HasSuffix(name, "packet") {
			continue
		}
		for i := range packet {
			var r Reader
			var c Conn
			if Probe(packet[:i]) == tlsparse.Yes && !strings.Contains(name, "A.4") {
				t.Errorf("%s: prefix of %d bytes: probe says yes", name, i)
			}
			r.Datagram(&c, packet[:i], 0, Unknown)
			if m, ok := r.Next(&c); ok {
				t.Errorf("%s: prefix of %d bytes: a message of type %d", name, i, m.Type)
			}
			c = Conn{}
			ev := r.Datagram(&c, packet[:i], len(packet)-i, Unknown)
			m, ok := r.Next(&c)
			if want := strings.Contains(name, "A.2") && i >= 22+245; ok != want { // header, packet number, CRYPTO frame
				t.Errorf("%s: cut to %d bytes: message %v, want %v", name, i, ok, want)
			}
			if ok && (ev.Seen&SeenTruncated == 0 || m.Type != tlsparse.TypeClientHello) {
				t.Errorf("%s: cut to %d bytes: %v, type %d", name, i, ev.Seen, m.Type)
			}
		}
	}
}
