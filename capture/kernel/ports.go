package kernel

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"blindspot/capture"
	"blindspot/capture/decode"
)

// seenInto are the tunnels over UDP that the programs see into.
var seenInto = map[string]tunnelKind{"vxlan": tunnelVXLAN, "geneve": tunnelGENEVE, "gtp": tunnelGTP}

// portsOf says what is expected on which UDP port.
func portsOf(cfg Config) map[uint16]tunnelKind {
	ports := make(map[uint16]tunnelKind)
	for _, name := range decode.UDPTunnels() {
		list, ok := cfg.UDPPorts[name]
		if !ok {
			list = decode.UsualPorts(name)
		}
		kind := cmp.Or(seenInto[name], tunnelOther)
		for _, port := range list {
			if other := ports[port]; other != tunnelNone && other != kind {
				kind = tunnelOther // which of two tunnels it is, the decoder finds out
			}
			ports[port] = kind
		}
	}
	return ports
}

// sortedPorts are the ports in a fixed order, so that a Config makes one program.
func sortedPorts(ports map[uint16]tunnelKind) []uint16 {
	return slices.Sorted(maps.Keys(ports))
}

func linkOf(cfg Config) capture.LinkType { return cmp.Or(cfg.Link, capture.LinkEthernet) }

// isRaw reports whether frames begin with an IP header.
func isRaw(l capture.LinkType) bool {
	switch l {
	case capture.LinkRaw, capture.LinkRaw12, capture.LinkRaw14, capture.LinkIPv4, capture.LinkIPv6:
		return true
	}
	return false
}

// check reports what no program can be made for.
func (c Config) check() error {
	switch n := len(portsOf(c)); {
	case c.Entries < 0 || c.Entries > maxEntries:
		return fmt.Errorf("%d flows to cut off: use 1 to %d", c.Entries, maxEntries)
	case n > maxPorts:
		return fmt.Errorf("%d UDP ports of tunnels: the programs take up to %d", n, maxPorts)
	}
	return nil
}
