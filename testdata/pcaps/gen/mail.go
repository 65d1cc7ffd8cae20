//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const postfixStack = "Postfix 3.7.11 (OpenSSL 3.0.22)"

var mailScenarios = []scenario{
	{"starttls-smtp.pcap", postfixStack + "; openssl s_client, curl 7.88.1", "SMTP: STARTTLS, also on a port that is not mail's, with client certificates, and with a client that refuses the certificate; mail in the clear after the offer; STARTTLS refused with 454 and 502", starttlsSMTP},
	{"starttls-anyway.pcap", postfixStack + "; openssl s_client", "a client that does not read the refusal: a hello into plaintext", starttlsAnyway},
}

// An smtpd is an address of Postfix.
type smtpd struct{ addr, options string }

// postfix starts a Postfix that takes all mail and drops it.
func (l *lab) postfix(id *ident, list ...smtpd) error {
	dir := filepath.Join(l.tmp, "postfix")
	for _, d := range []string{dir, dir + "-data", dir + "-spool"} {
		if err := os.Mkdir(d, 0o755); err != nil { //nolint:gosec // Postfix has several users
			return err
		}
	}
	if err := give(dir+"-data", "postfix"); err != nil {
		return err
	}
	l.file("postfix/main.cf", fmt.Sprintf(`compatibility_level = 3.6
queue_directory = %[1]s-spool
data_directory = %[1]s-data
maillog_file = /dev/stdout
inet_protocols = all
myhostname = mail.example
mydestination = example
local_recipient_maps =
local_transport = discard:
alias_maps =
mynetworks =
smtpd_peername_lookup = no
smtpd_client_port_logging = yes
smtpd_tls_security_level = may
smtpd_tls_chain_files = %[2]s, %[3]s
smtpd_tls_loglevel = 1
smtpd_tls_session_cache_database =
tls_ssl_options = NO_TICKET
`, dir, l.key(id), l.crt(id)))
	var services strings.Builder
	var addrs []string
	for _, s := range list {
		fmt.Fprintf(&services, "%s inet n - n - - smtpd %s\n", s.addr, s.options)
		addrs = append(addrs, s.addr)
	}
	l.file("postfix/master.cf", services.String()+`cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
`)
	if err := l.expectCode(0, "postfix", "-c", dir, "check"); err != nil {
		return err
	}
	// The master itself and not "postfix start-fg": that leaves the process
	// group, and would not end with the lab.
	_, err := l.serve(addrs, "/usr/lib/postfix/sbin/master", "-c", dir, "-d")
	return err
}

// letter is a file with a mail, and the words with which curl sends it.
func (l *lab) letter() []string {
	text := l.file("letter", "From: anna@partner.example\r\nTo: info@example\r\nSubject: order\r\n\r\nTwelve of them.\r\n")
	return []string{"--mail-from", "anna@partner.example", "--mail-rcpt", "info@example", "-T", text}
}

const (
	smtpPort     = "10.77.0.10:25"
	smtpAnother  = "10.77.0.10:10025" // ports prove nothing
	smtpAsking   = "10.77.0.10:587"   // asks for a client certificate
	smtpWithout  = "10.77.0.10:2525"  // knows no STARTTLS
	smtpBroken   = "10.77.0.10:2526"  // offers it, and cannot begin
	curlNoTLS    = 64                 // CURLE_USE_SSL_FAILED
	curlDistrust = 60                 // CURLE_PEER_FAILED_VERIFICATION
)

func starttlsSMTP(l *lab) error {
	id, device := l.pki.get("mail"), l.pki.get("device")
	if err := l.network(false); err != nil {
		return err
	}
	if err := l.postfix(id, smtpd{smtpPort, ""}, smtpd{smtpAnother, ""}, smtpd{smtpAsking, "-o smtpd_tls_ask_ccert=yes"},
		smtpd{smtpWithout, "-o smtpd_tls_security_level=none"}, smtpd{smtpBroken, "-o smtpd_tls_CAfile=" + l.tmp + "/none"}); err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	l.decodeAs = []string{"-d", "tcp.port==10025,smtp", "-d", "tcp.port==2525-2526,smtp"}
	for i, v := range bothVersions {
		for _, c := range []sclient{{to: smtpPort, sni: "mail.example"}, {to: smtpAnother, sni: "mail.example", from: "10.77.1.2"}, {to: smtpPort}} {
			c.args = []string{v}
			if _, err := l.upgraded("smtp", c, id); err != nil {
				return err
			}
		}
		h, err := l.upgraded("smtp", sclient{to: smtpAsking, sni: "mail.example", from: "10.77.1.3", args: []string{v, "-cert", l.crt(device.with()), "-key", l.key(device)}}, id)
		if err != nil {
			return err
		}
		h.ClientAuth, h.ClientCerts = ref(true), device.with().hashes()
		max := []string{"1.2", "1.3"}[i]
		if _, _, err := l.curlUpgraded(curlUpgrade{word: "smtp", from: "10.77.1.4", to: smtpPort, url: "smtp://mail.example:25/partner.example", args: append(l.letter(), "--tls-max", max)}, id); err != nil {
			return err
		}
	}
	if err := l.smtpDistrust(id); err != nil {
		return err
	}
	return l.smtpInClear()
}

// smtpDistrust is a client that does not know the issuer.
func (l *lab) smtpDistrust(id *ident) error {
	c := curlUpgrade{from: "10.77.1.5", to: smtpPort, url: "smtp://mail.example:25/partner.example",
		args: append(l.letter(), "--ssl-reqd", "--cacert", l.bundle("internal-root"), "--tls-max", "1.2")}
	client, r, err := l.curlRun(c)
	if err != nil {
		return err
	}
	if r.code != curlDistrust {
		return fmt.Errorf("curl should refuse the certificate:\n%s", r.out)
	}
	h := l.add(&handshake{Client: client, Server: smtpPort, Transport: "tcp", StartTLS: "smtp", Version: "TLS 1.2", Resumed: ref(false)})
	h.named("mail.example")
	h.presents(id).refused("client", "unknown_ca")
	return nil
}

// smtpInClear are sessions without TLS: after the offer, after a refusal, and
// where nobody spoke of it.
func (l *lab) smtpInClear() error {
	for _, from := range []string{"10.77.1.6", "10.77.1.6", "10.77.1.7"} {
		if _, err := l.curlInClear(curlUpgrade{from: from, to: smtpPort, url: "smtp://mail.example:25/partner.example", args: l.letter()}, 0); err != nil {
			return err
		}
	}
	l.stayedClear(smtpPort, "smtp", declined, 3)
	if _, err := l.curlInClear(curlUpgrade{to: smtpBroken, url: "smtp://mail.example:2526/partner.example", args: append(l.letter(), "--ssl-reqd")}, curlNoTLS); err != nil {
		return err
	}
	r, err := l.curlInClear(curlUpgrade{to: smtpBroken, url: "smtp://mail.example:2526/partner.example", args: append(l.letter(), "--ssl")}, 0)
	if err != nil {
		return err
	}
	if !strings.Contains(r.out, "454 ") {
		return fmt.Errorf("STARTTLS should be refused:\n%s", r.out)
	}
	l.stayedClear(smtpBroken, "smtp", refused, 2)
	if err := l.converse("10.77.1.8", smtpWithout, line{"", "220 "}, line{"EHLO partner.example\r\n", "\n250 "}, line{"STARTTLS\r\n", "502 "}, line{"QUIT\r\n", "221 "}); err != nil {
		return err
	}
	l.stayedClear(smtpWithout, "smtp", refused, 1)
	_, err = l.curlInClear(curlUpgrade{to: smtpWithout, url: "smtp://mail.example:2525/partner.example", args: l.letter()}, 0)
	return err
}

// starttlsAnyway is s_client, which sends its hello whatever the server says.
func starttlsAnyway(l *lab) error {
	if err := l.network(false); err != nil {
		return err
	}
	if err := l.postfix(l.pki.get("mail"), smtpd{smtpWithout, "-o smtpd_tls_security_level=none"}); err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	h, r, err := l.sclient(sclient{to: smtpWithout, sni: "mail.example", args: []string{"-starttls", "smtp"}})
	if err != nil {
		return err
	}
	if r.code == 0 || !strings.Contains(r.out, "(NONE)") {
		return fmt.Errorf("there should be no TLS:\n%s", r.out)
	}
	h.Outcome, h.HelloRetry, h.Version, h.Cipher, h.Resumed = unanswered, nil, "", "", nil
	h.Note = "the hello follows a refusal: SMTP did not lead to it"
	l.lenient = true // to tshark it may be SMTP
	l.stayedClear(smtpWithout, "smtp", refused, 1)
	return nil
}
