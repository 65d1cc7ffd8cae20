package kernel

import (
	"bytes"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/cilium/ebpf"

	"blindspot/capture"
)

const (
	ourCaptures = "../../testdata/pcaps"
	corpus      = "../../../shared/corpus/pcaps"

	maxFrame      = 3400 // of BPF_PROG_TEST_RUN on a page of 4 KiB
	maxPerCapture = 4000
)

// eachPacket calls do with the packets of every capture below dir, cut to what
// was captured.
func eachPacket(t testing.TB, dir string, do func(name string, p *capture.Packet)) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		f, err := capture.Open(path, capture.Config{})
		if err != nil {
			return nil // no capture, or one that is broken on purpose
		}
		defer f.Close()
		batch := make([]capture.Packet, 64)
		for seen := 0; seen < maxPerCapture; {
			n, err := f.Next(batch)
			if err != nil {
				return nil
			}
			for i := range batch[:n] {
				if len(batch[i].Data) <= maxFrame {
					batch[i].Length = len(batch[i].Data)
					do(filepath.Base(path), &batch[i])
				}
			}
			seen += n
		}
		return nil
	})
	if err != nil {
		t.Skip("captures: ", err)
	}
}

// runner runs a cut-off on frames.
type runner struct {
	testing.TB
	c    *Cutoff
	prog *ebpf.Program
	last [countAll]counter
}

func newRunner(t testing.TB, cfg Config) *runner {
	c := load(t, cfg)
	return &runner{TB: t, c: c, prog: program(t, c.fds.Program)}
}

// run returns what the program counted a frame as, and how much of it it keeps.
// BPF_PROG_TEST_RUN shows a socket filter a frame without its Ethernet header:
// so one is put in front.
func (r *runner) run(frame []byte) (What, uint32) {
	r.Helper()
	kept, err := r.prog.Run(&ebpf.RunOptions{Data: append(bytes.Repeat([]byte{0x88}, 14), frame...)})
	if err != nil {
		r.Fatalf("run on %d bytes: %v", len(frame), err)
	}
	now, err := r.c.count()
	if err != nil {
		r.Fatal(err)
	}
	what, changes := What(0), 0
	for i := range now {
		if d := now[i].Packets - r.last[i].Packets; d != 0 {
			what = What(i)
			changes += int(d)
			if got := now[i].Bytes - r.last[i].Bytes; got != uint64(len(frame)) {
				r.Errorf("counted %d bytes of %d", got, len(frame))
			}
		}
	}
	if changes != 1 {
		r.Fatalf("a packet was counted %d times", changes)
	}
	r.last = now
	if (kept == 0) != (what == countCut || what == countNotAsked) {
		r.Errorf("counted as %d, kept %d", what, kept)
	}
	return what, kept
}

// agree runs the program on a frame and reports where it and the Viewer differ:
// in what it is, in which counter counts it, in which flow it is of.
func (r *runner) agree(v *Viewer, name string, p *capture.Packet) What {
	r.Helper()
	k, want := v.View(p)
	if want.Opener() {
		slot := slotOf(k.hash())
		before := r.c.counted(int(slot))
		if got, _ := r.run(p.Data); got != want {
			r.Errorf("%s packet %d: the program says %d, the viewer %d", name, p.Number, got, want)
		} else if r.c.counted(int(slot)) != before+1 {
			r.Errorf("%s packet %d: an opener of another flow", name, p.Number)
		}
		return want
	}
	got, _ := r.run(p.Data)
	if want == Data {
		if got != countMiss {
			r.Errorf("%s packet %d: the program says %d, data was expected", name, p.Number, got)
		}
		r.c.seen[slotOf(k.hash())] = r.c.counted(int(slotOf(k.hash())))
		r.c.Answered(k, p.Time)
		r.c.Flush()
		if got, _ := r.run(p.Data); got != countCut {
			r.Errorf("%s packet %d: a marked flow's data is %d: another key", name, p.Number, got)
		}
		if err := r.c.Forget(k); err != nil {
			r.Fatal(err)
		}
	} else if got != want {
		r.Errorf("%s packet %d: the program says %d, the viewer %d", name, p.Number, got, want)
	}
	return want
}

// TestViewer holds the program and the Viewer together on every packet.
func TestViewer(t *testing.T) {
	for _, dir := range []string{ourCaptures, corpus} {
		t.Run(filepath.Base(filepath.Dir(dir)), func(t *testing.T) {
			for _, link := range []capture.LinkType{capture.LinkEthernet, capture.LinkRaw} {
				r := newRunner(t, Config{Link: link})
				v := NewViewer(Config{Link: link})
				var seen [countAll]int
				eachPacket(t, dir, func(name string, p *capture.Packet) {
					if p.Link == link && !t.Failed() {
						seen[r.agree(v, name, p)]++
					}
				})
				t.Logf("%v: unparsed %d, fragments %d, SYN %d, hello %d, QUIC long %d, DTLS %d, closing %d, exempt %d, data %d", link,
					seen[Unparsed], seen[Fragment], seen[SYN], seen[Hello], seen[LongForm], seen[DTLS], seen[Closing], seen[Exempt], seen[Data])
			}
		})
	}
}
