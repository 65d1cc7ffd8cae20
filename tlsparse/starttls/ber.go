package starttls

import "blindspot/tlsparse"

// cutBER returns the tag and value of the element at the start of b, and its
// length in all (X.690 §8.1). With Maybe, value is what has come of it; n is 0
// until the length is there.
func cutBER(b []byte) (tag byte, value []byte, n int, ans tlsparse.Answer) {
	if len(b) < 2 {
		return 0, nil, 0, tlsparse.Maybe
	}
	tag, size, head := b[0], int(b[1]), 2
	if size >= 0x80 {
		octets := size & 0x7f
		if octets == 0 || octets > 4 {
			return tag, nil, 0, tlsparse.No
		}
		if len(b) < 2+octets {
			return tag, nil, 0, tlsparse.Maybe
		}
		head, size = 2+octets, 0
		for _, c := range b[2:head] {
			size = size<<8 | int(c)
		}
	}
	if size > 1<<30 {
		return tag, nil, 0, tlsparse.No
	}
	if size > len(b)-head {
		return tag, b[head:], head + size, tlsparse.Maybe
	}
	return tag, b[head : head+size], head + size, tlsparse.Yes
}
