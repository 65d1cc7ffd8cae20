//go:build linux

package main

import (
	"fmt"
	"os/exec"
	"strings"
)

// needs are the programs of single captures, beside those that all need, with
// the Debian package of each.
var needs = map[string][]struct{ program, pkg string }{
	"starttls-smtp.pcap":       {{"/usr/lib/postfix/sbin/master", "postfix"}},
	"starttls-anyway.pcap":     {{"/usr/lib/postfix/sbin/master", "postfix"}},
	"starttls-imap.pcap":       {{"/usr/lib/dovecot/imap", "dovecot-imapd"}},
	"starttls-pop3.pcap":       {{"/usr/lib/dovecot/pop3", "dovecot-pop3d"}},
	"starttls-lmtp.pcap":       {{"/usr/lib/dovecot/lmtp", "dovecot-lmtpd"}},
	"starttls-sieve.pcap":      {{"/usr/lib/dovecot/managesieve", "dovecot-managesieved"}},
	"starttls-ftp.pcap":        {{"vsftpd", "vsftpd"}, {"lftp", "lftp"}, {"python3", "python3"}},
	"starttls-ldap.pcap":       {{"slapd", "slapd"}, {"ldapsearch", "ldap-utils"}},
	"starttls-postgresql.pcap": {{"psql", "postgresql"}, {"setpriv", "util-linux"}},
	"starttls-mysql.pcap":      {{"mariadbd", "mariadb-server"}, {"mariadb", "mariadb-client"}},
	"starttls-xmpp.pcap":       {{"prosody", "prosody"}},
	"starttls-irc.pcap":        {{"inspircd", "inspircd"}},
	"starttls-nntp.pcap":       {{"/usr/lib/news/bin/nnrpd", "inn2"}, {"setpriv", "util-linux"}},
	"starttls-rdp.pcap":        {{"xrdp", "xrdp"}, {"xfreerdp", "freerdp2-x11"}, {"Xvfb", "xvfb"}},
	"preface-connect.pcap":     {{"tinyproxy", "tinyproxy"}},
	"preface-socks.pcap":       {{"danted", "dante-server"}, {"microsocks", "microsocks"}, {"ssh", "openssh-client"}, {"/usr/sbin/sshd", "openssh-server"}},
	"preface-proxy-smtp.pcap":  {{"/usr/lib/postfix/sbin/master", "postfix"}},
}

// needed says what a capture cannot be made without.
func needed(name string) error {
	var missing, pkgs []string
	for _, n := range needs[name] {
		if _, err := exec.LookPath(n.program); err != nil {
			missing, pkgs = append(missing, n.program), append(pkgs, n.pkg)
		}
	}
	if missing != nil {
		return fmt.Errorf("not installed: %s; on Debian: apt-get install %s", strings.Join(missing, ", "), strings.Join(pkgs, " "))
	}
	return nil
}
