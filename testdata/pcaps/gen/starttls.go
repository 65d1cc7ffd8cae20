//go:build linux

package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"
)

// Protocols that begin in plaintext, with servers and clients as operations
// have them.
var starttlsScenarios = slices.Concat(mailScenarios, mailboxScenarios, filesScenarios, directoryScenarios, databaseScenarios, chatScenarios, newsScenarios, desktopScenarios)

func init() {
	certSpecs = append(certSpecs,
		certSpec{name: "mail", subject: "mail.example", issuer: "ca", key: "p256", names: []string{"mail.example", "imap.example"}},
		certSpec{name: "files", subject: "ftp.example", issuer: "ca", key: "rsa", names: []string{"ftp.example"}},
		certSpec{name: "directory", subject: "ldap.example", issuer: "ca", key: "rsa", names: []string{"ldap.example"}},
		certSpec{name: "database", subject: "db.example", issuer: "ca", key: "rsa", names: []string{"db.example"}},
		certSpec{name: "chat", subject: "chat.example", issuer: "ca", key: "p256", names: []string{"chat.example", "irc.example"}},
		certSpec{name: "news", subject: "news.example", issuer: "ca", key: "rsa", names: []string{"news.example"}},
		certSpec{name: "desktop", subject: "desktop.example", issuer: "ca", key: "rsa", names: []string{"desktop.example"}},
	)
}

// asking is what openssl s_client calls a protocol.
var asking = map[string]string{"smtp": "smtp", "imap": "imap", "pop3": "pop3", "sieve": "sieve", "ftp": "ftp", "ldap": "ldap",
	"postgresql": "postgres", "mysql": "mysql", "xmpp": "xmpp", "irc": "irc", "nntp": "nntp"}

// upgraded is a session of openssl s_client that begins in the clear and goes
// on with TLS.
func (l *lab) upgraded(word string, c sclient, id *ident) (*handshake, error) {
	if !slices.Contains(c.args, "-starttls") {
		c.args = append([]string{"-starttls", asking[word]}, c.args...)
	}
	c.args = append([]string{"-crlf", "-msg"}, c.args...)
	if c.stdin == "" {
		c.stdin = "QUIT"
	}
	c.stdin += "\n"
	h, r, err := l.expectShown(c, id)
	if err != nil {
		return h, err
	}
	h.StartTLS, h.HelloRetry = word, ref(strings.Count(r.out, ", ClientHello\n") == 2)
	return h, l.ownRandom(h)
}

// ownRandom takes the client random of the client's own log, which the last
// handshake wrote.
func (l *lab) ownRandom(h *handshake) error {
	b, err := os.ReadFile(l.keys)
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	f := strings.Fields(lines[len(lines)-1])
	if len(f) != 3 || len(f[1]) != 64 {
		return fmt.Errorf("key log: %q", lines[len(lines)-1])
	}
	h.ClientRandom = f[1]
	return nil
}

// A curlUpgrade is one run of curl that speaks something else than HTTP.
type curlUpgrade struct {
	word     string
	from, to string
	url      string
	args     []string
	spare    int // ports for further connections
}

// curlRun runs curl from an address of the lab.
func (l *lab) curlRun(c curlUpgrade) (client string, r result, err error) {
	from, err := l.clientAddr(c.from)
	if err != nil {
		return "", r, err
	}
	last := from
	for range c.spare {
		if last, err = l.clientAddr(c.from); err != nil {
			return "", r, err
		}
	}
	args := []string{"curl", "-sv", "-m", "10", "-o", "/dev/null", "--interface", from.Addr().String(), "--local-port", fmt.Sprintf("%d-%d", from.Port(), last.Port()),
		"--connect-to", "::" + c.to}
	r, err = l.run("", []string{"SSLKEYLOGFILE=" + l.keys}, append(append(args, c.args...), c.url)...)
	return from.String(), r, err
}

// curlUpgraded is curl that insists on TLS, and gets it.
func (l *lab) curlUpgraded(c curlUpgrade, id *ident) (*handshake, result, error) {
	c.args = append([]string{"--ssl-reqd", "--cacert", l.bundle("root")}, c.args...)
	client, r, err := l.curlRun(c)
	if err != nil {
		return nil, r, err
	}
	m := reCurlConn.FindStringSubmatch(r.out)
	if r.code != 0 || m == nil {
		return nil, r, fmt.Errorf("curl %s ended with %d:\n%s", c.url, r.code, r.out)
	}
	h := l.add(&handshake{Client: client, Server: c.to, Transport: "tcp", StartTLS: c.word, Outcome: established, Resumed: ref(false), HelloRetry: ref(false),
		Version: versionByName(m[1]), Cipher: cipherByName(m[2])})
	_, rest, _ := strings.Cut(c.url, "://")
	place, _, _ := strings.Cut(rest, "/")
	h.named(hostOf(place))
	h.presents(id)
	return h, r, nil
}

// curlInClear is curl that ends with this code and makes no handshake.
func (l *lab) curlInClear(c curlUpgrade, code int) (result, error) {
	_, r, err := l.curlRun(c)
	if err == nil && (r.code != code || strings.Contains(r.out, "SSL connection using")) {
		err = fmt.Errorf("curl %s ended with %d:\n%s", c.url, r.code, r.out)
	}
	return r, err
}

// A line is something that a client says, and how the answer to it begins or
// what it holds. Where the client waits for the server to begin it says nothing.
type line struct{ say, answer string }

// converse says lines to a server, and wants the answers: a client that has no
// program of its own.
func (l *lab) converse(from, to string, lines ...line) error {
	client, err := l.clientAddr(from)
	if err != nil {
		return err
	}
	c, err := l.dial(client, to)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	for _, x := range lines {
		if _, err := io.WriteString(c, x.say); err != nil {
			return fmt.Errorf("%s: %q: %w", to, x.say, err)
		}
		if err := hear(c, x.answer); err != nil {
			return fmt.Errorf("%s: %q: %w", to, x.say, err)
		}
	}
	return nil
}

// hear reads until a text comes.
func hear(c net.Conn, text string) error {
	var got []byte
	buf := make([]byte, 4096)
	for !strings.Contains(string(got), text) {
		n, err := c.Read(buf)
		got = append(got, buf[:n]...)
		if err != nil {
			return fmt.Errorf("waiting for %q, got %q: %w", text, got, err)
		}
	}
	return nil
}

// expectCode runs a program that must end with this code.
func (l *lab) expectCode(code int, args ...string) error {
	r, err := l.run("", nil, args...)
	if err == nil && r.code != code {
		err = fmt.Errorf("%s ended with %d:\n%s", strings.Join(args, " "), r.code, r.out)
	}
	return err
}

// stayedClear notes sessions that went on without TLS.
func (l *lab) stayedClear(server, word, state string, sessions int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.truth.Cleartext {
		if c.Server == server && c.StartTLS == word && c.State == state {
			c.Sessions += sessions
			return
		}
	}
	l.truth.Cleartext = append(l.truth.Cleartext, &cleartext{server, word, state, sessions})
}

const (
	refused  = "refused"
	declined = "declined"
)

// atEnd has something done when the lab closes.
func (l *lab) atEnd(f func()) { l.closers = append(l.closers, f) }
