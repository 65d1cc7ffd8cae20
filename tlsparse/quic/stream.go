package quic

import "blindspot/tlsparse"

// Bounds of what is kept of one side's CRYPTO stream.
const (
	// maxCrypto is the length of the longest handshake message, and how far
	// ahead of what was delivered a frame may lie.
	maxCrypto = 64 << 10
	// maxRuns bounds the pieces that wait for what is between them.
	maxRuns = 64
)

// firstBuffer is the size of a new buffer: most hellos fit in.
const firstBuffer = 2 << 10

// stream is the CRYPTO stream of one side (RFC 9000 §19.6): frames go in in any
// order, messages come out in theirs. Of bytes that come twice, the first count.
type stream struct {
	asm  *assembly // nil: nothing waits
	base uint64    // offset of the first byte that was not delivered
	took int       // bytes delivered last, still in asm for whoever reads them
	dead bool      // no TLS, or over a bound: nothing more comes out
}

// assembly is a buffer and which parts of it are filled.
type assembly struct {
	data []byte // len: the end of the last run
	runs []run  // in order, not touching each other
}

type run struct{ start, end int }

// insert adds the bytes at offset off, which must be within maxCrypto of the
// base. It reports false where there would be too many runs.
func (a *assembly) insert(off int, b []byte) bool {
	end := off + len(b)
	if len(a.runs) == 1 && off <= a.runs[0].end && end > a.runs[0].end && off >= a.runs[0].start { // it goes on where it ended
		copy(a.data[a.runs[0].end:end], b[a.runs[0].end-off:])
		a.runs[0].end = end
		return true
	}
	i := 0 // the first run that b touches
	for i < len(a.runs) && a.runs[i].end < off {
		i++
	}
	if i == len(a.runs) || a.runs[i].start > end {
		if len(a.runs) == maxRuns {
			return false
		}
		a.runs = append(a.runs, run{})
		copy(a.runs[i+1:], a.runs[i:])
		a.runs[i] = run{off, end}
		copy(a.data[off:end], b)
		return true
	}
	a.merge(i, off, b)
	return true
}

// merge fills the gaps that b covers from run i on, and joins the runs.
func (a *assembly) merge(i, off int, b []byte) {
	end, at := off+len(b), off
	joined := run{min(off, a.runs[i].start), end}
	j := i
	for ; j < len(a.runs) && a.runs[j].start <= end; j++ {
		r := a.runs[j]
		if at < r.start {
			copy(a.data[at:r.start], b[at-off:])
		}
		at = max(at, r.end)
		joined.end = max(joined.end, r.end)
	}
	if at < end {
		copy(a.data[at:end], b[at-off:])
	}
	a.runs[i] = joined
	a.runs = append(a.runs[:i+1], a.runs[j:]...)
}

// prefix returns the bytes from the start that are there.
func (a *assembly) prefix() []byte {
	if a == nil || len(a.runs) == 0 || a.runs[0].start > 0 {
		return nil
	}
	return a.data[:a.runs[0].end]
}

// drop removes the first n bytes.
func (a *assembly) drop(n int) {
	copy(a.data, a.data[n:])
	k := 0
	for _, r := range a.runs {
		if r.end > n {
			a.runs[k] = run{max(r.start-n, 0), r.end - n}
			k++
		}
	}
	a.runs = a.runs[:k]
}

// add puts a frame's data into a side's stream.
func (r *Reader) add(s *stream, off uint64, b []byte) {
	r.settle(s)
	if s.dead || len(b) == 0 {
		return
	}
	if off < s.base {
		if s.base-off >= uint64(len(b)) {
			return // delivered before
		}
		b, off = b[s.base-off:], s.base
	}
	rel := off - s.base
	if rel+uint64(len(b)) > maxCrypto {
		r.stats.OverCrypto++
		return
	}
	if !r.room(s, int(rel)+len(b)) {
		r.stats.NoBuffer++
		return
	}
	if !s.asm.insert(int(rel), b) {
		r.stats.OverRuns++
	}
}

// message returns the next whole handshake message of a stream, header and all.
func (r *Reader) message(s *stream) ([]byte, bool) {
	r.settle(s)
	b := s.asm.prefix()
	_, n, ok := tlsparse.ParseHandshakeHeader(b)
	if !ok || s.dead {
		return nil, false
	}
	n += tlsparse.HandshakeHeaderLen
	if n > maxCrypto {
		r.stats.TooLong++
		r.kill(s)
		return nil, false
	}
	if n > len(b) {
		return nil, false
	}
	s.took = n
	return b[:n:n], true
}

// settle forgets the message that was delivered last.
func (r *Reader) settle(s *stream) {
	if s.took == 0 {
		return
	}
	s.base += uint64(s.took)
	s.asm.drop(s.took)
	s.took = 0
	if len(s.asm.runs) == 0 {
		r.release(s)
	}
}

// kill ends a stream of which nothing more is expected.
func (r *Reader) kill(s *stream) {
	s.dead, s.took = true, 0
	r.release(s)
}
