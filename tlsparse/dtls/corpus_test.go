package dtls

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
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

// seen is what a capture shows: hellos as "client server random sni ja3", chains
// as "sender receiver hashes", and JA4 by "client server".
type seen struct {
	hellos, chains map[string]bool
	ja4            map[string]string
	words          map[string]int
	flows          map[string]int // datagrams of flows that passed Probe
	stats          Stats
}

// look reads all UDP flows of a capture without a notion of flows or roles.
func look(t *testing.T, name string) *seen {
	t.Helper()
	s := &seen{map[string]bool{}, map[string]bool{}, map[string]string{}, map[string]int{}, map[string]int{}, Stats{}}
	f, err := capture.Open(filepath.Join(corpusDir, "pcaps", name), capture.Config{})
	if err != nil {
		return s
	}
	defer f.Close()
	directions := map[string]*Assembler{}
	decoder, batch := decode.New(decode.Config{}), make([]capture.Packet, 64)
	for {
		n, err := f.Next(batch)
		if err != nil {
			break
		}
		for i := range batch[:n] {
			var seg decode.Segment
			if decoder.Decode(&batch[i], &seg) && seg.Proto == decode.UDP {
				s.datagram(&seg, directions)
			}
		}
	}
	for key, a := range directions {
		src, dst, _ := strings.Cut(key, " ")
		a.Flush(s.emit(src, dst))
		s.add(a.Stats())
	}
	return s
}

func (s *seen) add(o Stats) {
	s.stats.Malformed += o.Malformed
	s.stats.Broken += o.Broken
	s.stats.Repeated += o.Repeated
	s.stats.Missing += o.Missing
	s.stats.Overflow += o.Overflow
	s.stats.TooLong += o.TooLong
}

func (s *seen) datagram(seg *decode.Segment, directions map[string]*Assembler) {
	src, dst := end(seg.Src, seg.SrcPort), end(seg.Dst, seg.DstPort)
	inner, word := Strip(seg.Payload)
	a := directions[src+" "+dst]
	if a == nil {
		if Probe(inner) != tlsparse.Yes {
			return
		}
		a = new(Assembler)
		directions[src+" "+dst] = a
	}
	if word != "" {
		s.words[word]++
	}
	s.flows[src+" "+dst]++
	a.Datagram(inner, s.emit(src, dst))
}

func end(ip [16]byte, port uint16) string {
	return netip.AddrPortFrom(netip.AddrFrom16(ip).Unmap(), port).String()
}

func (s *seen) emit(src, dst string) func(Event) {
	return func(e Event) {
		if e.Kind != EventMessage {
			return
		}
		switch e.Type {
		case tlsparse.TypeClientHello:
			var h tlsparse.ClientHello
			body, err := ClientHelloBody(e.Body, nil)
			if err == nil {
				err = tlsparse.ParseClientHello(body, &h)
			}
			ja3, _ := tlsparse.JA3(&h)
			if err != nil {
				ja3 = err.Error()
			}
			s.hellos[fmt.Sprintf("%s %s %x %s %s", src, dst, h.Random, h.ServerName, ja3)] = true
			if s.ja4[src+" "+dst] == "" {
				s.ja4[src+" "+dst] = tlsparse.JA4(&h, 'd')
			}
		case tlsparse.TypeCertificate:
			chain, err := tlsparse.ParseCertificate(e.Body, nil)
			var hashes []string
			for _, c := range chain {
				sum := sha256.Sum256(c)
				hashes = append(hashes, hex.EncodeToString(sum[:]))
			}
			if err != nil {
				hashes = append(hashes, err.Error())
			}
			s.chains[src+" "+dst+" "+strings.Join(hashes, ",")] = true
		}
	}
}

// wrapped lists what the truth lacks, because TShark 4.0 looks neither into
// TURN's indications nor into RDP-UDP. It says the same as these rows when the
// records are handed to it without the framing (text2pcap -u 4433,4434; tshark
// -d udp.port==4434,dtls).
var wrapped = []struct {
	file  string
	chain bool
	row   string
}{
	{"ndpi--adult_content.pcap", false, "31.220.27.69:80 192.168.1.199:42759 11e7d561b1996bb93acd1c2bbe85f6b2d754f2d07325825f4dff31b7a5c005e9  267143d45514a60fe020040910f2b9a8"},
	{"ndpi--adult_content.pcap", true, "192.168.1.199:42759 31.220.27.69:80 b3d26acb151a12615ed0a6a37bb4e67640b42ba9309b7412e5126aa602654926"},
	{"ndpi--adult_content.pcap", true, "31.220.27.69:80 192.168.1.199:42759 5753913758abf00ea18b761a3049ebc687564eea06d6a1da983cf233d5892902"},
	{"ndpi--stun_dtls_rtp_unidir.pcapng", false, "10.10.0.1:65226 10.1.0.3:57730 72756ea8550565d2e47bccd6fa7fb1c6594819bc946b85666b338524cf5fd456  fd8faf73d274d5614a51dae82304be0a"},
	{"ndpi--stun_dtls_rtp_unidir.pcapng", true, "10.1.0.3:5853 10.10.0.1:2808 f60b2c8abe0173cba77b6d19d023febc2dc6c402fabe8a786cd7ee5b27386ba0"},
	{"ndpi--stun_dtls_rtp_unidir.pcapng", true, "10.10.0.1:65226 10.1.0.3:57730 f86714227edcef186127b612945e348d49764b52fba082e87d8484a3efeec60f"},
	{"ndpi--rdp2.pcap", false, "10.50.181.210:60355 10.50.73.36:3389 6214967770162792d5f9b0381d4e3ae3b1acb9c8d440d3fbe0634afdb77690f1 drcsalgfc043 13e2813ab75085088608cf9175688770"},
	{"ndpi--viber.pcap", false, "192.168.12.156:40482 18.195.4.121:443 2c20c7d667115287512236798775d5852962a6b3b10785bace2bdb4b1622e6e5  c14667d7da3e6f7a7ab5519ef78c2452"},
}

// TestCorpus compares hellos and chains with those of another program, in both
// directions: none is missing, and none is invented.
func TestCorpus(t *testing.T) {
	hellos, chains := map[string]map[string]bool{}, map[string]map[string]bool{}
	put := func(m map[string]map[string]bool, file, row string) {
		if m[file] == nil {
			m[file] = map[string]bool{}
		}
		m[file][row] = true
	}
	for _, r := range readTSV(t, "truth.tsv") {
		if r["proto"] == "dtls" {
			put(hellos, r["file"], strings.Join([]string{r["client"], r["server"], r["random"], r["sni"], r["ja3"]}, " "))
		}
	}
	for _, r := range readTSV(t, "truth.certs.tsv") {
		if r["proto"] == "dtls" {
			put(chains, r["file"], r["sender"]+" "+r["receiver"]+" "+r["sha256"])
		}
	}
	for _, x := range wrapped {
		if x.chain {
			put(chains, x.file, x.row)
		} else {
			put(hellos, x.file, x.row)
		}
	}
	entries, err := os.ReadDir(filepath.Join(corpusDir, "pcaps"))
	if err != nil {
		t.Skip("the corpus of captures is not here: ", err)
	}
	found, foundChains := 0, 0
	for _, e := range entries {
		s := look(t, e.Name())
		found += compare(t, e.Name()+": hello", s.hellos, hellos[e.Name()])
		foundChains += compare(t, e.Name()+": chain", s.chains, chains[e.Name()])
		if len(s.flows) > 0 {
			t.Logf("%-45s flows %d, %v, %+v", e.Name(), len(s.flows), s.words, s.stats)
		}
	}
	t.Logf("%d hellos and %d chains as in the truth", found, foundChains)
}

func compare(t *testing.T, what string, got, want map[string]bool) (found int) {
	t.Helper()
	for _, row := range slices.Sorted(maps.Keys(want)) {
		if !got[row] {
			t.Errorf("%s missing: %s", what, row)
		} else {
			found++
		}
	}
	for _, row := range slices.Sorted(maps.Keys(got)) {
		if !want[row] {
			t.Errorf("%s extra: %s", what, row)
		}
	}
	return found
}

// asSpecified is what JA4's specification gives where nDPI's value differs.
var asSpecified = map[string]string{
	"dd2d270600_991e33d7eb74_10f9deb96590": "dd3i270600_991e33d7eb74_10f9deb96590", // supported_versions has DTLS 1.3
	"dd2d0808we_c6c2b6ec87e0_06b1ae923e2a": "dd2i0808wc_c6c2b6ec87e0_06b1ae923e2a", // first and last character of "webrtc"
}

// TestCorpusJA4 compares JA4 with nDPI's, which differs from the specification
// also in these points: 'd' where there is no SNI, "s3" for the version 0x0100,
// and the hash of nothing where there are no extensions.
func TestCorpusJA4(t *testing.T) {
	for _, r := range readTSV(t, "truth.ja4.tsv") {
		if r["proto"] != "dtls" {
			continue
		}
		got := look(t, r["file"]).ja4[r["client"]+" "+r["server"]]
		want, ok := asSpecified[r["ja4"]]
		if !ok {
			want = strings.Replace(r["ja4"], "_e3b0c44298fc", "_000000000000", 1)
			want = strings.Replace(want, "ds3", "d00", 1)
			if r["sni"] == "" {
				want = want[:3] + "i" + want[4:]
			}
		}
		if got != want {
			t.Errorf("%s %s: got %s, want %s", r["file"], r["client"], got, want)
		}
	}
}
