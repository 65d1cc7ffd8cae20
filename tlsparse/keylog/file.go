package keylog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// chunk is how much of a file is read at once.
const chunk = 64 << 10

// File is a key log file that is followed while it grows. It belongs to one
// goroutine.
type File struct {
	log  *Log
	path string

	f       *os.File // nil: not there yet
	offset  int64    // up to which it was read
	line    int      // number of the last whole line
	partial []byte   // of the line that has no end yet
	over    bool     // that line is longer than maxLine: its rest is passed over
	buf     []byte
}

// Follow returns a File that feeds log. Nothing is read before the first Poll.
func Follow(log *Log, path string) *File { return &File{log: log, path: path} }

// Path returns the path that is followed.
func (f *File) Path() string { return f.path }

// Poll reads the whole lines that have come since the last call. A file that was
// cut short is read from its start, and one that was replaced is read to its
// end before the new one; a file that was cut and has grown past the old end
// between two calls is taken for one that grew. An error means that nothing was
// lost for good: the next call tries again.
func (f *File) Poll() error {
	info, err := os.Stat(f.path)
	if err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("key log %s is no regular file: name a file that the programs write to with SSLKEYLOGFILE", f.path)
	}
	if f.f != nil {
		if err := f.read(); err != nil {
			return err
		}
	}
	if err != nil {
		return fmt.Errorf("key log: %w", err)
	}
	if f.f != nil {
		current, err := f.f.Stat()
		if err != nil {
			return fmt.Errorf("key log: %w", err)
		}
		if os.SameFile(info, current) {
			return nil
		}
		f.finish() // it was replaced: nobody ends its last line any more
		f.close()
	}
	if f.f, err = os.Open(f.path); err != nil {
		f.f = nil
		return fmt.Errorf("key log: %w", err)
	}
	return f.read()
}

// Finish takes a last line that has no end: nothing more will come.
func (f *File) Finish() { f.finish() }

// Close closes the file. What it told stays in the Log.
func (f *File) Close() error {
	clear(f.partial)
	clear(f.buf)
	return f.close()
}

func (f *File) close() error {
	if f.f == nil {
		return nil
	}
	err := f.f.Close()
	f.f, f.offset, f.line, f.over = nil, 0, 0, false
	clear(f.partial)
	f.partial = f.partial[:0]
	return err
}

// read reads what is new in the open file.
func (f *File) read() error {
	info, err := f.f.Stat()
	if err != nil {
		return fmt.Errorf("key log: %w", err)
	}
	if info.Size() < f.offset {
		clear(f.partial)
		f.offset, f.line, f.over, f.partial = 0, 0, false, f.partial[:0]
	}
	if f.buf == nil {
		f.buf = make([]byte, chunk)
	}
	defer clear(f.buf) // it held secrets that are not kept
	for {
		n, err := f.f.ReadAt(f.buf, f.offset)
		f.offset += int64(n)
		f.take(f.buf[:n])
		switch {
		case errors.Is(err, io.EOF) || err == nil && n == 0:
			return nil
		case err != nil:
			return fmt.Errorf("key log: %w", err)
		}
	}
}

// take reads the lines in b, the first of which may have begun before.
func (f *File) take(b []byte) {
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			f.keep(b)
			return
		}
		if len(f.partial) > 0 || f.over {
			f.keep(b[:i])
			f.finish()
		} else {
			f.line++
			f.log.addLine(f.path, f.line, b[:i])
		}
		b = b[i+1:]
	}
}

// keep appends to the line that has no end yet, up to maxLine and one byte more,
// which makes it too long.
func (f *File) keep(b []byte) {
	if f.partial == nil {
		f.partial = make([]byte, 0, maxLine+1)
	}
	room := maxLine + 1 - len(f.partial)
	f.over = f.over || len(b) >= room
	f.partial = append(f.partial, b[:min(len(b), room)]...)
}

// finish reads the line that has come in parts.
func (f *File) finish() {
	if len(f.partial) == 0 {
		return
	}
	f.line++
	f.log.addLine(f.path, f.line, f.partial)
	clear(f.partial)
	f.partial, f.over = f.partial[:0], false
}
