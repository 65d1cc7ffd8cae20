package monitored

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// scheme is what a URL's first word says about TLS.
type scheme struct {
	port     uint16 // default, 0 for none
	tls      bool
	starttls string // preface, in the words of events
}

// schemes maps URL schemes to what they speak. Ports are IANA's.
var schemes = map[string]scheme{
	"https": {port: 443, tls: true},
	"wss":   {port: 443, tls: true},
	"tls":   {tls: true},
	"ssl":   {tls: true},
	"ldaps": {port: 636, tls: true},
	"smtps": {port: 465, tls: true},
	"imaps": {port: 993, tls: true},
	"pop3s": {port: 995, tls: true},
	"ftps":  {port: 990, tls: true},
	"nntps": {port: 563, tls: true},
	"ircs":  {port: 6697, tls: true},
	"amqps": {port: 5671, tls: true},
	"mqtts": {port: 8883, tls: true},
	"sips":  {port: 5061, tls: true},

	"smtp":       {port: 25},
	"imap":       {port: 143},
	"pop3":       {port: 110},
	"ftp":        {port: 21},
	"ldap":       {port: 389},
	"xmpp":       {port: 5222},
	"nntp":       {port: 119},
	"sieve":      {port: 4190},
	"irc":        {port: 6667},
	"postgresql": {port: 5432},
	"mysql":      {port: 3306},

	"http": {port: 80},
	"ws":   {port: 80},
	"tcp":  {},
	"icmp": {},
	"ping": {},
}

// startTLSOf are the schemes that can be written with "+starttls".
var startTLSOf = map[string]bool{
	"smtp": true, "imap": true, "pop3": true, "ftp": true, "ldap": true, "xmpp": true,
	"nntp": true, "sieve": true, "irc": true, "postgresql": true, "mysql": true,
}

// lookupScheme reads "https", "smtp+starttls" and the like.
func lookupScheme(word string) (base string, s scheme, ok bool) {
	base, starttls := strings.CutSuffix(strings.ToLower(word), "+starttls")
	s, ok = schemes[base]
	if starttls {
		s.starttls = base
		ok = ok && startTLSOf[base]
	}
	return base, s, ok
}

// urlCheck reads a URL as a check that asks for the URL's host and verifies,
// as far as its scheme speaks TLS.
func urlCheck(kind, ref, text string) (Check, error) {
	word, rest, _ := strings.Cut(text, "://")
	base, s, ok := lookupScheme(word)
	if !ok {
		return Check{}, fmt.Errorf("has the unknown scheme %q", clip(word))
	}
	p, err := parseAuthority(rest)
	if err != nil {
		return Check{}, err
	}
	c := newCheck(kind, ref, p.withPort(s.port))
	c.Scheme, c.StartTLS = base, s.starttls
	if !s.tls && s.starttls == "" {
		c.plain(plainReason(base))
		return c, nil
	}
	c.setSNI(p, originDerived)
	if c.Port == 0 {
		c.note("no port is given: any port is taken")
	}
	return c, nil
}

func plainReason(base string) string {
	if startTLSOf[base] {
		return base + ":// does not ask for TLS: no certificate is checked; " + base + "+starttls:// does"
	}
	return base + ":// is no TLS: no certificate is checked"
}

// parseAuthority reads the host and port behind "://" (RFC 3986 §3.2).
func parseAuthority(rest string) (place, error) {
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		rest = rest[i+1:]
	}
	rest = strings.TrimSuffix(rest, ":") // an empty port is the default one
	if strings.Contains(rest, "%") && !strings.HasPrefix(rest, "[") {
		plain, err := url.PathUnescape(rest)
		if err != nil {
			return place{}, errors.New("has a broken %-escape in its host")
		}
		rest = plain
	}
	return parsePlace(rest)
}
