package starttls

import (
	"bytes"
	"testing"
)

// wrapped returns the client's hello as it travels behind a transcript's
// preface.
func wrapped(t testing.TB, name string) (b []byte, w Wrapping) {
	t.Helper()
	for _, tr := range append(fromRFCs[:len(fromRFCs):len(fromRFCs)], constructed...) {
		if tr.name == name {
			client, _, want := tr.sides(t)
			return client[want.Client:], want.Wrapped
		}
	}
	t.Fatal("no transcript ", name)
	return nil, 0
}

// TestUnwrap: whatever pieces the bytes come in, in place or not, the hello
// comes out.
func TestUnwrap(t *testing.T) {
	hello, _ := hellos()
	for _, name := range []string{"mssql", "openvpn", "openvpn with tls-auth", "smtp"} {
		b, w := wrapped(t, name)
		want := hello
		if w == TDS { // and records without packets behind it
			b = append(bytes.Clone(b), 0x14, 3, 3, 0, 1, 1)
			want = append(bytes.Clone(hello), 0x14, 3, 3, 0, 1, 1)
		}
		for _, piece := range []int{1, 2, 7, 64, len(b)} {
			u := Unwrapper{Wrapping: w}
			var got, have []byte
			for rest := b; len(rest) > 0; {
				n := min(piece, len(rest))
				have, rest = append(have, rest[:n]...), rest[n:]
				var used int
				got, used = u.Unwrap(got, have)
				have = have[used:]
			}
			if !bytes.Equal(got, want) || u.Broken() || len(have) != 0 {
				t.Errorf("%s, pieces of %d: got %d bytes of %d, %d left, broken %v", name, piece, len(got), len(want), len(have), u.Broken())
			}
		}
		u := Unwrapper{Wrapping: w}
		in := bytes.Clone(b)
		if got, _ := u.Unwrap(in[:0], in); !bytes.Equal(got, want) {
			t.Errorf("%s, in place: got %d bytes of %d", name, len(got), len(want))
		}
	}
}

func TestUnwrapBroken(t *testing.T) {
	for _, w := range []Wrapping{TDS, OpenVPN} {
		u := Unwrapper{Wrapping: w}
		if got, used := u.Unwrap(nil, []byte("\x00\x00HTTP/1.1 400\r\n")); len(got) != 0 || used != 0 || !u.Broken() {
			t.Errorf("%d: got %q, %d used, broken %v", w, got, used, u.Broken())
		}
	}
}

func FuzzUnwrap(f *testing.F) {
	for _, name := range []string{"mssql", "openvpn", "openvpn with tls-auth"} {
		b, w := wrapped(f, name)
		f.Add(b, uint8(w), uint8(9))
	}
	f.Fuzz(func(t *testing.T, b []byte, wrapping, piece uint8) {
		w := Wrapping(wrapping % 3)
		whole := Unwrapper{Wrapping: w}
		want, _ := whole.Unwrap(nil, b)
		if len(want) > len(b) {
			t.Fatalf("%d bytes out of %d", len(want), len(b))
		}
		u := Unwrapper{Wrapping: w}
		var got, have []byte
		for rest := b; len(rest) > 0; {
			n := min(int(piece)+1, len(rest))
			have, rest = append(have, rest[:n]...), rest[n:]
			var used int
			got, used = u.Unwrap(got, have)
			have = have[used:]
		}
		if !bytes.Equal(got, want) {
			t.Errorf("in pieces of %d: got %x, want %x", int(piece)+1, got, want)
		}
		in := bytes.Clone(b)
		u = Unwrapper{Wrapping: w}
		if got, _ := u.Unwrap(in[:0], in); !bytes.Equal(got, want) {
			t.Errorf("in place: got %x, want %x", got, want)
		}
	})
}
