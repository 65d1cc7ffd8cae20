//go:build linux

package main

import (
	"fmt"
	"regexp"
	"strings"
)

// A sclient is one run of openssl s_client.
type sclient struct {
	from  string // client address; "" for the usual one
	to    string
	sni   string // "" sends none
	alpn  string
	args  []string
	stdin string
}

var (
	reCipher = regexp.MustCompile(`(New|Reused), (\S+), Cipher is (\S+)`)
	reALPN   = regexp.MustCompile(`ALPN protocol: (\S+)`)
	reProto  = regexp.MustCompile(`(?m)^\s+Protocol\s+: (\S+)`)
)

// sclient runs openssl s_client and keeps what it said of its handshake. The
// caller adds the chain and, where it was refused, by whom.
func (l *lab) sclient(c sclient) (*handshake, result, error) {
	from, err := l.clientAddr(c.from)
	if err != nil {
		return nil, result{}, err
	}
	h := l.add(&handshake{Client: from.String(), Server: c.to, Transport: "tcp", Outcome: established, HelloRetry: ref(false)})
	h.named(c.sni)
	args := []string{"openssl", "s_client", "-connect", c.to, "-bind", from.String(), "-ign_eof", "-keylogfile", l.keys}
	if c.sni == "" {
		args = append(args, "-noservername")
	} else {
		args = append(args, "-servername", c.sni)
	}
	if c.alpn != "" {
		args = append(args, "-alpn", c.alpn)
		h.ALPNOffered = strings.Split(c.alpn, ",")
	}
	if c.stdin == "" {
		c.stdin = "GET / HTTP/1.0\r\nHost: " + h.SNI + "\r\n\r\n"
	}
	r, err := l.run(c.stdin, nil, append(args, c.args...)...)
	if err != nil {
		return h, r, err
	}
	if m := reCipher.FindStringSubmatch(r.out); m != nil && m[3] != "(NONE)" {
		h.Version, h.Cipher, h.Resumed = versionByName(m[2]), cipherByName(m[3]), ref(m[1] == "Reused")
	}
	// The line above says how old the suite is; the session says what was negotiated.
	if m := reProto.FindStringSubmatch(r.out); m != nil && h.Version != "" {
		h.Version = versionByName(m[1])
	}
	if m := reALPN.FindStringSubmatch(r.out); m != nil {
		h.ALPNChosen = m[1]
	}
	return h, r, nil
}

// expect is the plain case: the handshake must succeed, and shows a chain.
func (l *lab) expect(c sclient, id *ident) (*handshake, error) {
	h, _, err := l.expectShown(c, id)
	return h, err
}

// expectShown does the same, and returns what the client wrote.
func (l *lab) expectShown(c sclient, id *ident) (*handshake, result, error) {
	h, r, err := l.sclient(c)
	if err != nil {
		return h, r, err
	}
	if h.Version == "" || r.code != 0 {
		return h, r, fmt.Errorf("openssl s_client to %s %q ended with %d:\n%s", c.to, c.args, r.code, r.out)
	}
	_, text, _ := strings.Cut(r.out, "\nServer certificate\n")
	if got := pemHashes(text); len(got) > 0 && got[0] != id.hashes()[0] {
		return h, r, fmt.Errorf("openssl s_client to %s %q got another certificate than %s", c.to, c.args, id.name)
	}
	return h.presents(id), r, nil
}

// A curl is one run of curl.
type curl struct {
	from, to string
	url      string
	args     []string
	noSNI    bool // where the URL holds an address
}

var (
	reCurlConn = regexp.MustCompile(`SSL connection using (\S+) / (\S+)`)
	reCurlALPN = regexp.MustCompile(`ALPN: server accepted (\S+)`)
)

// curl runs curl and keeps what it said of its handshake.
func (l *lab) curl(c curl) (*handshake, result, error) {
	from, err := l.clientAddr(c.from)
	if err != nil {
		return nil, result{}, err
	}
	host := strings.TrimPrefix(c.url, "https://")
	host, _, _ = strings.Cut(host, "/")
	host, port, ok := strings.Cut(host, ":")
	if !ok {
		port = "443"
	}
	ip, toPort, _ := strings.Cut(c.to, ":")
	h := l.add(&handshake{Client: from.String(), Server: c.to, Transport: "tcp", Outcome: established, Resumed: ref(false), HelloRetry: ref(false), ALPNOffered: []string{"h2", "http/1.1"}})
	if c.noSNI {
		h.NoSNI = true
	} else {
		h.named(host)
	}
	args := []string{"curl", "-sv", "-m", "10", "-o", "/dev/null", "--interface", from.Addr().String(), "--local-port", fmt.Sprint(from.Port())}
	if !c.noSNI {
		args = append(args, "--connect-to", host+":"+port+":"+ip+":"+toPort)
	}
	r, err := l.run("", []string{"SSLKEYLOGFILE=" + l.keys}, append(append(args, c.args...), c.url)...)
	if err != nil {
		return h, r, err
	}
	if m := reCurlConn.FindStringSubmatch(r.out); m != nil {
		h.Version, h.Cipher = versionByName(m[1]), cipherByName(m[2])
	}
	if m := reCurlALPN.FindStringSubmatch(r.out); m != nil {
		h.ALPNChosen = m[1]
	}
	return h, r, nil
}

// curlOK is the plain case of curl.
func (l *lab) curlOK(c curl, id *ident) error {
	h, r, err := l.curl(c)
	if err != nil {
		return err
	}
	if r.code != 0 {
		return fmt.Errorf("curl %s ended with %d:\n%s", c.url, r.code, r.out)
	}
	h.presents(id)
	return nil
}

// curlRefuses is curl that does not accept the certificate.
func (l *lab) curlRefuses(c curl, id *ident, version, description string) error {
	h, r, err := l.curl(c)
	if err != nil {
		return err
	}
	if r.code != 60 {
		return fmt.Errorf("curl %s ended with %d where it should refuse the certificate:\n%s", c.url, r.code, r.out)
	}
	h.Version = version
	h.presents(id).refused("client", description)
	return nil
}

// refuses is openssl s_client that does not accept the certificate.
func (l *lab) refuses(c sclient, id *ident, version, description string) error {
	h, r, err := l.sclient(c)
	if err != nil {
		return err
	}
	if !strings.Contains(r.out, "certificate verify failed") {
		return fmt.Errorf("openssl s_client to %s should refuse the certificate:\n%s", c.to, r.out)
	}
	h.Version, h.Resumed = version, ref(false)
	h.presents(id).refused("client", description)
	return nil
}

// resume makes two handshakes, the second one with the first one's session.
func (l *lab) resume(from, to, sni, alpn string, id *ident, session string, args []string) error {
	if _, err := l.expect(sclient{from: from, to: to, sni: sni, alpn: alpn, args: append(args, "-sess_out", session)}, id); err != nil {
		return err
	}
	h, err := l.expect(sclient{from: from, to: to, sni: sni, alpn: alpn, args: append(args, "-sess_in", session)}, id)
	if err == nil && !*h.Resumed {
		err = fmt.Errorf("the session was not resumed")
	}
	return err
}
