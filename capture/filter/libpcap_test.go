package filter

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/bpf"

	"blindspot/capture"
)

var update = flag.Bool("update", false, "ask tcpdump for its programs again, into testdata/libpcap.json")

// oracle is what libpcap makes of an expression: its programs, in the numbers
// of tcpdump -ddd.
type oracle struct {
	Expr     string
	Ethernet string
	Raw      string `json:",omitempty"` // where it can be said of raw IP
	Live     string // on an Ethernet interface
}

const oracles = "testdata/libpcap.json"

func readOracles(t testing.TB) []oracle {
	t.Helper()
	b, err := os.ReadFile(oracles)
	if err != nil {
		t.Fatal(err)
	}
	var list []oracle
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// TestUpdate writes testdata/libpcap.json for the expressions in
// testdata/expressions. It needs tcpdump, and CAP_NET_RAW for live programs.
func TestUpdate(t *testing.T) {
	if !*update {
		t.Skip("writes only with -update")
	}
	f, err := os.Open("testdata/expressions")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var list []oracle
	for s := bufio.NewScanner(f); s.Scan(); {
		ask := func(args ...string) string {
			out, err := exec.Command("tcpdump", append(args, "-ddd", s.Text())...).Output()
			if err != nil {
				return ""
			}
			return strings.ReplaceAll(strings.TrimSpace(string(out)), "\n", ",")
		}
		o := oracle{s.Text(), ask("-y", "EN10MB"), ask("-y", "RAW"), ask("-i", "lo")}
		if o.Ethernet == "" || o.Live == "" {
			t.Fatalf("tcpdump says nothing of %q", s.Text())
		}
		list = append(list, o)
	}
	b, err := json.MarshalIndent(list, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(oracles, append(b, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// program reads the numbers of tcpdump -ddd.
func readProgram(t testing.TB, s string) []bpf.RawInstruction {
	t.Helper()
	var list []bpf.RawInstruction
	for _, line := range strings.Split(s, ",")[1:] {
		var in bpf.RawInstruction
		if _, err := fmt.Sscan(line, &in.Op, &in.Jt, &in.Jf, &in.K); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		list = append(list, in)
	}
	return list
}

func machine(t testing.TB, name string, raw []bpf.RawInstruction) *bpf.VM {
	t.Helper()
	list, ok := bpf.Disassemble(raw)
	if !ok {
		t.Fatalf("%s: not all instructions are known: %v", name, list)
	}
	vm, err := bpf.NewVM(list)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return vm
}

// packets returns the packets of a link type in the shipped captures, and in
// the corpus where it is present: bounded for each file.
func packets(t testing.TB, link capture.LinkType, each int) (list [][]byte) {
	t.Helper()
	for _, root := range []string{"../../testdata/pcaps", "../../../shared/corpus"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.Contains(path, "pcap") {
				return nil
			}
			f, err := capture.Open(path, capture.Config{})
			if err != nil {
				return nil
			}
			defer f.Close()
			batch := make([]capture.Packet, each)
			n, _ := f.Next(batch)
			for _, p := range batch[:n] {
				if p.Link == link {
					list = append(list, slices.Clone(p.Data))
				}
			}
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	if len(list) == 0 {
		t.Skip("no packets of link type ", link)
	}
	return list
}

// TestLibpcap compares what matches with what libpcap's programs match, on the
// packets of many captures.
func TestLibpcap(t *testing.T) {
	ethernet, raw := packets(t, capture.LinkEthernet, 60), packets(t, capture.LinkRaw, 60)
	t.Logf("%d packets of Ethernet, %d of raw IP", len(ethernet), len(raw))
	for _, o := range readOracles(t) {
		same(t, o.Expr, o.Ethernet, capture.LinkEthernet, ethernet)
		if o.Raw != "" {
			same(t, o.Expr, o.Raw, capture.LinkRaw, raw)
		}
	}
}

func same(t *testing.T, expr, theirs string, link capture.LinkType, packets [][]byte) {
	t.Helper()
	program, err := compile(expr, link, 0, false)
	if err != nil {
		t.Errorf("%v: %v", link, err)
		return
	}
	us, them := machine(t, expr, program), machine(t, expr, readProgram(t, theirs))
	matched, differ := 0, 0
	for i, data := range packets {
		// Some are cut off, in a header or behind it. What lies beyond the end
		// matches nothing, also behind not; where an expression has two sides,
		// libpcap looks beyond the end later than we do, or not at all.
		if i%5 == 0 && !strings.Contains(expr, " or ") {
			data = data[:min(len(data), 10+i%53)]
		}
		got, err := us.Run(data)
		want, wantErr := them.Run(data)
		if err != nil || wantErr != nil {
			t.Fatalf("%s: %v, %v", expr, err, wantErr)
		}
		if want > 0 {
			matched++
		}
		if got != want {
			if differ++; differ <= 3 {
				t.Errorf("%v %q, packet %d: got %d, libpcap %d: %x", link, expr, i, got, want, data[:min(80, len(data))])
			}
		}
	}
	if testing.Verbose() {
		t.Logf("%v %q: %d of %d packets match, %d instructions, libpcap %d", link, expr, matched, len(packets), len(program), strings.Count(theirs, ","))
	}
}
