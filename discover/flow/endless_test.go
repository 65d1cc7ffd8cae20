package flow

import "testing"

// TestEndlessPreface: a dialogue that could still lead to TLS is looked at for
// a while, and then given up, long before it ends.
func TestEndlessPreface(t *testing.T) {
	for _, test := range []struct {
		name                    string
		greeting, command, said string
	}{
		{"SMTP", "220 mx.example ESMTP\r\n", "NOOP\r\n", "250 ok\r\n"},
		{"IMAP", "* OK IMAP4rev1 ready\r\n", "a NOOP\r\n", "a OK\r\n"},
		{"FTP", "220 ready\r\n", "NOOP\r\n", "200 ok\r\n"},
		{"a line without end", "", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", ""},
		{"an XMPP stream without features", "", "<stream:stream xmlns='jabber:client'><a/>", "<a/>"},
	} {
		const rounds, enough = 20_000, 64 << 10 // rounds of both sides, and bytes of them
		d := dialogue{turns: []turn{{true, []byte(test.greeting)}}}
		for range rounds {
			d.turns = append(d.turns, turn{false, []byte(test.command)}, turn{true, []byte(test.said)})
		}
		table := New(Config{})
		peak, said, given := int64(0), 0, -1
		for i, s := range d.packets(1, 2, 1460) {
			s.Time += int64(i) * 1e6
			table.Segment(&s, uint64(i+1))
			peak = max(peak, int64(table.buffers.used))
			said += len(s.Payload)
			if i > 10 && given < 0 && table.buffers.used == 0 {
				given = said
			}
		}
		if given < 0 || given > enough || peak > enough {
			t.Errorf("%s: given up after %d bytes, with at most %d held; want %d or fewer", test.name, given, peak, enough)
		}
		if st := table.Stats(); st.Foreign != 1 || st.Handshakes != 0 {
			t.Errorf("%s: got %d foreign flows and %d handshakes, want 1 and 0", test.name, st.Foreign, st.Handshakes)
		}
	}
}
