//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var filesScenarios = []scenario{
	{"starttls-ftp.pcap", "vsftpd 3.0.3 (OpenSSL 3.0.22); openssl s_client, curl 7.88.1, Python 3.11 ftplib, lftp 4.9.2", "FTP: AUTH TLS, with data connections under TLS, passive and active (where the server connects and the client begins TLS); sessions in the clear after the offer; AUTH TLS refused", starttlsFTP},
}

const (
	ftpWith    = "10.77.0.10:21"
	ftpWithout = "10.77.0.10:2121"
	ftpData    = "10.77.0.10:40100" // passive
	ftpActive  = "10.77.0.10:20"
)

func (l *lab) vsftpd(name, addr, options string) error {
	root := filepath.Join(l.tmp, "ftp")
	if err := os.MkdirAll(filepath.Join(root, "empty"), 0o755); err != nil { //nolint:gosec // served to all
		return err
	}
	l.file("ftp/hello", "hello\n")
	ip, port, _ := strings.Cut(addr, ":")
	cfg := l.file(name+".conf", fmt.Sprintf(`listen=YES
background=NO
listen_address=%[1]s
listen_port=%[2]s
anonymous_enable=YES
no_anon_password=YES
anon_root=%[3]s
secure_chroot_dir=%[3]s/empty
ftp_username=ftp
seccomp_sandbox=NO
connect_from_port_20=YES
port_promiscuous=NO
pasv_min_port=40100
pasv_max_port=40100
xferlog_enable=NO
%[4]s`, ip, port, root, options))
	_, err := l.serve([]string{addr}, "vsftpd", cfg)
	return err
}

// ftpFetch fetches a file with curl: a handshake for the control connection and
// one for the data, of which curl says when it resumes.
func (l *lab) ftpFetch(from, version string, id *ident) error {
	c := curlUpgrade{word: "ftp", from: from, to: ftpWith, url: "ftp://ftp.example:21/hello", spare: 1, args: []string{"--tls-max", version, "--disable-epsv"}}
	h, r, err := l.curlUpgraded(c, id)
	if err != nil {
		return err
	}
	ports := reLocalPort.FindAllStringSubmatch(r.out, -1)
	if len(ports) != 2 {
		return fmt.Errorf("curl does not tell its port for the data:\n%s", r.out)
	}
	h.ClientAuth, h.HelloRetry = ref(true), ref(version == "1.3") // vsftpd has one curve, P-256, and OpenSSL begins with X25519
	data := *h
	data.StartTLS, data.Note = "", "data, passive"
	data.Client, data.Server = hostOf(h.Client)+":"+ports[1][1], ftpData
	if data.Resumed = ref(strings.Contains(r.out, "SSL re-using session ID")); *data.Resumed {
		data.Certs, data.Visible, data.ClientAuth = nil, false, nil
	}
	l.add(&data)
	return nil
}

// ftpScript fetches a file and has the server connect for it, which curl 7.88
// cannot under TLS.
const ftpScript = `import ftplib, ssl, sys
roots, keys, version, server, ip, port = sys.argv[1:]
ctx = ssl.create_default_context(cafile=roots)
ctx.keylog_filename = keys
ctx.maximum_version = ssl.TLSVersion[version]
f = ftplib.FTP_TLS(context=ctx)
f.set_debuglevel(1)
f.connect(server, 21, timeout=8, source_address=(ip, int(port)))
f.host = "ftp.example"
f.login()
f.prot_p()
f.set_pasv(False)
print("control", f.sock.version(), f.sock.cipher()[0], f.sock.session_reused)
c = f.transfercmd("RETR hello")
print("data", *c.getsockname(), c.version(), c.cipher()[0], c.session_reused)
print("got", c.recv(100))
try:
    c.unwrap()
except OSError:
    pass
c.close()
f.voidresp()
f.close()
`

var rePython = regexp.MustCompile(`(?s)control (\S+) (\S+) False\n.*data (\S+) (\d+) (\S+) (\S+) False\n.*hello`)

// ftpCallback is that script: full handshakes both.
func (l *lab) ftpCallback(version string, id *ident) error {
	from, err := l.clientAddr("10.77.1.4")
	if err != nil {
		return err
	}
	r, err := l.run("", nil, "python3", l.file("fetch.py", ftpScript), l.bundle("root"), l.keys, version, hostOf(ftpWith), from.Addr().String(), fmt.Sprint(from.Port()))
	if err != nil {
		return err
	}
	m := rePython.FindStringSubmatch(r.out)
	if r.code != 0 || m == nil {
		return fmt.Errorf("python3 ended with %d:\n%s", r.code, r.out)
	}
	for _, h := range []*handshake{
		{Client: from.String(), Server: ftpWith, StartTLS: "ftp", Version: versionByName(m[1]), Cipher: cipherByName(m[2])},
		{Client: m[3] + ":" + m[4], Server: ftpActive, Version: versionByName(m[5]), Cipher: cipherByName(m[6]), Note: "data, active: the server connected, and the client began TLS"},
	} {
		h.Transport, h.Outcome, h.Resumed, h.ClientAuth, h.HelloRetry = "tcp", established, ref(false), ref(true), ref(h.Version == "TLS 1.3")
		h.named("ftp.example")
		l.add(h).presents(id)
	}
	return nil
}

var reLocalPort = regexp.MustCompile(`Local port: (\d+)`)

func starttlsFTP(l *lab) error {
	id := l.pki.get("files")
	if err := l.network(false); err != nil {
		return err
	}
	if err := l.vsftpd("with", ftpWith, fmt.Sprintf("ssl_enable=YES\nallow_anon_ssl=YES\nforce_local_data_ssl=NO\nforce_local_logins_ssl=NO\nrequire_ssl_reuse=NO\nssl_ciphers=HIGH\nrsa_cert_file=%s\nrsa_private_key_file=%s\n", l.crt(id), l.key(id))); err != nil {
		return err
	}
	if err := l.vsftpd("without", ftpWithout, ""); err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	l.lenient = true // tshark does not know AUTH SSL, which curl says
	l.mixed = true   // opened, the commands make tshark take the data for plain FTP's
	l.decodeAs = []string{"-d", "tcp.port==2121,ftp", "-d", "tcp.port==40100,tls", "-d", "tcp.port==20,tls"}
	for _, v := range bothVersions {
		h, err := l.upgraded("ftp", sclient{to: ftpWith, sni: "ftp.example", args: []string{v, "-ignore_unexpected_eof"}}, id)
		if err != nil {
			return err
		}
		h.ClientAuth = ref(true) // vsftpd.conf(5): ssl_request_cert
	}
	for _, v := range []string{"1.2", "1.3"} {
		if err := l.ftpFetch("10.77.1.3", v, id); err != nil {
			return err
		}
		if err := l.ftpCallback("TLSv"+strings.Replace(v, ".", "_", 1), id); err != nil {
			return err
		}
	}
	return l.ftpInClear()
}

// ftpInClear: curl does not ask what the server can, lftp does.
func (l *lab) ftpInClear() error {
	if _, err := l.curlInClear(curlUpgrade{from: "10.77.1.5", to: ftpWith, url: "ftp://ftp.example:21/hello", spare: 1, args: []string{"--disable-epsv"}}, 0); err != nil {
		return err
	}
	lftp := func(addr, more string) error {
		r, err := l.run("", []string{"HOME=" + l.tmp}, "lftp", "-e", "set net:max-retries 1; set net:timeout 5; set net:socket-bind-ipv4 10.77.1.6; "+more+"; open ftp://"+addr+"; cat hello; exit")
		if err == nil && !strings.Contains(r.out, "hello") {
			err = fmt.Errorf("lftp to %s: %s", addr, r.out)
		}
		return err
	}
	if err := l.addr(l.cli, "10.77.1.6"); err != nil {
		return err
	}
	if err := lftp(ftpWith, "set ftp:ssl-allow no"); err != nil {
		return err
	}
	l.stayedClear(ftpWith, "ftp", declined, 1)
	if err := lftp(ftpWithout, "set ftp:ssl-allow yes"); err != nil { // not offered, not asked
		return err
	}
	if _, err := l.curlInClear(curlUpgrade{from: "10.77.1.7", to: ftpWithout, url: "ftp://ftp.example:2121/hello", args: []string{"--ssl-reqd"}}, curlNoTLS); err != nil {
		return err
	}
	if _, err := l.curlInClear(curlUpgrade{from: "10.77.1.7", to: ftpWithout, url: "ftp://ftp.example:2121/hello", spare: 1, args: []string{"--ssl", "--disable-epsv"}}, 0); err != nil {
		return err
	}
	l.stayedClear(ftpWithout, "ftp", refused, 2)
	return nil
}
