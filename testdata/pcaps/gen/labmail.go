//go:build linux

package main

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Where mail is in both laboratories, beside NGINX.
const (
	smtpAddr = "10.77.6.10:25"
	imapAddr = "10.77.6.20:143"
	smtpName = "mail.shop.example"
	imapName = "imap.shop.example"
)

// smtpServer starts Postfix, which offers STARTTLS with a certificate, takes
// mail for shop.example and drops it. It logs each handshake.
func (b *laboratory) smtpServer(role string) error {
	if err := b.addr(b.web, hostOf(smtpAddr)); err != nil {
		return err
	}
	dir, data := filepath.Join(b.tmp, "postfix"), filepath.Join(b.tmp, "postfix-data")
	for _, d := range []string{dir, data, filepath.Join(b.tmp, "postfix-spool")} {
		if err := os.Mkdir(d, 0o755); err != nil { //nolint:gosec // Postfix has several users
			return err
		}
	}
	if err := give(data, "postfix"); err != nil {
		return err
	}
	id := b.id(role)
	b.file("postfix/main.cf", fmt.Sprintf(`compatibility_level = 3.6
queue_directory = %[1]s/postfix-spool
data_directory = %[1]s/postfix-data
maillog_file = /dev/stdout
inet_protocols = ipv4
myhostname = mail.shop.example
mydestination = shop.example
local_recipient_maps =
local_transport = discard:
alias_maps =
mynetworks =
smtpd_peername_lookup = no
smtpd_client_port_logging = yes
smtpd_client_connection_rate_limit = 0
smtpd_tls_security_level = may
smtpd_tls_chain_files = %[2]s, %[3]s
smtpd_tls_loglevel = 1
smtpd_tls_session_cache_database =
tls_ssl_options = NO_TICKET
smtpd_tls_protocols = >=%[4]s
`, b.tmp, b.key(id), b.crt(id), b.oldest("TLSv1")))
	b.file("postfix/master.cf", smtpAddr+` inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
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
	if r, err := b.run("", nil, "postfix", "-c", dir, "check"); err != nil || r.code != 0 {
		return fmt.Errorf("postfix check: %w\n%s", err, r.out)
	}
	// The master itself and not "postfix start-fg", which leaves the process group.
	var err error
	b.smtpd, err = b.serveIn(b.web, []string{smtpAddr}, "/usr/lib/postfix/sbin/master", "-c", dir, "-d")
	return err
}

var rePostfixTLS = regexp.MustCompile(`TLS connection established from \S+\[([^]]+)\]:(\d+): (\S+) with cipher (\S+)`)

// smtpLog adds to the truth what Postfix logged and nobody else did: the
// checks, which ask for the name that they dial.
func (b *laboratory) smtpLog(role string) {
	ip, port, _ := strings.Cut(smtpAddr, ":")
	for _, m := range rePostfixTLS.FindAllStringSubmatch(b.smtpd.output(), -1) {
		b.logged(m[1], m[2], ip, port, smtpName, m[3], m[4], false, b.id(role))
	}
}

// imapServer starts Dovecot, which offers STARTTLS with a certificate, and lets
// clients log in without it. It logs each session.
func (b *laboratory) imapServer(role string) error {
	if err := b.addr(b.web, hostOf(imapAddr)); err != nil {
		return err
	}
	mail := filepath.Join(b.tmp, "mail")
	if err := os.Mkdir(mail, 0o755); err != nil { //nolint:gosec // given to its user
		return err
	}
	if err := give(mail, "nobody"); err != nil {
		return err
	}
	id := b.id(role)
	cfg := b.file("dovecot.conf", fmt.Sprintf(`base_dir = %[1]s/dovecot
state_dir = %[1]s/dovecot
log_path = /dev/stderr
protocols = imap
ssl = yes
ssl_cert = <%[3]s
ssl_key = <%[4]s
ssl_min_protocol = %[5]s
ssl_options = no_ticket
disable_plaintext_auth = no
login_log_format_elements = %%r %%b %%{local_name} %%k
login_log_format = %%$: %%s
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
service imap-login {
  inet_listener imap {
    address = %[2]s
    port = 143
  }
  inet_listener imaps {
    port = 0
  }
}
`, b.tmp, hostOf(imapAddr), b.crt(id), b.key(id), b.oldest("TLSv1.2")))
	var err error
	b.imapd, err = b.serveIn(b.web, []string{imapAddr}, "dovecot", "-F", "-c", cfg)
	if err == nil {
		b.closing(b.imapd.interrupt)
	}
	return err
}

var reDovecotTLS = regexp.MustCompile(`: ([0-9.]+), (\d+), (\S+), (TLS\S+) with cipher (\S+)`)

// imapLog adds to the truth what Dovecot logged and nobody else did: the checks.
func (b *laboratory) imapLog(role string) {
	ip, port, _ := strings.Cut(imapAddr, ":")
	for _, m := range reDovecotTLS.FindAllStringSubmatch(b.imapd.output(), -1) {
		b.logged(m[1], m[2], ip, port, m[3], m[4], m[5], false, b.id(role))
	}
}

// encrypted runs curl that speaks something else than HTTP, over TLS.
func (b *laboratory) encrypted(c curlUpgrade, id *ident) error {
	client, r, err := b.curlRun(c)
	if err != nil {
		return err
	}
	m := reCurlConn.FindStringSubmatch(r.out)
	if r.code != 0 || m == nil {
		return fmt.Errorf("curl %s ended with %d:\n%s", c.url, r.code, r.out)
	}
	h := b.add(&handshake{Client: client, Server: c.to, Transport: "tcp", Outcome: established, Resumed: ref(false), HelloRetry: ref(false),
		Version: versionByName(m[1]), Cipher: cipherByName(m[2])})
	_, rest, _ := strings.Cut(c.url, "://")
	h.named(hostOf(rest))
	h.presents(id)
	return nil
}

// sendMail delivers a letter over STARTTLS.
func (b *laboratory) sendMail(from string, id *ident, args ...string) error {
	letter := b.file("letter", "From: orders@partner.example\r\nTo: info@shop.example\r\nSubject: order\r\n\r\nTwelve of them.\r\n")
	args = append([]string{"--ssl-reqd", "--mail-from", "orders@partner.example", "--mail-rcpt", "info@shop.example", "-T", letter}, args...)
	return b.encrypted(curlUpgrade{from: from, to: smtpAddr, url: "smtp://" + smtpName + ":25/partner.example", args: args}, id)
}

const imapURL = "imap://" + imapName + ":143/"

var imapLogin = []string{"-u", "anna:laboratory"}

// readMail looks into a mailbox over STARTTLS.
func (b *laboratory) readMail(from string, id *ident, args ...string) error {
	args = append(append([]string{"--ssl-reqd"}, imapLogin...), args...)
	return b.encrypted(curlUpgrade{from: from, to: imapAddr, url: imapURL, args: args}, id)
}

// readMailInClear does the same with a client that was never told of TLS.
func (b *laboratory) readMailInClear(from string) error {
	_, err := b.curlInClear(curlUpgrade{from: from, to: imapAddr, url: imapURL, args: imapLogin}, 0)
	b.stayedClear(imapAddr, "imap", declined, 1)
	return err
}

// prefaces are what stands before TLS where it does not begin at once.
var prefaces = map[string]string{smtpAddr: "smtp", imapAddr: "imap", ldapAddr: "ldap", dbAddr: "postgresql"}

// officeLogs adds to the truth what only the servers logged, by their
// certificates' roles.
func (b *laboratory) officeLogs(smtp, imap, ldap, db string) error {
	b.smtpLog(smtp)
	b.imapLog(imap)
	b.databaseLog(db)
	if err := b.directoryLog(ldap); err != nil {
		return err
	}
	for _, h := range b.truth.Handshakes {
		h.StartTLS = prefaces[h.Server]
	}
	return nil
}

func hostOf(addr string) string {
	host, _, _ := strings.Cut(addr, ":")
	return host
}

// give hands a file or folder to a user of the system.
func give(path, name string) error {
	u, err := user.Lookup(name)
	if err != nil {
		return err
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	return os.Chown(path, uid, gid)
}
