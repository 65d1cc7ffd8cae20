package logs

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// maxLine bounds a row. A longer one is skipped and counted as "line-too-long".
// A chain of ten certificates in base64 has some 20 KiB.
const maxLine = 4 << 20

// errTooLong marks a line beyond maxLine; its text is not kept.
var errTooLong = &badRow{"line-too-long", "the line is longer than 4 MiB"}

// lines reads lines of any length in bounded memory.
type lines struct {
	in  *bufio.Reader
	buf []byte
	n   uint64 // number of the line that next returned
}

func newLines(in io.Reader) *lines { return &lines{in: bufio.NewReaderSize(in, 64<<10)} }

// next returns the next line without its end. It is valid until the call after.
// Errors are io.EOF, errTooLong for this line alone, or a fault of the reader.
func (l *lines) next() ([]byte, error) {
	l.n++
	l.buf = l.buf[:0]
	long := false
	for {
		part, err := l.in.ReadSlice('\n')
		if !long && len(l.buf)+len(part) > maxLine {
			long = true
		}
		switch {
		case long:
		case err == nil && len(l.buf) == 0:
			return trimEnd(part), nil
		default:
			l.buf = append(l.buf, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		return l.end(long, err)
	}
}

func (l *lines) end(long bool, err error) ([]byte, error) {
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return nil, err
	case long:
		return nil, errTooLong
	case err != nil && len(l.buf) == 0:
		return nil, io.EOF
	}
	return trimEnd(l.buf), nil
}

func trimEnd(line []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
}
