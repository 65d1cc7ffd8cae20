package starttls

import (
	"strings"
	"testing"

	"blindspot/tlsparse"
)

// FuzzFind: offsets lie within what was looked at, and what was decided stays.
func FuzzFind(f *testing.F) {
	for _, tr := range all(f) {
		client, server, _ := tr.sides(f)
		f.Add(client, server, uint16(len(client)/2), uint16(len(server)))
		f.Add(client, server, uint16(len(client)), uint16(len(server)/2))
	}
	f.Fuzz(func(t *testing.T, client, server []byte, c, s uint16) {
		whole := Find(client, server)
		checkFound(t, whole, client, server)
		partClient, partServer := client[:min(int(c), len(client))], server[:min(int(s), len(server))]
		part := Find(partClient, partServer)
		checkFound(t, part, partClient, partServer)
		if part.Answer == tlsparse.No && whole.Answer == tlsparse.Yes {
			t.Errorf("no of a part turned into %+v", whole)
		}
		if part.State == Started && part.Client >= 0 && part.Server >= 0 && whole != part {
			t.Errorf("got %+v, of a part %+v", whole, part)
		}
	})
}

func checkFound(t *testing.T, f Found, client, server []byte) {
	t.Helper()
	if f.Client > len(client) || f.Server > len(server) || f.Client < -1 || f.Server < -1 {
		t.Errorf("%+v: offsets outside of %d and %d bytes", f, len(client), len(server))
	}
	if f.Answer == tlsparse.Yes && (f.Name == "" || f.State < Started) ||
		f.Answer == tlsparse.Yes && f.State == Started && f.Client < 0 && f.Server < 0 ||
		f.Answer != tlsparse.Yes && f.State == Started ||
		f.Answer == tlsparse.No && f.State != Silent || len(f.Target) > maxTarget+6 {
		t.Errorf("%+v", f)
	}
}

// TestAllocations: nothing is allocated before the answer is yes.
func TestAllocations(t *testing.T) {
	for _, tr := range all(t) {
		client, server, want := tr.sides(t)
		if want.Answer == tlsparse.Yes && want.State == Started {
			client, server = client[:want.Client/2], server[:max(want.Server-4, 0)]
		}
		f := Find(client, server)
		if f.Answer == tlsparse.Yes || strings.Contains(f.Name, "+") {
			continue
		}
		if n := testing.AllocsPerRun(10, func() { Find(client, server) }); n > 0 && !f.Origin.IsValid() {
			t.Errorf("%s: %v allocations", tr.name, n)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	hello, _ := hellos()
	smtp := "220 mail.example.org ESMTP Postfix\r\n"
	for _, bb := range []struct{ name, client, server string }{
		{"http", "GET /index.html HTTP/1.1\r\nHost: example.org\r\n\r\n", ""},
		{"ssh", "SSH-2.0-OpenSSH_9.2\r\n", "SSH-2.0-OpenSSH_9.2\r\n"},
		{"dns", "\x00\x1d\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03org\x00\x00\x01\x00\x01", ""},
		{"noise", "\x8a\x11\x92\xff\x00\x01\x02\x03", ""},
		{"tls", string(hello), ""},
		{"smtp banner", "", smtp},
		{"smtp whole", "EHLO a\r\nSTARTTLS\r\n", smtp + "250-mail\r\n250-PIPELINING\r\n250 STARTTLS\r\n220 go\r\n"},
		{"worst smtp", strings.Repeat("NOOP\r\n", 60), smtp + strings.Repeat("250-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", 430)},
		{"worst ldap", strings.Repeat("0\x05\x02\x01\x01w\x00", 30), strings.Repeat("0\x0c\x02\x01\x02d\x07\x0a\x01\x00\x04\x00\x04\x00", 126)},
		{"worst xmpp", "<stream xmlns='jabber:'>" + strings.Repeat("<a/>", 500), "<stream xmlns='jabber:'>" + strings.Repeat("<a/>", 500)},
		{"worst connect", "CONNECT a:1 HTTP/1.1\r\n" + strings.Repeat("a: b\r\n", 120), "HTTP/1.1 407 no\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\na\r\n", 2500)},
		{"worst nesting", strings.Repeat("PROXY UNKNOWN\r\n", 3) + strings.Repeat("NOOP\r\n", 60), smtp},
	} {
		client, server := []byte(bb.client), []byte(bb.server)
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Find(client, server)
			}
		})
	}
}
