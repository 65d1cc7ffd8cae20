package capture

import "io"

// Format is a layout of captures, or a compression around them.
type Format struct {
	Name    string
	What    string // in a few words
	KnownBy string // what it begins with
	Source  string // what specifies it
}

// Formats and compressions are tried in this order; what a capture is, its
// first bytes tell.
var (
	formats = [...]struct {
		Format
		layout func(head []byte) (format, bool)
	}{
		{
			Format{"pcap", "times in micro- or nanoseconds", "a1b2c3d4, a1b23c4d, a1b2cd34", "draft-ietf-opsawg-pcap"},
			func(head []byte) (format, bool) { p, ok := pcapMagic(head); return &p, ok },
		},
		{
			Format{"pcapng", "several interfaces, drop counters, secrets", "0a0d0d0a", "draft-ietf-opsawg-pcapng"},
			func(head []byte) (format, bool) { return &pcapng{}, isPcapng(head) },
		},
	}
	compressions = [...]compression{
		{Format{"gzip", "compressed capture", "1f8b08", "RFC 1952"}, isGzip, (*File).gzip},
		{Format{"zstd", "compressed capture", "28b52ffd", "RFC 8878"}, isZstd, (*File).zstd},
	}
)

type compression struct {
	Format
	is   func(head []byte) bool
	open func(f *File, raw io.Reader) (io.Reader, error)
}

// compressionOf returns the compression of what begins with head, nil for none.
func compressionOf(head []byte) *compression {
	for i := range compressions {
		if compressions[i].is(head) {
			return &compressions[i]
		}
	}
	return nil
}

// Formats lists what File reads.
func Formats() []Format {
	var list []Format
	for i := range formats {
		list = append(list, formats[i].Format)
	}
	for i := range compressions {
		list = append(list, compressions[i].Format)
	}
	return list
}
