package decode_test

import (
	"bytes"
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

func TestDecode(t *testing.T) {
	for _, v := range slices.Concat(vectors(), fragmentVectors()) {
		t.Run(v.name, func(t *testing.T) {
			d := decode.New(decode.Config{})
			s := decode.Segment{Missing: 5, Seq: 9, Tunnel: decode.Tunnel{Count: 1}} // of the packet before
			want := v.count
			for i, p := range v.frames {
				p.Time = int64(i + 1)
				got := ""
				if d.Decode(&p, &s) {
					got = show(&s)
					if s.Time != p.Time {
						t.Errorf("frame %d: got time %d, want %d", i, s.Time, p.Time)
					}
				}
				if got != v.want[i] {
					t.Errorf("frame %d: got %s\nwant %s", i, got, v.want[i])
				}
				want.Packets++
				switch {
				case strings.HasPrefix(v.want[i], "tcp"):
					want.TCP++
				case strings.HasPrefix(v.want[i], "udp"):
					want.UDP++
				}
			}
			if got := d.Stats(); got != want {
				t.Errorf("got %+v\nwant %+v", got, want)
			}
		})
	}
}

// TestPrefixes cuts every frame at every byte, by the snaplen and for good:
// nothing that was not there is invented, and each packet is counted once.
func TestPrefixes(t *testing.T) {
	for _, v := range vectors() {
		p := v.frames[0]
		full := p.Data
		for i := range full {
			for _, length := range []int{i, p.Length} {
				d, s := decode.New(decode.Config{}), decode.Segment{}
				q := capture.Packet{Data: full[:i:i], Length: length, Link: p.Link}
				ok := d.Decode(&q, &s)
				checkStats(t, v.name, d.Stats())
				if ok && v.want[0] != "" && !strings.HasPrefix(v.want[0], prefix(&s)) {
					t.Errorf("%s: %d bytes of %d give %s, want a part of %s", v.name, i, length, show(&s), v.want[0])
				}
			}
		}
	}
}

// prefix prints a segment up to what it has of its payload.
func prefix(s *decode.Segment) string {
	c := *s
	c.Missing, c.Tunnel = 0, decode.Tunnel{}
	return strings.TrimSuffix(show(&c), `"`)
}

// checkStats tests the sum rule of Stats.
func checkStats(t *testing.T, name string, s decode.Stats) {
	t.Helper()
	sum := s.Segments() + s.Other + s.NotIP + s.UnknownLink + s.TooDeep + s.TruncatedHeader + s.Malformed() + s.FragmentsAbsorbed
	if sum != s.Packets {
		t.Errorf("%s: %d packets, but %d are accounted for: %+v", name, s.Packets, sum, s)
	}
}

// TestTshark lets tshark decode the vectors.
func TestTshark(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed (Debian: apt-get install tshark)")
	}
	// tshark 4.0 refuses a jumbo payload below 64 KiB and IPv6 of length 0,
	// and does not know Linux's AF_INET6 in this place; pcapgo cannot write
	// the link type of SLL2.
	skip := []string{"ipv6 length 0", "jumbo payload", "null linux", "sll2"}
	var (
		file  = filepath.Join(t.TempDir(), "vectors.pcapng")
		lines []string
	)
	w, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	links := []capture.LinkType{}
	var ng *pcapgo.NgWriter
	for _, v := range vectors() {
		p := v.frames[0]
		if v.want[0] == "" || slices.Contains(skip, v.name) {
			continue
		}
		at := slices.Index(links, p.Link)
		if at < 0 {
			at = len(links)
			links = append(links, p.Link)
			i := pcapgo.NgInterface{LinkType: layers.LinkType(p.Link)}
			if ng == nil {
				ng, err = pcapgo.NewNgWriterInterface(w, i, pcapgo.NgWriterOptions{})
			} else {
				_, err = ng.AddInterface(i)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		ci := gopacket.CaptureInfo{Timestamp: time.Unix(1, 0), CaptureLength: len(p.Data), Length: p.Length, InterfaceIndex: at}
		if err := ng.WritePacket(ci, p.Data); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, v.name+": "+v.want[0])
	}
	if err := ng.Flush(); err != nil {
		t.Fatal(err)
	}
	got := tsharkFields(t, tshark, file)
	if len(got) != len(lines) {
		t.Fatalf("tshark shows %d packets, want %d", len(got), len(lines))
	}
	for i, line := range lines {
		name, want, _ := strings.Cut(line, ": ")
		if !strings.HasPrefix(want, got[i]) {
			t.Errorf("%s: tshark says %s\nwant %s", name, got[i], want)
		}
	}
}

// tsharkFields returns a line as show's for each packet, without the payload.
func tsharkFields(t *testing.T, tshark, file string) []string {
	t.Helper()
	args := []string{"-n", "-r", file, "-o", "tcp.relative_sequence_numbers:FALSE", "-o", "ip.tso_support:TRUE", "-T", "fields"}
	for _, f := range []string{"ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport", "tcp.seq", "tcp.ack", "udp.srcport", "udp.dstport"} {
		args = append(args, "-e", f)
	}
	cmd := exec.Command(tshark, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	var lines []string
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		src, dst := f[0], f[1]
		if src == "" {
			src, dst = "["+f[2]+"]", "["+f[3]+"]"
		}
		if f[4] != "" {
			lines = append(lines, "tcp "+src+":"+f[4]+" > "+dst+":"+f[5]+" seq "+f[6]+" ack "+f[7])
		} else {
			lines = append(lines, "udp "+src+":"+f[8]+" > "+dst+":"+f[9])
		}
	}
	return lines
}

func TestNetwork(t *testing.T) {
	cfg := decode.Config{Network: func(iface int, tunnel decode.Tunnel) uint16 {
		return uint16(iface*10 + int(tunnel.Count))
	}}
	d, s := decode.New(cfg), decode.Segment{}
	for name, p := range map[string]capture.Packet{
		"fast":    frame(eth(0x8100, tag(12, 0x800), v4(6, tcp("hi")))),
		"general": frame(eth(0x8100, tag(12, 0x800), v4opt(6, nop, 0, tcp("hi")))),
	} {
		p.Interface = 3
		if !d.Decode(&p, &s) || s.Network != 31 {
			t.Errorf("%s: got network %d, want 31", name, s.Network)
		}
	}
}

func TestSupported(t *testing.T) {
	for l, want := range map[capture.LinkType]bool{
		0: true, 1: true, 12: true, 14: true, 101: true, 108: true, 113: true, 228: true, 229: true, 276: true,
		105: false, 147: false, 511: false, 512: false, 65535: false,
	} {
		if got := decode.Supported(l); got != want {
			t.Errorf("%s: got %v, want %v", l, got, want)
		}
	}
}

// TestAllocations: no packet but a fragment costs an allocation.
func TestAllocations(t *testing.T) {
	d := decode.New(decode.Config{})
	for _, v := range vectors() {
		p := v.frames[0]
		if got := testing.AllocsPerRun(100, func() {
			var s decode.Segment
			d.Decode(&p, &s)
		}); got != 0 {
			t.Errorf("%s: %v allocations, want 0", v.name, got)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, v := range vectors() {
		switch v.name {
		case "ipv4 tcp, padded", "ipv6 tcp", "ipv4 udp", "vlan", "802.1ad", "ipv4 options", "sll":
		default:
			continue
		}
		b.Run(strings.ReplaceAll(v.name, ", ", " "), func(b *testing.B) {
			d := decode.New(decode.Config{})
			var s decode.Segment
			b.ReportAllocs()
			for b.Loop() {
				d.Decode(&v.frames[0], &s)
			}
		})
	}
}
