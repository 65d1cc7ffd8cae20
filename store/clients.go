package store

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"blindspot/discover"
)

// maxStoredClients bounds the clients of one row that are read back, whatever
// a foreign hand wrote into it.
const maxStoredClients = 4096

// appendClients appends the exact list of clients. Each is the length of its
// address in bytes (0, 4 or 16), the address, the bits of its prefix and its
// handshakes as an unsigned varint.
func appendClients(b []byte, list []discover.ClientCount) []byte {
	for i := range list {
		p := list[i].Addr
		a := p.Addr().AsSlice()
		b = append(b, byte(len(a)))
		b = append(b, a...)
		b = append(b, byte(p.Bits()))
		b = binary.AppendUvarint(b, list[i].Count)
	}
	return b
}

// clientsOf reads what appendClients wrote, behind dst.
func clientsOf(b []byte, dst []discover.ClientCount) ([]discover.ClientCount, error) {
	for len(b) > 0 {
		n := int(b[0])
		if len(b) < n+3 || len(dst) >= maxStoredClients {
			return dst, fmt.Errorf("client list: malformed, %d bytes left", len(b))
		}
		addr, ok := netip.AddrFromSlice(b[1 : 1+n])
		bits := int(b[1+n])
		hits, w := binary.Uvarint(b[2+n:])
		if (n > 0 && (!ok || bits > addr.BitLen())) || w <= 0 {
			return dst, fmt.Errorf("client list: malformed, %d bytes left", len(b))
		}
		c := discover.ClientCount{Count: hits}
		if n > 0 {
			c.Addr = netip.PrefixFrom(addr, bits)
		}
		dst = append(dst, c)
		b = b[2+n+w:]
	}
	return dst, nil
}
