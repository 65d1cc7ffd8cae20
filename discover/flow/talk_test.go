package flow

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"blindspot/capture/decode"
	"blindspot/discover"
)

// trace is a dialogue of real DTLS peers, as tlsparse/dtls keeps it: what they
// said, and what they were told to say.
type trace struct {
	sni                      string
	serverChain, clientChain string
	datagrams                []turn
}

func readTrace(t testing.TB, path string) (tr trace) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		switch {
		case word == "sni":
			tr.sni = rest
		case word == "server-chain":
			tr.serverChain = rest
		case word == "client-chain":
			tr.clientChain = rest
		case word == ">" || word == "<":
			p, err := hex.DecodeString(rest)
			if err != nil {
				t.Fatal(err)
			}
			tr.datagrams = append(tr.datagrams, turn{server: word == "<", data: p})
		}
	}
	return tr
}

func datagram(server bool, p []byte) decode.Segment {
	s := segment(server, 0, 0, p)
	s.Proto = decode.UDP
	return s
}

func chainText(chain []discover.Fingerprint) string {
	words := make([]string, len(chain))
	for i, f := range chain {
		words[i] = f.String()
	}
	return strings.Join(words, ",")
}

// TestDTLS: the recorded dialogues of OpenSSL and GnuTLS, with what was lost
// between them left out, each become one observation with both chains.
func TestDTLS(t *testing.T) {
	for _, test := range []struct {
		name, version string
		outcome       discover.Outcome
		hidden        string
	}{
		{"openssl-mutual", "DTLS 1.2", discover.Established, ""},
		{"openssl-dtls10", "DTLS 1.0", discover.Established, ""},
		{"openssl-lossy", "DTLS 1.2", discover.Established, ""},
		{"openssl-rejected", "DTLS 1.2", discover.RefusedByClient, ""},
		{"gnutls-mutual", "DTLS 1.2", discover.Established, ""},
		{"gnutls-lossy", "DTLS 1.2", discover.Established, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			tr := readTrace(t, filepath.Join("..", "..", "tlsparse", "dtls", "testdata", test.name+".trace"))
			var segs []decode.Segment
			for _, d := range tr.datagrams {
				segs = append(segs, datagram(d.server, d.data))
			}
			got, _ := run(t, Config{}, append(segs, segs...)) // a mirror delivers it all once more
			if len(got) != 1 {
				t.Fatalf("got %d observations, want 1", len(got))
			}
			o := got[0]
			if o.SNI != tr.sni || o.Version != test.version || o.Outcome != test.outcome || o.CertsHidden != test.hidden || o.Transport != discover.DTLS {
				t.Errorf("got name %q, %s, %s, hidden %q; want %q, %s, %s, %q", o.SNI, o.Version, o.Outcome, o.CertsHidden, tr.sni, test.version, test.outcome, test.hidden)
			}
			if got := chainText(o.Chain); got != tr.serverChain {
				t.Errorf("server chain: got %s, want %s", got, tr.serverChain)
			}
			if got := chainText(o.ClientChain); got != tr.clientChain {
				t.Errorf("client chain: got %s, want %s", got, tr.clientChain)
			}
			for _, raw := range o.DER {
				if raw.SHA256 == o.Chain[0] && o.Proof != nil && o.Proof.Check(discover.ParseCertificate(raw.DER)) != discover.Yes {
					t.Error("the server's signature does not fit its leaf")
				}
			}
		})
	}
}

// TestQUIC: the client's Initial of RFC 9001 appendix A.2 asks for example.com.
func TestQUIC(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "tlsparse", "quic", "testdata", "rfc.txt"))
	if err != nil {
		t.Fatal(err)
	}
	packets := map[string][]byte{}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 4 && f[2] == "packet" {
			if packets[f[0]+" "+f[1]], err = hex.DecodeString(f[3]); err != nil {
				t.Fatal(err)
			}
		}
	}
	initial, answer := packets["9001 A.2"], packets["9001 A.3"]
	short := append([]byte{0x40}, make([]byte, 40)...) // a 1-RTT packet
	for _, test := range []struct {
		name    string
		segs    []decode.Segment
		outcome discover.Outcome
		hidden  string
	}{
		{"unanswered", []decode.Segment{datagram(false, initial), datagram(false, initial)}, discover.Unanswered, discover.HiddenNoAnswer},
		{"established", []decode.Segment{datagram(false, initial), datagram(true, answer), datagram(false, short), datagram(true, short)}, discover.Established, discover.HiddenEncrypted},
		{"answered", []decode.Segment{datagram(false, initial), datagram(true, answer)}, discover.OutcomeUnknown, discover.HiddenEncrypted},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _ := run(t, Config{}, test.segs)
			if len(got) != 1 {
				t.Fatalf("got %d observations, want 1", len(got))
			}
			o := got[0]
			if o.SNI != "example.com" || o.Transport != discover.QUIC || o.Outcome != test.outcome || o.CertsHidden != test.hidden {
				t.Errorf("got %q over %s, %s, hidden %q; want example.com over quic, %s, %q", o.SNI, o.Transport, o.Outcome, o.CertsHidden, test.outcome, test.hidden)
			}
			if !strings.HasPrefix(o.JA4, "q13d") {
				t.Errorf("got JA4 %s, want one that begins with q13d", o.JA4)
			}
		})
	}
}

// TestOtherUDP: what is neither QUIC nor DTLS gets no entry and no allocation.
func TestOtherUDP(t *testing.T) {
	table := New(Config{})
	dns := datagram(false, []byte("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x00\x00\x01\x00\x01"))
	if n := testing.AllocsPerRun(100, func() { table.Segment(&dns, 1) }); n != 0 {
		t.Errorf("got %v allocations a datagram, want 0", n)
	}
	if st := table.Stats(); st.Flows != 0 {
		t.Errorf("got %d table entries, want none", st.Flows)
	}
}

// TestDatagramBound: hellos that nobody answers do not grow without bound, and
// those that ended early are counted.
func TestDatagramBound(t *testing.T) {
	tr := readTrace(t, filepath.Join("..", "..", "tlsparse", "dtls", "testdata", "openssl-mutual.trace"))
	hello := tr.datagrams[0].data
	var segs []decode.Segment
	for i := range 2000 {
		s := datagram(false, hello)
		s.SrcPort = uint16(i)
		segs = append(segs, s)
	}
	got, table := run(t, Config{MaxBuffered: 64 << 10}, segs)
	if table.talkBytes != 0 {
		t.Errorf("%d bytes are still held", table.talkBytes)
	}
	if n := table.Stats().NoBuffer; n == 0 || n >= 2000 {
		t.Errorf("got %d handshakes ended for want of room, want some and not all", n)
	}
	var hops int
	for _, o := range got {
		hops += int(oneIf(o.HopFrom.IsValid()))
	}
	if len(got) != 2000 {
		t.Errorf("got %d observations (%d of them hops), want 2000", len(got), hops)
	}
}

func FuzzDatagrams(f *testing.F) {
	for _, name := range []string{"openssl-mutual", "gnutls-lossy"} {
		var seed []byte
		for _, d := range readTrace(f, filepath.Join("..", "..", "tlsparse", "dtls", "testdata", name+".trace")).datagrams {
			seed = append(seed, byte(len(d.data)>>8), byte(len(d.data)), byte(oneIf(d.server)))
			seed = append(seed, d.data...)
		}
		f.Add(seed)
	}
	var seed []byte
	for _, u := range openvpnPackets(record(f, tls.VersionTLS12, testName, 0), 28, 300, false).turns {
		seed = append(seed, byte(len(u.data)>>8), byte(len(u.data)), byte(oneIf(u.server)))
		seed = append(seed, u.data...)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, in []byte) {
		var segs []decode.Segment
		for len(in) > 3 && len(segs) < 200 {
			n := min(int(in[0])<<8|int(in[1]), len(in)-3)
			segs = append(segs, datagram(in[2]&1 != 0, in[3:3+n]))
			in = in[3+n:]
		}
		_, table := run(t, Config{MaxFlows: 4, MaxBuffered: 16 << 10}, segs)
		if table.talkBytes != 0 || table.quic.Buffered() != 0 {
			t.Errorf("after Close: %d and %d bytes are still held", table.talkBytes, table.quic.Buffered())
		}
	})
}
