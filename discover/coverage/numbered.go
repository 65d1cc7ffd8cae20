package coverage

import "net/netip"

// clientNumbers numbers clients as they come, from 1.
type clientNumbers struct {
	hash  seeded
	list  []netip.Prefix
	index numbers
}

// find returns the number of a client, 0 for one that has none.
func (x *clientNumbers) find(client netip.Prefix) uint32 {
	n, _ := x.look(client)
	return n
}

// of returns the number of a client, a new one where it has none.
func (x *clientNumbers) of(client netip.Prefix) uint32 {
	n, h := x.look(client)
	if n == 0 {
		x.index.add(h, len(x.list))
		x.list = append(x.list, client)
		n = uint32(len(x.list))
	}
	return n
}

func (x *clientNumbers) look(client netip.Prefix) (n, h uint32) {
	h = x.hash.prefix(client)
	for i, at := x.index.next(h, 0); i >= 0; i, at = x.index.next(h, at) {
		if x.list[i] == client {
			return uint32(i + 1), h
		}
	}
	return 0, h
}
