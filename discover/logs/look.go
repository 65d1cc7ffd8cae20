package logs

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// look is what a file looks like.
type look struct {
	log  string // the log that it is, "" for one that is of no use here
	what string // for people: "a Zeek dns.log"
}

// magics are the first bytes of what people hand over by mistake.
var magics = []struct {
	magic string
	what  string
}{
	{"\xd4\xc3\xb2\xa1", "a capture (pcap): use blindspot pcap"},
	{"\xa1\xb2\xc3\xd4", "a capture (pcap): use blindspot pcap"},
	{"\x4d\x3c\xb2\xa1", "a capture (pcap): use blindspot pcap"},
	{"\xa1\xb2\x3c\x4d", "a capture (pcap): use blindspot pcap"},
	{"\x0a\x0d\x0d\x0a", "a capture (pcapng): use blindspot pcap"},
	{"\x28\xb5\x2f\xfd", "compressed with zstd: decompress it first"},
	{"\xfd7zXZ\x00", "compressed with xz: decompress it first"},
	{"BZh", "compressed with bzip2: decompress it first"},
	{"\x04\x22\x4d\x18", "compressed with lz4: decompress it first"},
	{"PK\x03\x04", "a zip archive: unpack it first"},
	{"SQLite format 3\x00", "a SQLite database"},
	{"-----BEGIN ", "a PEM file"},
}

// describe says in words what a file is that is no log of the kind asked for.
func describe(start []byte) string {
	for _, m := range magics {
		if bytes.HasPrefix(start, []byte(m.magic)) {
			return "looks like " + m.what
		}
	}
	for _, kind := range Kinds() {
		if l, ok := formats[kind].look(start); ok {
			return "looks like " + l.what + ": use blindspot import " + kind
		}
	}
	first := firstLine(start)
	switch {
	case len(start) > 257+5 && string(start[257:257+5]) == "ustar":
		return "looks like a tar archive: unpack it first"
	case bytes.IndexByte(start, 0) >= 0 || !utf8.Valid(first):
		return "is binary and no log"
	case json.Valid(first):
		return "holds JSON of another kind"
	}
	return "is text that no log of a known kind begins with"
}

// firstLine returns the first line that is not blank.
func firstLine(b []byte) []byte {
	b = bytes.TrimLeft(b, " \t\r\n")
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		b = b[:i]
	}
	return bytes.TrimRight(b, "\r")
}
