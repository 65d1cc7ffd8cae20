//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

const ngtcp2Stack = "gtlsclient and gtlsserver of ngtcp2 0.12.1 (GnuTLS 3.7.9)"

var ngtcp2Scenarios = []scenario{
	{"quic-ngtcp2.pcap", ngtcp2Stack, "QUIC v1, a Retry, resumption with 0-RTT data and with the same refused, a client certificate, a client whose port changes", ngtcp2All},
	{"quic-upgrade.pcap", ngtcp2Stack, "compatible version negotiation (RFC 9368): the client begins with v1, and the server answers in a draft of v2; the draft with a Retry", ngtcp2Upgrade},
}

// ngtcp2Server starts a gtlsserver on the n-th address.
func (l *lab) ngtcp2Server(n int, id *ident, args ...string) error {
	ip, _, _ := strings.Cut(at(n), ":")
	if err := l.addr(l.srv, ip); err != nil {
		return err
	}
	args = append([]string{"gtlsserver", "-q", "--no-pmtud"}, args...)
	_, err := l.serve([]string{udpAddr + at(n)}, append(args, ip, "443", l.key(id), l.crt(id))...)
	return err
}

var (
	reNgtcp2Local  = regexp.MustCompile(`local=\[([0-9.]+)\]:(\d+)`)
	reNgtcp2Cipher = regexp.MustCompile(`Negotiated cipher suite is (\S+)`)
	reNgtcp2ALPN   = regexp.MustCompile(`Negotiated ALPN is (\S+)`)
)

// clientHosts is /etc/hosts for clients that ask for the name that they are to
// connect to.
func (l *lab) clientHosts(content string) error {
	dir := filepath.Join("/etc/netns", l.cli)       // ip-netns(8) lays it over /etc
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // as /etc
		return err
	}
	l.closing(func() { _ = os.RemoveAll(dir) })
	return os.WriteFile(filepath.Join(dir, "hosts"), []byte(content), 0o644) //nolint:gosec // as /etc/hosts
}

// ngtcp2Client runs gtlsclient against the n-th address and keeps what it said
// of its handshake. It tells its port itself.
func (l *lab) ngtcp2Client(n int, sni string, id *ident, args ...string) (*handshake, result, error) {
	if err := l.addr(l.cli, clientIP); err != nil {
		return nil, result{}, err
	}
	ip, port, _ := strings.Cut(at(n), ":")
	if err := l.clientHosts(ip + " " + sni + "\n"); err != nil {
		return nil, result{}, err
	}
	args = append([]string{"gtlsclient", "--no-quic-dump", "--no-pmtud", "--no-http-dump", "--exit-on-all-streams-close"}, args...)
	r, err := l.run("", []string{"SSLKEYLOGFILE=" + l.keys}, append(args, sni, port, "https://"+sni+"/")...)
	if err != nil {
		return nil, r, err
	}
	local, cipher := reNgtcp2Local.FindStringSubmatch(r.out), reNgtcp2Cipher.FindStringSubmatch(r.out)
	if r.code != 0 || local == nil || cipher == nil || !strings.Contains(r.out, "QUIC handshake has completed") {
		return nil, r, fmt.Errorf("gtlsclient %q ended with %d:\n%s", args, r.code, r.out)
	}
	h := l.add(&handshake{
		Client: local[1] + ":" + local[2], Server: at(n), Transport: "quic", Outcome: established, ALPNOffered: []string{"h3"},
		Version: "TLS 1.3", Cipher: suites13[cipher[1]], HelloRetry: ref(false),
	})
	h.named(sni)
	if m := reNgtcp2ALPN.FindStringSubmatch(r.out); m != nil {
		h.ALPNChosen = m[1]
	}
	if strings.Contains(r.out, "type=0RTT") {
		h.Resumed, h.EarlyData, h.Note = ref(true), ref(true), "0-RTT data accepted"
		if strings.Contains(r.out, "Early data was rejected") {
			h.Resumed, h.Note = nil, "0-RTT data rejected"
		}
	}
	return h.presents(id), r, nil
}

func ngtcp2All(l *lab) error {
	id, device := l.pki.get("rsa"), l.pki.get("device")
	if err := l.network(false); err != nil {
		return err
	}
	for n, args := range [][]string{nil, {"-V"}, {"--verify-client"}, nil} {
		if err := l.ngtcp2Server(n, id, args...); err != nil {
			return err
		}
	}
	if err := l.captureUDP(); err != nil {
		return err
	}
	session := []string{"--session-file=" + filepath.Join(l.tmp, "session"), "--tp-file=" + filepath.Join(l.tmp, "parameters")}
	for _, step := range []struct {
		server int
		note   string
		args   []string
	}{
		{0, "", session},
		{0, "0-RTT data accepted", session},
		{3, "0-RTT data rejected", session}, // another server, with other keys for its tickets
		{1, "with a Retry before it", nil},
		{0, "its port changes", []string{"--change-local-addr=1ms", "--nat-rebinding", "--delay-stream=50ms"}},
	} {
		h, r, err := l.ngtcp2Client(step.server, "www.rsa.example", id, step.args...)
		if err != nil {
			return err
		}
		if strings.HasPrefix(step.note, "0-RTT") && h.Note != step.note || step.server == 1 && !strings.Contains(r.out, "type=Retry") {
			return fmt.Errorf("gtlsclient: no %s:\n%s", step.note, r.out)
		}
		h.Note = step.note
	}
	h, _, err := l.ngtcp2Client(2, "api.rsa.example", id, "--key="+l.key(device), "--cert="+l.crt(device))
	if err != nil {
		return err
	}
	h.ClientCerts, h.ClientAuth = device.hashes(), ref(true)
	return nil
}

func ngtcp2Upgrade(l *lab) error {
	id := l.pki.get("ecdsa")
	if err := l.network(false); err != nil {
		return err
	}
	if err := l.ngtcp2Server(0, id, "--preferred-versions=v2draft,v1"); err != nil {
		return err
	}
	if err := l.ngtcp2Server(1, id, "-V"); err != nil {
		return err
	}
	if err := l.captureUDP(); err != nil {
		return err
	}
	h, r, err := l.ngtcp2Client(0, "www.ecdsa.example", id, "--other-versions=v2draft,v1")
	if err != nil {
		return err
	}
	if !strings.Contains(r.out, "the negotiated version is 0x709a50c4") {
		return fmt.Errorf("gtlsclient: the version did not change:\n%s", r.out)
	}
	l.lenient = true // tshark 4.0 does not know the draft
	h.Note = "version 0x709a50c4 from the server's first packet on"
	h, r, err = l.ngtcp2Client(1, "draft.ecdsa.example", id, "-v", "v2draft", "--preferred-versions=v2draft")
	if err == nil && !strings.Contains(r.out, "type=Retry") {
		err = fmt.Errorf("gtlsclient: no Retry:\n%s", r.out)
	}
	if err == nil {
		h.Note = "version 0x709a50c4 from the beginning, with a Retry before it"
	}
	return err
}
