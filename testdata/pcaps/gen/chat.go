//go:build linux

package main

import (
	"fmt"
	"os"
)

var chatScenarios = []scenario{
	{"starttls-xmpp.pcap", "Prosody 0.12.3 (OpenSSL 3.0.22); openssl s_client", "XMPP of clients and between servers: STARTTLS; a login in the clear after the offer; STARTTLS refused", starttlsXMPP},
	{"starttls-irc.pcap", "InspIRCd 3.15.0 (GnuTLS 3.7.9); openssl s_client", "IRC: STARTTLS; a session in the clear after the offer (CAP LS); STARTTLS refused", starttlsIRC},
}

const (
	xmppClients = "10.77.0.10:5222"
	xmppServers = "10.77.0.10:5269"
)

func starttlsXMPP(l *lab) error {
	id := l.pki.get("chat")
	if err := l.network(false); err != nil {
		return err
	}
	if err := os.Mkdir(l.tmp+"/prosody", 0o755); err != nil { //nolint:gosec // of one user
		return err
	}
	cfg := l.file("prosody.cfg.lua", fmt.Sprintf(`daemonize = false
run_as_root = true
pidfile = "%[1]s/prosody.pid"
data_path = "%[1]s/prosody"
log = { { levels = { min = "info" }, to = "console" } }
interfaces = { "10.77.0.10" }
modules_enabled = { "saslauth", "tls", "dialback", "roster", "disco" }
c2s_require_encryption = false
s2s_require_encryption = false
s2s_secure_auth = false
ssl = { certificate = "%[2]s", key = "%[3]s", protocol = "tlsv1_2+" }
VirtualHost "chat.example"
  authentication = "anonymous"
VirtualHost "plain.example"
  authentication = "anonymous"
  ssl = { certificate = "%[1]s/none", key = "%[1]s/none" }
`, l.tmp, l.crt(id), l.key(id)))
	if _, err := l.serve([]string{xmppClients, xmppServers}, "prosody", "--config", cfg, "-F"); err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	for _, v := range bothVersions {
		for _, c := range []struct{ proto, to string }{{"xmpp", xmppClients}, {"xmpp-server", xmppServers}} {
			args := []string{"-starttls", c.proto, "-xmpphost", "chat.example", v, "-no_ign_eof"}
			if _, err := l.upgraded("xmpp", sclient{to: c.to, sni: "chat.example", args: args, stdin: "Q"}, id); err != nil {
				return err
			}
		}
	}
	stream := func(host string) line {
		return line{"<?xml version='1.0'?><stream:stream to='" + host + "' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>", "</stream:features>"}
	}
	if err := l.converse("10.77.1.4", xmppClients, stream("chat.example"), line{"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>", "<success"},
		stream("chat.example"), line{"</stream:stream>", "</stream:stream>"}); err != nil {
		return err
	}
	l.stayedClear(xmppClients, "xmpp", declined, 1)
	if err := l.converse("10.77.1.5", xmppClients, stream("plain.example"), line{"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "<failure"}); err != nil {
		return err
	}
	l.stayedClear(xmppClients, "xmpp", refused, 1)
	return nil
}

const (
	ircWith    = "10.77.0.10:6667"
	ircWithout = "10.77.0.10:6668"
)

// inspircd starts an InspIRCd whose STARTTLS has this profile.
func (l *lab) inspircd(name, port, profile string, id *ident) error {
	cfg := l.file(name+".conf", fmt.Sprintf(`<server name="irc.example" description="Example" network="Example">
<admin name="anna" nick="anna" email="anna@chat.example">
<pid file="%[1]s/%[2]s.pid">
<path configdir="%[1]s" datadir="%[1]s" logdir="%[1]s" runtimedir="%[1]s" moduledir="/usr/lib/inspircd/modules">
<log method="file" type="*" level="default" target="%[1]s/%[2]s.log">
<module name="cap">
<module name="ssl_gnutls">
<module name="starttls">
<sslprofile name="Clients" provider="gnutls" certfile="%[5]s" keyfile="%[6]s">
<starttls provider="%[4]s">
<bind address="10.77.0.10" port="%[3]s" type="clients">
<connect allow="*" timeout="10" pingfreq="120" resolvehostnames="no" useident="no">
<options prefixquit="" defaultmodes="not">
`, l.tmp, name, port, profile, l.crt(id), l.key(id)))
	_, err := l.serve([]string{"10.77.0.10:" + port}, "inspircd", "--nofork", "--runasroot", "--config="+cfg)
	return err
}

func starttlsIRC(l *lab) error {
	id := l.pki.get("chat")
	if err := l.network(false); err != nil {
		return err
	}
	if err := l.inspircd("irc", "6667", "Clients", id); err != nil {
		return err
	}
	if err := l.inspircd("irc-clear", "6668", "Nobody", id); err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	l.lenient = true // tshark does not know TLS there
	for _, v := range bothVersions {
		if _, err := l.upgraded("irc", sclient{to: ircWith, sni: "irc.example", args: []string{v}}, id); err != nil {
			return err
		}
	}
	login := line{"NICK anna\r\nUSER anna 0 * :Anna\r\nCAP END\r\n", " 001 anna"}
	quit := line{"QUIT :bye\r\n", "ERROR"}
	if err := l.converse("10.77.1.4", ircWith, line{"CAP LS 302\r\n", "tls"}, login, quit); err != nil {
		return err
	}
	l.stayedClear(ircWith, "irc", declined, 1)
	if err := l.converse("10.77.1.5", ircWithout, line{"STARTTLS\r\n", " 691 "}, login, quit); err != nil {
		return err
	}
	l.stayedClear(ircWithout, "irc", refused, 1)
	return nil
}
