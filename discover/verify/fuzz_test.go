package verify

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"
)

// scripted is a connection on which the server's bytes are there from the start.
type scripted struct {
	net.Conn
	in *bytes.Reader
}

func (s scripted) Read(b []byte) (int, error)  { return s.in.Read(b) }
func (s scripted) Write(b []byte) (int, error) { return len(b), nil }

// FuzzStartTLS: whatever a server says, a dialogue ends, and without a panic.
func FuzzStartTLS(f *testing.F) {
	for _, seed := range []string{
		"220 mx ESMTP\r\n250-mx\r\n250 STARTTLS\r\n220 go\r\n", "* OK\r\nblindspot1 OK\r\n", "+OK\r\n+OK\r\n", "220 ftp\r\n234 go\r\n",
		"0\x0c\x02\x01\x01x\x07\n\x01\x00\x04\x00\x04\x00", "0\x84\x00\x00\x00\x0c\x02\x01\x01x\x07\n\x01\x00\x04\x00\x04\x00", "S",
		"\x2a\x00\x00\x00\x0a5.5\x00AAAABBBBBBBB\x00\xff\xff\x08\x02\x00\x7f\x80\x15\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00CCC",
		"<stream:stream><stream:features><starttls/></stream:features><proceed/>", "\"STARTTLS\"\r\nOK\r\nOK\r\n", "200 hi\r\n382 go\r\n",
		":irc NOTICE * :hello\r\nPING :x\r\n:irc 670 * :go\r\n",
	} {
		for i := range prefaces {
			f.Add(uint8(i), []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, server []byte) {
		p := Place{Hostname: "a.example", Server: netip.MustParseAddrPort("10.0.0.1:5222"), Preface: prefaces[int(which)%len(prefaces)].word}
		done := make(chan struct{})
		go func() {
			defer close(done)
			startTLS(scripted{in: bytes.NewReader(server)}, &p)
		}()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Fatalf("%s does not end", p.Preface)
		}
	})
}

// FuzzRecorded: whatever a server sends, looking for its chain ends, and the
// chain lies within it.
func FuzzRecorded(f *testing.F) {
	f.Add([]byte("\x16\x03\x03\x00\x04\x0b\x00\x00\x00"), make([]byte, 32))
	f.Add([]byte("\x17\x03\x03\x00\x13"+string(make([]byte, 19))), make([]byte, 48))
	f.Fuzz(func(t *testing.T, flight, secret []byte) {
		r := &recorder{buf: flight}
		n := 0
		for _, der := range r.chain(&secrets{server: secret}) {
			n += len(der)
		}
		if n > len(flight) {
			t.Errorf("got %d bytes of certificates out of %d", n, len(flight))
		}
		for _, suite := range []uint16{0x1301, 0x1302, 0x1303, 0} {
			chain13(flight, suite, secret)
		}
	})
}
