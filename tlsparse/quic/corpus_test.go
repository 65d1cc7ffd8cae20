package quic_test

import (
	"bufio"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"blindspot/capture"
	"blindspot/capture/decode"
	"blindspot/tlsparse"
	"blindspot/tlsparse/quic"
)

// corpusDir holds captures and their truth, made with other programs; it is no
// part of the repository.
const corpusDir = "../../../shared/corpus"

// maxConns bounds the connections that the test keeps for a pair of addresses.
const maxConns = 16

// pair is both ends of a datagram's path, in either direction.
type pair struct {
	a, b         [16]byte
	aPort, bPort uint16
}

func pairOf(s *decode.Segment) pair {
	if string(s.Src[:]) < string(s.Dst[:]) || s.Src == s.Dst && s.SrcPort < s.DstPort {
		return pair{s.Src, s.Dst, s.SrcPort, s.DstPort}
	}
	return pair{s.Dst, s.Src, s.DstPort, s.SrcPort}
}

// hello is what is compared of a ClientHello.
type hello struct{ sni, alpn, ja3 string }

// watcher follows the QUIC connections of a capture, as a flow table would.
type watcher struct {
	reader quic.Reader
	conns  map[pair][]*quic.Conn
	hellos map[string]hello // by random
	server int              // ServerHello messages
	events quic.Seen
	google int
}

func newWatcher() *watcher {
	return &watcher{conns: map[pair][]*quic.Conn{}, hellos: map[string]hello{}}
}

func (w *watcher) datagram(s *decode.Segment) {
	k := pairOf(s)
	list := w.conns[k]
	if len(list) == 0 && quic.Probe(s.Payload) == tlsparse.No {
		if quic.ProbeGoogle(s.Payload) == tlsparse.Yes {
			w.google++
		}
		return
	}
	i := w.reader.Pick(list, s.Payload, s.Missing)
	if i < 0 {
		if quic.Probe(s.Payload) == tlsparse.No {
			return
		}
		if len(list) == maxConns {
			w.reader.Release(list[0])
			list = list[1:]
		}
		list = append(list, new(quic.Conn))
		w.conns[k] = list
		i = len(list) - 1
	}
	ev := w.reader.Datagram(list[i], s.Payload, s.Missing, quic.Unknown)
	w.events |= ev.Seen
	w.drain(list[i])
}

func (w *watcher) drain(c *quic.Conn) {
	var h tlsparse.ClientHello
	for {
		m, ok := w.reader.Next(c)
		if !ok {
			return
		}
		switch m.Type {
		case tlsparse.TypeServerHello:
			w.server++
		case tlsparse.TypeClientHello:
			if tlsparse.ParseClientHello(m.Body, &h) != nil {
				continue
			}
			ja3, _ := tlsparse.JA3(&h)
			w.hellos[hex.EncodeToString(h.Random)] = hello{string(h.ServerName), joinALPN(h.ALPN), ja3}
		}
	}
}

func joinALPN(protocols [][]byte) string {
	var names []string
	for _, p := range protocols {
		names = append(names, string(p))
	}
	return strings.Join(names, ",")
}

// eachDatagram calls f with each UDP datagram of a capture.
func eachDatagram(t testing.TB, path string, f func(s *decode.Segment)) {
	t.Helper()
	file, err := capture.Open(path, capture.Config{})
	if err != nil {
		return // not every file is a capture
	}
	defer file.Close()
	d, batch := decode.New(decode.Config{}), make([]capture.Packet, 64)
	var s decode.Segment
	for {
		n, err := file.Next(batch)
		if err != nil {
			return
		}
		for i := range batch[:n] {
			if d.Decode(&batch[i], &s) && s.Proto == decode.UDP {
				f(&s)
			}
		}
	}
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

// unseen are hellos that TShark does not find, and why. Each was opened with its
// tag, which proves it.
var unseen = map[string]string{
	"2771c78c277c020dc1b5886bc361c1c1b1fc119081547ce7de6cc43da43f622d": "version 0x00000002, which uses the keys of version 1",
	"1f30ba6644aec1cf6dd7107e76bdef62900920504d8e5cb20890f7ce262bdb38": "version 0x00000002, which uses the keys of version 1",
	"3704547dae47db96066623b18787713872222a4b6e0780ff8113d2d35e8f329e": "reserved version, or after the Version Negotiation, or after the Retry: the hello differs each time",
	"22e76c09286482d99de1999ece24656bfe14f769fc5b4feafae48177545bbf76": "the same",
	"7edca6f2214e99d2a55e0c42ffce6eeb65cb3f22c3d154c87ab1cc9cbcebd17d": "the same",
	"7d1bb95d9a0b2572a545bbbc6e66f25837d83910d2b27634caa362905bc69333": "on one side of the Retry: the hello differs",
	"c9d801207a00c2d6d79a1fd14bd091a53c0602f8decf5237afb182fc826fb097": "after the Retry: the hello differs",
	"979519ab6b674079c23ced4e155e4b9aaef88059a3cc6a84c1881e7fb1b2d241": "reserved version, or after the Version Negotiation: the hello differs",
	"2f12d844cfe2d63d15ef26c34bbf19eedc14448887823f6b775e7fef44bf8fbb": "the same",
}

// TestCorpus finds in every capture the hellos that TShark finds, with the same
// name, protocols and JA3, and no others.
func TestCorpus(t *testing.T) {
	truth := map[string]map[string]hello{}
	for _, r := range readTSV(t, "truth.tsv") {
		if r["proto"] != "quic" {
			continue
		}
		if truth[r["file"]] == nil {
			truth[r["file"]] = map[string]hello{}
		}
		truth[r["file"]][r["random"]] = hello{r["sni"], r["alpn"], r["ja3"]}
	}
	files, err := os.ReadDir(filepath.Join(corpusDir, "pcaps"))
	if err != nil {
		t.Fatal(err)
	}
	found, wanted, extra := 0, 0, 0
	var total quic.Stats
	for _, file := range files {
		w := newWatcher()
		eachDatagram(t, filepath.Join(corpusDir, "pcaps", file.Name()), w.datagram)
		want := truth[file.Name()]
		wanted += len(want)
		for random, h := range want {
			got, ok := w.hellos[random]
			if !ok {
				t.Errorf("%s: hello %s for %q is not found", file.Name(), random, h.sni)
				continue
			}
			found++
			if got != h {
				t.Errorf("%s: hello %s: got %v, want %v", file.Name(), random, got, h)
			}
		}
		for random, h := range w.hellos {
			if _, ok := want[random]; !ok {
				extra++
				if why, ok := unseen[random]; ok {
					t.Logf("%s: hello %s for %q: not in the truth: %s", file.Name(), random, h.sni, why)
					continue
				}
				t.Errorf("%s: hello %s for %q is not in the truth", file.Name(), random, h.sni)
			}
		}
		if len(w.conns) > 0 || w.google > 0 {
			st := w.reader.Stats()
			t.Logf("%s: %d of %d hellos, %d answers, %d google, %v %+v", file.Name(), len(w.hellos), len(want), w.server, w.google, w.events, st)
			total.Opened += st.Opened
			total.Unopened += st.Unopened
		}
	}
	t.Logf("%d of %d hellos found, %d not in the truth; %d Initial packets opened, %d not", found, wanted, extra, total.Opened, total.Unopened)
}

// TestCorpusMirrors gives the datagrams as a mirror can: every one twice, at
// once or one later, and each two swapped. The hellos stay the same.
func TestCorpusMirrors(t *testing.T) {
	modes := map[string]func(i, n int) []int{
		"twice":      func(i, _ int) []int { return []int{i, i} },
		"late again": func(i, _ int) []int { return []int{i, max(i-1, 0)} },
		"swapped":    func(i, n int) []int { return []int{min(i^1, n-1)} },
	}
	files := map[string]bool{}
	for _, r := range readTSV(t, "truth.tsv") {
		if r["proto"] == "quic" {
			files[r["file"]] = true
		}
	}
	for name := range files {
		var all []decode.Segment
		straight := newWatcher()
		eachDatagram(t, filepath.Join(corpusDir, "pcaps", name), func(s *decode.Segment) {
			c := *s
			c.Payload = append([]byte(nil), s.Payload...)
			all = append(all, c)
			straight.datagram(s)
		})
		for mode, order := range modes {
			w := newWatcher()
			for i := range all {
				for _, k := range order(i, len(all)) {
					w.datagram(&all[k])
				}
			}
			for random, h := range straight.hellos {
				if w.hellos[random] != h {
					t.Errorf("%s, %s: hello %s for %q is lost", name, mode, random, h.sni)
				}
			}
			if len(w.hellos) != len(straight.hellos) {
				t.Errorf("%s, %s: %d hellos, want %d", name, mode, len(w.hellos), len(straight.hellos))
			}
		}
	}
}
