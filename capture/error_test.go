package capture_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"blindspot/capture"
)

// TestErrors has the message for each fault of an input. FILE stands for its path.
func TestErrors(t *testing.T) {
	pcap := little.u32(0xa1b2c3d4, 4<<16|2, 0, 0, 1<<16, 1)
	record := append(little.u32(1, 2, 3, 3), "abc"...)
	ng := append(little.section(), little.iface(1, 0)...)
	packet := little.enhanced(0, 1, "abcd", 4)
	tests := []struct {
		name    string
		content []byte
		packets int
		want    string
	}{
		{"empty", nil, 0, "FILE: is empty — nothing was captured, or the copy failed"},
		{"text", []byte("10.0.0.1 a host\n"), 0, "FILE: is no pcap or pcapng capture; it looks like text — name a capture file (pcap or pcapng)"},
		{"zeros", make([]byte, 100), 0, "FILE: is no pcap or pcapng capture; it looks like a file of zeros — the copy failed, or the disk was full"},
		{"snoop", []byte("snoop\x00\x00\x00\x00\x00\x00\x02"), 0, "FILE: is no pcap or pcapng capture; it looks like a snoop capture — convert it: editcap -F pcapng FILE FILE.pcapng"},
		{"gzip of text", gz([]byte("hello, world")), 0, "FILE: is no pcap or pcapng capture; it looks like gzip of text — name a capture file (pcap or pcapng)"},
		{"gzip of nothing", gz(nil), 0, "FILE: is empty inside the gzip data — nothing was captured, or the copy failed"},
		{"gzip twice", gz(gz(pcap)), 0, "FILE: is no pcap or pcapng capture; it looks like gzip of gzip data — decompress it once more"},
		{"gzip header cut", gz(pcap)[:5], 0, "FILE: the gzip data is cut off or damaged (unexpected EOF) — copy the file again, or check it with 'gzip -t'"},
		{"unknown", []byte{1, 2, 3, 4, 5}, 0, "FILE: is no pcap or pcapng capture; it looks like something else (it begins with 0x01020304) — convert it with editcap if Wireshark can open it"},
		{"pcap header cut", pcap[:20], 0, "FILE: begins as pcap, but ends after 20 of the 24 bytes of its header — the capture was stopped before it began, or the copy failed"},
		{"pcapng as text", []byte("\n\r\r\n\x1c\x00\x00\x00\x4d\x3c\x2b\x1b0000000000000000"), 0, "FILE: begins as pcapng, but has no byte-order magic — the file is damaged; was it copied as text?"},
		{"record cut", join(pcap, record, little.u32(1, 2, 70000, 70000), make([]byte, 42)), 1,
			"FILE: offset 43: record of 70016 bytes runs past the end of the file (58 bytes left); everything before it was read — the capture was cut off while being written, or has not been copied whole"},
		{"record header cut", join(pcap, record, record[:7]), 1,
			"FILE: offset 43: record header of 16 bytes runs past the end of the file (7 bytes left); everything before it was read — the capture was cut off while being written, or has not been copied whole"},
		{"nonsense length", join(pcap, record, record, little.u32(1, 2, 1<<31, 60), make([]byte, 100)), 2,
			"FILE: offset 62: record of 2147483648 bytes, over the limit of 1048576; everything before it was read — the file is damaged here, and where the next record begins is not known; try pcapfix"},
		{"gzip cut", gzOne(join(pcap, bytes.Repeat(record, 1000)))[:70], -1, "FILE: offset N of the uncompressed data: the gzip data is cut off or damaged (unexpected EOF); everything before it was read — copy the file again, or check it with 'gzip -t'"},
		{"block cut", join(ng, packet, packet[:20]), 1,
			"FILE: offset 84: block of 36 bytes runs past the end of the file (20 bytes left); everything before it was read — the capture was cut off while being written, or has not been copied whole"},
		{"long block cut", join(ng, packet, little.u32(0x80000001, 1<<30), make([]byte, 100)), 1,
			"FILE: offset 84: block of 1073741824 bytes runs past the end of the file (108 bytes left); everything before it was read — the capture was cut off while being written, or has not been copied whole"},
		{"block too short", join(ng, packet, little.u32(6, 8, 8)), 1,
			"FILE: offset 84: block that says it is 8 bytes long; everything before it was read — the file is damaged here, and where the next block begins is not known"},
		{"lengths differ", join(ng, packet, packet[:32], little.u32(40)), 1,
			"FILE: offset 84: block whose two lengths differ; everything before it was read — the file is damaged here, and where the next block begins is not known"},
		{"no such interface", join(ng, packet, little.enhanced(1, 1, "abcd", 4)), 1,
			"FILE: offset 84: packet of interface 1, which the section does not describe; everything before it was read — the file is damaged here, or was written by a faulty program"},
		{"packet longer than its block", join(ng, packet, little.block(6, little.u32(0, 0, 0, 1000, 1000))), 1,
			"FILE: offset 84: packet of 1000 bytes in a block that has room for 0; everything before it was read — the file is damaged here, or was written by a faulty program"},
		{"other version", join(ng, packet, little.block(0x0a0d0d0a, little.u32(0x1a2b3c4d, 2, 0, 0))), 1,
			"FILE: offset 84: section of pcapng version 2, which is not known; everything before it was read — the file is damaged here, or was written by a faulty program"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x")
			if err := os.WriteFile(path, test.content, 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := capture.Open(path, capture.Config{})
			packets := 0
			if err == nil {
				defer f.Close()
				packets, err = drain(f)
			}
			var typed *capture.Error
			if !errors.As(err, &typed) || typed.File != path {
				t.Fatalf("got %v, want an *Error of the file", err)
			}
			want := strings.Replace(test.want, "FILE:", path+":", 1)
			if test.packets < 0 {
				want = strings.Replace(want, "offset N", "offset "+number(err.Error(), "offset "), 1)
			} else if packets != test.packets {
				t.Errorf("got %d packets, want %d", packets, test.packets)
			}
			if err.Error() != want {
				t.Errorf("got  %s\nwant %s", err, want)
			}
		})
	}
}

// number returns the digits behind a word.
func number(s, word string) string {
	_, s, _ = strings.Cut(s, word)
	return s[:len(s)-len(strings.TrimLeft(s, "0123456789"))]
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func gzOne(b []byte) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.HuffmanOnly)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

func TestOpenNothing(t *testing.T) {
	dir := t.TempDir()
	if _, err := capture.Open(filepath.Join(dir, "none"), capture.Config{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want a file that does not exist", err)
	}
	var typed *capture.Error
	if _, err := capture.Open(dir, capture.Config{}); !errors.As(err, &typed) || typed.Reason != "is a directory" {
		t.Errorf("got %v, want that it is a directory", err)
	}
}

// TestEveryCompressedPrefix cuts compressed captures at every byte.
func TestEveryCompressedPrefix(t *testing.T) {
	b := writePcap(t, false)[:3000]
	for name, c := range map[string][]byte{"gzip": gz(b), "zstd": zst(b)} {
		for i := range c {
			f, err := capture.OpenReader(name, bytes.NewReader(c[:i]), capture.Config{BlockSize: 1})
			if err == nil {
				_, err = drain(f)
				f.Close()
			}
			var typed *capture.Error
			if err != nil && !errors.As(err, &typed) {
				t.Fatalf("%s of %d bytes: got %v, want an *Error", name, i, err)
			}
		}
	}
}
