//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var databaseScenarios = []scenario{
	{"starttls-postgresql.pcap", "PostgreSQL 15.18 (OpenSSL 3.0.22); psql, openssl s_client", "SSLRequest: accepted, TLS 1.3 with a hello retry; answered with N, after which one client goes on in the clear and one gives up; sessions that never ask", starttlsPostgreSQL},
	{"starttls-mysql.pcap", "MariaDB 10.11 (OpenSSL 3.0.22); mariadb, openssl s_client", "MariaDB: the client's answer to the greeting asks for TLS; a login in the clear after the offer; a server that does not offer it", starttlsMySQL},
}

const (
	pgWith    = "10.77.0.10:5432"
	pgWithout = "10.77.0.10:15432"
)

// postgres starts a PostgreSQL on an address.
func (l *lab) postgres(name, addr string, options ...string) (*proc, error) {
	initdb, err := findInitdb()
	if err != nil {
		return nil, err
	}
	home := filepath.Join(l.tmp, name)
	if err := os.Mkdir(home, 0o700); err != nil {
		return nil, err
	}
	if err := give(home, "postgres"); err != nil {
		return nil, err
	}
	as := []string{"setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"}
	args := append(slices.Clone(as), initdb, "-D", home+"/data", "-U", "shop", "--auth=trust", "--no-sync")
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil { //nolint:gosec // our own words
		return nil, fmt.Errorf("initdb: %w:\n%s", err, out)
	}
	ip, port, _ := strings.Cut(addr, ":")
	args = append(as, filepath.Join(filepath.Dir(initdb), "postgres"), "-D", home+"/data")
	for _, o := range append([]string{"listen_addresses=" + ip, "port=" + port, "unix_socket_directories=", "fsync=off",
		"hba_file=" + l.file("pg_hba.conf", "host all all 10.77.0.0/16 trust\n")}, options...) {
		args = append(args, "-c", o)
	}
	p, err := l.serve([]string{addr}, args...)
	if err == nil {
		l.atEnd(p.interrupt)
	}
	return p, err
}

// psql asks the server how it sees this very session, and returns the answer:
// the client's port, and version and cipher suite of its TLS.
func (l *lab) psql(addr, options string) (result, error) {
	ip, port, _ := strings.Cut(addr, ":")
	return l.run("", nil, "psql", "-w", "-X", "-At", "-c", "SELECT inet_client_addr()||':'||inet_client_port(), version, cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
		"host=db.example hostaddr="+ip+" port="+port+" user=shop dbname=postgres gssencmode=disable "+options)
}

func starttlsPostgreSQL(l *lab) error {
	id := l.pki.get("database")
	if err := l.network(false); err != nil {
		return err
	}
	if err := l.addr(l.cli, clientIP); err != nil {
		return err
	}
	key := l.key(id)
	if err := errors.Join(os.Chmod(key, 0o600), give(key, "postgres")); err != nil {
		return err
	}
	if _, err := l.postgres("with", pgWith, "ssl=on", "ssl_cert_file="+l.crt(id), "ssl_key_file="+key); err != nil {
		return err
	}
	if _, err := l.postgres("without", pgWithout, "ssl=off"); err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	l.decodeAs = []string{"-d", "tcp.port==15432,pgsql"}
	for _, v := range bothVersions {
		if _, err := l.upgraded("postgresql", sclient{from: "10.77.1.2", to: pgWith, sni: "db.example", args: []string{v, "-no_ign_eof"}, stdin: "Q"}, id); err != nil {
			return err
		}
	}
	for _, v := range []string{"TLSv1.2", "TLSv1.3"} {
		r, err := l.psql(pgWith, "sslmode=verify-full sslrootcert="+l.bundle("root")+" ssl_min_protocol_version="+v+" ssl_max_protocol_version="+v)
		if err != nil {
			return err
		}
		f := strings.Split(strings.TrimSpace(r.out), "|")
		if r.code != 0 || len(f) != 3 {
			return fmt.Errorf("psql ended with %d:\n%s", r.code, r.out)
		}
		// ssl_ecdh_curve is prime256v1, and the client begins with X25519.
		h := l.add(&handshake{Client: strings.Replace(f[0], "/32", "", 1), Server: pgWith, Transport: "tcp", StartTLS: "postgresql", Outcome: established,
			Version: versionByName(f[1]), Cipher: cipherByName(f[2]), Resumed: ref(false), HelloRetry: ref(v == "TLSv1.3")})
		h.named("db.example")
		h.presents(id)
	}
	for _, c := range []struct {
		addr, mode string
		code       int
	}{{pgWithout, "prefer", 0}, {pgWithout, "require", 2}, {pgWithout, "disable", 0}, {pgWith, "disable", 0}} {
		r, err := l.psql(c.addr, "sslmode="+c.mode)
		if err != nil {
			return err
		}
		if r.code != c.code {
			return fmt.Errorf("psql with sslmode=%s ended with %d:\n%s", c.mode, r.code, r.out)
		}
	}
	l.stayedClear(pgWithout, "postgresql", refused, 2)
	return nil
}

const (
	mariaWith    = "10.77.0.10:3306"
	mariaWithout = "10.77.0.10:13306"
)

// mariadb starts a MariaDB on an address.
func (l *lab) mariadb(name, addr string, options ...string) error {
	home := filepath.Join(l.tmp, name)
	if err := os.Mkdir(home, 0o755); err != nil { //nolint:gosec // given to its user
		return err
	}
	if err := give(home, "mysql"); err != nil {
		return err
	}
	if out, err := exec.Command("mariadb-install-db", "--no-defaults", "--user=mysql", "--datadir="+home+"/data", "--auth-root-authentication-method=normal", "--skip-test-db").CombinedOutput(); err != nil { //nolint:gosec // our own words
		return fmt.Errorf("mariadb-install-db: %w:\n%s", err, out)
	}
	grant := l.file(name+".sql", "CREATE USER shop@'10.77.%';\nGRANT PROCESS ON *.* TO shop@'10.77.%';\n")
	ip, port, _ := strings.Cut(addr, ":")
	p, err := l.serve([]string{addr}, append([]string{"mariadbd", "--no-defaults", "--user=mysql", "--datadir=" + home + "/data", "--bind-address=" + ip, "--port=" + port,
		"--socket=" + home + "/socket", "--pid-file=" + home + "/pid", "--init-file=" + grant, "--skip-name-resolve", "--innodb-buffer-pool-size=8M", "--innodb-log-file-size=4M"}, options...)...)
	if err == nil {
		l.atEnd(p.kill)
	}
	return err
}

// sql asks a MariaDB who the client is and what TLS it has.
func (l *lab) sql(addr string, options ...string) (result, error) {
	ip, port, _ := strings.Cut(addr, ":")
	return l.run("", []string{"SSLKEYLOGFILE=" + l.keys}, append([]string{"mariadb", "--no-defaults", "-h", ip, "-P", port, "--protocol=tcp", "-u", "shop", "-N", "-B", "-e",
		"SELECT host FROM information_schema.processlist WHERE id = CONNECTION_ID(); SHOW STATUS LIKE 'Ssl_version'; SHOW STATUS LIKE 'Ssl_cipher'"}, options...)...)
}

var reMaria = regexp.MustCompile(`(?s)^([0-9.]+:\d+)\nSsl_version\s(\S+)\nSsl_cipher\s(\S+)\n`)

func starttlsMySQL(l *lab) error {
	id := l.pki.get("database")
	if err := l.network(false); err != nil {
		return err
	}
	if err := l.addr(l.cli, clientIP); err != nil {
		return err
	}
	if err := l.mariadb("with", mariaWith, "--ssl-cert="+l.crt(id), "--ssl-key="+l.key(id)); err != nil {
		return err
	}
	if err := l.mariadb("without", mariaWithout, "--skip-ssl"); err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	l.decodeAs = []string{"-d", "tcp.port==13306,mysql"}
	for _, v := range bothVersions {
		if _, err := l.upgraded("mysql", sclient{from: "10.77.1.2", to: mariaWith, sni: "db.example", args: []string{v, "-no_ign_eof"}, stdin: "Q"}, id); err != nil {
			return err
		}
	}
	for _, v := range []string{"TLSv1.2", "TLSv1.3"} {
		r, err := l.sql(mariaWith, "--ssl", "--tls-version="+v)
		if err != nil {
			return err
		}
		m := reMaria.FindStringSubmatch(r.out)
		if r.code != 0 || m == nil {
			return fmt.Errorf("mariadb ended with %d:\n%s", r.code, r.out)
		}
		h := l.add(&handshake{Client: m[1], Server: mariaWith, Transport: "tcp", StartTLS: "mysql", Outcome: established, Version: versionByName(m[2]), Cipher: cipherByName(m[3]), Resumed: ref(false)})
		h.presents(id)
	}
	for _, addr := range []string{mariaWith, mariaWith, mariaWithout} {
		r, err := l.sql(addr, "--skip-ssl")
		if err != nil {
			return err
		}
		if r.code != 0 {
			return fmt.Errorf("mariadb to %s ended with %d:\n%s", addr, r.code, r.out)
		}
	}
	l.stayedClear(mariaWith, "mysql", declined, 2)
	return nil
}
