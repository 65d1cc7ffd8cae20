package capture

import (
	"bufio"
	"bytes"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// headSize is what is buffered before the decompressor.
const headSize = 64 << 10

// maxZstdWindow bounds the memory that zstd data may ask for: the limit that
// the zstd program has without --long.
const maxZstdWindow = 128 << 20

// decompress returns the uncompressed stream of a file. Decompressing takes a
// goroutine of its own: it costs more than reading what comes out.
func (f *File) decompress(raw *bufio.Reader) (io.Reader, error) {
	head, _ := raw.Peek(4)
	c := compressionOf(head)
	if c == nil {
		return raw, nil
	}
	f.compression = c.Name
	r, err := c.open(f, raw)
	if err != nil {
		return nil, &Error{File: f.name, Reason: f.readFault(err), Hint: f.readHint(), Err: err}
	}
	a := NewAhead(r)
	f.closers = append(f.closers, a)
	return a, nil
}

// gzip decodes one member after the other.
func (f *File) gzip(raw io.Reader) (io.Reader, error) { return gzip.NewReader(raw) }

// zstd decodes in the caller's goroutine.
func (f *File) zstd(raw io.Reader) (io.Reader, error) {
	d, err := zstd.NewReader(raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxZstdWindow))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}

func isGzip(head []byte) bool { return bytes.HasPrefix(head, []byte{0x1f, 0x8b, 8}) }

// isZstd knows frames and skippable frames (RFC 8878, section 3.1).
func isZstd(head []byte) bool {
	return bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}) ||
		len(head) >= 4 && head[0]&0xf0 == 0x50 && head[1] == 0x2a && head[2] == 0x4d && head[3] == 0x18
}
