package verify

import (
	"net"

	"blindspot/tlsparse"
)

const (
	// maxRecorded bounds what is kept of a server's flight.
	maxRecorded = 512 << 10
	// maxMessage bounds one handshake message of it.
	maxMessage = 256 << 10
)

// recorder keeps the first bytes that a server sends, because Go's client
// reports no chain of which it cannot parse a certificate, and those are the
// ones that an inventory wants to know.
type recorder struct {
	net.Conn
	buf     []byte
	stopped bool
}

func (r *recorder) Read(b []byte) (int, error) {
	n, err := r.Conn.Read(b)
	if room := maxRecorded - len(r.buf); room > 0 && !r.stopped {
		r.buf = append(r.buf, b[:min(n, room)]...)
	}
	return n, err
}

func (r *recorder) stop() { r.buf, r.stopped = nil, true }

// chain finds the chain in what was recorded: in the clear up to TLS 1.2, by
// the handshake's own secret in TLS 1.3. It returns nil where there is none.
func (r *recorder) chain(s *secrets) [][]byte {
	var d tlsparse.Deframer
	var hello tlsparse.ServerHello
	buf := append([]byte(nil), r.buf...)
	for {
		e := d.Step(buf, maxMessage)
		switch e.Kind {
		case tlsparse.EventNeed, tlsparse.EventBroken:
			return nil
		case tlsparse.EventMessage:
		default:
			continue
		}
		switch e.Type {
		case tlsparse.TypeServerHello:
			if tlsparse.ParseServerHello(e.Body, &hello) != nil {
				return nil
			}
			if hello.SelectedVersion == tlsparse.VersionTLS13 && !hello.HelloRetryRequest {
				return chain13(r.buf, hello.CipherSuite, s.server)
			}
		case tlsparse.TypeCertificate:
			chain, _ := tlsparse.ParseCertificate(e.Body, nil)
			return chain
		}
	}
}
