package capture

import (
	"bufio"
	"errors"
	"io"
	"os"
	"runtime/debug"
	"sync/atomic"
)

// File reads a capture file or a stream in one of the file formats. It
// implements Source and belongs to one goroutine, except for Progress.
type File struct {
	name        string
	compression string // "gzip", "zstd", or empty
	format      format
	win         window
	closers     []io.Closer

	interfaces []Interface
	id         identity
	stats      Stats
	err        error // what Next returns from now on

	secrets     [][]byte
	secretBytes int

	done  atomic.Int64 // bytes read of the file as it is stored
	total int64        // its size, 0 where unknown
}

// format is a way to lay out packets in a stream.
type format interface {
	// header reads what comes before the first packet.
	header(f *File) error
	// next is Source.Next.
	next(f *File, batch []Packet) (int, error)
}

// Open opens a capture file, "-" for standard input. What it is, pcap or
// pcapng, plain, gzip or zstd, is told by its content. A file that is no
// capture is an *Error that says what it looks like.
func Open(path string, cfg Config) (*File, error) {
	if path == "-" {
		return open("standard input", os.Stdin, cfg)
	}
	r, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	f, err := open(path, r, cfg)
	if err != nil {
		r.Close()
		return nil, err
	}
	f.closers = append(f.closers, r)
	return f, nil
}

// open reads from an open file, which may be a pipe.
func open(name string, r *os.File, cfg Config) (*File, error) {
	info, err := r.Stat()
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, &Error{File: name, Reason: "is a directory", Hint: "name the capture files in it"}
	case !info.Mode().IsRegular():
		return newFile(name, r, 0, false, cfg)
	case info.Size() == 0:
		return nil, errEmpty(name)
	}
	return newFile(name, r, info.Size(), true, cfg)
}

// OpenReader reads a capture from r. The name is for messages.
func OpenReader(name string, r io.Reader, cfg Config) (*File, error) {
	return newFile(name, r, 0, false, cfg)
}

func newFile(name string, r io.Reader, size int64, regular bool, cfg Config) (*File, error) {
	f := &File{name: name, total: size, id: newIdentity()}
	err := f.begin(r, regular, cfg)
	if err == nil {
		err = f.detect()
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// begin maps a file that is not compressed; everything else is read in blocks.
func (f *File) begin(r io.Reader, regular bool, cfg Config) error {
	if regular && cfg.BlockSize == 0 && f.mapPlain(r.(*os.File)) {
		return nil
	}
	raw := bufio.NewReaderSize(&counter{r: r, n: &f.done}, headSize)
	plain, err := f.decompress(raw)
	if err == nil {
		f.win = newWindow(plain, cfg.blockSize(), regular)
	}
	return err
}

// mapPlain maps a regular file, and reports false where that cannot be, or
// what is in it is compressed.
func (f *File) mapPlain(r *os.File) bool {
	var head [4]byte
	if n, _ := r.ReadAt(head[:], 0); compressionOf(head[:n]) != nil {
		return false
	}
	m := newMapping(r, f.total, &f.done)
	if m == nil {
		return false
	}
	f.win = window{mapped: m}
	f.closers = append(f.closers, m)
	return true
}

// detect finds the format by the first bytes and reads the header.
func (f *File) detect() error {
	f.win.fill(4)
	head := f.win.rest()
	if len(head) == 0 && f.win.failure() == nil {
		if f.compression != "" {
			return &Error{File: f.name, Reason: "is empty inside the " + f.compression + " data", Hint: "nothing was captured, or the copy failed"}
		}
		return errEmpty(f.name)
	}
	for i := range formats {
		if layout, ok := formats[i].layout(head); ok {
			f.format = layout
			return f.format.header(f)
		}
	}
	return f.notCapture()
}

// Next implements Source. All that is readable before a damage is yielded
// before the *Error that tells of it.
func (f *File) Next(batch []Packet) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	if len(batch) == 0 {
		return 0, nil
	}
	before := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(before)
	for {
		n, again, err := f.next(batch)
		if !again {
			f.err = err
			return n, err
		}
	}
}

// next is Next. Where a mapped file has lost a part while that was read, what
// is before it can be yielded by another call.
func (f *File) next(batch []Packet) (n int, again bool, err error) {
	defer func() {
		if r := recover(); r != nil {
			at, ok := f.faultAt(r)
			if !ok {
				panic(r)
			}
			f.win.lose(at)
			again = true
		}
	}()
	n, err = f.format.next(f, batch)
	return n, false, err
}

// Name returns the path, or the name that was given to OpenReader.
func (f *File) Name() string { return f.name }

// Stats implements Source.
func (f *File) Stats() Stats { return f.stats }

// Interfaces returns the interfaces that the capture has named so far. The
// slice is not to be changed.
func (f *File) Interfaces() []Interface { return f.interfaces }

// Identity returns a hash over the headers of all records read so far and
// their total length. After the last packet it identifies the capture, however
// it was compressed or piped: the same packets at the same times. The contents
// of packets do not enter.
func (f *File) Identity() [32]byte { return f.id.sum(f.stats.Packets, f.win.offset()) }

// Progress returns how much of the file, as it is stored, has been read, and
// its size, or 0 where that is unknown. It may be called at any time from any
// goroutine.
func (f *File) Progress() (done, total int64) { return f.done.Load(), f.total }

// Close closes the file. Standard input and a reader that was given to
// OpenReader stay open.
func (f *File) Close() error {
	var errs []error
	for _, c := range f.closers {
		errs = append(errs, c.Close())
	}
	f.closers = nil
	if f.err == nil {
		f.err = os.ErrClosed
	}
	return errors.Join(errs...)
}

// counter counts what is read of a file.
type counter struct {
	r io.Reader
	n *atomic.Int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n.Add(int64(n))
	return n, err
}
