//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

var newsScenarios = []scenario{
	{"starttls-nntp.pcap", "INN 2.7.1 nnrpd (OpenSSL 3.0.22); openssl s_client", "NNTP: STARTTLS; a session in the clear after the offer; STARTTLS refused", starttlsNNTP},
}

const (
	nntpWith    = "10.77.0.10:119"
	nntpWithout = "10.77.0.10:1119"
)

// nnrpd starts INN's server for readers, which reads its settings from a file
// that the environment names.
func (l *lab) nnrpd(name, addr, tls string) error {
	dir := filepath.Join(l.tmp, name)
	if err := os.Mkdir(dir, 0o755); err != nil { //nolint:gosec // of the user news
		return err
	}
	base, err := os.ReadFile("/etc/news/inn.conf")
	if err != nil {
		return err
	}
	var settings strings.Builder
	for text := range strings.Lines(string(base)) {
		word, _, _ := strings.Cut(text, ":")
		switch strings.TrimLeft(word, "#") {
		case "domain", "nnrpdloadlimit", "pathetc", "pathrun", "pathoverview", "tlscertfile", "tlskeyfile", "tlscafile", "tlscapath":
		default:
			settings.WriteString(text)
		}
	}
	conf := l.file(name+"/inn.conf", settings.String()+"domain: news.example\nnnrpdloadlimit: 0\npathetc: "+dir+"\npathrun: "+dir+"\npathoverview: "+dir+"/overview\n"+tls)
	l.file(name+"/readers.conf", "auth all {\n hosts: \"*\"\n default: \"<reader>\"\n}\naccess all {\n users: \"<reader>\"\n newsgroups: \"*\"\n}\n")
	l.file(name+"/storage.conf", "method trash {\n class: 0\n newsgroups: *\n}\n")
	if err := os.Mkdir(dir+"/overview", 0o755); err != nil { //nolint:gosec // of the user news
		return err
	}
	if err := errors.Join(give(dir, "news"), give(dir+"/overview", "news")); err != nil {
		return err
	}
	// It does not begin without an index, be it empty.
	if err := l.expectCode(0, "env", "INNCONF="+conf, "setpriv", "--reuid=news", "--regid=news", "--clear-groups", "/usr/lib/news/bin/makehistory", "-O", "-x", "-F"); err != nil {
		return err
	}
	ip, port, _ := strings.Cut(addr, ":")
	_, err = l.serve([]string{addr}, "env", "INNCONF="+conf, "/usr/lib/news/bin/nnrpd", "-D", "-f", "-4", ip, "-p", port)
	return err
}

func starttlsNNTP(l *lab) error {
	id := l.pki.get("news")
	if err := l.network(false); err != nil {
		return err
	}
	key := l.key(id)
	if err := os.Chmod(key, 0o600); err != nil {
		return err
	}
	if err := give(key, "news"); err != nil {
		return err
	}
	if err := l.nnrpd("news", nntpWith, fmt.Sprintf("tlscafile: %s\ntlscertfile: %s\ntlskeyfile: %s\n", l.bundle("root"), l.crt(id), key)); err != nil {
		return err
	}
	if err := l.nnrpd("news-clear", nntpWithout, ""); err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	l.decodeAs = []string{"-d", "tcp.port==1119,nntp"}
	for _, v := range bothVersions {
		if _, err := l.upgraded("nntp", sclient{to: nntpWith, sni: "news.example", args: []string{v}}, id); err != nil {
			return err
		}
	}
	hello := line{"", "20"}
	quit := line{"QUIT\r\n", "205 "}
	if err := l.converse("10.77.1.4", nntpWith, hello, line{"CAPABILITIES\r\n", "\r\n.\r\n"}, line{"LIST ACTIVE\r\n", "\r\n.\r\n"}, quit); err != nil {
		return err
	}
	l.stayedClear(nntpWith, "nntp", declined, 1)
	if err := l.converse("10.77.1.5", nntpWithout, hello, line{"STARTTLS\r\n", "5"}, quit); err != nil {
		return err
	}
	l.stayedClear(nntpWithout, "nntp", refused, 1)
	return nil
}
