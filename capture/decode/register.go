package decode

import (
	"slices"

	"blindspot/capture"
)

// A layer decodes b, which begins with its header; missing bytes of the wire
// follow b that were not captured. It returns whether there is a segment in
// d.seg, and has counted it or the reason against it.
type layer func(d *Decoder, b []byte, missing int) bool

// What init functions registered. Nothing is added later.
var (
	links       [512]layer
	protocols   [256]layer
	etherIndex  [1 << 16]uint8 // into etherLayers; 0: none
	etherLayers = []layer{nil}
	udpLayers   []udpTunnel
)

// register begins an encapsulation; its methods say what it is known by and
// what decodes it.
func register(name, what, source string) *Encapsulation {
	e := &Encapsulation{Name: name, What: what, Source: source}
	encapsulations = append(encapsulations, e)
	return e
}

func (e *Encapsulation) link(l layer, types ...capture.LinkType) *Encapsulation {
	for _, t := range types {
		once(links[t] == nil)
		links[t] = l
	}
	e.Links = append(e.Links, types...)
	return e
}

func (e *Encapsulation) etherType(l layer, types ...uint16) *Encapsulation {
	etherLayers = append(etherLayers, l)
	for _, t := range types {
		once(etherIndex[t] == 0)
		etherIndex[t] = uint8(len(etherLayers) - 1)
	}
	e.EtherTypes = append(e.EtherTypes, types...)
	return e
}

// protocol is for an IP protocol other than TCP and UDP.
func (e *Encapsulation) protocol(l layer, number uint8) *Encapsulation {
	once(protocols[number] == nil)
	protocols[number] = l
	e.Protocols = append(e.Protocols, number)
	return e
}

// udp is for a tunnel over UDP, tried on its usual ports.
func (e *Encapsulation) udp(open func(d *Decoder, b []byte, missing int) verdict, ports ...uint16) *Encapsulation {
	udpLayers = append(udpLayers, udpTunnel{name: e.Name, ports: ports, open: open})
	e.UDPPorts = append(e.UDPPorts, ports...)
	return e
}

// within says where it is looked for by a layer that knows it by itself.
func (e *Encapsulation) within(where string) *Encapsulation {
	e.Within = where
	return e
}

func once(free bool) {
	if !free {
		panic("decode: registered twice")
	}
}

// verdict is what a tunnel over UDP says of a datagram.
type verdict uint8

const (
	notMine   verdict = iota // no such tunnel after all, d is as it was
	nothing                  // as a layer's false
	segment                  // as a layer's true
	remainder                // the datagram is the segment, with what is in d.seg of its payload
)

// inner turns a layer's answer into a verdict.
func inner(ok bool) verdict {
	if ok {
		return segment
	}
	return nothing
}

// udpTunnel is a tunnel over UDP, tried on its ports.
type udpTunnel struct {
	name  string
	ports []uint16
	open  func(d *Decoder, b []byte, missing int) verdict
}

// UDPTunnels returns the names that Config.UDPPorts knows.
func UDPTunnels() []string {
	var names []string
	for _, t := range udpLayers {
		names = append(names, t.name)
	}
	slices.Sort(names)
	return names
}

// UsualPorts returns the ports on which a tunnel over UDP is looked for where
// Config.UDPPorts does not say otherwise, in ascending order.
func UsualPorts(tunnel string) []uint16 {
	for _, t := range udpLayers {
		if t.name == tunnel {
			return slices.Sorted(slices.Values(t.ports))
		}
	}
	return nil
}

// udpPorts says which tunnel is tried on a port.
type udpPorts struct {
	any   [1 << 16 / 64]uint64 // a bit for each port that has one: small enough to stay in the cache
	index [1 << 16]uint8       // 1 + index in udpLayers
}

// newUDPPorts returns nil where no port has a tunnel.
func newUDPPorts(changed map[string][]uint16) *udpPorts {
	for name := range changed {
		if !slices.Contains(UDPTunnels(), name) {
			panic("decode: no tunnel over UDP is named " + name)
		}
	}
	var table *udpPorts
	for i, t := range udpLayers {
		ports, ok := changed[t.name]
		if !ok {
			ports = t.ports
		}
		for _, port := range ports {
			if table == nil {
				table = new(udpPorts)
			}
			table.index[port] = uint8(i + 1)
			table.any[port/64] |= 1 << (port % 64)
		}
	}
	return table
}

// has reports whether a tunnel is tried on either port.
func (u *udpPorts) has(src, dst uint16) bool {
	return u != nil && (u.any[dst/64]>>(dst%64)|u.any[src/64]>>(src%64))&1 != 0
}
