//go:build linux

package main

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

var labScenarios = []scenario{
	{"lab-incident.pcap.gz", labStack, "the incident laboratory: each of the four breakdowns, mail, directory and database with theirs, a name that is asked for by QUIC only, and every probe green; lab/incident has its configuration and the report expected of it", runIncident},
	{"lab-healthy.pcap.gz", labStack, "the healthy laboratory: nothing is wrong, and much looks as if; lab/healthy has its configuration", runHealthy},
}

const labStack = haproxyStack + " to " + nginxStack + "; Go 1.26 crypto/tls, quic-go 0.65.0, openssl s_server, Postfix 3.7.11, Dovecot 2.3.19, OpenLDAP 2.5.13 (GnuTLS 3.7.9), PostgreSQL 15.18; curl 7.88.1, openssl s_client, ldapsearch, psql; Prometheus 2.42.0, blackbox exporter 0.23.0"

// Who is where in both laboratories.
const (
	monitorIP = "10.77.3.9"
	edgeAddr  = "10.77.0.10:443"
)

// wanted is what tcpdump takes in a laboratory.
const wanted = "tcp or udp port 443"

// A laboratory is a lab with a switch, whose mirror port is what is captured: on
// it HAProxy and what Go and openssl serve, NGINX, and the clients with the
// monitoring. It keeps the real time.
type laboratory struct {
	*lab
	out    string // folder of its configuration
	web    string // namespace of NGINX
	now    time.Time
	ids    map[string]*ident
	specs  []labCert
	proxy  *proc
	ngx    *proc
	prom   []*proc
	loads  int               // of NGINX's configuration
	asks   map[string]string // the name that HAProxy asks its backends for, by path
	only13 bool              // every server speaks TLS 1.3 and nothing else

	smtpd, imapd, slapd, db *proc
	quic                    *quicServer

	tables map[string]string // of routes, by the server that callFrom was told of
}

// newLaboratory makes the network and brings the configuration along.
func newLaboratory(l *lab, name string, hosts map[string][]string) (*laboratory, error) {
	b := &laboratory{lab: l, out: filepath.Join(l.dir, "lab", name), now: time.Now().UTC().Truncate(time.Second), ids: map[string]*ident{}}
	l.realTime, l.filter = true, wanted
	if err := b.copyConfig(name); err != nil {
		return nil, err
	}
	if err := b.switched(); err != nil {
		return nil, err
	}
	if err := b.resolve(hosts); err != nil {
		return nil, err
	}
	// The first address is what a client has that does not choose one.
	return b, l.addr(l.cli, monitorIP)
}

// copyConfig takes the files that were written by hand to where the capture goes.
func (b *laboratory) copyConfig(name string) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	from := filepath.Join(root, "testdata", "pcaps", "lab", name)
	if from == b.out {
		return nil
	}
	if err := os.MkdirAll(b.out, 0o755); err != nil { //nolint:gosec // no secrets
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		content, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err != nil {
			return err
		}
		if err := b.save(e.Name(), string(content)); err != nil {
			return err
		}
	}
	return nil
}

// switched makes three namespaces on a bridge in a fourth one.
func (b *laboratory) switched() error {
	suffix := make([]byte, 4)
	_, _ = rand.Read(suffix)
	space := func(kind string) string { return "bs-" + kind + "-" + hex.EncodeToString(suffix) }
	b.srv, b.cli, b.web, b.mirror = space("s"), space("c"), space("w"), space("m")
	b.spaces = []string{b.srv, b.cli, b.web, b.mirror}
	steps := [][]string{
		{"ip", "netns", "add", b.mirror},
		{"ip", "-n", b.mirror, "link", "add", "br0", "type", "bridge", "mcast_snooping", "0"},
		{"ip", "-n", b.mirror, "link", "set", "br0", "up"},
	}
	for i, ns := range []string{b.srv, b.cli, b.web} {
		port := fmt.Sprintf("port%d", i)
		steps = append(steps, []string{"ip", "netns", "add", ns},
			[]string{"ip", "-n", ns, "link", "add", "wire0", "type", "veth", "peer", "name", port, "netns", b.mirror},
			[]string{"ip", "-n", b.mirror, "link", "set", port, "master", "br0", "up"},
			[]string{"ip", "-n", ns, "link", "set", "lo", "up"},
			[]string{"ip", "-n", ns, "link", "set", "wire0", "up"},
			[]string{"ip", "netns", "exec", ns, "ethtool", "-K", "wire0", "tso", "off", "gso", "off", "gro", "off", "tx", "off", "rx", "off"})
	}
	for _, s := range steps {
		if out, err := exec.Command(s[0], s[1:]...).CombinedOutput(); err != nil { //nolint:gosec // our own words
			return fmt.Errorf("%s: %w: %s", strings.Join(s, " "), err, bytes.TrimSpace(out))
		}
	}
	return b.addr(b.srv, serverIP)
}

// resolve gives the clients' namespace its names: "ip netns exec" puts what is
// in /etc/netns/NAME over /etc.
func (b *laboratory) resolve(hosts map[string][]string) error {
	dir := filepath.Join("/etc/netns", b.cli)
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // read by every client
		return err
	}
	b.closers = append(b.closers, func() {
		_ = os.RemoveAll(dir)
		_ = os.Remove("/etc/netns") // where it is empty
	})
	var s strings.Builder
	s.WriteString("127.0.0.1 localhost\n")
	for ip, names := range hosts {
		fmt.Fprintf(&s, "%s %s\n", ip, strings.Join(names, " "))
	}
	return os.WriteFile(filepath.Join(dir, "hosts"), []byte(s.String()), 0o644) //nolint:gosec // read by every client
}

// A step is something that happens in a laboratory, and how often.
type step struct {
	times int
	do    func(i int) error
}

// spread returns the steps in an order that mixes them evenly.
func spread(steps []step) []func() error {
	total := 0
	for _, s := range steps {
		total += s.times
	}
	out := make([]func() error, 0, total)
	done := make([]int, len(steps))
	for n := range total {
		next, lag := 0, -1.0
		for i, s := range steps {
			// How far the step is behind its even share.
			if l := float64(s.times)*float64(n+1)/float64(total) - float64(done[i]); done[i] < s.times && l > lag {
				next, lag = i, l
			}
		}
		i, s := done[next], steps[next]
		done[next]++
		out = append(out, func() error { return s.do(i) })
	}
	return out
}

// play does the steps, with pauses between them.
func (b *laboratory) play(pause time.Duration, steps ...step) error {
	return each(spread(steps), func(do func() error) error {
		time.Sleep(pause)
		return do()
	})
}
