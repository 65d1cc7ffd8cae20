package logs

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
)

// maxHead is how much of a file is looked at to tell what it is.
const maxHead = 64 << 10

// file is a log file. Its content is known by its SHA-256 once it was read to
// its end.
type file struct {
	path  string
	look  look
	named bool // by the user, not found in a directory

	again bool // it was read before: its faults are counted already

	rows, handshakes uint64
	sum              [sha256.Size]byte
}

// each calls do for every line with its number and counts what do makes of it.
// A file that breaks off counts up to there.
func (f *file) each(r *run, do func(line []byte) error) error {
	in, err := open(f.path)
	if err != nil {
		return err
	}
	defer in.Close()
	hash := sha256.New()
	l := newLines(io.TeeReader(in, hash))
	for {
		line, err := l.next()
		var fault *badRow
		switch {
		case errors.Is(err, io.EOF):
			hash.Sum(f.sum[:0])
			return nil
		case errors.As(err, &fault):
			if !f.again {
				r.row(f, l.n, err)
			}
			continue
		case err != nil:
			hash.Sum(f.sum[:0])
			f.breaksOff(r, l.n, err)
			return nil
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if err := do(line); !errors.Is(err, errNoRow) {
			r.row(f, l.n, err)
		}
	}
}

func (f *file) breaksOff(r *run, line uint64, err error) {
	if f.again {
		return
	}
	r.res.Skipped["broken-off"]++
	r.warn(fmt.Sprintf("%s:%d", f.path, line), "the file breaks off here: %v", err)
}

// unreadable is a line that is no row of its log, counted once.
func (f *file) unreadable(format string, args ...any) error {
	if f.again {
		return errNoRow
	}
	return malformed(format, args...)
}

// errNoRow says that a line was no row: a header, or one for another reader.
var errNoRow = errors.New("no row")

// open opens a file, plain or gzip by its first bytes.
func open(path string) (io.ReadCloser, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	buffered := bufio.NewReaderSize(in, 64<<10)
	if magic, _ := buffered.Peek(2); !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return readCloser{buffered, in}, nil
	}
	unzipped, err := gzip.NewReader(buffered)
	if err != nil {
		in.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return readCloser{unzipped, in}, nil
}

type readCloser struct {
	io.Reader
	io.Closer
}

// head returns the beginning of a file, uncompressed.
func head(path string) ([]byte, error) {
	in, err := open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	b := make([]byte, maxHead)
	n, err := io.ReadFull(in, b)
	if n == 0 && err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b[:n], nil
}

// sumOf returns the hash of a file's content, as far as it can be read.
func sumOf(path string) (sum [sha256.Size]byte, err error) {
	in, err := open(path)
	if err != nil {
		return sum, err
	}
	defer in.Close()
	hash := sha256.New()
	_, err = io.Copy(hash, in)
	hash.Sum(sum[:0])
	return sum, err
}
