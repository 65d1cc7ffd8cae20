//go:build linux

package main

import (
	"fmt"
	"os"
	"strings"
)

const slapdStack = "OpenLDAP 2.5.13 (GnuTLS 3.7.9)"

var directoryScenarios = []scenario{
	{"starttls-ldap.pcap", slapdStack + "; ldapsearch, openssl s_client", "LDAP: StartTLS; refused by a server without it, where one client goes on in the clear and one gives up; searches that never ask", starttlsLDAP},
}

const (
	ldapWith    = "10.77.0.10:389"
	ldapWithout = "10.77.0.10:1389"
)

// slapdAt starts an empty directory.
func (l *lab) slapdAt(name, addr, tls string) (*proc, error) {
	cfg := l.file(name+".conf", "modulepath /usr/lib/ldap\nmoduleload back_mdb\ninclude /etc/ldap/schema/core.schema\npidfile "+l.tmp+"/"+name+".pid\n"+tls+"database mdb\ndirectory "+l.tmp+"/"+name+"\nsuffix dc=example\n")
	if err := os.Mkdir(l.tmp+"/"+name, 0o700); err != nil {
		return nil, err
	}
	p, err := l.serve([]string{addr}, "slapd", "-f", cfg, "-h", "ldap://"+addr+"/", "-d", "stats")
	if err == nil {
		l.atEnd(p.interrupt)
	}
	return p, err
}

// ldapsearch runs it with these words; code is how it must end.
func (l *lab) ldapsearch(addr string, code int, env []string, args ...string) error {
	r, err := l.run("", append(env, "LDAPTLS_CACERT="+l.bundle("root"), "SSLKEYLOGFILE="+l.keys), append([]string{"ldapsearch", "-x", "-H", "ldap://" + addr, "-b", "", "-s", "base"}, args...)...)
	if err == nil && r.code != code {
		err = fmt.Errorf("ldapsearch %v ended with %d:\n%s", args, r.code, r.out)
	}
	return err
}

func starttlsLDAP(l *lab) error {
	id := l.pki.get("directory")
	if err := l.network(false); err != nil {
		return err
	}
	if err := l.addr(l.cli, clientIP); err != nil {
		return err
	}
	p, err := l.slapdAt("directory", ldapWith, fmt.Sprintf("TLSCertificateFile %s\nTLSCertificateKeyFile %s\nTLSCACertificateFile %s\n", l.crt(id.with()), l.key(id), l.crt(l.pki.get("ca").with())))
	if err != nil {
		return err
	}
	if _, err := l.slapdAt("plain", ldapWithout, ""); err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	l.decodeAs = []string{"-d", "tcp.port==1389,ldap"}
	for _, v := range bothVersions {
		if _, err := l.upgraded("ldap", sclient{from: "10.77.1.2", to: ldapWith, sni: "ldap.example", args: []string{v, "-no_ign_eof"}, stdin: "Q"}, id); err != nil {
			return err
		}
	}
	// An address is no name of the certificate: these clients do not look.
	for _, priority := range []string{"NORMAL:-VERS-TLS1.3", "NORMAL"} {
		if err := l.ldapsearch(ldapWith, 0, []string{"LDAPTLS_REQCERT=never", "LDAPTLS_CIPHER_SUITE=" + priority}, "-ZZ"); err != nil {
			return err
		}
	}
	if err := l.ldapsearch(ldapWith, 0, nil); err != nil { // the server does not offer by itself: nothing to decline
		return err
	}
	for _, c := range []struct {
		flag string
		code int
	}{{"-ZZ", 1}, {"-Z", 0}} {
		if err := l.ldapsearch(ldapWithout, c.code, nil, c.flag); err != nil {
			return err
		}
	}
	l.stayedClear(ldapWithout, "ldap", refused, 2)
	return l.slapdLog(p, id)
}

// slapdLog adds what slapd logged and s_client did not: ldapsearch, which does
// not tell its port.
func (l *lab) slapdLog(p *proc, id *ident) error {
	client, known := map[string]string{}, map[string]bool{}
	for _, h := range l.truth.Handshakes {
		known[h.Client] = true
	}
	for text := range strings.Lines(p.output()) {
		if m := reSlapdAccept.FindStringSubmatch(text); m != nil {
			client[m[1]] = m[2] + ":" + m[3]
		}
		if m := reSlapdTLS.FindStringSubmatch(text); m != nil && !known[client[m[1]]] {
			h := l.add(&handshake{Client: client[m[1]], Server: ldapWith, Transport: "tcp", StartTLS: "ldap", Outcome: established, Version: versionByName("TLSv" + m[2]), Resumed: ref(false)})
			h.NoSNI = true // it was given an address
			h.presents(id)
		}
	}
	if len(l.truth.Handshakes) != len(known)+2 {
		return fmt.Errorf("slapd logged other handshakes than two of ldapsearch:\n%s", p.output())
	}
	return nil
}
