package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"blindspot/cmd/blindspot/internal/ingest"
	"blindspot/discover"
)

// corpus is where captures of other projects' test suites are, which are not
// part of this repository.
var corpus = filepath.Join("..", "..", "..", "shared", "corpus", "pcaps")

// A presented is a chain and who sent it, server or client.
type presented struct{ from, chain string }

// otherwise are the chains that tshark and blindspot do not agree on with keys,
// by capture: how many tshark alone has, how many blindspot alone, and why. Each
// has a line in testdata/pcaps/DIFFERENCES.md.
var otherwise = map[string]struct {
	tshark, blindspot int
	why               string
}{
	"quic-upgrade.pcap":       {0, 2, "tshark loses the connection where its version is upgraded"},
	"quic-many.pcap":          {1, 0, "tshark mixes connections up, and joins a chain from two"},
	"go-ech.pcap":             {0, 1, "tshark does not know the inner hello, whose random the secrets are for"},
	"openssl-chain-huge.pcap": {0, 1, "tshark gives up on messages above 64 KB"},
	"starttls-ftp.pcap":       {0, 1, "opened, the commands make tshark take the data for plain FTP's"},
	"dtls-turn.pcap":          {0, 1, "tshark does not look into TURN's indications"},
	"dtls-lost.pcap":          {0, 1, "tshark loses a chain of which a fragment came again"},
	"preface-connect.pcap":    {1, 0, "the far side of a proxy: the same handshake once more, a hop"},
	"preface-socks.pcap":      {1, 0, "the same"},
	"preface-proxy-ends.pcap": {1, 0, "the same"},
	"gnutls-rawpk.pcap":       {1, 0, "a raw public key, which tshark lists as a certificate"},
	"ndpi--dtls.pcap":         {0, 2, "tshark 4.0 does not know DTLS 1.3"},
}

// TestDecryptedTshark: of every capture that comes with its secrets, the chains
// that blindspot sees, hidden or not, are those that tshark sees with them.
func TestDecryptedTshark(t *testing.T) {
	if testing.Short() {
		t.Skip("tshark reads some eighty captures")
	}
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("needs tshark; on Debian: apt-get install tshark")
	}
	var mu sync.Mutex
	all, differ := 0, 0
	t.Run("captures", func(t *testing.T) {
		for _, c := range keyedCaptures(t) {
			t.Run(filepath.Base(c.path), func(t *testing.T) {
				t.Parallel()
				got := chainsOf(t, c)
				missing, more := c.compare(t, got, tsharkChains(t, tshark, c))
				mu.Lock()
				all, differ = all+len(got), differ+missing+more
				mu.Unlock()
			})
		}
	})
	t.Logf("%d chains, of which %d are otherwise", all, differ)
	if all == 0 {
		t.Error("no chain was seen")
	}
}

// compare tells every difference that is not known, and counts all.
func (c *keyedCapture) compare(t *testing.T, got, want map[presented]bool) (missing, more int) {
	t.Helper()
	known := otherwise[filepath.Base(c.path)]
	theirs, ours := lacks(want, got), lacks(got, want)
	if len(theirs) != known.tshark {
		t.Errorf("tshark alone has %d chains, want %d (%s): %v", len(theirs), known.tshark, known.why, theirs)
	}
	if len(ours) != known.blindspot {
		t.Errorf("blindspot alone has %d chains, want %d (%s): %v", len(ours), known.blindspot, known.why, ours)
	}
	if truth := stem(filepath.Base(c.path)) + ".truth.json"; len(ours) > 0 && exists(truth) {
		said := map[presented]bool{}
		for _, h := range readTruth(t, truth) {
			said[presented{h.Server, strings.Join(h.Certs, " ")}] = true
			said[presented{h.Client, strings.Join(h.ClientCerts, " ")}] = true
		}
		for _, p := range ours {
			if !said[p] {
				t.Errorf("neither tshark nor the servers know of %v", p)
			}
		}
	}
	return len(theirs), len(ours)
}

// A keyedCapture is a capture with its secrets, beside it or within.
type keyedCapture struct {
	path  string
	log   string // key log, "" where the capture brings its secrets along
	opens bool   // the log has secrets of TLS 1.3
}

func keyedCaptures(t *testing.T) (list []keyedCapture) {
	t.Helper()
	for _, name := range captures(t) {
		c := keyedCapture{path: filepath.Join(pcaps, name)}
		if logged, err := os.ReadFile(stem(name) + ".keys"); err == nil {
			c.log = stem(name) + ".keys"
			c.opens = bytes.Contains(logged, []byte("_HANDSHAKE_"))
		} else if !bringsSecrets(t, c.path) {
			continue
		}
		list = append(list, c)
	}
	others, _ := filepath.Glob(filepath.Join(corpus, "*"))
	if others == nil {
		t.Log("the captures of other projects are not here")
	}
	for _, path := range others {
		if bringsSecrets(t, path) {
			list = append(list, keyedCapture{path: path})
		}
	}
	return list
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// bringsSecrets reports whether a pcapng file has a Decryption Secrets Block
// (draft-ietf-opsawg-pcapng §4.7), with secrets of TLS.
func bringsSecrets(t *testing.T, path string) bool {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const section, secrets, tlsSecrets = 0x0a0d0d0a, 10, 0x544c534b
	var order binary.ByteOrder = binary.LittleEndian
	for first := true; len(b) >= 16; first = false {
		if order.Uint32(b) == section {
			order = binary.LittleEndian
			if order.Uint32(b[8:]) != 0x1a2b3c4d {
				order = binary.BigEndian
			}
		} else if first {
			return false
		}
		if order.Uint32(b) == secrets && order.Uint32(b[8:]) == tlsSecrets {
			return true
		}
		size := order.Uint32(b[4:])
		if size < 12 || uint64(size) > uint64(len(b)) {
			return false
		}
		b = b[size:]
	}
	return false
}

// chainsOf returns the chains that blindspot sees.
func chainsOf(t *testing.T, c keyedCapture) map[presented]bool {
	t.Helper()
	var out bytes.Buffer
	cfg := ingest.Config{Events: ingest.NewEvents(&out, "memory"), Decode: decodeAs[filepath.Base(c.path)]}
	if c.opens {
		cfg.KeyLogs = []string{c.log}
	}
	run := newRun(t, cfg)
	if _, err := run.Read(context.Background(), c.path); err != nil {
		t.Fatal(err)
	}
	seen := map[presented]bool{}
	for _, e := range parseEvents(t, out.Bytes()) {
		if len(e.Certs) > 0 {
			seen[presented{e.Server, strings.Join(e.Certs, " ")}] = true
		}
		if len(e.ClientCerts) > 0 {
			seen[presented{e.Client, strings.Join(e.ClientCerts, " ")}] = true
		}
	}
	return seen
}

// tsharkPorts are where tshark must be told what the packets carry.
var tsharkPorts = []string{"tcp.port==443,tls", "tcp.port==8443,tls", "tcp.port==9443,tls", "udp.port==4433,dtls", "udp.port==5684,dtls"}

// tsharkKnows are more of them, by capture.
var tsharkKnows = map[string][]string{
	"starttls-postgresql.pcap": {"tcp.port==15432,pgsql"},
	"starttls-mysql.pcap":      {"tcp.port==13306,mysql"},
	"starttls-ldap.pcap":       {"tcp.port==1389,ldap"},
	"starttls-smtp.pcap":       {"tcp.port==10025,smtp", "tcp.port==2525-2526,smtp"},
	"starttls-imap.pcap":       {"tcp.port==1143,imap"},
	"starttls-pop3.pcap":       {"tcp.port==1110,pop"},
	"starttls-nntp.pcap":       {"tcp.port==1119,nntp"},
	"starttls-ftp.pcap":        {"tcp.port==2121,ftp", "tcp.port==40100,tls", "tcp.port==20,tls"},
	"preface-connect.pcap":     {"tcp.port==8888-8889,http"},
	"preface-socks.pcap":       {"tcp.port==1081-1082,socks"},
	"starttls-irc.pcap":        {"tcp.port==6667,tls"},
	"go-ports.pcap":            {"tcp.port==25,tls", "tcp.port==80,tls"},
	"tunnel-vxlan-port.pcap":   {"udp.port==14789,vxlan"},
}

// tsharkChains returns the chains that tshark sees.
func tsharkChains(t *testing.T, tshark string, c keyedCapture) map[presented]bool {
	t.Helper()
	args := []string{"-n", "-2", "-r", c.path, "-o", "tcp.reassemble_out_of_order:TRUE",
		"-Y", "tls.handshake.certificate || dtls.handshake.certificate", "-T", "fields", "-E", "occurrence=a", "-E", "separator=;"}
	if c.log != "" {
		args = append(args, "-o", "tls.keylog_file:"+c.log)
	}
	for _, p := range slices.Concat(tsharkPorts, tsharkKnows[filepath.Base(c.path)]) {
		args = append(args, "-d", p)
	}
	for _, f := range []string{"ip.src", "ipv6.src", "tcp.srcport", "udp.srcport", "tls.handshake.certificates_length", "dtls.handshake.certificates_length", "tls.handshake.certificate", "dtls.handshake.certificate", "frame.protocols"} {
		args = append(args, "-e", f)
	}
	cmd := exec.Command(tshark, args...)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil && !strings.Contains(complaints.String(), "cut short") {
		t.Fatalf("tshark: %v: %s", err, complaints.String())
	}
	seen := map[presented]bool{}
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimRight(line, "\n"), ";")
		ip, port := f[0], cmp.Or(f[2], f[3])
		if p := f[8]; strings.LastIndex(p, ":ipv6:") > strings.LastIndex(p, ":ip:") {
			ip = f[1]
		}
		lengths := f[4] + f[5]
		if lengths == "" {
			continue // a raw public key (RFC 7250 §3), which is no certificate
		}
		for _, chain := range messages(t, lengths, f[6]+f[7]) {
			seen[presented{tsharkEnd(ip, port), chain}] = true
		}
	}
	return seen
}

// messages puts the certificates of a frame into their messages, by the lengths
// of these: 3 bytes before each certificate, in TLS 1.3 extensions behind it.
func messages(t *testing.T, lengths, certs string) (out []string) {
	t.Helper()
	list := strings.Split(certs, ",")
	hash := func(s string) string {
		der, err := hex.DecodeString(strings.ReplaceAll(s, ":", ""))
		if err != nil {
			t.Fatal(err)
		}
		return discover.FingerprintOf(der).String()
	}
	for l := range strings.SplitSeq(lengths, ",") {
		var size int
		if _, err := fmt.Sscan(l, &size); err != nil {
			t.Fatalf("length of certificates %q: %v", l, err)
		}
		var chain []string
		for len(list) > 0 && list[0] != "" {
			n := 3 + len(strings.ReplaceAll(list[0], ":", ""))/2
			if n > size {
				break
			}
			chain, size, list = append(chain, hash(list[0])), size-n, list[1:]
		}
		if len(chain) > 0 {
			out = append(out, strings.Join(chain, " "))
		}
	}
	return out
}

// tsharkEnd is the innermost of the addresses and ports that tshark lists.
func tsharkEnd(ip, port string) string {
	last := func(list string) string { return list[strings.LastIndex(list, ",")+1:] }
	if ip = last(ip); strings.Contains(ip, ":") {
		ip = "[" + ip + "]"
	}
	return ip + ":" + last(port)
}

// lacks returns what a has and b has not.
func lacks(a, b map[presented]bool) []presented {
	return slices.SortedFunc(func(yield func(presented) bool) {
		for p := range maps.Keys(a) {
			if !b[p] && !yield(p) {
				return
			}
		}
	}, func(x, y presented) int { return cmp.Or(cmp.Compare(x.from, y.from), cmp.Compare(x.chain, y.chain)) })
}
