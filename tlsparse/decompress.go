package tlsparse

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// Errors of a certificate message that cannot be decompressed.
var (
	// ErrCompression says that the algorithm is none of RFC 8879's.
	ErrCompression = errors.New("unknown certificate compression algorithm")
	// ErrTooLong says that a message announces more than the limit.
	ErrTooLong = errors.New("message is over the limit")
)

// maxZstdWindow is the window that RFC 8878 §3.1.1.1.2 wants every decoder to
// support.
const maxZstdWindow = 8 << 20

// Decompress appends the Certificate message in c to dst (RFC 8879 §4): its
// body, as ParseCertificate13 takes it. It gives up, with ErrTooLong, where c
// announces more than limit, and with ErrMalformed where what comes out has
// another length than c announces; it never makes more than that.
func (c *CompressedCertificate) Decompress(dst []byte, limit int) ([]byte, error) {
	n := c.UncompressedLength
	if n == 0 { // RFC 8879 §4: at least one
		return dst, ErrMalformed
	}
	if n > limit {
		return dst, fmt.Errorf("compressed certificate of %d bytes: %w", n, ErrTooLong)
	}
	r, err := c.reader()
	if err != nil {
		return dst, err
	}
	defer r.Close()
	from := len(dst)
	dst = append(dst, make([]byte, n)...)
	if _, err := io.ReadFull(r, dst[from:]); err != nil {
		return dst[:from], fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	var more [1]byte
	if k, err := io.ReadFull(r, more[:]); k > 0 || err != io.EOF {
		return dst[:from], fmt.Errorf("%w: more than the %d bytes announced, or a broken end", ErrMalformed, n)
	}
	return dst, nil
}

// reader returns what decompresses c.
func (c *CompressedCertificate) reader() (io.ReadCloser, error) {
	data := bytes.NewReader(c.Data)
	switch c.Algorithm {
	case CompressionZlib:
		r, err := zlib.NewReader(data)
		if err != nil {
			return nil, fmt.Errorf("%w: %v", ErrMalformed, err)
		}
		return r, nil
	case CompressionBrotli:
		return io.NopCloser(brotli.NewReader(data)), nil
	case CompressionZstd:
		// One at a time: no goroutine is started.
		r, err := zstd.NewReader(data, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxZstdWindow))
		if err != nil {
			return nil, fmt.Errorf("%w: %v", ErrMalformed, err)
		}
		return r.IOReadCloser(), nil
	}
	return nil, fmt.Errorf("%w %d", ErrCompression, c.Algorithm)
}

// CompressionName names a certificate compression algorithm: "brotli", or
// "0x1234".
func CompressionName(algorithm uint16) string {
	switch algorithm {
	case CompressionZlib:
		return "zlib"
	case CompressionBrotli:
		return "brotli"
	case CompressionZstd:
		return "zstd"
	}
	return fmt.Sprintf("%#04x", algorithm)
}
