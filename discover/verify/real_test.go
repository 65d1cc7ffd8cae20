package verify

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// realServers are servers that speak a protocol before TLS. Each is started with
// id and returns what to ask, by the word of its protocol.
var realServers = []struct {
	name  string
	start func(t *testing.T, id *identity, dir string) map[string]netip.AddrPort
}{
	{"postfix", startPostfix},
	{"dovecot", startDovecot},
	{"vsftpd", startVsftpd},
	{"slapd", startSlapd},
	{"postgres", startPostgres},
	{"mariadbd", startMariaDB},
	{"prosody", startProsody},
	{"inspircd", startInspIRCd},
}

// TestAskRealServers asks real servers over STARTTLS for the certificate that
// they were given.
func TestAskRealServers(t *testing.T) {
	if testing.Short() {
		t.Skip("starts eight servers")
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root (CAP_SETUID): mail and database servers change their user")
	}
	for _, s := range realServers {
		t.Run(s.name, func(t *testing.T) {
			id := newIdentity(t, "im.example")
			for word, at := range s.start(t, id, shortDir(t)) {
				got, err := ask(t, Place{Hostname: "im.example", Server: at, Preface: word})
				if err != nil {
					t.Errorf("%s at %s: %v", word, at, err)
					continue
				}
				if want := id.fingerprint().String(); got.leaf != want || got.outcome != "established" {
					t.Errorf("%s at %s: got %+v, want leaf %s, established", word, at, got, want)
				}
			}
		})
	}
}

// shortDir is a folder whose path leaves room for the names of sockets.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bs")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// ownedBy gives paths to a user, and skips without him.
func ownedBy(t *testing.T, name string, paths ...string) (uid, gid int) {
	t.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		t.Skipf("there is no user %s", name)
	}
	uid, _ = strconv.Atoi(u.Uid)
	gid, _ = strconv.Atoi(u.Gid)
	for _, p := range paths {
		if err := os.MkdirAll(p, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(p, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	return uid, gid
}

func startPostfix(t *testing.T, id *identity, dir string) map[string]netip.AddrPort {
	master := "/usr/lib/postfix/sbin/master"
	if _, err := os.Stat(master); err != nil {
		t.Skip("postfix is not installed")
	}
	at := vacant(t)
	data, queue := dir+"/data", dir+"/queue"
	ownedBy(t, "postfix", data)
	for _, d := range []string{"pid", "active", "incoming", "deferred", "maildrop", "hold", "defer", "bounce", "corrupt", "flush", "trace", "saved", "private", "public"} {
		if d == "pid" {
			if err := os.MkdirAll(queue+"/pid", 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		ownedBy(t, "postfix", queue+"/"+d)
	}
	write(t, dir+"/main.cf", fmt.Sprintf(`compatibility_level = 3.6
queue_directory = %s
data_directory = %s
myhostname = mx.example
mydestination =
inet_interfaces = 127.0.0.1
smtpd_tls_cert_file = %s
smtpd_tls_key_file = %s
smtpd_tls_security_level = may
maillog_file = %s/log
maillog_file_prefixes = %s
smtpd_client_restrictions =
`, queue, data, id.cert, id.key, dir, dir), 0o644)
	write(t, dir+"/master.cf", fmt.Sprintf(`%s inet n - n - - smtpd
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
`, at), 0o644)
	spawn(t, at, "", master, "-c", dir, "-d")
	return map[string]netip.AddrPort{"smtp": at}
}

func startDovecot(t *testing.T, id *identity, dir string) map[string]netip.AddrPort {
	imap, pop3, sieve, lmtp := vacant(t), vacant(t), vacant(t), vacant(t)
	write(t, dir+"/conf", fmt.Sprintf(`base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = %[1]s/log
protocols = imap pop3 lmtp sieve
listen = 127.0.0.1
ssl = yes
ssl_cert = <%[2]s
ssl_key = <%[3]s
passdb {
  driver = static
  args = password=x
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=%[1]s
}
service imap-login {
  inet_listener imap {
    port = %[4]d
  }
  inet_listener imaps {
    port = 0
  }
}
service pop3-login {
  inet_listener pop3 {
    port = %[5]d
  }
  inet_listener pop3s {
    port = 0
  }
}
service managesieve-login {
  inet_listener sieve {
    port = %[6]d
  }
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = %[7]d
  }
}
`, dir, id.cert, id.key, imap.Port(), pop3.Port(), sieve.Port(), lmtp.Port()), 0o644)
	spawn(t, imap, "", "dovecot", "-F", "-c", dir+"/conf")
	t.Cleanup(func() { exec.Command("doveadm", "-c", dir+"/conf", "stop").Run() })
	return map[string]netip.AddrPort{"imap": imap, "pop3": pop3, "sieve": sieve, "smtp": lmtp}
}

func startVsftpd(t *testing.T, id *identity, dir string) map[string]netip.AddrPort {
	at := vacant(t)
	if err := os.Mkdir(dir+"/empty", 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/conf", fmt.Sprintf(`listen=YES
listen_address=127.0.0.1
listen_port=%d
background=NO
anonymous_enable=YES
secure_chroot_dir=%s/empty
ssl_enable=YES
allow_anon_ssl=YES
rsa_cert_file=%s
rsa_private_key_file=%s
`, at.Port(), dir, id.cert, id.key), 0o600)
	spawn(t, at, "", "vsftpd", dir+"/conf")
	return map[string]netip.AddrPort{"ftp": at}
}

func startSlapd(t *testing.T, id *identity, dir string) map[string]netip.AddrPort {
	at := vacant(t)
	write(t, dir+"/conf", fmt.Sprintf("pidfile %s/pid\nTLSCertificateFile %s\nTLSCertificateKeyFile %s\nTLSVerifyClient never\n", dir, id.cert, id.key), 0o644)
	spawn(t, at, "", "slapd", "-f", dir+"/conf", "-h", "ldap://"+at.String()+"/", "-d", "0")
	return map[string]netip.AddrPort{"ldap": at}
}

func startPostgres(t *testing.T, id *identity, dir string) map[string]netip.AddrPort {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if len(found) == 0 {
		t.Skip("postgres is not installed")
	}
	at, bin := vacant(t), found[len(found)-1]
	uid, gid := ownedBy(t, "postgres", dir+"/db")
	key, err := os.ReadFile(id.key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/key.pem", string(key), 0o600)
	if err := os.Chown(dir+"/key.pem", uid, gid); err != nil {
		t.Fatal(err)
	}
	as := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	initdb := exec.Command(bin+"/initdb", "-D", dir+"/db", "-A", "trust", "-N", "--locale=C")
	initdb.SysProcAttr, initdb.Dir = as, "/"
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v: %s", err, out)
	}
	cert, err := os.ReadFile(id.cert)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/cert.pem", string(cert), 0o644)
	spawnAs(t, as, at, "", bin+"/postgres", "-D", dir+"/db", "-k", dir+"/db", "-p", strconv.Itoa(int(at.Port())),
		"-c", "listen_addresses=127.0.0.1", "-c", "ssl=on", "-c", "ssl_cert_file="+dir+"/cert.pem", "-c", "ssl_key_file="+dir+"/key.pem", "-c", "fsync=off")
	return map[string]netip.AddrPort{"postgresql": at}
}

func startMariaDB(t *testing.T, id *identity, dir string) map[string]netip.AddrPort {
	at := vacant(t)
	if err := os.Mkdir(dir+"/db", 0o700); err != nil {
		t.Fatal(err)
	}
	spawn(t, at, "", "mariadbd", "--no-defaults", "--user=root", "--datadir="+dir+"/db", "--socket="+dir+"/s", "--pid-file="+dir+"/pid", "--skip-grant-tables",
		"--bind-address=127.0.0.1", "--port="+strconv.Itoa(int(at.Port())), "--ssl-cert="+id.cert, "--ssl-key="+id.key)
	return map[string]netip.AddrPort{"mysql": at}
}

func startProsody(t *testing.T, id *identity, dir string) map[string]netip.AddrPort {
	client, server := vacant(t), vacant(t)
	write(t, dir+"/prosody.cfg.lua", fmt.Sprintf(`run_as_root = true
daemonize = false
pidfile = "%[1]s/pid"
data_path = "%[1]s"
log = { info = "*console" }
interfaces = { "127.0.0.1" }
c2s_ports = { %[2]d }
s2s_ports = { %[3]d }
modules_enabled = { "tls", "saslauth", "dialback" }
VirtualHost "im.example"
  ssl = { certificate = "%[4]s", key = "%[5]s" }
`, dir, client.Port(), server.Port(), id.cert, id.key), 0o644)
	spawn(t, client, "", "prosody", "-F", "--config", dir+"/prosody.cfg.lua")
	return map[string]netip.AddrPort{"xmpp": client}
}

func startInspIRCd(t *testing.T, id *identity, dir string) map[string]netip.AddrPort {
	at := vacant(t)
	write(t, dir+"/conf", fmt.Sprintf(`<server name="irc.example" description="test" network="test" id="00A">
<admin name="test" nick="test" email="test@example">
<bind address="127.0.0.1" port="%d" type="clients">
<module name="ssl_gnutls">
<sslprofile name="Clients" provider="gnutls" certfile="%s" keyfile="%s">
<module name="starttls">
<starttls provider="Clients">
<connect name="main" allow="*" timeout="20">
<pid file="%s/pid">
<log method="file" type="*" level="default" target="%s/log">
<path configdir="%s" datadir="%s" logdir="%s" runtimedir="%s">
`, at.Port(), id.cert, id.key, dir, dir, dir, dir, dir, dir), 0o644)
	spawn(t, at, "", "inspircd", "--runasroot", "--nofork", "--config="+dir+"/conf")
	return map[string]netip.AddrPort{"irc": at}
}
