//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Where the database is in both laboratories.
const (
	dbAddr = "10.77.7.20:5432"
	dbName = "db.shop.internal"
)

// database starts PostgreSQL, which lets nobody in without TLS.
func (b *laboratory) database(role string, options ...string) error {
	if err := b.addr(b.srv, hostOf(dbAddr)); err != nil {
		return err
	}
	id := b.id(role)
	key := b.key(id)
	if err := errors.Join(os.Chmod(key, 0o600), give(key, "postgres")); err != nil {
		return err
	}
	var err error
	b.db, err = b.postgres("postgresql", dbAddr, append([]string{"ssl=on", "ssl_cert_file=" + b.crt(id), "ssl_key_file=" + key,
		"hba_file=" + b.file("hostssl.conf", "hostssl all all 10.77.0.0/16 trust\n"), "log_connections=on", "log_line_prefix=from %r "}, options...)...)
	return err
}

// findInitdb looks where Debian has it, which is not among the commands.
func findInitdb() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if found == nil {
		return "", errors.New("no /usr/lib/postgresql/*/bin/initdb; on Debian: apt-get install postgresql")
	}
	return found[len(found)-1], nil
}

var rePostgresTLS = regexp.MustCompile(`from ([0-9.]+)\((\d+)\) .*connection authorized: .*SSL enabled \(protocol=(\S+), cipher=(\S+),`)

// databaseLog adds to the truth what PostgreSQL logged and nobody else did:
// psql, which does not tell its port.
func (b *laboratory) databaseLog(role string) {
	ip, port, _ := strings.Cut(dbAddr, ":")
	for _, m := range rePostgresTLS.FindAllStringSubmatch(b.db.output(), -1) {
		b.logged(m[1], m[2], ip, port, dbName, m[3], m[4], false, b.id(role))
	}
}

// sql asks the database something with psql.
func (b *laboratory) sql(from, version string, options ...string) error {
	if err := b.callFrom(from, dbAddr); err != nil {
		return err
	}
	conn := append([]string{"host=" + dbName, "user=shop", "dbname=postgres", "ssl_min_protocol_version=" + version, "ssl_max_protocol_version=" + version}, options...)
	r, err := b.run("", nil, "psql", "-w", "-c", "SELECT 1", strings.Join(conn, " "))
	if err == nil && r.code != 0 {
		err = fmt.Errorf("psql ended with %d:\n%s", r.code, r.out)
	}
	return err
}
