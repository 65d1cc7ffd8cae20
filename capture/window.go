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

	// mapped, where set, is the file as a whole: buf is all of it, nothing is
	// read or moved, and end is up to where it was made readable.
	mapped *mapping
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
	if w.mapped != nil {
		return w.reach(n)
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

// reach is fill for a mapped file.
func (w *window) reach(n int) bool {
	if w.err != nil {
		return false
	}
	end, err := w.mapped.reach(w.pos, w.pos+n)
	w.buf = w.mapped.data
	switch {
	case err != nil:
		w.lose(end)
		w.err = err
	case end-w.pos < n:
		w.err = io.EOF
	}
	w.end = max(end, w.pos)
	return w.end-w.pos >= n
}

// lose says that a mapped file cannot be read from end on.
func (w *window) lose(end int) {
	w.end = max(min(w.end, end), w.pos)
	w.err = errUnreadable
	if info, err := w.mapped.file.Stat(); err == nil && info.Size() < int64(len(w.mapped.data)) {
		w.err = errShrunk
	}
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
