package logs

import "blindspot/discover"

// course says how the handshake went and who gave up. The certificates are not
// known yet, but how many were sent is.
func (s *sslRow) course(r *run) {
	o := s.o
	s.server = s.named("cert_chain_fps", "cert_chain_fuids")
	s.client = s.named("client_cert_chain_fps", "client_cert_chain_fuids")
	final := s.setAlert(r)
	switch {
	case s.established:
		o.Outcome = discover.Established
	case final && o.Alerts[0].FromServer:
		o.Outcome = discover.RefusedByServer
	case final:
		o.Outcome = discover.RefusedByClient
	case s.answered() || s.conn.unseen || s.alert != "" || s.hasHistory && !s.history.client('C'):
		o.Outcome = discover.OutcomeUnknown
	default:
		o.Outcome = discover.Unanswered
	}
	o.Resumed, o.ClientAuthRequested = s.resumed(), s.asked()
}

// named returns what names the certificates of a side, in either form.
func (s *sslRow) named(prints, files string) []string {
	if list := s.row.list(prints); len(list) > 0 {
		return list
	}
	return s.row.list(files)
}

// answered reports whether anything of the server was seen.
func (s *sslRow) answered() bool {
	return s.o.ServerHello || s.history.serverSpoke() || len(s.server) > 0
}

// sentCertificate reports whether the server sent a certificate.
func (s *sslRow) sentCertificate() bool { return len(s.server) > 0 || s.history.server('X') }

// resumed trusts ssl.log where it says so. Where it does not, only what was
// sent in place of a resumption proves that there was none.
func (s *sslRow) resumed() discover.Tri {
	switch {
	case isTrue(s.row, "resumed"):
		return discover.Yes
	case s.sentCertificate(), s.history.server('N'):
		return discover.No
	case isTLS13(s.version) && s.hasHistory && s.history.server('S'):
		return discover.No // the accepted pre_shared_key is in the hello that was seen
	}
	return discover.Unknown
}

// asked says whether the server asked for a certificate, which only the
// history tells, and TLS 1.3 hides.
func (s *sslRow) asked() discover.Tri {
	switch {
	case len(s.client) > 0 || s.history.server('R') || s.history.client('X'):
		return discover.Yes
	case isTLS13(s.version):
		return discover.Unknown
	case s.history.server('N'), s.hasHistory && isTrue(s.row, "resumed") && s.established:
		return discover.No
	}
	return discover.Unknown
}

// setAlert keeps the last alert where its sender is known, and reports whether
// it ended the handshake.
func (s *sslRow) setAlert(r *run) (final bool) {
	if s.alert == "" {
		return false
	}
	fromServer, last, ok := s.history.lastAlert()
	if !ok {
		fromServer, ok = s.sender()
		last = s.alert != "unrecognized_name" || !s.o.ServerHello // a warning that many servers send and go on
	}
	if !ok {
		r.res.Gaps["alert-side"]++
		return false
	}
	a := discover.Alert{FromServer: fromServer, Description: discover.Escape([]byte(zeekName16(s.alert)))}
	if alwaysFatal[s.alert] || isTLS13(s.version) && !closure[s.alert] {
		a.Level = "fatal"
	}
	s.o.Alerts = []discover.Alert{a}
	return last && !closure[s.alert] && !s.established
}

// sender tells who sent an alert by what it says, for logs without a history:
// a side complains about a certificate that the other one sent, and before its
// hello only the server has something to refuse.
func (s *sslRow) sender() (fromServer, ok bool) {
	switch {
	case onlyServers[s.alert]:
		return true, true
	case s.alert == "bad_certificate_status_response":
		return false, true
	case !s.answered():
		return true, true
	case !aboutCertificate[s.alert]:
		return false, false
	case len(s.server) > 0 && len(s.client) == 0:
		return false, true
	}
	return false, false
}

// What alerts mean, by Zeek's names, which are those of the registry.
var (
	// alwaysFatal are fatal in every version, whatever their level (RFC 5246
	// §7.2.2, RFC 7301 §3.2, RFC 4279 §2, RFC 7507 §3, RFC 8446 §6.2). ssl.log
	// does not hold the level.
	alwaysFatal = set("unexpected_message", "bad_record_mac", "decryption_failed", "record_overflow",
		"decompression_failure", "handshake_failure", "illegal_parameter", "unknown_ca", "access_denied",
		"decode_error", "decrypt_error", "export_restriction", "protocol_version", "insufficient_security",
		"internal_error", "inappropriate_fallback", "missing_extension", "unsupported_extension",
		"unknown_psk_identity", "certificate_required", "no_application_protocol", "ech_required")
	// closure ends or goes on without anything being wrong (RFC 8446 §6.1, RFC
	// 5246 §7.2.2). no_certificate of SSL 3.0 is an answer.
	closure = set("close_notify", "user_canceled", "no_renegotiation", "no_certificate")
	// onlyServers are sent by servers (RFC 8446 §6.2, RFC 7507 §3, RFC 6066 §3).
	onlyServers = set("unrecognized_name", "no_application_protocol", "certificate_required",
		"unknown_psk_identity", "inappropriate_fallback", "certificate_unobtainable")
	aboutCertificate = set("bad_certificate", "unsupported_certificate", "certificate_revoked",
		"certificate_expired", "certificate_unknown", "unknown_ca")
)

func set(words ...string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[w] = true
	}
	return m
}
