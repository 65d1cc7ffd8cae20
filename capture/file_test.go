package capture_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"blindspot/capture"
)

// all is what a source gave, copied.
type all struct {
	packets []capture.Packet
	err     error // what came instead of io.EOF
}

func readAll(src capture.Source) all {
	var a all
	batch := make([]capture.Packet, 7)
	for {
		n, err := src.Next(batch)
		for _, p := range batch[:n] {
			p.Data = bytes.Clone(p.Data)
			a.packets = append(a.packets, p)
		}
		if err == io.EOF {
			return a
		}
		if err != nil {
			a.err = err
			return a
		}
	}
}

func readBytes(t testing.TB, b []byte) (*capture.File, all) {
	t.Helper()
	f, err := capture.OpenReader("test", bytes.NewReader(b), capture.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return f, readAll(f)
}

// sample is a packet of which i decides everything.
func sample(i int) (time.Time, []byte, int) {
	data := bytes.Repeat([]byte{byte(i), byte(i >> 8), 0xab}, 1+i%500)
	wire := len(data)
	if i%5 == 0 {
		wire += 100
	}
	return time.Unix(1700000000+int64(i), int64(i)*1001%1e9).UTC(), data, wire
}

const samples = 500

// writePcap writes the samples with pcapgo.
func writePcap(t testing.TB, nano bool) []byte {
	t.Helper()
	var b bytes.Buffer
	w := pcapgo.NewWriter(&b)
	if nano {
		w = pcapgo.NewWriterNanos(&b)
	}
	if err := w.WriteFileHeader(65535, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	for i := range samples {
		at, data, wire := sample(i)
		ci := gopacket.CaptureInfo{Timestamp: at, CaptureLength: len(data), Length: wire}
		if err := w.WritePacket(ci, data); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// writePcapng writes the samples with pcapgo, over three interfaces.
func writePcapng(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	itf := pcapgo.NgInterface{Name: "eth0", LinkType: layers.LinkTypeEthernet, SnapLength: 2000, TimestampResolution: 9}
	w, err := pcapgo.NewNgWriterInterface(&b, itf, pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{Comment: "a comment"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range []layers.LinkType{layers.LinkTypeRaw, layers.LinkTypeLinuxSLL} {
		if _, err := w.AddInterface(pcapgo.NgInterface{Name: link.String(), LinkType: link, TimestampResolution: 9}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range samples {
		at, data, wire := sample(i)
		ci := gopacket.CaptureInfo{Timestamp: at, CaptureLength: len(data), Length: wire, InterfaceIndex: i % 3}
		if err := w.WritePacket(ci, data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.WriteInterfaceStats(1, pcapgo.NgInterfaceStatistics{PacketsReceived: 5000, PacketsDropped: 17}); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// swapPcap turns a little-endian pcap into a big-endian one.
func swapPcap(b []byte) []byte {
	b = bytes.Clone(b)
	swap := func(at, size int) {
		for i := range size / 2 {
			b[at+i], b[at+size-1-i] = b[at+size-1-i], b[at+i]
		}
	}
	swap(0, 4)
	swap(4, 2)
	swap(6, 2)
	for _, at := range []int{8, 12, 16, 20} {
		swap(at, 4)
	}
	for at := 24; at < len(b); {
		size := int(binary.LittleEndian.Uint32(b[at+8:]))
		for i := range 4 {
			swap(at+4*i, 4)
		}
		at += 16 + size
	}
	return b
}

// kuznetsov turns a pcap into one with the longer record headers.
func kuznetsov(b []byte) []byte {
	out := bytes.Clone(b[:24])
	binary.LittleEndian.PutUint32(out, 0xa1b2cd34)
	for at := 24; at < len(b); {
		end := at + 16 + int(binary.LittleEndian.Uint32(b[at+8:]))
		out = append(append(append(out, b[at:at+16]...), 1, 0, 0, 0, 8, 0, 0, 0), b[at+16:end]...)
		at = end
	}
	return out
}

func gz(b []byte) []byte {
	var out bytes.Buffer
	half := len(b) / 2
	for _, part := range [][]byte{b[:half], b[half:]} { // two members
		w := gzip.NewWriter(&out)
		w.Write(part)
		w.Close()
	}
	return out.Bytes()
}

func zst(b []byte) []byte {
	w, _ := zstd.NewWriter(nil)
	return w.EncodeAll(b[1000:], w.EncodeAll(b[:1000], nil)) // two frames
}

// TestRead writes captures with pcapgo and reads them in every form.
func TestRead(t *testing.T) {
	micro, nano, ng := writePcap(t, false), writePcap(t, true), writePcapng(t)
	tests := []struct {
		name       string
		capture    []byte
		resolution int64
		interfaces int
	}{
		{"pcap microseconds", micro, 1000, 1},
		{"pcap nanoseconds", nano, 1, 1},
		{"pcap big endian", swapPcap(micro), 1000, 1},
		{"pcap nanoseconds big endian", swapPcap(nano), 1, 1},
		{"pcap modified", kuznetsov(micro), 1000, 1},
		{"pcapng", ng, 1, 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			id := [32]byte{}
			for form, r := range forms(t, test.capture) {
				f, err := r()
				if err != nil {
					t.Fatalf("%s: %v", form, err)
				}
				a := readAll(f)
				if a.err != nil {
					t.Errorf("%s: %v", form, a.err)
				}
				checkSamples(t, form, a.packets, test.resolution, test.interfaces)
				if n := len(f.Interfaces()); n != test.interfaces {
					t.Errorf("%s: got %d interfaces, want %d", form, n, test.interfaces)
				}
				if id == [32]byte{} {
					id = f.Identity()
				} else if f.Identity() != id {
					t.Errorf("%s: identity differs", form)
				}
				if done, total := f.Progress(); done == 0 || total != 0 && done != total {
					t.Errorf("%s: progress %d of %d at the end", form, done, total)
				}
				if _, err := f.Next(make([]capture.Packet, 1)); err != io.EOF {
					t.Errorf("%s: Next after the end: %v", form, err)
				}
				f.Close()
			}
		})
	}
}

// forms returns ways to open a capture.
func forms(t *testing.T, b []byte) map[string]func() (*capture.File, error) {
	dir := t.TempDir()
	file := func(b []byte, cfg capture.Config) func() (*capture.File, error) {
		path := filepath.Join(dir, fmt.Sprint(len(b), cfg.BlockSize))
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return func() (*capture.File, error) { return capture.Open(path, cfg) }
	}
	reader := func(r io.Reader) func() (*capture.File, error) {
		return func() (*capture.File, error) { return capture.OpenReader("pipe", r, capture.Config{}) }
	}
	return map[string]func() (*capture.File, error){
		"file":             file(b, capture.Config{}),
		"small blocks":     file(b, capture.Config{BlockSize: 1}),
		"gzip":             file(gz(b), capture.Config{}),
		"zstd":             file(zst(b), capture.Config{}),
		"reader":           reader(bytes.NewReader(b)),
		"reader of bytes":  reader(iotest.OneByteReader(bytes.NewReader(b))),
		"gzip of bytes":    reader(iotest.OneByteReader(bytes.NewReader(gz(b)))),
		"error with bytes": reader(iotest.DataErrReader(bytes.NewReader(b))),
	}
}

func checkSamples(t *testing.T, form string, packets []capture.Packet, resolution int64, interfaces int) {
	t.Helper()
	if len(packets) != samples {
		t.Errorf("%s: got %d packets, want %d", form, len(packets), samples)
		return
	}
	links := []capture.LinkType{capture.LinkEthernet, capture.LinkRaw, capture.LinkLinuxSLL}
	for i, p := range packets {
		at, data, wire := sample(i)
		want := capture.Packet{
			Time: at.UnixNano() / resolution * resolution, Length: wire,
			Interface: i % interfaces, Link: links[i%interfaces], Number: uint64(i + 1),
		}
		got := p
		got.Data = nil
		if fmt.Sprint(got) != fmt.Sprint(want) || !bytes.Equal(p.Data, data) {
			t.Errorf("%s: packet %d: got %v with %d bytes, want %v with %d", form, i, got, len(p.Data), want, len(data))
			return
		}
	}
}

// TestPrefixes cuts a capture at every byte: the whole records come, then
// either the end or one *Error.
func TestPrefixes(t *testing.T) {
	shorten := func(b []byte) []byte { return b[:4000] }
	for name, b := range map[string][]byte{
		"pcap":   shorten(writePcap(t, false)),
		"pcapng": shorten(writePcapng(t)),
	} {
		_, whole := readBytes(t, b)
		last := 0
		for i := range b {
			f, err := capture.OpenReader(name, bytes.NewReader(b[:i]), capture.Config{BlockSize: 1})
			var damage *capture.Error
			if err != nil {
				if !errors.As(err, &damage) || damage.Reason == "" || damage.Hint == "" {
					t.Fatalf("%s of %d bytes: got %v, want an *Error with a hint", name, i, err)
				}
				continue
			}
			a := readAll(f)
			if n := len(a.packets); n < last || n > last+1 {
				t.Fatalf("%s of %d bytes: got %d packets after %d", name, i, n, last)
			}
			last = len(a.packets)
			for j, p := range a.packets {
				if !bytes.Equal(p.Data, whole.packets[j].Data) {
					t.Fatalf("%s of %d bytes: packet %d differs", name, i, j)
				}
			}
			if a.err != nil && (!errors.As(a.err, &damage) || damage.Offset == 0 || damage.Hint == "") {
				t.Fatalf("%s of %d bytes: got %v, want an *Error with an offset and a hint", name, i, a.err)
			}
		}
		if last < 10 {
			t.Errorf("%s: only %d packets", name, last)
		}
	}
}

func TestStats(t *testing.T) {
	f, a := readBytes(t, writePcapng(t))
	want := capture.Stats{Packets: samples, Truncated: samples / 5, Received: 5000, InterfaceDrops: 17}
	for _, p := range a.packets {
		want.Bytes += uint64(len(p.Data))
	}
	if got := f.Stats(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	first := capture.Interface{Name: "eth0", Link: capture.LinkEthernet, Snaplen: 2000, Resolution: "10^-9"}
	if got := f.Interfaces()[0]; got != first {
		t.Errorf("interface 0: got %+v, want %+v", got, first)
	}
}

// TestIdentity: what differs in a header is another capture.
func TestIdentity(t *testing.T) {
	b := writePcap(t, false)
	f, _ := readBytes(t, b)
	same, other := f.Identity(), bytes.Clone(b)
	for _, at := range []int{24, 28, 36, len(b) / 2} {
		other[at] ^= 1
	}
	for name, c := range map[string][]byte{
		"second": append(bytes.Clone(b[:24]), append([]byte{b[24] ^ 1}, b[25:]...)...),
		"wire":   append(bytes.Clone(b[:36]), append([]byte{b[36] ^ 1}, b[37:]...)...),
		"short":  b[:len(b)-1],
		"link":   append(bytes.Clone(b[:20]), append([]byte{101}, b[21:]...)...),
	} {
		f, _ := readBytes(t, c)
		if f.Identity() == same {
			t.Errorf("%s: the identity is the same", name)
		}
	}
}

// TestPipe: what a writer has flushed is yielded before it writes more.
func TestPipe(t *testing.T) {
	b := writePcap(t, false)[:24+16+3]
	r, w := io.Pipe()
	defer w.Close()
	go w.Write(b)
	f, err := capture.OpenReader("pipe", r, capture.Config{})
	if err != nil {
		t.Fatal(err)
	}
	batch := make([]capture.Packet, 8)
	if n, err := f.Next(batch); n != 1 || err != nil {
		t.Errorf("got %d packets, %v; want 1 while the pipe is open", n, err)
	}
}

// TestAllocations: reading allocates nothing for a packet.
func TestAllocations(t *testing.T) {
	for name, b := range map[string][]byte{"pcap": writePcap(t, false), "pcapng": writePcapng(t)} {
		endless := io.MultiReader(bytes.NewReader(b), &repeat{b: body(name, b)})
		f, err := capture.OpenReader(name, endless, capture.Config{})
		if err != nil {
			t.Fatal(err)
		}
		batch := make([]capture.Packet, 64)
		if got := testing.AllocsPerRun(1000, func() {
			if n, err := f.Next(batch); n == 0 || err != nil {
				t.Fatalf("%s: %d, %v", name, n, err)
			}
		}); got != 0 {
			t.Errorf("%s: %v allocations for a batch, want 0", name, got)
		}
	}
}

// body returns the packets of a capture without what comes before them.
func body(name string, b []byte) []byte {
	if name == "pcap" {
		return b[24:]
	}
	for at := 0; ; at += int(binary.LittleEndian.Uint32(b[at+4:])) {
		if b[at] == 6 {
			return b[at:]
		}
	}
}

// repeat is a reader of the same bytes without end.
type repeat struct {
	b  []byte
	at int
}

func (r *repeat) Read(p []byte) (int, error) {
	n := copy(p, r.b[r.at:])
	r.at = (r.at + n) % len(r.b)
	return n, nil
}

func BenchmarkNext(b *testing.B) {
	for name, data := range map[string][]byte{"pcap": writePcap(b, false), "pcapng": writePcapng(b)} {
		b.Run(name, func(b *testing.B) {
			endless := io.MultiReader(bytes.NewReader(data), &repeat{b: body(name, data)})
			f, err := capture.OpenReader(name, endless, capture.Config{})
			if err != nil {
				b.Fatal(err)
			}
			batch := make([]capture.Packet, 256)
			b.ReportAllocs()
			for i := 0; i < b.N; {
				n, err := f.Next(batch)
				if err != nil {
					b.Fatal(err)
				}
				i += n
			}
			b.SetBytes(int64(f.Stats().Bytes / f.Stats().Packets))
		})
	}
}

// TestStandardInput reads "-" from a pipe and from a file.
func TestStandardInput(t *testing.T) {
	defer func(before *os.File) { os.Stdin = before }(os.Stdin)
	b := writePcap(t, false)
	path := filepath.Join(t.TempDir(), "x.pcap")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	go func() {
		w.Write(b)
		w.Close()
	}()
	for name, stdin := range map[string]*os.File{"file": file, "pipe": r} {
		os.Stdin = stdin
		f, err := capture.Open("-", capture.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := drain(f); n != samples || err != nil || f.Name() != "standard input" {
			t.Errorf("%s: got %d packets of %s, %v", name, n, f.Name(), err)
		}
	}
}
