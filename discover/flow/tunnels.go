package flow

import "blindspot/capture/decode"

// maxTunnelNames bounds the distinct stacks of encapsulations that are named.
// Handshakes in further ones are observed without their tunnel.
const maxTunnelNames = 1 << 15

// tunnelNames numbers stacks of encapsulations; 0 is none.
type tunnelNames struct {
	numbers map[decode.Tunnel]uint16
	names   [][]string
	last    decode.Tunnel
	lastNum uint16
}

func (t *tunnelNames) number(tunnel *decode.Tunnel) uint16 {
	if tunnel.Count == 0 {
		return 0
	}
	if t.lastNum != 0 && *tunnel == t.last {
		return t.lastNum
	}
	n, ok := t.numbers[*tunnel]
	if !ok {
		if len(t.names) >= maxTunnelNames {
			return 0
		}
		if t.numbers == nil {
			t.numbers = make(map[decode.Tunnel]uint16)
		}
		t.names = append(t.names, tunnel.Strings())
		n = uint16(len(t.names))
		t.numbers[*tunnel] = n
	}
	t.last, t.lastNum = *tunnel, n
	return n
}

func (t *tunnelNames) name(n uint16) []string {
	if n == 0 {
		return nil
	}
	return t.names[n-1]
}
