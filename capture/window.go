package capture

import "io"

// window is the part of a stream that is in memory. Records are read in place;
// what is left of a record at the end of a block is carried to the front of
// the next one.
type window struct {
	r     io.Reader
	block int    // bytes asked for in one read
	eager bool   // fill whole blocks; false for pipes, whose writer may wait
	buf   []byte // len(buf) is its room
	pos   int    // next byte that was not taken
	end   int    // end of what was read
	base  int64  // offset in the stream of buf[0]
	err   error  // what ended reading, io.EOF included
}

// carry is the room in front of a block for a part of a record, so that reads
// stay aligned to blocks.
const carry = 64 << 10

// maxEmptyReads is how often a reader may return nothing and no error.
const maxEmptyReads = 100

func newWindow(r io.Reader, block int, eager bool) window {
	return window{r: r, block: block, eager: eager, buf: make([]byte, block+carry)}
}

// offset returns the position in the stream of the next byte.
func (w *window) offset() int64 { return w.base + int64(w.pos) }

// rest returns the bytes that are there.
func (w *window) rest() []byte { return w.buf[w.pos:w.end] }

// failure returns the error that ended reading, unless that was the regular
// end of the stream.
func (w *window) failure() error {
	if w.err == io.EOF {
		return nil
	}
	return w.err
}

// fill makes n bytes available at the position, and invalidates what was
// handed out before. It reports false where the stream ends earlier. The
// buffer grows with the bytes that arrive, never with those that are promised.
func (w *window) fill(n int) bool {
	if w.end-w.pos >= n {
		return true
	}
	w.compact()
	for w.end < n && w.err == nil {
		if w.end == len(w.buf) {
			w.buf = append(w.buf, make([]byte, len(w.buf))...)
		}
		w.read(n)
	}
	return w.end >= n
}

func (w *window) compact() {
	copy(w.buf, w.buf[w.pos:w.end])
	w.base += int64(w.pos)
	w.end -= w.pos
	w.pos = 0
}

// read reads at most one block, and at least towards the n bytes wanted.
func (w *window) read(n int) {
	stop := min(len(w.buf), w.end+w.block)
	if !w.eager {
		n = min(n, stop)
	} else {
		n = stop
	}
	for empty := 0; w.end < n && w.err == nil; {
		var got int
		got, w.err = w.r.Read(w.buf[w.end:stop])
		w.end += got
		if got > 0 {
			empty = 0
		} else if empty++; empty == maxEmptyReads && w.err == nil {
			w.err = io.ErrNoProgress
		}
	}
}

// skip passes over n bytes, and reports whether they were all there.
func (w *window) skip(n int64) bool {
	for n > int64(w.end-w.pos) {
		n -= int64(w.end - w.pos)
		w.pos = w.end
		if !w.fill(1) {
			return false
		}
	}
	w.pos += int(n)
	return true
}
