package sensor

import (
	"fmt"
	"net/netip"

	"blindspot/discover"
)

// Clients says what is kept of the clients' addresses.
type Clients string

// What can be kept of clients; the empty word keeps them.
const (
	KeepClients Clients = "keep"   // whole addresses
	KeepPrefix  Clients = "prefix" // the network: /24, IPv6 /48
	KeepNone    Clients = "none"   // nothing
)

// Bits of an address that KeepPrefix keeps.
const prefixBits4, prefixBits6 = 24, 48

// ParseClients reads the word of --clients.
func ParseClients(word string) (Clients, error) {
	switch c := Clients(word); c {
	case KeepClients, KeepPrefix, KeepNone:
		return c, nil
	}
	return "", fmt.Errorf("%q: want keep, prefix or none", word)
}

// reduce takes out of o what is not to be kept. Whose handshake it was, the
// checks' or somebody else's, must be known before.
func (c Clients) reduce(o *discover.Observation) {
	switch c {
	case KeepPrefix:
		o.Client, o.ClientOrigin = network(o.Client), network(o.ClientOrigin)
	case KeepNone:
		o.Client, o.ClientOrigin = netip.AddrPort{}, netip.AddrPort{}
	}
}

// network is the network of an address, without port.
func network(a netip.AddrPort) netip.AddrPort {
	if !a.IsValid() {
		return a
	}
	bits := prefixBits4
	if addr := a.Addr().Unmap(); addr.Is6() {
		bits = prefixBits6
	}
	p, err := a.Addr().Unmap().Prefix(bits)
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(p.Addr(), 0)
}
