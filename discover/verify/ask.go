package verify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"blindspot/discover"
	"blindspot/tlsparse"
)

// Defaults of an Asker.
const (
	DefaultRate    = 5 // looks a second
	DefaultTimeout = 10 * time.Second
	// maxParallel bounds the looks that wait for servers at the same time.
	maxParallel = 32
	// parting is how long a server may take to close after we did.
	parting = 500 * time.Millisecond
)

// Asker asks endpoints for their certificates. The zero value works.
type Asker struct {
	Rate    float64       // looks begun a second, at most; 0 is DefaultRate
	Timeout time.Duration // of one look, from connecting to parting; 0 is DefaultTimeout
	// Dial connects, as net.Dialer's DialContext does, which is the default.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Began is called when a look begins, for the log; nil for nobody. Calls
	// come one at a time.
	Began func(*Target)
}

// Ask looks at one target. Without a chain the error says why there is none;
// with one, how the handshake ended is in the observation.
func (a *Asker) Ask(ctx context.Context, t *Target) (*discover.Observation, error) {
	timeout := a.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	began := time.Now()
	dial := a.Dial
	if dial == nil {
		dial = (&net.Dialer{KeepAlive: -1}).DialContext
	}
	conn, err := dial(ctx, "tcp", t.Server.String())
	if err != nil {
		return nil, &Failure{Connecting, cause(ctx, err)}
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()

	spoken, err := startTLS(conn, &t.Place)
	if err != nil {
		return nil, &Failure{Starting, cause(ctx, err)}
	}
	l := &look{rec: &recorder{Conn: spoken}, secrets: &secrets{}}
	l.tls = tls.Client(l.rec, l.config(t))
	l.err = l.tls.HandshakeContext(ctx)
	o := l.observe(t, began)
	if len(o.Chain) == 0 {
		return nil, &Failure{Handshake, cause(ctx, l.why())}
	}
	if l.err == nil {
		l.part(conn)
	}
	return o, nil
}

// cause is the context's end where that is behind err.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
		return fmt.Errorf("%w (%w)", ctx.Err(), err)
	}
	return err
}

// look is one handshake of ours.
type look struct {
	tls     *tls.Conn
	rec     *recorder
	secrets *secrets
	err     error // of the handshake

	chain     [][]byte
	requested bool // the server asked for a certificate of ours
}

// config is how we ask: with whatever Go can speak, so that old servers answer
// too, and nothing of ours. What the server sends is taken, and not judged.
func (l *look) config(t *Target) *tls.Config {
	return &tls.Config{
		ServerName: t.Hostname, InsecureSkipVerify: true,
		MinVersion: tls.VersionTLS10, CipherSuites: everySuite(),
		NextProtos:   t.ALPN,
		KeyLogWriter: l.secrets,
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
			l.chain = raw
			return nil
		},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			l.requested = true
			return &tls.Certificate{}, nil // none (RFC 8446 §4.4.2)
		},
	}
}

// everySuite lists the cipher suites that Go can speak, the good ones first.
func everySuite() []uint16 {
	var out []uint16
	for _, s := range tls.CipherSuites() {
		out = append(out, s.ID)
	}
	for _, s := range tls.InsecureCipherSuites() {
		out = append(out, s.ID)
	}
	return out
}

// observe tells what the look saw.
func (l *look) observe(t *Target, began time.Time) *discover.Observation {
	if l.chain == nil {
		l.chain = l.rec.chain(l.secrets)
	}
	s := l.tls.ConnectionState()
	o := &discover.Observation{
		Time: began.UTC(), Ended: time.Now().UTC(),
		Network: t.Network, Transport: discover.TCP, Server: t.Server, Preface: t.Preface,
		SNI: t.Hostname, HasSNI: t.Hostname != "", ALPN: t.ALPN,
		Hello: true, ServerHello: s.Version != 0,
		ALPNChosen: s.NegotiatedProtocol, Resumed: discover.No,
		ClientAuthRequested: discover.TriOf(l.requested),
		OCSPResponse:        s.OCSPResponse,
		CertsFrom:           discover.FromVerify,
		KeyProven:           l.proven(),
		Outcome:             l.outcome(),
		Class:               discover.ClassVerify,
	}
	if s.Version != 0 {
		o.Version = tlsparse.VersionName(s.Version, false)
		o.Cipher = tlsparse.CipherSuiteName(s.CipherSuite)
	}
	if s.CurveID != 0 {
		o.Group = tlsparse.GroupName(uint16(s.CurveID))
	}
	for _, der := range l.chain {
		f := discover.FingerprintOf(der)
		o.Chain = append(o.Chain, f)
		o.DER = append(o.DER, discover.RawCertificate{SHA256: f, DER: der})
	}
	return o
}

// proven says whether the server has the key of its leaf: a handshake that is
// complete proves it.
func (l *look) proven() discover.Tri {
	switch {
	case l.err == nil:
		return discover.Yes
	case strings.Contains(l.err.Error(), "invalid signature by the server certificate"):
		return discover.No
	}
	return discover.Unknown
}

func (l *look) outcome() discover.Outcome {
	var op *net.OpError
	switch {
	case l.err == nil:
		return discover.Established
	case errors.As(l.err, &op) && op.Op == "remote error": // an alert
		return discover.RefusedByServer
	}
	return discover.OutcomeUnknown
}

// why is why the handshake gave no chain.
func (l *look) why() error {
	if l.err == nil {
		return errors.New("the server presents no certificate")
	}
	var head tls.RecordHeaderError
	if errors.As(l.err, &head) {
		return fmt.Errorf("%w: it says %s", errNoTLS, quote(string(l.rec.buf)))
	}
	if errors.Is(l.err, io.EOF) && len(l.rec.buf) == 0 {
		return fmt.Errorf("%w: it closes the connection", errNoTLS)
	}
	return l.err
}

// part says goodbye, so that the server's log has an orderly end: what the
// server still sends (session tickets) is read, for else its host would be told
// of a reset connection.
func (l *look) part(conn net.Conn) {
	l.rec.stop()
	if l.tls.CloseWrite() != nil {
		return
	}
	if half, ok := conn.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
		return
	}
	timer := time.AfterFunc(parting, func() { conn.SetReadDeadline(time.Unix(1, 0)) })
	defer timer.Stop()
	io.CopyN(io.Discard, conn, maxRecorded) // an error is an end, too
}
