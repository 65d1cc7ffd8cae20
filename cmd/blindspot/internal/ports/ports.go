// Package ports says on which UDP ports tunnels are looked for, as the command
// line and the configuration file write it: the usual ones, those that are
// added, and none of the usual ones where somebody says so.
package ports

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"blindspot/capture/decode"
	"blindspot/cmd/blindspot/internal/nearest"
)

// Off stands in place of a port, and takes a tunnel off its usual ones.
const Off = "off"

// Change is one word about one tunnel.
type Change struct {
	Tunnel string
	Port   uint16 // is added; 0: off
}

// Parse reads NAME=PORT or NAME=off.
func Parse(word string) (Change, error) {
	name, port, ok := strings.Cut(word, "=")
	if !ok {
		return Change{}, fmt.Errorf("want NAME=PORT such as vxlan=8472, with one of %s", known())
	}
	if err := Tunnel(name); err != nil {
		return Change{}, err
	}
	n, err := Port(port)
	return Change{Tunnel: name, Port: n}, err
}

// Tunnel checks the name of a tunnel.
func Tunnel(name string) error {
	names := decode.UDPTunnels()
	if slices.Contains(names, name) {
		return nil
	}
	return fmt.Errorf("unknown tunnel %q%s (those over UDP are %s)", name, nearest.Hint(name, names), known())
}

func known() string { return strings.Join(decode.UDPTunnels(), ", ") }

// Port reads a port, 0 for off.
func Port(word string) (uint16, error) {
	if word == Off {
		return 0, nil
	}
	n, err := strconv.ParseUint(word, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%q is no port: want a number from 1 to 65535, or %s to take the tunnel off its usual ports", word, Off)
	}
	return uint16(n), nil
}

// Apply returns the ports of the tunnels that changes concern, as decode.Config
// wants them; nil where there are none. A port has one tunnel: one that is
// added to a tunnel is taken from another that usually has it, and it is an
// error to add it to two.
func Apply(changes []Change) (map[string][]uint16, error) {
	owner := map[uint16]string{}
	off := map[string]bool{}
	for _, c := range changes {
		switch before := owner[c.Port]; {
		case c.Port == 0:
			off[c.Tunnel] = true
		case before != "" && before != c.Tunnel:
			return nil, fmt.Errorf("UDP port %d is given to %s and to %s: a port can have one tunnel", c.Port, before, c.Tunnel)
		default:
			owner[c.Port] = c.Tunnel
		}
	}
	var all map[string][]uint16
	for _, name := range decode.UDPTunnels() {
		if list, changed := portsOf(name, owner, off[name]); changed {
			if all == nil {
				all = map[string][]uint16{}
			}
			all[name] = list
		}
	}
	return all, nil
}

// portsOf lists the ports of one tunnel, and says whether they are other than
// usual.
func portsOf(name string, owner map[uint16]string, off bool) (list []uint16, changed bool) {
	usual := decode.UsualPorts(name)
	for _, p := range usual {
		if other := owner[p]; other == name || other == "" && !off {
			list = append(list, p)
		}
	}
	for p, n := range owner {
		if n == name && !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	slices.Sort(list)
	return list, !slices.Equal(list, usual)
}
