package coverage

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"blindspot/discover"
	"blindspot/discover/trust"
)

// starttlsWords are openssl's words for ours, where it has one.
var starttlsWords = map[string]string{
	"smtp": "smtp", "imap": "imap", "pop3": "pop3", "ftp": "ftp", "ldap": "ldap", "xmpp": "xmpp", "nntp": "nntp",
	"sieve": "sieve", "irc": "irc", "postgresql": "postgres", "mysql": "mysql",
}

// oldVersionFlags make openssl speak a retired version, which it has to be
// allowed to.
var oldVersionFlags = map[string]string{
	"SSL 3.0": "-ssl3", "TLS 1.0": "-tls1", "TLS 1.1": "-tls1_1", "DTLS 1.0": "-dtls1",
}

// command is the openssl command that shows what clients met in the cell; more
// are further words.
func command(c *cell, more ...string) string {
	e := c.endpoint
	args := append(make([]string, 0, 16), "openssl", "s_client")
	if e.target != "" && strings.Contains(e.preface, "http-connect") {
		args = append(args, "-proxy", quote(e.server.String()), "-connect", quote(e.target))
	} else {
		args = append(args, "-connect", quote(e.server.String()))
	}
	if c.name != nil {
		args = append(args, "-servername", quote(c.name.text))
	} else {
		args = append(args, "-noservername")
	}
	last := e.preface[strings.LastIndexByte(e.preface, '+')+1:]
	if w := starttlsWords[last]; w != "" {
		args = append(args, "-starttls", w)
	}
	if v := oldVersionFlags[c.version]; v != "" {
		args = append(args, v, "-cipher", "DEFAULT@SECLEVEL=0")
	}
	switch e.transport {
	case discover.DTLS:
		if c.version != "DTLS 1.0" {
			args = append(args, "-dtls")
		}
	case discover.QUIC:
		args = append(args, "-quic", "-alpn", "h3")
	}
	return strings.Join(append(append(args, more...), "-showcerts", "</dev/null"), " ")
}

// shows ends a remedy with the command.
func shows(text string, cells []*cell) string {
	return text + " See it with: " + command(mostUsed(cells))
}

// rootsOf are openssl's words for a trust store that is one PEM file.
func rootsOf(s *trust.Store) []string {
	if s.Kind != "pem" || strings.Contains(s.Path, ", ") || !slices.Contains(pemEndings, filepath.Ext(s.Path)) || s.Path != clean(s.Path) {
		return nil
	}
	path := s.Path
	if path[0] == '-' {
		path = "./" + path
	}
	return []string{"-CAfile", quote(path)}
}

// pemEndings tell files from directories, which need another word.
var pemEndings = []string{".pem", ".crt", ".cer"}

// quote makes a word safe for a shell.
func quote(s string) string {
	plain := s != "" && s[0] != '-'
	for i := 0; i < len(s) && plain; i++ {
		c := s[i]
		plain = 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("._:-/", c) >= 0
	}
	if plain {
		return s
	}
	return "'" + strings.ReplaceAll(clean(s), "'", `'\''`) + "'"
}

// addCheck says which check would close a gap.
func addCheck(host string, addr netip.AddrPort, port uint16) string {
	if host == "" {
		return fmt.Sprintf("Add a check of %s", addr)
	}
	return "Add a check of " + host + ":" + strconv.Itoa(int(port)) + " that sends the name and verifies the certificate"
}
