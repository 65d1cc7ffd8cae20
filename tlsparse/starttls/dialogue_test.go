package starttls

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"blindspot/tlsparse"
)

// transcript is a dialogue: lines "C: …" and "S: …" of text as in the RFCs, or
// "C= …" and "S= …" of hex, and what is to be found in it. "TLS" is where the
// handshake begins; without it, state says how the dialogue ended.
type transcript struct {
	name, source, text string
	want               Found
}

// turn is what one side said before the other spoke.
type turn struct {
	client bool
	bytes  []byte
}

// turns reads a transcript.
func (tr *transcript) turns(t testing.TB) (turns []turn, tls bool) {
	t.Helper()
	for line := range strings.Lines(tr.text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case line == "" || line[0] == '#':
			continue
		case line == "TLS":
			return turns, true
		case len(line) < 2:
			t.Fatalf("%s: line %q", tr.name, line)
		}
		var b []byte
		text := strings.TrimPrefix(line[2:], " ")
		switch line[1] {
		case ':':
			b = []byte(text + "\r\n")
		case '|': // without end of line, quoted
			unquoted, err := strconv.Unquote(`"` + text + `"`)
			if err != nil {
				t.Fatalf("%s: %q: %v", tr.name, text, err)
			}
			b = []byte(unquoted)
		case '=':
			var err error
			if b, err = hex.DecodeString(strings.ReplaceAll(text, " ", "")); err != nil {
				t.Fatalf("%s: %q: %v", tr.name, text, err)
			}
		default:
			t.Fatalf("%s: line %q", tr.name, line)
		}
		turns = append(turns, turn{line[0] == 'C', b})
	}
	return turns, false
}

// sides joins a transcript's turns; where TLS begins, hellos follow.
func (tr *transcript) sides(t testing.TB) (client, server []byte, want Found) {
	t.Helper()
	turns, tls := tr.turns(t)
	for _, u := range turns {
		if u.client {
			client = append(client, u.bytes...)
		} else {
			server = append(server, u.bytes...)
		}
	}
	want = tr.want
	switch {
	case tls:
		want.Answer, want.State = tlsparse.Yes, Started
		want.Client, want.Server = len(client), len(server)
		ch, sh := hellos()
		switch want.Wrapped {
		case TDS:
			ch, sh = packTDS(ch), packTDS(sh)
		case OpenVPN: // the wrapping begins with the first byte
			want.Client, want.Server = 0, 0
			signature := int(client[1]) - openvpnHead - 1 - openvpnNumber
			ch, sh = packOpenVPN(ch, signature), packOpenVPN(sh, signature)
		}
		client, server = append(client, ch...), append(server, sh...)
	default:
		want.Client, want.Server = -1, -1
	}
	return client, server, want
}

// packTDS puts bytes into a PRELOGIN packet.
func packTDS(b []byte) []byte {
	n := len(b) + 8
	return append([]byte{0x12, 1, byte(n >> 8), byte(n), 0, 0, 0, 0}, b...)
}

// packOpenVPN puts bytes into control packets, with an acknowledgement and data
// between them.
func packOpenVPN(b []byte, signature int) (packets []byte) {
	add := func(opcode byte, body ...byte) {
		packets = append(packets, byte((9+signature+len(body))>>8), byte(9+signature+len(body)), opcode<<3, 1, 2, 3, 4, 5, 6, 7, 8)
		packets = append(packets, make([]byte, signature)...)
		packets = append(packets, body...)
	}
	add(openvpnControl, append([]byte{0, 0, 0, 0, 1}, b[:100]...)...)
	add(openvpnACK, 1, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8)
	add(openvpnControl, append([]byte{0, 0, 0, 0, 1}, b[:100]...)...) // again
	add(6, 0x16, 3, 1, 0, 200, 1, 2, 3, 4)
	add(openvpnControl, append([]byte{1, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 2}, b[100:]...)...)
	return packets
}

func all(t testing.TB) []transcript {
	list := append(fromRFCs[:len(fromRFCs):len(fromRFCs)], constructed...)
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		list = append(list, transcript{name: name, source: file, text: string(text), want: recorded[name]})
		if _, ok := recorded[name]; !ok {
			t.Errorf("%s: no expectation", file)
		}
	}
	return list
}

func TestTranscripts(t *testing.T) {
	for _, tr := range all(t) {
		client, server, want := tr.sides(t)
		if got := Find(client, server); got != want {
			t.Errorf("%s (%s):\n got %+v\nwant %+v", tr.name, tr.source, got, want)
		}
	}
}

// TestInTurn: as a dialogue goes on, byte by byte, it is never taken for
// another, and TLS is found at the right places, at the latest with the last
// byte of both hellos.
func TestInTurn(t *testing.T) {
	for _, tr := range all(t) {
		turns, _ := tr.turns(t)
		wholeClient, wholeServer, want := tr.sides(t)
		var c, s int
		step := func(client bool, n int) {
			for range n {
				if client {
					c++
				} else {
					s++
				}
				if !t.Failed() {
					checkPart(t, tr, wholeClient, wholeServer, c, s, want)
				}
			}
		}
		for _, u := range turns {
			step(u.client, len(u.bytes))
		}
		step(true, min(len(wholeClient)-c, 100))
		step(false, min(len(wholeServer)-s, 100))
	}
}

// TestSkewed: every prefix of one direction with every prefix of the other, as
// captures deliver them.
func TestSkewed(t *testing.T) {
	const pairs = 60_000 // of each dialogue
	for _, tr := range all(t) {
		client, server, want := tr.sides(t)
		if want.State == Started {
			client = client[:min(len(client), want.Client+100)]
			server = server[:min(len(server), want.Server+100)]
		}
		stride := 1
		for (len(client)+1)*(len(server)+1)/(stride*stride) > pairs {
			stride++
		}
		for c := 0; c <= len(client); c += stride {
			for s := 0; s <= len(server); s += stride {
				checkPart(t, tr, client, server, c, s, want)
				if t.Failed() {
					return
				}
			}
		}
	}
}

// checkPart checks what is said of c bytes of the client and s of the server.
func checkPart(t *testing.T, tr transcript, client, server []byte, c, s int, want Found) {
	t.Helper()
	got := Find(client[:c], server[:s])
	whole := c == len(client) && s == len(server)
	bad := got.Answer != want.Answer && got.Answer != tlsparse.Maybe ||
		got.Answer == tlsparse.Yes && got.State != want.State ||
		got.Client >= 0 && got.Client != want.Client || got.Server >= 0 && got.Server != want.Server ||
		got.Answer != tlsparse.Yes && got.Client+got.Server != -2 ||
		got.Answer == tlsparse.Yes && want.State == Started && got.Client < 0 && got.Server < 0 ||
		got.Answer == tlsparse.Yes && !plausibleName(got, want) ||
		whole && got != want
	// TLS that is there must be found, and not before both sides let it begin.
	if want.State == Started {
		near := c >= want.Client+90 && s >= want.Server+90
		bad = bad || near && got.Answer != tlsparse.Yes
		bad = bad || got.Answer == tlsparse.Yes && c < want.Client && s < want.Server
	}
	if bad {
		t.Errorf("%s: client %q, server %q:\n got %+v\nwant %+v", tr.name, tail(client[:c]), tail(server[:s]), got, want)
	}
}

// plausibleName reports whether got's name is the right one, or all that one
// direction shows of it.
func plausibleName(got, want Found) bool {
	if got.Name == want.Name {
		return true
	}
	alone := got.State == Started && (got.Client < 0 || got.Server < 0)
	return alone && (got.Name == Ambiguous || strings.HasSuffix(want.Name, "+"+got.Name))
}

func tail(b []byte) []byte { return b[max(0, len(b)-60):] }

// TestOneSided: each direction alone, whole.
func TestOneSided(t *testing.T) {
	for _, tr := range all(t) {
		client, server, want := tr.sides(t)
		if want.State != Started {
			continue
		}
		got := Find(client, nil)
		if got.State != Started || got.Client != want.Client {
			t.Errorf("%s, client alone: got %+v, want %+v", tr.name, got, want)
		}
		if want.Server == 0 && want.Wrapped == Plain {
			continue // a header of the client's alone: nothing stands before TLS
		}
		got = Find(nil, server)
		if got.State != Started || got.Server != want.Server || got.Client != -1 {
			t.Errorf("%s, server alone: got %+v, want %+v", tr.name, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	want := []string{"amqp", "ftp", "http-connect", "http-upgrade", "imap", "irc", "ldap", "mssql", "mysql", "nntp", "openvpn",
		"pop3", "postgresql", "proxy-v1", "proxy-v2", "rdp", "sieve", "smtp", "socks4", "socks5", "xmpp"}
	if got := Names(); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestBounds: what never ends is given up.
func TestBounds(t *testing.T) {
	banner := []byte("220 mail.example.org ESMTP\r\n")
	noise := bytes.Repeat([]byte("NOOP\r\n"), maxLook)
	replies := append(banner, bytes.Repeat([]byte("250 ok\r\n"), maxLook)...)
	for _, tt := range []struct {
		name           string
		client, server []byte
	}{
		{"endless commands", noise, replies},
		{"endless commands, no server", noise, nil},
		{"endless line", bytes.Repeat([]byte("A"), maxLook), nil},
		{"endless tags", append([]byte("<stream:stream xmlns='jabber:client'>"), bytes.Repeat([]byte("<a/>"), maxLook)...), nil},
		{"endless banner", nil, bytes.Repeat([]byte("220-hello\r\n"), maxLook)},
		{"endless messages", bytes.Repeat([]byte{0x30, 5, 2, 1, 1, 0x77, 0}, maxLook), nil},
	} {
		if got := Find(tt.client, tt.server); got.Answer != tlsparse.No {
			t.Errorf("%s: got %+v", tt.name, got)
		}
	}
}
