package capture

import (
	"bytes"
	"encoding/hex"
	"strconv"
	"unicode/utf8"
)

// lookSize is how much of a file is looked at to say what it is.
const lookSize = 512

// foreign lists what people give to a capture reader by mistake. The first
// prefix that fits names it.
var foreign = []struct{ magic, name, hint string }{
	{"snoop\x00\x00\x00", "a snoop capture", convert},
	{"btsnoop\x00", "a Bluetooth snoop capture", "it holds no network traffic"},
	{"\x54\x52\x53\x4e\x49\x46\x46\x20\x64\x61\x74\x61", "a Sniffer capture", convert},
	{"XCP\x00", "a NetXray or Sniffer Pro capture", convert},
	{"RTSS", "a Microsoft Network Monitor 1 capture", convert},
	{"GMBU", "a Microsoft Network Monitor 2 capture", convert},
	{"iptrace ", "an AIX iptrace capture", convert},
	{"\xa1\xe2\xcb\x12", "a Nokia pcap", convert},
	{"\x12\xcb\xe2\xa1", "a Nokia pcap", convert},
	{"\x1f\x8b", "gzip data", "decompress it once more"},
	{"\x28\xb5\x2f\xfd", "zstd data", "decompress it once more"},
	{"\xfd7zXZ\x00", "xz data", "decompress it with xz -dc"},
	{"BZh", "bzip2 data", "decompress it with bzip2 -dc"},
	{"\x04\x22\x4d\x18", "lz4 data", "decompress it with lz4 -dc"},
	{"PK\x03\x04", "a zip archive", "unpack it first"},
	{"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first"},
	{"Rar!", "a RAR archive", "unpack it first"},
	{"SQLite format 3\x00", "an SQLite database", "a store is named with --db"},
	{"\x7fELF", "a program", "name a capture"},
	{"%PDF", "a PDF document", "name a capture"},
	{"<?xml", "XML", "export the packets as pcapng instead"},
}

const convert = "convert it: editcap -F pcapng FILE FILE.pcapng"

func errEmpty(name string) *Error {
	return &Error{File: name, Reason: "is empty", Hint: "nothing was captured, or the copy failed"}
}

// cutHeader is the error of a file that ends within the header of a format.
func (f *File) cutHeader(format string, size int) error {
	if err := f.win.failure(); err != nil {
		return &Error{File: f.name, Reason: f.readFault(err), Hint: f.readHint(), Err: err}
	}
	return &Error{
		File:   f.name,
		Reason: "begins as " + format + ", but ends after " + strconv.Itoa(len(f.win.rest())) + " of the " + strconv.Itoa(size) + " bytes of its header",
		Hint:   "the capture was stopped before it began, or the copy failed",
	}
}

// notCapture says what a file that is no capture looks like.
func (f *File) notCapture() error {
	f.win.fill(lookSize)
	head := f.win.rest()
	if err := f.win.failure(); err != nil {
		return &Error{File: f.name, Reason: f.readFault(err), Hint: f.readHint(), Err: err}
	}
	name, hint := looksLike(head[:min(len(head), lookSize)])
	return &Error{File: f.name, Reason: "is no pcap or pcapng capture; it looks like " + f.inside() + name, Hint: hint}
}

func (f *File) inside() string {
	if f.compression == "" {
		return ""
	}
	return f.compression + " of "
}

func looksLike(head []byte) (name, hint string) {
	for _, k := range foreign {
		if bytes.HasPrefix(head, []byte(k.magic)) {
			return k.name, k.hint
		}
	}
	switch {
	case len(head) > 262 && string(head[257:262]) == "ustar":
		return "a tar archive", "unpack it first"
	case len(bytes.Trim(head, "\x00")) == 0:
		return "a file of zeros", "the copy failed, or the disk was full"
	case isText(head):
		return "text", "name a capture file (pcap or pcapng)"
	}
	n := min(len(head), 4)
	return "something else (it begins with 0x" + hex.EncodeToString(head[:n]) + ")", "convert it with editcap if Wireshark can open it"
}

// isText reports whether b is UTF-8 without control characters; a rune may be
// cut at the end.
func isText(b []byte) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 && utf8.FullRune(b) || r < ' ' && r != '\n' && r != '\r' && r != '\t' && r != '\f' && r != 0x1b {
			return false
		}
		b = b[n:]
	}
	return true
}
