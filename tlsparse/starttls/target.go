package starttls

import (
	"net/netip"
	"strconv"
)

// maxTarget bounds the text of a target: a hostname and a port, with room for
// escapes.
const maxTarget = 320

type targetKind uint8

const (
	targetNone targetKind = iota
	targetText            // host:port as one text, in host
	targetName            // a name in host, and port
	targetAddr            // 4 or 16 bytes in host, and port
)

// target is what a client asked a proxy for; it aliases the client's bytes.
type target struct {
	kind targetKind
	host []byte
	port uint16
}

// String returns host:port. What cannot stand in one is escaped as \xNN.
func (t target) String() string {
	switch t.kind {
	case targetText:
		return string(escape(nil, t.host))
	case targetName:
		b := append(escape(nil, t.host), ':')
		return string(strconv.AppendUint(b, uint64(t.port), 10))
	case targetAddr:
		if addr, ok := netip.AddrFromSlice(t.host); ok {
			return netip.AddrPortFrom(addr, t.port).String()
		}
	}
	return ""
}

// escape appends host to b, as far as maxTarget goes.
func escape(b, host []byte) []byte {
	const hex = "0123456789abcdef"
	for _, c := range host {
		if len(b) > maxTarget-4 {
			break
		}
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
			c == '.' || c == '-' || c == '_' || c == ':' || c == '[' || c == ']' {
			b = append(b, c)
		} else {
			b = append(b, '\\', 'x', hex[c>>4], hex[c&15])
		}
	}
	return b
}
