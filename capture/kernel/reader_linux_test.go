package kernel

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"blindspot/capture"
	"blindspot/capture/decode"
)

// tcpFrame is Ethernet, IPv4 and TCP between 10.0.0.1 and 10.0.0.2.
func tcpFrame(back bool, flags byte, payload string) []byte {
	b := udpFrame(append(make([]byte, 12), payload...))
	b[23], b[46], b[47] = 6, 5<<4, flags
	if back {
		b[29], b[33] = 2, 1
		b[35], b[37] = 2, 1
	}
	return b
}

func packetOf(frame []byte) *capture.Packet {
	return &capture.Packet{Data: frame, Length: len(frame), Link: capture.LinkEthernet}
}

const (
	flagFIN, flagSYN, flagRST, flagACK = 1, 2, 4, 16
)

// TestOrder plays what the ring's delay can do: the program sees packets at
// once, the reader later, and writes later still.
func TestOrder(t *testing.T) {
	hello := "\x16\x03\x01\x00\x50\x01\x00\x00\x4c\x03\x03"
	syn, answer := tcpFrame(false, flagSYN, ""), tcpFrame(true, flagSYN|flagACK, "")
	data, more := tcpFrame(false, flagACK, "some data"), tcpFrame(true, flagACK, "some more")
	begin := tcpFrame(false, flagACK, hello)
	var r *runner
	v := NewViewer(Config{})
	now := int64(0)
	judge := func(frame []byte) { // the reader sees data of no use
		now++
		k, w := v.View(packetOf(frame))
		if w != Data {
			t.Fatalf("%d is not data", w)
		}
		r.c.Answered(k, now)
	}
	read := func(frame []byte) { // the reader works on an opener
		k, w := v.View(packetOf(frame))
		if !w.Opener() {
			t.Fatalf("%d is no opener", w)
		}
		r.c.Opened(k)
	}
	flush := func() { r.c.Flush() }
	passes := func(frame []byte) {
		t.Helper()
		if w, _ := r.run(frame); w == countCut {
			t.Error("cut off, which hides what the reader does not know")
		}
	}
	cut := func(frame []byte) {
		t.Helper()
		if w, _ := r.run(frame); w != countCut {
			t.Errorf("counted as %d, not cut off", w)
		}
	}
	for _, test := range []struct {
		name string
		play func()
	}{
		{"both directions", func() { judge(data); flush(); cut(data); cut(more) }},
		{"FIN and RST pass", func() {
			judge(data)
			flush()
			passes(tcpFrame(false, flagFIN|flagACK, ""))
			passes(tcpFrame(true, flagRST, ""))
			cut(data)
		}},
		{"a mark is written after a SYN that was not read", func() { judge(data); passes(syn); flush(); passes(data); passes(more) }},
		{"a SYN after the mark", func() {
			judge(data)
			flush()
			passes(syn)
			passes(data)
			read(syn)
			passes(data)
		}},
		{"a SYN of the other side", func() { judge(data); flush(); passes(answer); passes(data); passes(more) }},
		{"a hello after the mark", func() { judge(data); flush(); passes(begin); passes(data); passes(more) }},
		{"a mark is written after a hello that was not read", func() { judge(data); passes(begin); flush(); passes(data) }},
		{"late data of the old connection is judged before the SYN is read", func() {
			judge(data)
			passes(syn)
			judge(more)
			flush()
			passes(data)
			passes(more)
		}},
		{"one of two openers was read", func() {
			passes(syn)
			passes(answer)
			read(syn)
			judge(data)
			flush()
			passes(data)
		}},
		{"all openers were read", func() {
			passes(syn)
			passes(answer)
			read(syn)
			read(answer)
			judge(data)
			flush()
			cut(data)
		}},
		{"marked anew", func() {
			judge(data)
			flush()
			passes(syn)
			read(syn)
			judge(data)
			flush()
			cut(more)
		}},
		{"forgotten", func() {
			judge(data)
			flush()
			k, _ := v.View(packetOf(data))
			if err := r.c.Forget(k); err != nil {
				t.Error(err)
			}
			passes(data)
			judge(data)
			flush()
			cut(data)
		}},
		{"an opener was dropped", func() {
			passes(syn)
			judge(data)
			flush()
			passes(data)
			r.c.begin()
			r.c.settle()
			judge(data)
			flush()
			cut(data)
		}},
		{"an opener that came while it was waited for", func() {
			passes(syn) // dropped
			r.c.begin()
			passes(answer)
			r.c.settle()
			judge(data)
			flush()
			passes(data)
			read(answer)
			judge(data)
			flush()
			cut(data)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r = newRunner(t, Config{})
			test.play()
		})
	}
}

// lostSource is a ring that drops some packets after its program has counted
// them.
type lostSource struct {
	packets []capture.Packet
}

func (s *lostSource) Next(batch []capture.Packet) (int, error) {
	n := copy(batch, s.packets)
	s.packets = s.packets[n:]
	return n, nil
}

func (*lostSource) Stats() capture.Stats { return capture.Stats{} }
func (*lostSource) Close() error         { return nil }

// TestHeal wants a flow to be cut off again after the ring has dropped its SYN.
func TestHeal(t *testing.T) {
	r := newRunner(t, Config{})
	syn, data := tcpFrame(false, flagSYN, ""), tcpFrame(false, flagACK, "data")
	src := &lostSource{}
	tap := NewTap(src, r.c, Config{})
	d := decode.New(decode.Config{})
	batch := make([]capture.Packet, 8)
	number := uint64(0)
	step := func(at int64) What {
		what, _ := r.run(data)
		number++
		p := *packetOf(data)
		p.Time, p.Number = at, number
		if what != countCut {
			src.packets = append(src.packets, p)
		}
		n, err := tap.Next(batch)
		if err != nil {
			t.Fatal(err)
		}
		segments := make([]decode.Segment, n)
		for i := range segments {
			if !d.Decode(&batch[i], &segments[i]) {
				t.Fatal("no segment")
			}
			tap.Useless(&segments[i])
		}
		tap.Taken(segments)
		for range settleWaits {
			if _, err := tap.Next(batch); err != nil {
				t.Fatal(err)
			}
		}
		return what
	}
	if w, _ := r.run(syn); w != SYN {
		t.Fatal(w)
	}
	for i := range 4 {
		what := step(int64(i+1) * settleEvery * 2)
		if want := i >= 2; (what == countCut) != want {
			t.Errorf("step %d: counted as %d", i, what)
		}
	}
	if s, err := r.c.Stats(); err != nil || s.Lost != 1 {
		t.Errorf("lost %d (%v), want 1", s.Lost, err)
	}
}

// unprivileged is the variable by which the test binary knows that it is the
// reader.
const unprivileged = "KERNEL_TEST_READER"

// TestUnprivileged has a process of nobody, without capabilities, mark flows
// with descriptors that a privileged one made.
func TestUnprivileged(t *testing.T) {
	if text := os.Getenv(unprivileged); text != "" {
		readUnprivileged(text)
		return
	}
	r := newRunner(t, Config{})
	fds := r.c.fds
	cmd := asNobody(t, "TestUnprivileged")
	for _, fd := range []*int{&fds.Flows, &fds.Openers, &fds.Counters} {
		own, err := own(*fd)
		if err != nil {
			t.Fatal(err)
		}
		f := os.NewFile(uintptr(own), "map")
		defer f.Close()
		*fd = 3 + len(cmd.ExtraFiles)
		cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	}
	fds.Program = -1
	text, err := json.Marshal(fds)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(cmd.Env, unprivileged+"="+string(text))
	out, err := cmd.CombinedOutput()
	if err != nil {
		if os.Geteuid() != 0 {
			t.Skip("CAP_SETUID is missing: ", err)
		}
		t.Fatalf("%v: %s", err, out)
	}
	if w, _ := r.run(tcpFrame(true, flagACK, "data")); w != countCut {
		t.Errorf("counted as %d, not cut off", w)
	}
	t.Logf("%s", out)
}

// asNobody makes a command that runs a test of this binary as nobody, with
// some capabilities. The binary is its first descriptor: nobody may not reach
// it by name.
func asNobody(t *testing.T, test string, capabilities ...uintptr) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.Open(exe)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { binary.Close() })
	cmd := exec.Command("/proc/self/fd/3", "-test.v", "-test.run=^"+test+"$")
	cmd.Dir, cmd.Env, cmd.ExtraFiles = "/", []string{"GOTRACEBACK=single"}, []*os.File{binary}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: 65534, Gid: 65534}, AmbientCaps: capabilities,
	}
	return cmd
}

// TestCapabilities wants CAP_BPF to be enough to load.
func TestCapabilities(t *testing.T) {
	load(t, Config{})
	out, err := asNobody(t, "TestLoad", unix.CAP_BPF).CombinedOutput()
	if err != nil && os.Geteuid() != 0 {
		t.Skip("CAP_SETUID is missing: ", err)
	}
	if err != nil || !bytes.Contains(out, []byte("--- PASS")) {
		t.Errorf("%v: %s", err, out)
	}
}

func readUnprivileged(text string) {
	fail := func(err error) {
		if err != nil {
			fmt.Println(err)
			os.Exit(3)
		}
	}
	var fds FDs
	fail(json.Unmarshal([]byte(text), &fds))
	_, err := Load(Config{Entries: 16})
	if err == nil {
		fail(fmt.Errorf("nobody may load programs"))
	}
	fmt.Println(err)
	c, err := FromFDs(fds)
	fail(err)
	k, _ := NewViewer(Config{}).View(packetOf(tcpFrame(false, flagACK, "data")))
	c.Answered(k, 1)
	c.Flush()
	s, err := c.Stats()
	fail(err)
	if s.Marked != 1 || s.Failed != 0 {
		fail(fmt.Errorf("marked %d, failed %d", s.Marked, s.Failed))
	}
	fail(c.Forget(k))
	c.Answered(k, 2)
	c.Flush()
	os.Exit(0)
}
