package dtls

import "slices"

const (
	// maxMessage bounds a handshake message. The longest chains in use have
	// some tens of kilobytes; TLS allows 16 MiB.
	maxMessage = 192 << 10
	// maxPieces bounds the pieces with holes between them of a message. A
	// message that comes in order is one piece.
	maxPieces = 512
)

// held is a message that waits for its missing fragments, or for its turn. It
// takes as many bytes as were captured, whatever length it claims.
type held struct {
	typ     uint8
	seq     uint16
	tooLong bool
	length  int
	have    int
	data    []byte  // in order of arrival
	pieces  []piece // in order of offset, without overlap
}

// piece says where the bytes [from, to) of a message are in held.data.
type piece struct{ from, to, at int }

func (h *held) whole() bool { return h.have == h.length || h.tooLong }

// fits reports whether f can be a part of h: same type, same length and, where
// both have it, same beginning.
func (h *held) fits(f *fragment) bool {
	if h.typ != f.typ || h.length != f.length {
		return false
	}
	first := f.random()
	if first == nil {
		return true
	}
	known := h.prefix()
	return len(known) < helloRandomEnd || string(known[2:helloRandomEnd]) == string(first)
}

// add keeps those bytes of f that are not there yet: the first copy wins. It
// returns the number kept.
func (h *held) add(f *fragment) int {
	kept := 0
	from, end := f.offset, f.offset+len(f.data)
	for i := 0; from < end; i++ {
		to := end
		if i < len(h.pieces) {
			p := h.pieces[i]
			if p.to <= from {
				continue
			}
			if p.from <= from {
				from = p.to
				continue
			}
			to = min(to, p.from)
		}
		h.insert(i, from, f.data[from-f.offset:to-f.offset])
		kept += to - from
		from = to
		i-- // what was at i may have moved to i+1
	}
	h.have += kept
	if len(h.pieces) > maxPieces {
		h.tooLong, h.data, h.pieces = true, nil, nil
	}
	return kept
}

// insert puts bytes before piece i, or at the end of the one before that.
func (h *held) insert(i, from int, b []byte) {
	at := len(h.data)
	h.data = append(h.data, b...)
	if i > 0 {
		if p := &h.pieces[i-1]; p.to == from && p.at+p.to-p.from == at {
			p.to += len(b)
			return
		}
	}
	h.pieces = slices.Insert(h.pieces, i, piece{from, from + len(b), at})
}

// prefix returns the bytes from the message's start up to its first hole.
func (h *held) prefix() []byte {
	if len(h.pieces) == 0 || h.pieces[0].from != 0 {
		return nil
	}
	p := h.pieces[0]
	if len(h.pieces) == 1 || h.pieces[1].from != p.to {
		return h.data[p.at : p.at+p.to : p.at+p.to]
	}
	b := make([]byte, 0, h.have)
	for _, p := range h.pieces {
		if p.from != len(b) {
			break
		}
		b = append(b, h.data[p.at:p.at+p.to-p.from]...)
	}
	return b
}
