package decode_test

import (
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"blindspot/capture"
	"blindspot/capture/decode"
)

// TestTsharkCorpus compares the innermost segment of every packet of the
// corpus's captures with tunnels with what tshark finds. All packets go into
// one file: starting tshark is what takes the time.
func TestTsharkCorpus(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed (Debian: apt-get install tshark)")
	}
	names, m := tunnelled(t), newMerger(t)
	var origin, want []string
	for _, name := range names {
		o, w := mergeCapture(m, name)
		origin, want = append(origin, o...), append(want, w...)
	}
	got := innermost(t, tshark, m.close())
	if len(got) != len(want) {
		t.Fatalf("tshark shows %d packets, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] && decided[origin[i]] == "" && !setup(got[i], want[i]) {
			t.Errorf("%s:\ndecoded %.300s\ntshark  %.300s", origin[i], want[i], got[i])
		}
	}
	t.Logf("%d packets of %d captures compared with tshark", len(got), len(names))
}

// mergeCapture writes the packets of a capture, and returns the name and the
// segment of each.
func mergeCapture(m *merger, name string) (origin, segments []string) {
	f, err := capture.Open(filepath.Join(corpus, name), capture.Config{})
	if err != nil {
		return nil, nil // TestCorpus of capture decides
	}
	defer f.Close()
	d, batch := decode.New(decode.Config{}), make([]capture.Packet, 64)
	for {
		n, err := f.Next(batch)
		if err != nil {
			return origin, segments
		}
		for i := range batch[:n] {
			p, s, line := &batch[i], decode.Segment{}, ""
			before := d.Stats().Fragments
			if d.Decode(p, &s) {
				line = brief(&s)
			}
			if p.Link > 255 || d.Stats().Fragments != before {
				continue // pcapgo cannot write it; tshark would join fragments of several files
			}
			m.write(p)
			origin = append(origin, fmt.Sprintf("%s packet %d", name, p.Number))
			segments = append(segments, line)
		}
	}
}

// setup reports whether packets differ because tshark opens what sets a tunnel
// up and is no traffic: a Teredo client and its server between link-local
// addresses, and DTLS in CAPWAP, whose preamble it leaves to the payload.
func setup(tshark, decoded string) bool {
	return tshark == "" && strings.Contains(decoded, ":3544 ") ||
		strings.Replace(tshark, " 01000000", " ", 1) == decoded
}

// decided are packets of which tshark says something else, and why what is
// decoded is right.
var decided = map[string]string{
	"tunnel--ndpi--teredo.pcap packet 1":                     "a client and its server, without an address of Teredo",
	"tunnel--ndpi--teredo.pcap packet 2":                     "a client and its server, without an address of Teredo",
	"tunnel--ndpi--fuzz-2006-09-29-28586.pcap packet 27":     "TCP options past the end of the packet",
	"tunnel--ndpi--fuzz-2006-09-29-28586.pcap packet 80":     "TCP options past the end of the packet",
	"tunnel--ndpi--fuzz-2006-09-29-28586.pcap packet 111":    "15 bytes of TCP",
	"tunnel--ndpi--fuzz-2021-06-07-c6c72a0a56.pcap packet 1": "6 bytes of 2251 on the port of GTP",
	"tunnel--tcpdump--LINKTYPE_IPV4_invalid.pcap packet 1":   "IPv6 in a capture of IPv4",
	"tunnel--tcpdump--lisp_invalid_length.pcap packet 1":     "the UDP length is 16",
}

// tunnelled lists the captures that have tunnels in them.
func tunnelled(t *testing.T) (names []string) {
	f, err := os.Open(filepath.Join(corpus, "../files.tsv"))
	if err != nil {
		t.Skip("the shared corpus is not here: ", err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes = '\t', true
	column := -1
	for {
		row, err := r.Read()
		switch {
		case err == io.EOF:
			return names
		case err != nil:
			t.Fatal(err)
		case column < 0:
			column = slices.Index(row, "tunnels")
		case row[column] != "" || strings.HasPrefix(row[0], "tunnel--"):
			names = append(names, row[0])
		}
	}
}

// merger writes packets of several link types into one file.
type merger struct {
	t     *testing.T
	file  *os.File
	ng    *pcapgo.NgWriter
	links []capture.LinkType
}

func newMerger(t *testing.T) *merger {
	f, err := os.Create(filepath.Join(t.TempDir(), "merged.pcapng"))
	if err != nil {
		t.Fatal(err)
	}
	return &merger{t: t, file: f}
}

func (m *merger) write(p *capture.Packet) {
	at := slices.Index(m.links, p.Link)
	var err error
	if at < 0 {
		at = len(m.links)
		m.links = append(m.links, p.Link)
		i := pcapgo.NgInterface{LinkType: layers.LinkType(p.Link)}
		if m.ng == nil {
			m.ng, err = pcapgo.NewNgWriterInterface(m.file, i, pcapgo.NgWriterOptions{})
		} else {
			_, err = m.ng.AddInterface(i)
		}
		if err != nil {
			m.t.Fatal(err)
		}
	}
	ci := gopacket.CaptureInfo{
		Timestamp: time.Unix(0, p.Time), CaptureLength: len(p.Data),
		Length: max(p.Length, len(p.Data)), InterfaceIndex: at,
	}
	if err := m.ng.WritePacket(ci, p.Data); err != nil {
		m.t.Fatal(err)
	}
}

// close returns the file's name.
func (m *merger) close() string {
	if err := m.ng.Flush(); err != nil {
		m.t.Fatal(err)
	}
	if err := m.file.Close(); err != nil {
		m.t.Fatal(err)
	}
	return m.file.Name()
}

// brief prints what tshark is asked about.
func brief(s *decode.Segment) string {
	line := show(&decode.Segment{Src: s.Src, Dst: s.Dst, SrcPort: s.SrcPort, DstPort: s.DstPort, Proto: s.Proto, Seq: s.Seq, Ack: s.Ack})
	line, _, _ = strings.Cut(line, " flags")
	line, _, _ = strings.Cut(line, ` ""`)
	return line + " " + hex.EncodeToString(s.Payload)
}

// innermost returns a line as brief's for each packet, empty where tshark sees
// no segment, or one inside of an ICMP message.
func innermost(t *testing.T, tshark, file string) (lines []string) {
	t.Helper()
	fields := []string{
		"frame.protocols", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport", "tcp.seq_raw",
		"tcp.ack_raw", "tcp.payload", "udp.srcport", "udp.dstport", "udp.payload",
	}
	args := []string{"-n", "-r", file, "-T", "fields", "-E", "occurrence=l",
		"-o", "tcp.desegment_tcp_streams:FALSE", "-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE", "-o", "ip.tso_support:TRUE",
		"--disable-protocol", "sflow", "--disable-protocol", "lisp", // samples and messages about packets are no packets
		"--disable-protocol", "lwapp", "--disable-protocol", "tapa", // not understood here, and a heuristic that claims others
	}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	cmd := exec.Command(tshark, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		lines = append(lines, tsharkSegment(f))
	}
	return lines
}

// tsharkSegment is the innermost segment of a line of tshark's fields.
func tsharkSegment(f []string) string {
	stack := strings.Split(f[0], ":")
	last := func(names ...string) (at int) {
		for i := range stack {
			if slices.Contains(names, stack[i]) {
				at = i
			}
		}
		return at
	}
	transport, network := last("tcp", "udp"), last("ip", "ipv6")
	if transport == 0 || network > transport || last("wlan") > transport || last("icmp", "icmpv6") > 0 {
		return ""
	}
	src, dst := f[1], f[2]
	if stack[network] == "ipv6" {
		src, dst = "["+f[3]+"]", "["+f[4]+"]"
	}
	if stack[transport] == "tcp" {
		return "tcp " + src + ":" + f[5] + " > " + dst + ":" + f[6] + " seq " + f[7] + " ack " + f[8] + " " + f[9]
	}
	return "udp " + src + ":" + f[10] + " > " + dst + ":" + f[11] + " " + f[12]
}
