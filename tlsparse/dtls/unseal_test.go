package dtls

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"blindspot/capture"
	"blindspot/capture/decode"
	"blindspot/tlsparse"
	"blindspot/tlsparse/internal/protect"
	"blindspot/tlsparse/keylog"
)

// sealedFlow is what one DTLS 1.3 connection of the corpus sent, by port, and the
// handshake secrets that its capture carries.
type sealedFlow struct {
	datagrams map[uint16][][]byte
	client    uint16 // port
	secrets   map[string][]byte
}

// readSealed reads the DTLS 1.3 connection of wolfSSL's examples in
// ndpi--dtls.pcap.
func readSealed(t testing.TB) sealedFlow {
	t.Helper()
	path := filepath.Join(corpusDir, "pcaps", "ndpi--dtls.pcap")
	if _, err := os.Stat(path); err != nil {
		t.Skip("the corpus of captures is not here: ", err)
	}
	src, err := capture.Open(path, capture.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	f := sealedFlow{datagrams: map[uint16][][]byte{}, secrets: map[string][]byte{}}
	decoder, batch := decode.New(decode.Config{}), make([]capture.Packet, 16)
	var seg decode.Segment
	for {
		n, err := src.Next(batch)
		if err != nil {
			break
		}
		for i := range batch[:n] {
			if decoder.Decode(&batch[i], &seg) && (seg.SrcPort == 11111 || seg.DstPort == 11111) {
				f.datagrams[seg.SrcPort] = append(f.datagrams[seg.SrcPort], bytes.Clone(seg.Payload))
				if seg.DstPort == 11111 {
					f.client = seg.SrcPort
				}
			}
		}
	}
	random := ""
	for _, d := range f.datagrams[f.client] {
		if len(d) > 25+34 && d[0] == tlsparse.RecordHandshake && d[13] == tlsparse.TypeClientHello {
			random = hex.EncodeToString(d[25+2 : 25+34])
		}
	}
	for _, text := range src.Secrets() {
		for line := range strings.Lines(string(text)) {
			if p := strings.Fields(line); len(p) == 3 && strings.EqualFold(p[1], random) {
				f.secrets[p[0]], _ = hex.DecodeString(p[2])
			}
		}
	}
	return f
}

// TestUnseal opens a mutual handshake with a HelloRetryRequest, between
// wolfSSL's example client and server.
func TestUnseal(t *testing.T) {
	f := readSealed(t)
	tests := []struct {
		name, secret string
		port         uint16
		types        []uint8
		subject      string
	}{
		{"server", "SERVER_HANDSHAKE_TRAFFIC_SECRET", 11111, []uint8{2, 2, 8, 13, 11, 15, 20}, "www.wolfssl.com"},
		{"client", "CLIENT_HANDSHAKE_TRAFFIC_SECRET", f.client, []uint8{1, 1, 11, 15, 20}, "www.wolfssl.com"},
	}
	messages := map[bool][]message{}
	for _, tt := range tests {
		u, err := NewUnsealer(0x1301, f.secrets[tt.secret])
		if err != nil {
			t.Fatal(err)
		}
		var a Assembler
		var types []uint8
		protected := 0
		server := tt.name == "server"
		for _, d := range f.datagrams[tt.port] {
			a.Datagram(u.Datagram(nil, d), func(ev Event) {
				switch ev.Kind {
				case EventProtected:
					protected++
				case EventMessage:
					types = append(types, ev.Type)
					messages[server] = append(messages[server], message{ev.Type, bytes.Clone(ev.Body)})
					if ev.Type == tlsparse.TypeCertificate {
						checkSubject(t, tt.name, ev.Body, tt.subject)
					}
				}
			})
		}
		if !slices.Equal(types, tt.types) {
			t.Errorf("%s: messages %v, want %v; %d records opened, %+v", tt.name, types, tt.types, u.Opened(), a.Stats())
		}
		if u.Opened() == 0 || protected < u.Opened() {
			t.Errorf("%s: %d records opened, %d told of", tt.name, u.Opened(), protected)
		}
	}
	if !t.Failed() {
		checkProofs(t, messages[false], messages[true])
	}
}

// message is a handshake message; its body is as it was sent, the cookie of a
// ClientHello in it, for so the transcript has it (RFC 9147 §5.2).
type message struct {
	typ  uint8
	body []byte
}

// checkProofs checks both sides' signatures over the transcript.
func checkProofs(t *testing.T, client, server []message) {
	t.Helper()
	h := keylog.Hidden{Transcript: keylog.NewTranscript(0x1301)}
	tr := h.Transcript
	tr.Message(client[0].typ, client[0].body)
	tr.Retry()
	tr.Message(server[0].typ, server[0].body)
	tr.Message(client[1].typ, client[1].body)
	tr.Message(server[1].typ, server[1].body)
	for _, m := range server[2:] {
		h.Message(true, m.typ, m.body)
	}
	for _, m := range client[2:] {
		h.Message(false, m.typ, m.body)
	}
	for name, side := range map[string]*keylog.Identity{"server": &h.Server, "client": &h.Client} {
		leaf, err := x509.ParseCertificate(side.Certificates[0].Data)
		if err != nil {
			t.Fatal(err)
		}
		if side.Proof.Scheme != 0x0804 {
			t.Fatalf("%s: scheme %#x", name, side.Proof.Scheme)
		}
		if err := leaf.CheckSignature(x509.SHA256WithRSAPSS, side.Proof.Signed, side.Proof.Signature); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func checkSubject(t *testing.T, name string, body []byte, want string) {
	t.Helper()
	_, chain, err := tlsparse.ParseCertificate13(body, nil)
	if err != nil || len(chain) == 0 {
		t.Errorf("%s: %d certificates, %v", name, len(chain), err)
		return
	}
	leaf, err := x509.ParseCertificate(chain[0].Data)
	if err != nil || leaf.Subject.CommonName != want {
		t.Errorf("%s: %v, %v, want %s", name, leaf, err, want)
	}
}

// TestUnsealOther: another side's secret opens nothing, and leaves datagrams as
// they are; so does any byte that is changed.
func TestUnsealOther(t *testing.T) {
	f := readSealed(t)
	u, err := NewUnsealer(0x1301, f.secrets["CLIENT_HANDSHAKE_TRAFFIC_SECRET"])
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range f.datagrams[11111] {
		if got := u.Datagram(nil, d); !bytes.Equal(got, d) {
			t.Fatal("opened with another secret")
		}
		for i := range d {
			u.Datagram(nil, d[:i])
		}
	}
	sealed := f.datagrams[11111][len(f.datagrams[11111])-1]
	for _, d := range f.datagrams[11111] {
		if d[0]&unifiedMask == unified && d[0]&unifiedEpoch == handshakeEpoch {
			sealed = d
		}
	}
	for i := range sealed {
		u, _ := NewUnsealer(0x1301, f.secrets["SERVER_HANDSHAKE_TRAFFIC_SECRET"])
		forged := bytes.Clone(sealed)
		forged[i] ^= 1
		u.Datagram(nil, forged)
		if u.Opened() > 0 {
			t.Errorf("opened with byte %d changed", i)
		}
	}
	if _, err := NewUnsealer(0x1302, make([]byte, 32)); err == nil {
		t.Error("an Unsealer with a secret of another hash")
	}
}

func TestRestore(t *testing.T) {
	tests := []struct {
		sent, due uint64
		n         int
		want      uint64
	}{
		{0, 0, 1, 0}, {5, 3, 1, 5}, {2, 3, 1, 2}, {0xff, 0x100, 1, 0xff}, {1, 0xff, 1, 0x101},
		{0xfe, 0x101, 1, 0xfe}, {0xff, 0, 1, 0xff}, {0x0001, 0xffff, 2, 0x10001},
	}
	for _, tt := range tests {
		if got := restore(tt.sent, tt.due, tt.n); got != tt.want {
			t.Errorf("%#x where %#x is due: got %#x, want %#x", tt.sent, tt.due, got, tt.want)
		}
	}
}

// sealRecord makes a record in the clear with its number into an encrypted one.
func sealRecord(u *Unsealer, seq uint64, typ uint8, content []byte) []byte {
	plain := append(bytes.Clone(content), typ, 0, 0)
	head := []byte{unified | unifiedSeq16 | unifiedLength | handshakeEpoch, byte(seq >> 8), byte(seq), 0, 0}
	n := len(plain) + u.aead.Overhead()
	head[3], head[4] = byte(n>>8), byte(n)
	nonce := u.iv
	for i := range 8 {
		nonce[protect.IVLen-1-i] ^= byte(seq >> (8 * i))
	}
	b := u.aead.Seal(head, nonce[:], plain, head)
	mask := u.mask((*[protect.SampleLen]byte)(b[5:]))
	b[1] ^= mask[0]
	b[2] ^= mask[1]
	return b
}

// FuzzUnseal gives any content, and any bytes behind it: what was sealed comes
// out in front.
func FuzzUnseal(f *testing.F) {
	f.Add([]byte{8, 0, 0, 2, 0, 2, 0, 0, 0, 0, 0, 2, 0, 0}, uint64(1), uint8(22), []byte{0x2e, 1, 2, 3})
	f.Add([]byte{2, 40}, uint64(300), uint8(21), []byte{})
	f.Fuzz(func(t *testing.T, content []byte, seq uint64, typ uint8, rest []byte) {
		if len(content) > 1<<14 {
			return
		}
		for _, suite := range []uint16{0x1301, 0x1303} {
			u, err := NewUnsealer(suite, bytes.Repeat([]byte{7}, 32))
			if err != nil {
				t.Fatal(err)
			}
			seq %= 1 << 15
			b := append(sealRecord(u, seq, typ, content), rest...)
			out := u.Datagram(nil, b)
			if !bytes.HasSuffix(out, rest) || u.Opened() == 0 {
				t.Fatalf("%d records opened, %x of %x", u.Opened(), out, b)
			}
			handshake := typ == tlsparse.RecordHandshake || typ == tlsparse.RecordAlert
			inFront := len(out) > recordHeaderLen && out[0] == typ && bytes.HasPrefix(out[recordHeaderLen:], content)
			if handshake && !inFront || !handshake && u.Opened() == 1 && typ != 0 && !bytes.Equal(out, b) {
				t.Fatalf("type %d: %x", typ, out)
			}
			var a Assembler
			a.Datagram(out, func(Event) {})
		}
	})
}
