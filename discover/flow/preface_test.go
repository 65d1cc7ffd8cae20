package flow

import (
	"crypto/tls"
	"testing"

	"blindspot/capture/decode"
	"blindspot/discover"
)

// TestPreface: TLS behind a plaintext preface is found where it begins, however
// the segments are cut, and the preface is named.
func TestPreface(t *testing.T) {
	smtp := []turn{
		{true, []byte("220 mail.shop.example ESMTP\r\n")}, {false, []byte("EHLO client.example\r\n")},
		{true, []byte("250-mail.shop.example\r\n250-STARTTLS\r\n250 HELP\r\n")},
		{false, []byte("STARTTLS\r\n")}, {true, []byte("220 ready\r\n")},
	}
	proxy := turn{false, []byte("PROXY TCP4 192.0.2.7 10.0.0.10 40000 443\r\n")}
	for _, test := range []struct {
		name, want, target, origin string
		before                     []turn
	}{
		{"smtp", "smtp", "", "invalid AddrPort", smtp},
		{"PROXY v1", "proxy-v1", "", "192.0.2.7:40000", []turn{proxy}},
		{"CONNECT", "http-connect", "db.shop.example:443", "invalid AddrPort", []turn{
			{false, []byte("CONNECT db.shop.example:443 HTTP/1.1\r\nHost: db.shop.example\r\n\r\n")}, {true, []byte("HTTP/1.1 200 OK\r\n\r\n")}}},
		{"PostgreSQL", "postgresql", "", "invalid AddrPort", []turn{
			{false, []byte{0, 0, 0, 8, 4, 210, 22, 47}}, {true, []byte("S")}}},
	} {
		for _, mss := range []int{1460, 11, 3} {
			t.Run(test.name, func(t *testing.T) {
				d := record(t, tls.VersionTLS12, testName, 0)
				d.turns = append(append([]turn(nil), test.before...), d.turns...)
				got, _ := run(t, Config{}, d.packets(1, 2, mss))
				o := checkOne(t, got, d, testName)
				if o.Preface != test.want || o.Target != test.target || o.ClientOrigin.String() != test.origin {
					t.Errorf("mss %d: got preface %q, target %q, origin %v; want %q, %q, %s", mss, o.Preface, o.Target, o.ClientOrigin, test.want, test.target, test.origin)
				}
			})
		}
	}
}

// TestPrefaceJoined: the hello may follow the preface in the same segment.
func TestPrefaceJoined(t *testing.T) {
	d := record(t, tls.VersionTLS12, testName, 0)
	d.turns[0].data = append([]byte("PROXY TCP4 192.0.2.7 10.0.0.10 40000 443\r\n"), d.turns[0].data...)
	got, _ := run(t, Config{}, d.packets(1, 2, 1460))
	if o := checkOne(t, got, d, testName); o.Preface != "proxy-v1" {
		t.Errorf("got preface %q, want proxy-v1", o.Preface)
	}
}

// TestCleartext: a protocol that never starts TLS is given up, and holds
// nothing.
func TestCleartext(t *testing.T) {
	for _, words := range []string{"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n", "SSH-2.0-OpenSSH_9.9\r\n"} {
		table := New(Config{Emit: func(o *discover.Observation) { t.Errorf("%q: got an observation of %v", words, o.Server) }})
		for _, s := range []decode.Segment{segment(false, 1, decode.SYN, nil), segment(true, 1, decode.SYN|decode.ACK, nil), segment(false, 2, decode.ACK, []byte(words))} {
			table.Segment(&s, 1)
		}
		if st := table.Stats(); st.Foreign != 1 || table.buffers.used != 0 {
			t.Errorf("%q: got %d foreign flows and %d bytes held, want 1 and 0", words, st.Foreign, table.buffers.used)
		}
	}
}
