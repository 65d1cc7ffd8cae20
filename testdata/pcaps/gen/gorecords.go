//go:build linux

package main

import (
	"crypto/tls"
	"encoding/binary"
	"net"
)

// A recorder cuts or joins the handshake records that its side writes before
// its ChangeCipherSpec. What TLS says stays the same (RFC 5246 §6.2.1).
type recorder struct {
	net.Conn
	size int // of a record
	done bool
}

func (r *recorder) Write(b []byte) (int, error) {
	var out, messages []byte
	flush := func() {
		for len(messages) > 0 {
			n := min(r.size, len(messages))
			out = append(out, 22, 3, 3)
			out = binary.BigEndian.AppendUint16(out, uint16(n))
			out, messages = append(out, messages[:n]...), messages[n:]
		}
	}
	rest := b
	for !r.done && len(rest) >= 5 && rest[0] == 22 {
		n := 5 + int(binary.BigEndian.Uint16(rest[3:]))
		messages, rest = append(messages, rest[5:n]...), rest[n:]
	}
	flush()
	if len(rest) > 0 {
		r.done = true
	}
	if _, err := r.Conn.Write(append(out, rest...)); err != nil {
		return 0, err
	}
	return len(b), nil
}

func goRecords(l *lab, size int) error {
	l.lenient = size == 3 // tshark 4.0 does not see hellos whose message header is split over records
	return goRecordsOf(l, size, l.pki.get("ecdsa"))
}

func goRecordsHuge(l *lab) error {
	l.lenient = true // tshark 4.0 gives up on handshake messages above 64 KB
	return goRecordsOf(l, 1<<14, l.pki.huge())
}

func goRecordsOf(l *lab, size int, id *ident) error {
	if err := l.network(false); err != nil {
		return err
	}
	wrap := func(c net.Conn) net.Conn { return &recorder{Conn: c, size: size} }
	server := serving(id)
	server.MaxVersion = tls.VersionTLS12
	if _, err := l.goServe(at(0), server, wrap); err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	cfg := l.pki.trusting("www.ecdsa.example", tls.VersionTLS12, "root")
	if _, err := l.goOK(goClient{to: at(0), cfg: cfg, wrap: wrap}, id); err != nil {
		return err
	}
	h, err := l.goDial(goClient{to: at(0), cfg: l.pki.trusting("api.ecdsa.example", tls.VersionTLS12, "internal-root"), wrap: wrap})
	if err := wantError(err, "unknown authority"); err != nil {
		return err
	}
	h.refusedLike(id, tls.VersionTLS12, "client", "bad_certificate")
	return nil
}
