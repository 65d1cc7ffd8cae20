package logs

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"blindspot/discover"
)

// sslRow is a row of ssl.log, as far as it says how the handshake went.
type sslRow struct {
	row         row
	history     history
	hasHistory  bool
	established bool
	version     string
	alert       string // description of the last one
	server      []string
	client      []string // what names the certificates of each side
	conn        zeekConn
	o           *discover.Observation
}

// handshake turns a row of ssl.log into an observation.
func (z *zeek) handshake(f *file, log string, row row) error {
	switch {
	case log == "ssl":
	case f.again:
		return errNoRow // it was read when rows were joined
	default:
		return skip("other-log")
	}
	s := sslRow{row: row, o: &discover.Observation{}}
	if err := s.who(); err != nil {
		return err
	}
	conn, joined := z.conns[get(row, "uid")]
	s.conn = conn
	s.what()
	if s.o.Transport == discover.TCP && !joined && isTLS13(s.version) {
		z.run.res.Gaps["transport"]++
	}
	s.course(z.run)
	certs := z.chains(&s)
	z.run.emit(f, s.o, certs)
	return nil
}

// who reads time and endpoints.
func (s *sslRow) who() error {
	var err error
	if s.o.Time, err = parseTime(get(s.row, "ts")); err != nil {
		return malformed("ts: %v", err)
	}
	originator, err := zeekAddr(s.row, "id.orig_h", "id.orig_p")
	if err != nil {
		return err
	}
	responder, err := zeekAddr(s.row, "id.resp_h", "id.resp_p")
	if err != nil {
		return err
	}
	h, ok := s.row.text("ssl_history")
	s.history, s.hasHistory = history(h), ok
	s.o.Client, s.o.Server = originator, responder
	if s.history.flipped() {
		s.o.Client, s.o.Server = responder, originator
	}
	return nil
}

func zeekAddr(r row, host, port string) (netip.AddrPort, error) {
	a, err := parseAddr(get(r, host), get(r, port))
	if err != nil {
		return a, malformed("%s, %s: %v", host, port, err)
	}
	return a, nil
}

// what reads what was asked for and negotiated.
func (s *sslRow) what() {
	o := s.o
	s.version = zeekVersion(get(s.row, "version"))
	s.established, s.alert = isTrue(s.row, "established"), get(s.row, "last_alert")
	switch {
	case strings.HasPrefix(s.version, "DTLS"):
		o.Transport = discover.DTLS
	case s.conn.quic, s.conn.udp && strings.HasPrefix(s.version, "TLS"):
		o.Transport = discover.QUIC
	case s.conn.udp:
		o.Transport = discover.DTLS
	default:
		o.Transport, o.Preface = discover.TCP, s.conn.preface
	}
	if name, ok := s.row.text("server_name"); ok {
		setName(o, name)
	}
	o.Version = s.version
	o.Cipher, o.Group = zeekName16(get(s.row, "cipher")), zeekName16(get(s.row, "curve"))
	o.ALPNChosen = discover.Escape([]byte(get(s.row, "next_protocol")))
	o.JA3, o.JA3S, o.JA4 = hash(s.row, "ja3"), hash(s.row, "ja3s"), hash(s.row, "ja4")
	// Without a history, a row says that a handshake began: Zeek looks into no
	// connection without its hello.
	o.Hello = o.HasSNI || !s.hasHistory || s.history.client('C')
	o.ServerHello = o.Version != "" || s.history.server('S')
	o.HelloRetry = s.history.server('J')
}

// hash reads a fingerprint of packages that add them to ssl.log.
func hash(r row, name string) string { return discover.Escape([]byte(get(r, name))) }

// zeekVersion reads "TLSv12", "DTLSv10", "TLSv13-draft28", "unknown-64282".
func zeekVersion(s string) string {
	protocol, number, ok := strings.Cut(s, "v")
	number, _, _ = strings.Cut(number, "-")
	switch {
	case s == "" || s == "UNKNOWN":
		return ""
	case ok && protocol == "SSL" && (number == "2" || number == "3"):
		return "SSL " + number + ".0"
	case ok && (protocol == "TLS" || protocol == "DTLS") && len(number) == 2:
		return protocol + " " + number[:1] + "." + number[1:]
	}
	if n, err := strconv.ParseUint(strings.TrimPrefix(s, "unknown-"), 10, 16); err == nil {
		return versionOf(uint16(n))
	}
	return discover.Escape([]byte(s))
}

// zeekName16 writes Zeek's "unknown-4865" as "0x1301", and leaves names.
func zeekName16(s string) string {
	if number, ok := strings.CutPrefix(s, "unknown-"); ok {
		if n, err := strconv.ParseUint(number, 10, 16); err == nil {
			return fmt.Sprintf("0x%04x", n)
		}
	}
	return discover.Escape([]byte(s))
}
