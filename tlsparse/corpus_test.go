package tlsparse

import (
	"bufio"
	"encoding/hex"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

// corpusDir holds captures and their truth, made with another program; it is
// no part of the repository.
const corpusDir = "../../shared/corpus"

// corpusHello is a row of truth.tsv.
type corpusHello struct {
	file, sni, alpn, ja3, extensions, random, flags string
}

// readCorpusHellos returns the hellos over TCP of truth.tsv by file and random.
func readCorpusHellos(t *testing.T) map[string]corpusHello {
	t.Helper()
	rows := make(map[string]corpusHello)
	for _, r := range readTSV(t, "truth.tsv") {
		if r["proto"] == "tls" {
			h := corpusHello{r["file"], r["sni"], r["alpn"], r["ja3"], r["ext_types"], r["random"], r["flags"]}
			rows[h.file+" "+h.random] = h
		}
	}
	return rows
}

func readTSV(t *testing.T, name string) []map[string]string {
	t.Helper()
	f, err := os.Open(filepath.Join(corpusDir, name))
	if err != nil {
		t.Skip("the corpus of captures is not here: ", err)
	}
	defer f.Close()
	var head []string
	var rows []map[string]string
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		cells := strings.Split(sc.Text(), "\t")
		if head == nil {
			head = cells
			continue
		}
		row := make(map[string]string)
		for i, c := range cells {
			row[head[i]] = c
		}
		rows = append(rows, row)
	}
	return rows
}

// eachTCP calls f with each TCP segment of a capture and its ends.
func eachTCP(t *testing.T, name string, f func(tcp *layers.TCP, src, dst string)) {
	t.Helper()
	file, err := os.Open(filepath.Join(corpusDir, "pcaps", name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var source gopacket.PacketDataSource
	var link layers.LinkType
	if ng, err := pcapgo.NewNgReader(file, pcapgo.NgReaderOptions{WantMixedLinkType: true}); err == nil {
		source, link = ng, ng.LinkType()
	} else {
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		r, err := pcapgo.NewReader(file)
		if err != nil {
			return
		}
		source, link = r, r.LinkType()
	}
	for {
		data, _, err := source.ReadPacketData()
		if err != nil {
			return
		}
		p := gopacket.NewPacket(data, link, gopacket.DecodeOptions{NoCopy: true})
		tcp, ok := p.Layer(layers.LayerTypeTCP).(*layers.TCP)
		inner := innermost(p)
		if !ok || inner == nil {
			continue
		}
		n := inner.NetworkFlow()
		f(tcp, hostPort(n.Src(), tcp.SrcPort), hostPort(n.Dst(), tcp.DstPort))
	}
}

// innermost returns the last network layer, within any tunnel.
func innermost(p gopacket.Packet) (network gopacket.NetworkLayer) {
	for _, layer := range p.Layers() {
		if n, ok := layer.(gopacket.NetworkLayer); ok {
			network = n
		}
	}
	return network
}

func hostPort(e gopacket.Endpoint, port layers.TCPPort) string {
	return net.JoinHostPort(e.String(), strconv.Itoa(int(port)))
}

// helloOf returns the hello of a segment that holds a whole one.
func helloOf(segment []byte, h *ClientHello) bool {
	if ProbeClientHello(segment) != Yes {
		return false
	}
	var d Deframer
	e := d.Step(append([]byte(nil), segment...), 1<<20)
	switch e.Kind {
	case EventMessage:
		return e.Type == TypeClientHello && ParseClientHello(e.Body, h) == nil
	case EventSSLv2:
		_, err := ParseSSLv2ClientHello(e.Body, h)
		return err == nil
	}
	return false
}

func join16(values []uint16) string {
	return strings.ReplaceAll(string(appendAll(values)), "-", ",")
}

// TestCorpusHellos compares name, ALPN, extensions and JA3 of every hello that
// stands in one segment, of any capture, with what TShark says.
func TestCorpusHellos(t *testing.T) {
	truth := readCorpusHellos(t)
	files, err := os.ReadDir(filepath.Join(corpusDir, "pcaps"))
	if err != nil {
		t.Fatal(err)
	}
	var compared, unknown, old int
	var h ClientHello
	for _, file := range files {
		name := file.Name()
		eachTCP(t, name, func(tcp *layers.TCP, _, _ string) {
			if !helloOf(tcp.Payload, &h) {
				return
			}
			if h.SSLv2 {
				old++ // no random in the truth
				return
			}
			want, ok := truth[name+" "+hex.EncodeToString(h.Random)]
			if !ok {
				unknown++
				t.Logf("%s: hello with random %x, name %q is not in the truth", name, h.Random, h.ServerName)
				return
			}
			compared++
			ja3, text := JA3(&h)
			got := corpusHello{name, string(h.ServerName), joinALPN(h.ALPN), ja3, join16(h.Extensions), want.random, want.flags}
			if got != want {
				t.Errorf("%s:\n got %+v\nwant %+v\n%s", name, got, want, text)
			}
		})
	}
	t.Logf("%d hellos compared, %d in the form of SSL 2.0, %d not in the truth", compared, old, unknown)
}

func joinALPN(protocols [][]byte) string {
	var names []string
	for _, p := range protocols {
		names = append(names, string(p))
	}
	return strings.Join(names, ",")
}

func appendAll(values []uint16) (b []byte) {
	for i, v := range values {
		if i > 0 {
			b = append(b, '-')
		}
		b = strconv.AppendUint(b, uint64(v), 10)
	}
	return b
}
