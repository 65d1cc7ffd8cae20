package quic

// DefaultMaxBuffered bounds the bytes that wait in all connections of a Reader.
const DefaultMaxBuffered = 64 << 20

// maxSpare bounds the buffers that a Reader keeps for the next connection.
const maxSpare = 64

// room makes a stream's buffer hold n bytes, n at most maxCrypto. It reports
// false where MaxBuffered does not allow it.
func (r *Reader) room(s *stream, n int) bool {
	if s.asm == nil {
		if r.buffered+firstBuffer > r.limit() {
			return false
		}
		s.asm = r.take()
		r.buffered += int64(cap(s.asm.data))
	}
	a := s.asm
	if n > cap(a.data) {
		size := min(max(n, 2*cap(a.data)), maxCrypto)
		if r.buffered+int64(size-cap(a.data)) > r.limit() {
			return false
		}
		r.buffered += int64(size - cap(a.data))
		a.data = append(make([]byte, 0, size), a.data...)
	}
	a.data = a.data[:max(n, len(a.data))]
	return true
}

// take returns an empty buffer.
func (r *Reader) take() *assembly {
	if n := len(r.spare); n > 0 {
		a := r.spare[n-1]
		r.spare = r.spare[:n-1]
		return a
	}
	return &assembly{data: make([]byte, 0, firstBuffer), runs: make([]run, 0, 4)}
}

// release takes a stream's buffer back.
func (r *Reader) release(s *stream) {
	a := s.asm
	if a == nil {
		return
	}
	s.asm = nil
	r.buffered -= int64(cap(a.data))
	if len(r.spare) < maxSpare && cap(a.data) <= 2*firstBuffer {
		a.data, a.runs = a.data[:0], a.runs[:0]
		r.spare = append(r.spare, a)
	}
}

func (r *Reader) limit() int64 {
	if r.MaxBuffered == 0 {
		return DefaultMaxBuffered
	}
	return r.MaxBuffered
}
