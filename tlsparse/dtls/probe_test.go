package dtls

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"blindspot/tlsparse"
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "\n", "", "\t", "").Replace(s))
	if err != nil {
		panic(err)
	}
	return b
}

// clientHello is a ClientHello with a suite, a compression method, and fields
// of these lengths.
func clientHello(id, cookie, suites int) []byte {
	b := append([]byte{0xfe, 0xfd}, fill(1, 32)...)
	b = append(append(b, byte(id)), fill(2, id)...)
	b = append(append(b, byte(cookie)), fill(3, cookie)...)
	b = append(append(b, byte(suites>>8), byte(suites)), fill(4, suites)...)
	return append(b, 1, 0)
}

func TestProbe(t *testing.T) {
	hello := clientHello(32, 20, 4)
	set := func(b []byte, at int, v ...byte) []byte {
		b = slices.Clone(b)
		copy(b[at:], v)
		return b
	}
	first := hs(msg(ch, 0, hello...))
	for _, c := range []struct {
		name string
		b    []byte
		want tlsparse.Answer
	}{
		{"nothing", nil, tlsparse.Maybe},
		{"ClientHello", first, tlsparse.Yes},
		{"DTLS 1.0", set(first, 1, 0xfe, 0xff), tlsparse.Yes},
		{"AnyConnect", set(set(first, 1, 1, 0), 25, 1, 0), tlsparse.Yes},
		{"TLS's version", set(first, 1, 3, 3), tlsparse.No},
		{"epoch 1", set(first, 3, 0, 1), tlsparse.No},
		{"a number that no handshake reaches", set(first, 5, 1), tlsparse.No},
		{"application data", set(first, 0, 23), tlsparse.No},
		{"change of cipher", rec(20, 0, 1, 1), tlsparse.No},
		{"session id of 33 bytes", set(first, 25+34, 33), tlsparse.No},
		{"odd cipher suites", hs(msg(ch, 0, clientHello(0, 0, 3)...)), tlsparse.No},
		{"cookie beyond the message", set(first, 25+34+33, 255), tlsparse.No},
		{"hello's version", set(first, 25, 3, 3), tlsparse.No},
		{"fragment beyond the message", set(first, 14, 0, 0, 20), tlsparse.No},
		{"fragment shorter than its record", set(first, 22, 0, 0, 90), tlsparse.No},
		{"two messages in a record", rec(22, 0, 0, slices.Concat(msg(ch, 0, hello...), msg(shd, 1))...), tlsparse.Yes},
		{"first fragment", hs(part(ch, 0, len(hello), 0, hello[:36]...)), tlsparse.Yes},
		{"later fragment", hs(part(ch, 0, len(hello), 36, hello[36:]...)), tlsparse.Yes},
		{"HelloVerifyRequest", hs(msg(hvr, 0, 0xfe, 0xff, 2, 1, 1)), tlsparse.Yes},
		{"HelloVerifyRequest with more", hs(msg(hvr, 0, 0xfe, 0xff, 2, 1, 1, 1)), tlsparse.No},
		{"ServerHello", hs(msg(sh, 1, append([]byte{0xfe, 0xfd}, fill(0, 36)...)...)), tlsparse.Yes},
		{"ServerHello without room for a suite", hs(msg(sh, 1, append([]byte{0xfe, 0xfd}, fill(1, 36)...)...)), tlsparse.No},
		{"ServerHello with a long session id", hs(msg(sh, 1, append([]byte{0xfe, 0xfd}, fill(33, 36)...)...)), tlsparse.No},
		{"Certificate", hs(msg(crt, 2, 0, 0, 0)), tlsparse.Yes},
		{"Finished in the clear", hs(msg(20, 2, fill(1, 12)...)), tlsparse.No},
		{"alert", rec(21, 0, 0, 2, 40), tlsparse.Yes},
		{"alert of no level", rec(21, 0, 0, 3, 40), tlsparse.No},
		{"alert of no name", rec(21, 0, 0, 2, 200), tlsparse.No},
		{"encrypted alert", rec(21, 1, 0, fill(1, 26)...), tlsparse.No},
		{"STUN", unhex("000100002112a442b7e7a701bc34d686fa87dfae"), tlsparse.No},
		{"RTP", unhex("8060000100000000"), tlsparse.No},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Probe(c.b); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
			for i := range c.b {
				if got := Probe(c.b[:i]); got == tlsparse.No && c.want == tlsparse.Yes || got == tlsparse.Yes && c.want == tlsparse.No && i < 25 {
					t.Fatalf("prefix of %d bytes: got %v", i, got)
				}
			}
		})
	}
}

func TestClientHelloBody(t *testing.T) {
	body, plain := clientHello(5, 20, 4), clientHello(5, 0, 4)
	plain = slices.Delete(plain, 40, 41) // the empty cookie's length
	got, err := ClientHelloBody(body, []byte{9})
	if err != nil || got[0] != 9 || string(got[1:]) != string(plain) {
		t.Fatalf("got %x, %v, want %x", got[1:], err, plain)
	}
	if _, cookie, _, ok := splitCookie(body); !ok || string(cookie) != string(fill(3, 20)) {
		t.Errorf("cookie %x, %v", cookie, ok)
	}
	for i := range body {
		got, err := ClientHelloBody(body[:i], nil)
		if cut := i < 61; cut != (err != nil) {
			t.Errorf("prefix of %d bytes: %v", i, err)
		}
		if len(got) > len(plain) || string(got) != string(plain[:len(got)]) {
			t.Errorf("prefix of %d bytes: got %x", i, got)
		}
	}
}

func TestHelloVerifyRequest(t *testing.T) {
	// From RFC 6347 §4.2.1: server_version, cookie<0..2^8-1>.
	body := []byte{0xfe, 0xff, 3, 7, 8, 9}
	version, cookie, err := ParseHelloVerifyRequest(body)
	if err != nil || version != tlsparse.VersionDTLS10 || string(cookie) != "\x07\x08\x09" {
		t.Errorf("got %x %x %v", version, cookie, err)
	}
	for i := range body {
		if _, _, err := ParseHelloVerifyRequest(body[:i]); err == nil {
			t.Errorf("prefix of %d bytes: no error", i)
		}
	}
	if _, _, err := ParseHelloVerifyRequest(append(body, 1)); err == nil {
		t.Error("trailing bytes: no error")
	}
}

func TestConnectionID(t *testing.T) {
	extension := []byte{0, 11, 0, 23, 0, 0, 0, 54, 0, 3, 2, 0xab, 0xcd}
	client := append(clientHello(5, 20, 4), extension...)
	server := append(append(hello(1)[:34], 0, 0xc0, 0x2f, 0), extension...)
	for _, c := range []struct {
		typ  uint8
		body []byte
	}{{ch, client}, {sh, server}} {
		if id, ok := ConnectionID(c.typ, c.body); !ok || string(id) != "\xab\xcd" {
			t.Errorf("type %d: got %x, %v", c.typ, id, ok)
		}
		for i := range c.body {
			if _, ok := ConnectionID(c.typ, c.body[:i]); ok {
				t.Errorf("type %d, prefix of %d bytes: ok", c.typ, i)
			}
		}
	}
	if _, ok := ConnectionID(ch, append(clientHello(0, 0, 2), 0, 4, 0, 23, 0, 0)); ok {
		t.Error("a hello without the extension: ok")
	}
}

// TestProtectedForms has the record headers that RFC 9146 §4 and RFC 9147 §4
// draw, in full and minimal form, with connection ids of known and unknown
// length.
func TestProtectedForms(t *testing.T) {
	cid := func(id string, n int) []byte {
		b := append(unhex("19fefd0001000000000005"), id...)
		return append(append(b, byte(n>>8), byte(n)), fill(6, n)...)
	}
	sealed := fill(0xaa, 40)
	other := fill(0xbb, 40)
	for _, c := range []struct {
		name  string
		known int
		b     []byte
		want  string
	}{
		{"connection id of known length", 4, cid("abcd", 50), "protected-25-in-1-of-50"},
		{"of unknown length", -1, cid("abcd", 50), "protected-25-in-1-of-50"},
		{"of length 0", 0, cid("", 50), "protected-25-in-1-of-50"},
		{"two records of unknown length", -1, append(cid("abcd", 50), rec(22, 1, 6, sealed...)...), "protected-25-in-1-of-50 protected-22-in-1-of-40"},
		{"of a length that cannot be guessed", -1, append(cid("abcd", 50), 1), "protected-25-in-1-of-55"},
		{"unified, full", 2, slices.Concat([]byte{0x3e, 0xab, 0xcd, 1, 2, 0, 40}, sealed), "protected-0-in-2-of-40"},
		{"unified, full, unknown length", -1, slices.Concat([]byte{0x3e, 0xab, 0xcd, 1, 2, 0, 40}, sealed), "protected-0-in-2-of-40"},
		{"unified, minimal", -1, slices.Concat([]byte{0x23, 1}, sealed), "protected-0-in-3-of-40"},
		{"unified with length, two", -1, slices.Concat([]byte{0x2e, 1, 2, 0, 40}, sealed, []byte{0x2e, 1, 3, 0, 40}, other), "protected-0-in-2-of-40 protected-0-in-2-of-40"},
		{"unified, minimal, with id", 3, slices.Concat([]byte{0x32, 1, 2, 3, 9}, sealed), "protected-0-in-2-of-40"},
		{"unified, too short", -1, append([]byte{0x2e, 1, 2, 0, 8}, fill(1, 8)...), "broken-at-0"},
		{"plaintext, then unified", -1, slices.Concat(hs(msg(sh, 0, hello(1)...)), []byte{0x2e, 1, 2, 0, 40}, sealed), "2#0 protected-0-in-2-of-40"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var a Assembler
			if c.known >= 0 {
				a.SetConnectionID(c.known)
			}
			var events []string
			a.Datagram(c.b, func(e Event) { events = append(events, describe(e)) })
			a.Datagram(c.b, func(e Event) {
				if e.Kind != EventBroken {
					t.Errorf("the same datagram again: %s", describe(e))
				}
			})
			if got := kinds(events); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			for i := range c.b {
				var a Assembler
				a.Datagram(c.b[:i], func(Event) {})
			}
		})
	}
}

// FuzzProbe: what passes has no prefix that is refused, and the hello's parsers
// take anything.
func FuzzProbe(f *testing.F) {
	f.Add(hs(msg(ch, 0, clientHello(32, 20, 4)...)))
	f.Add(hs(msg(hvr, 0, 0xfe, 0xff, 2, 1, 1)))
	f.Add(rec(21, 0, 0, 2, 40))
	f.Fuzz(func(t *testing.T, b []byte) {
		if Probe(b) == tlsparse.Yes {
			for i := range b {
				if Probe(b[:i]) == tlsparse.No {
					t.Fatalf("prefix of %d bytes: no", i)
				}
			}
		}
		plain, err := ClientHelloBody(b, nil)
		if _, cookie, _, _ := splitCookie(b); err == nil && len(plain)+1+len(cookie) != len(b) {
			t.Fatalf("%d bytes and a cookie of %d from %d", len(plain), len(cookie), len(b))
		}
		ConnectionID(ch, b)
		ConnectionID(sh, b)
		ParseHelloVerifyRequest(b)
	})
}
