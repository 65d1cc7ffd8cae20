package starttls

import (
	"bufio"
	"encoding/hex"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"blindspot/capture"
	"blindspot/capture/decode"
	"blindspot/tlsparse"
)

// corpusDir holds captures and their truth, made with another program; it is
// no part of the repository.
const corpusDir = "../../../shared/corpus"

func readTSV(t *testing.T, name string) (rows []map[string]string) {
	t.Helper()
	f, err := os.Open(filepath.Join(corpusDir, name))
	if err != nil {
		t.Skip("the corpus of captures is not here: ", err)
	}
	defer f.Close()
	var head []string
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

// connection is both directions of a TCP connection, each in order up to its
// first hole.
type connection struct {
	ends   [2]string // client, server
	stream [2]stream
}

type stream struct {
	bytes []byte
	next  uint32
	open  bool
	later map[uint32][]byte
}

func (s *stream) add(seq uint32, payload []byte) {
	if !s.open {
		*s = stream{open: true, next: seq, later: make(map[uint32][]byte)}
	}
	if len(payload) == 0 || len(s.bytes) > 4*maxLook {
		return
	}
	if s.later[seq] == nil {
		s.later[seq] = append([]byte(nil), payload...)
	}
	for again := true; again; {
		again = false
		for seq, p := range s.later {
			if old := int32(s.next - seq); old >= 0 {
				delete(s.later, seq)
				if int(old) < len(p) {
					s.bytes = append(s.bytes, p[old:]...)
					s.next += uint32(len(p)) - uint32(old)
					again = true
				}
			}
		}
	}
}

// connections joins the connections of a capture. Who sent a SYN, or spoke
// first where there is none, is the client.
func connections(t *testing.T, name string) map[string]*connection {
	t.Helper()
	file, err := capture.Open(filepath.Join(corpusDir, "pcaps", name), capture.Config{})
	if err != nil {
		return nil // some are no captures
	}
	defer file.Close()
	all := make(map[string]*connection)
	d := decode.New(decode.Config{})
	batch := make([]capture.Packet, 64)
	var s decode.Segment
	for {
		n, err := file.Next(batch)
		for i := range batch[:n] {
			if d.Decode(&batch[i], &s) && s.Proto == decode.TCP {
				addTCP(all, &s, hostPort(s.Src, s.SrcPort), hostPort(s.Dst, s.DstPort))
			}
		}
		if err != nil {
			return all
		}
	}
}

const (
	flagSYN = 0x02
	flagACK = 0x10
)

func addTCP(all map[string]*connection, s *decode.Segment, src, dst string) {
	c, side := all[src+" "+dst], 0
	if c == nil {
		c, side = all[dst+" "+src], 1
	}
	if c == nil {
		c, side = &connection{ends: [2]string{src, dst}}, 0
		if s.Flags&flagSYN != 0 && s.Flags&flagACK != 0 {
			c, side = &connection{ends: [2]string{dst, src}}, 1
		}
		all[c.ends[0]+" "+c.ends[1]] = c
	}
	seq := s.Seq
	if s.Flags&flagSYN != 0 {
		seq++
	}
	c.stream[side].add(seq, s.Payload)
}

func hostPort(addr [16]byte, port uint16) string {
	return netip.AddrPortFrom(netip.AddrFrom16(addr).Unmap(), port).String()
}

// notOurs are captures with a hello behind bytes that are no preface.
var notOurs = map[string]string{
	"ndpi--nomachine.pcapng":                  "NoMachine's own greeting; the hello begins a segment",
	"ndpi--ossfuzz_seed_fake_traces_1.pcapng": "made up: a zero byte, then a hello in a segment of its own",
}

// TestCorpus looks at every connection of every capture: what is found must be
// TLS, and a hello of the truth that does not begin its connection must be
// found.
func TestCorpus(t *testing.T) {
	truth := make(map[string]bool) // file and random
	for _, row := range readTSV(t, "truth.tsv") {
		if row["proto"] == "tls" {
			truth[row["file"]+" "+row["random"]] = true
		}
	}
	var plain, cleartext, inTruth int
	found := make(map[string]int)
	for _, row := range readTSV(t, "files.tsv") {
		name := row["file"]
		for key, c := range connections(t, name) {
			client, server := c.stream[0].bytes, c.stream[1].bytes
			if len(client)+len(server) == 0 {
				continue
			}
			f := Find(client, server)
			if tlsparse.ProbeClientHello(client) == tlsparse.Yes || tlsparse.ProbeServerHello(server) == tlsparse.Yes {
				if plain++; f.Answer == tlsparse.Yes || f.Answer == tlsparse.Maybe && len(client) > 0 {
					t.Errorf("%s %s: begins with TLS: got %+v", name, key, f)
				}
				continue
			}
			random, at := helloIn(client)
			switch {
			case f.State == Started:
				found[f.Name]++
				if random := checkStart(t, name+" "+key, f, client, server); truth[name+" "+random] {
					inTruth++
				} else {
					t.Logf("%s %s: not in the truth: %+v, random %q", name, key, f, random)
				}
			case truth[name+" "+random] && notOurs[name] == "":
				t.Errorf("%s %s: hello of the truth at byte %d not found: %+v: %q", name, key, at, f, client[:min(64, at)])
			case f.State != Silent:
				t.Logf("%s %s: %+v", name, key, f)
				fallthrough
			default:
				cleartext++
			}
		}
	}
	t.Logf("TLS behind a preface: %v, %d of the truth; %d connections begin with TLS, %d neither", found, inTruth, plain, cleartext)
}

// checkStart checks that TLS is where it was found, and returns the hello's
// random.
func checkStart(t *testing.T, name string, f Found, client, server []byte) (random string) {
	t.Helper()
	cu, su := Unwrapper{Wrapping: f.Wrapped}, Unwrapper{Wrapping: f.Wrapped}
	c, _ := cu.Unwrap(nil, from(client, f.Client))
	s, _ := su.Unwrap(nil, from(server, f.Server))
	if got := tlsparse.ProbeClientHello(c); len(c) > 0 && got != tlsparse.Yes {
		t.Errorf("%s: %+v: no TLS in the client's direction: %q", name, f, c[:min(len(c), 40)])
	}
	if _, got := probe(nil, s); len(s) > 0 && got != tlsparse.Yes {
		t.Errorf("%s: %+v: no TLS in the server's direction: %q", name, f, s[:min(len(s), 40)])
	}
	random, _ = helloIn(c)
	return random
}

// helloIn returns the random of the first ClientHello anywhere in b.
func helloIn(b []byte) (random string, at int) {
	for i := range b {
		if b[i] == 0x16 && tlsparse.ProbeClientHello(b[i:]) == tlsparse.Yes && len(b) >= i+43 {
			return hex.EncodeToString(b[i+11 : i+43]), i
		}
	}
	return "", 0
}
