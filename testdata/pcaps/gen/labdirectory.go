//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Where the directory is in both laboratories.
const (
	ldapsAddr = "10.77.7.10:636"
	ldapAddr  = "10.77.7.10:389"
	ldapName  = "ldap.shop.internal"
)

// directory starts slapd with TLS from the start and with StartTLS. What it
// presents after its certificate it finds among the authorities (GnuTLS);
// ciphers are in that library's words, "" for its own choice.
func (b *laboratory) directory(role, authorities, ciphers string) error {
	if err := b.addr(b.srv, hostOf(ldapAddr)); err != nil {
		return err
	}
	data := filepath.Join(b.tmp, "ldap")
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	id := b.id(role)
	var more strings.Builder
	if authorities != "" {
		fmt.Fprintf(&more, "TLSCACertificateFile %s\n", authorities)
	}
	if ciphers != "" {
		fmt.Fprintf(&more, "TLSCipherSuite %s\n", ciphers)
	}
	cfg := b.file("slapd.conf", fmt.Sprintf(`include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile %[1]s/slapd.pid
TLSCertificateFile %[2]s
TLSCertificateKeyFile %[3]s
%[4]sdatabase mdb
directory %[1]s/ldap
suffix %[5]s
`, b.tmp, b.crt(id.with()), b.key(id), more.String(), ldapBase))
	entry := b.file("entry.ldif", "dn: "+ldapBase+"\nobjectClass: dcObject\nobjectClass: organization\ndc: shop\no: Shop\n")
	if out, err := exec.Command("slapadd", "-f", cfg, "-l", entry).CombinedOutput(); err != nil { //nolint:gosec // our own words
		return fmt.Errorf("slapadd: %w:\n%s", err, out)
	}
	var err error
	b.slapd, err = b.serve([]string{ldapAddr, ldapsAddr}, "slapd", "-f", cfg, "-h", "ldap://"+ldapAddr+"/ ldaps://"+ldapsAddr+"/", "-d", "stats")
	if err == nil {
		b.closing(b.slapd.interrupt)
	}
	return err
}

var (
	reSlapdAccept = regexp.MustCompile(`(conn=\d+) fd=\d+ ACCEPT from IP=([0-9.]+):(\d+) \(IP=([0-9.]+):(\d+)\)`)
	reSlapdTLS    = regexp.MustCompile(`(conn=\d+) fd=\d+ TLS established .*tls_proto=TLS(\S+)`)
)

// directoryLog adds to the truth what slapd logged and nobody else did: the
// checks, and ldapsearch, which does not tell its port.
func (b *laboratory) directoryLog(role string) error {
	text := b.slapd.output()
	conns := map[string][]string{}
	for _, m := range reSlapdAccept.FindAllStringSubmatch(text, -1) {
		conns[m[1]] = m[2:]
	}
	for _, m := range reSlapdTLS.FindAllStringSubmatch(text, -1) { // its threads may log this first
		c := conns[m[1]]
		if c == nil {
			return fmt.Errorf("slapd accepted no %s:\n%s", m[1], text)
		}
		b.logged(c[0], c[1], c[2], c[3], ldapName, "TLSv"+m[2], "", false, b.id(role))
	}
	return nil
}

const ldapBase = "dc=shop,dc=internal"

// searchLDAPS asks the directory on its TLS port.
func (b *laboratory) searchLDAPS(from string, id *ident, args ...string) error {
	return b.encrypted(curlUpgrade{from: from, to: ldapsAddr, url: "ldaps://" + ldapName + ":636/" + ldapBase, args: args}, id)
}

// searchStartTLS asks it with ldapsearch, which insists on StartTLS.
func (b *laboratory) searchStartTLS(from, roots string) error {
	if err := b.callFrom(from, ldapAddr); err != nil {
		return err
	}
	r, err := b.run("", []string{"LDAPTLS_CACERT=" + roots, "LDAPTLS_REQCERT=demand"}, "ldapsearch", "-x", "-ZZ", "-H", "ldap://"+ldapName, "-b", ldapBase, "-s", "base")
	if err == nil && r.code != 0 {
		err = fmt.Errorf("ldapsearch ended with %d:\n%s", r.code, r.out)
	}
	return err
}

// callFrom gives programs that choose no address of their own one for what they
// do at a server.
func (b *laboratory) callFrom(from, to string) error {
	if err := b.addr(b.cli, from); err != nil {
		return err
	}
	ip, port, _ := strings.Cut(to, ":")
	table, ok := b.tables[to]
	if !ok {
		table = strconv.Itoa(100 + len(b.tables))
		if b.tables == nil {
			b.tables = map[string]string{}
		}
		b.tables[to] = table
		if err := ipCommand("-n", b.cli, "rule", "add", "to", ip, "ipproto", "tcp", "dport", port, "lookup", table); err != nil {
			return err
		}
	}
	return ipCommand("-n", b.cli, "route", "replace", ip+"/32", "dev", "wire0", "src", from, "table", table)
}
