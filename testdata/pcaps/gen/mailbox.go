//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const dovecotStack = "Dovecot 2.3.19 (OpenSSL 3.0.22)"

var mailboxScenarios = []scenario{
	{"starttls-imap.pcap", dovecotStack + "; openssl s_client, curl 7.88.1", "IMAP: STARTTLS; a login in the clear after the offer; STARTTLS refused", starttlsIMAP},
	{"starttls-pop3.pcap", dovecotStack + "; openssl s_client, curl 7.88.1", "POP3: STLS; a login in the clear after the offer; STLS refused", starttlsPOP3},
	{"starttls-lmtp.pcap", dovecotStack + "; openssl s_client", "LMTP: STARTTLS; a delivery in the clear after the offer", starttlsLMTP},
	{"starttls-sieve.pcap", dovecotStack + "; openssl s_client", "ManageSieve: STARTTLS; a login in the clear after the offer; STARTTLS refused", starttlsSieve},
}

// dovecot starts a Dovecot with one protocol at two addresses: one has TLS, the
// other, a Dovecot of its own, has not.
func (l *lab) dovecot(id *ident, protocol, with, without string) error {
	mail := filepath.Join(l.tmp, "mail")
	if err := os.Mkdir(mail, 0o755); err != nil { //nolint:gosec // given to its user
		return err
	}
	if err := give(mail, "nobody"); err != nil {
		return err
	}
	tls := fmt.Sprintf("ssl = yes\nssl_cert = <%s\nssl_key = <%s\nssl_min_protocol = TLSv1.2\nssl_options = no_ticket\n", l.crt(id), l.key(id))
	if err := l.dovecotAt("dovecot", protocol, with, tls); err != nil {
		return err
	}
	if without == "" {
		return nil
	}
	return l.dovecotAt("dovecot-clear", protocol, without, "ssl = no\n")
}

func (l *lab) dovecotAt(name, protocol, addr, tls string) error {
	service, listener := protocol+"-login", protocol
	if protocol == "lmtp" {
		service = protocol
	}
	if protocol == "sieve" {
		service = "managesieve-login"
	}
	ip, port, _ := strings.Cut(addr, ":")
	unused := map[string]string{"imap": "inet_listener imaps {\n port = 0\n }\n", "pop3": "inet_listener pop3s {\n port = 0\n }\n"}[protocol]
	cfg := l.file(name+".conf", fmt.Sprintf(`base_dir = %[1]s/%[2]s
state_dir = %[1]s/%[2]s
log_path = /dev/stderr
protocols = %[3]s
%[4]sdisable_plaintext_auth = no
mail_location = maildir:%[1]s/mail/%%u
first_valid_uid = 1
passdb {
  driver = static
  args = password=laboratory
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=%[1]s/mail/%%u
}
protocol lmtp {
  postmaster_address = postmaster@example
}
service %[5]s {
  inet_listener %[6]s {
    address = %[7]s
    port = %[8]s
  }
  %[9]s}
`, l.tmp, name, protocol, tls, service, listener, ip, port, unused))
	p, err := l.serve([]string{addr}, "dovecot", "-F", "-c", cfg)
	if err == nil {
		l.atEnd(p.interrupt)
	}
	return err
}

// mailbox starts Dovecot and the capture.
func (l *lab) mailbox(id *ident, protocol, with, without string) error {
	if err := l.network(false); err != nil {
		return err
	}
	if err := l.dovecot(id, protocol, with, without); err != nil {
		return err
	}
	return l.capture()
}

var asAnna = []string{"-u", "anna:laboratory"}

func starttlsIMAP(l *lab) error {
	const with, another, without = "10.77.0.10:143", "", "10.77.0.10:1143"
	id := l.pki.get("mail")
	if err := l.mailbox(id, "imap", with, without); err != nil {
		return err
	}
	l.decodeAs = []string{"-d", "tcp.port==1143,imap"}
	for i, v := range bothVersions {
		for _, c := range []sclient{{sni: "imap.example"}, {from: "10.77.1.2"}} {
			c.to, c.args, c.stdin = with, []string{v}, "a LOGOUT"
			if _, err := l.upgraded("imap", c, id); err != nil {
				return err
			}
		}
		max := []string{"1.2", "1.3"}[i]
		if _, _, err := l.curlUpgraded(curlUpgrade{word: "imap", from: "10.77.1.3", to: with, url: "imap://imap.example:143/", args: append([]string{"--tls-max", max}, asAnna...)}, id); err != nil {
			return err
		}
	}
	for _, from := range []string{"10.77.1.4", "10.77.1.5"} {
		if _, err := l.curlInClear(curlUpgrade{from: from, to: with, url: "imap://imap.example:143/", args: asAnna}, 0); err != nil {
			return err
		}
	}
	l.stayedClear(with, "imap", declined, 2)
	if err := l.converse("10.77.1.6", without, line{"", "* OK"}, line{"a STARTTLS\r\n", "a BAD "}, line{"b LOGIN anna laboratory\r\n", "b OK "}, line{"c LOGOUT\r\n", "c OK "}); err != nil {
		return err
	}
	l.stayedClear(without, "imap", refused, 1)
	_, err := l.curlInClear(curlUpgrade{to: without, url: "imap://imap.example:1143/", args: asAnna}, 0) // not offered: nothing to decline
	return err
}

func starttlsPOP3(l *lab) error {
	const with, without = "10.77.0.10:110", "10.77.0.10:1110"
	id := l.pki.get("mail")
	if err := l.mailbox(id, "pop3", with, without); err != nil {
		return err
	}
	l.decodeAs = []string{"-d", "tcp.port==1110,pop"}
	for i, v := range bothVersions {
		if _, err := l.upgraded("pop3", sclient{to: with, sni: "mail.example", args: []string{v}}, id); err != nil {
			return err
		}
		max := []string{"1.2", "1.3"}[i]
		if _, _, err := l.curlUpgraded(curlUpgrade{word: "pop3", from: "10.77.1.3", to: with, url: "pop3://mail.example:110/", args: append([]string{"--tls-max", max}, asAnna...)}, id); err != nil {
			return err
		}
	}
	if _, err := l.curlInClear(curlUpgrade{from: "10.77.1.4", to: with, url: "pop3://mail.example:110/", args: asAnna}, 0); err != nil {
		return err
	}
	l.stayedClear(with, "pop3", declined, 1)
	if err := l.converse("10.77.1.6", without, line{"", "+OK"}, line{"STLS\r\n", "-ERR"}, line{"QUIT\r\n", "+OK"}); err != nil {
		return err
	}
	l.stayedClear(without, "pop3", refused, 1)
	_, err := l.curlInClear(curlUpgrade{to: without, url: "pop3://mail.example:1110/", args: asAnna}, 0)
	return err
}

func starttlsLMTP(l *lab) error {
	const with = "10.77.0.10:24"
	id := l.pki.get("mail")
	if err := l.mailbox(id, "lmtp", with, ""); err != nil {
		return err
	}
	l.lenient = true // tshark does not know LMTP
	for _, v := range bothVersions {
		if _, err := l.upgraded("smtp", sclient{to: with, sni: "mail.example", args: []string{"-starttls", "lmtp", v}}, id); err != nil {
			return err
		}
	}
	if err := l.converse("10.77.1.4", with, line{"", "220 "}, line{"LHLO partner.example\r\n", "\n250 "}, line{"MAIL FROM:<anna@partner.example>\r\n", "250 "},
		line{"RCPT TO:<info@example>\r\n", "250 "}, line{"DATA\r\n", "354 "}, line{"Subject: order\r\n\r\nTwelve.\r\n.\r\n", "250 "}, line{"QUIT\r\n", "221 "}); err != nil {
		return err
	}
	l.stayedClear(with, "smtp", declined, 1)
	return nil
}

func starttlsSieve(l *lab) error {
	const with, without = "10.77.0.10:4190", "10.77.0.10:4191"
	id := l.pki.get("mail")
	if err := l.mailbox(id, "sieve", with, without); err != nil {
		return err
	}
	l.lenient = true // tshark does not know TLS there
	for _, v := range bothVersions {
		if _, err := l.upgraded("sieve", sclient{to: with, sni: "mail.example", args: []string{v}, stdin: "LOGOUT"}, id); err != nil {
			return err
		}
	}
	login := line{"AUTHENTICATE \"PLAIN\" \"AGFubmEAbGFib3JhdG9yeQ==\"\r\n", "OK"}
	if err := l.converse("10.77.1.4", with, line{"", "OK \""}, login, line{"LISTSCRIPTS\r\n", "OK "}, line{"LOGOUT\r\n", "OK "}); err != nil {
		return err
	}
	l.stayedClear(with, "sieve", declined, 1)
	if err := l.converse("10.77.1.5", without, line{"", "OK \""}, line{"STARTTLS\r\n", "NO "}, line{"LOGOUT\r\n", "OK "}); err != nil {
		return err
	}
	l.stayedClear(without, "sieve", refused, 1)
	return nil
}
