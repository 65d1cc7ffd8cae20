package flow

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"blindspot/capture/decode"
	"blindspot/discover"
)

// recordedDialogue reads a dialogue of real peers, as tlsparse/starttls keeps it.
func recordedDialogue(t *testing.T, name string) (d dialogue) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../tlsparse/starttls/testdata", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		var b []byte
		switch {
		case line == "" || line[0] == '#':
			continue
		case line[1] == '|':
			said, err := strconv.Unquote(`"` + line[3:] + `"`)
			if err != nil {
				t.Fatalf("%s: %q: %v", name, line, err)
			}
			b = []byte(said)
		case line[1] == '=':
			if b, err = hex.DecodeString(strings.ReplaceAll(line[2:], " ", "")); err != nil {
				t.Fatalf("%s: %q: %v", name, line, err)
			}
		default:
			t.Fatalf("%s: line %q", name, line)
		}
		d.turns = append(d.turns, turn{line[0] == 'S', b})
	}
	return d
}

func said(words ...string) (d dialogue) {
	for _, w := range words {
		d.turns = append(d.turns, turn{w[0] == 'S', []byte(w[2:])})
	}
	return d
}

// TestStaysInClear: a session that had the choice of TLS and stayed without is
// told once, with its endpoint; it is no handshake. One that only asked what
// the server can, or that never heard of TLS, is not told.
func TestStaysInClear(t *testing.T) {
	for _, test := range []struct {
		name           string
		dialogue       dialogue
		preface, offer string
	}{
		{"postfix, mail in the clear", recordedDialogue(t, "postfix-clear"), "smtp", discover.OfferDeclined},
		{"PostgreSQL without TLS", recordedDialogue(t, "postgresql-refused"), "postgresql", discover.OfferRefused},
		{"MariaDB, client without TLS", recordedDialogue(t, "mariadb-clear"), "mysql", discover.OfferDeclined},
		{"IMAP login in the clear", recordedDialogue(t, "curl-imap-clear"), "imap", discover.OfferDeclined},
		{"SMTP refused, client leaves", said("S 220 mx ESMTP\r\n", "C EHLO a\r\n", "S 250-mx\r\n250 HELP\r\n",
			"C STARTTLS\r\n", "S 454 4.7.0 TLS not available\r\n", "C QUIT\r\n", "S 221 bye\r\n"), "smtp", discover.OfferRefused},
		{"SMTP asked and left", said("S 220 mx ESMTP\r\n", "C EHLO a\r\n", "S 250-mx\r\n250 STARTTLS\r\n", "C QUIT\r\n", "S 221 bye\r\n"), "", ""},
		{"SMTP without TLS", said("S 220 mx ESMTP\r\n", "C EHLO a\r\n", "S 250-mx\r\n250 HELP\r\n", "C MAIL FROM:<a@b>\r\n", "S 250 ok\r\n"), "", ""},
		{"HTTP", said("C GET / HTTP/1.1\r\nHost: a\r\n\r\n", "S HTTP/1.1 200 OK\r\n\r\n"), "", ""},
	} {
		for _, mss := range []int{1460, 20} {
			got, table := run(t, Config{}, test.dialogue.packets(1, 2, mss))
			if test.offer == "" {
				if len(got) != 0 {
					t.Errorf("%s, mss %d: got %q %q", test.name, mss, got[0].Preface, got[0].Offer)
				}
				continue
			}
			if len(got) != 1 {
				t.Errorf("%s, mss %d: got %d observations, want 1", test.name, mss, len(got))
				continue
			}
			o := got[0]
			if o.Offer != test.offer || o.Preface != test.preface || o.Handshake() || o.Server.String() != "10.0.0.10:443" || o.Client.String() != "10.0.0.7:51034" {
				t.Errorf("%s, mss %d: got %q %q at %v", test.name, mss, o.Preface, o.Offer, o.Server)
			}
			if st := table.Stats(); st.Cleartext != 1 || st.Foreign != 1 || st.Handshakes != 0 {
				t.Errorf("%s, mss %d: got %+v", test.name, mss, st)
			}
		}
	}
}

// TestPrefaceOneSideFirst: a mirror delivers the server's direction after the
// client's. The name, and where TLS begins in the late direction, are found
// even so.
func TestPrefaceOneSideFirst(t *testing.T) {
	for _, late := range []bool{true, false} {
		d := record(t, 0x0303, testName, 0)
		before := said("S 220 mail.shop.example ESMTP\r\n", "C EHLO a\r\n", "S 250-mail\r\n250 STARTTLS\r\n", "C STARTTLS\r\n", "S 220 ready\r\n").turns
		d.turns = append(before, d.turns...)
		var first, second []decode.Segment
		for _, s := range d.packets(1, 2, 1460) {
			if server := s.SrcPort == 443; s.Flags&decode.SYN != 0 || server != late {
				first = append(first, s)
			} else {
				second = append(second, s)
			}
		}
		// the late direction in segments that do not begin where TLS does
		joined := segment(late, second[0].Seq, decode.ACK, nil)
		for _, s := range second {
			joined.Payload = append(joined.Payload, s.Payload...)
		}
		got, _ := run(t, Config{}, append(first, joined))
		if o := checkOne(t, got, d, testName); o.Preface != "smtp" {
			t.Errorf("server late %v: got preface %q, want smtp", late, o.Preface)
		}
	}
}
