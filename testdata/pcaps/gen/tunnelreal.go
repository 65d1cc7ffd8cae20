//go:build linux

package main

import "fmt"

const kernelStack = goStack + "; VXLAN by Linux 6.18"

var tunnelScenarios = []scenario{
	{"tunnel-vxlan.pcap", kernelStack, "VXLAN between two machines, captured on the wire between them", func(l *lab) error { return vxlanReal(l, 42, 4789, 1450) }},
	{"tunnel-vxlan-port.pcap", kernelStack, "VXLAN on a port that must be named", func(l *lab) error { return vxlanReal(l, 43, 14789, 1450) }},
	{"tunnel-fragments.pcap", kernelStack, "VXLAN with inner packets of full size: the outer ones are IP fragments", func(l *lab) error { return vxlanReal(l, 44, 4789, 1500) }},
}

// vxlanReal lays a tunnel of the kernel between the namespaces and has the
// usual three connections go through it.
func vxlanReal(l *lab, vni, port, mtu int) error {
	if err := l.network(false); err != nil {
		return err
	}
	const tunnel = "inner0"
	for i, ns := range []string{l.srv, l.cli} {
		here, there := fmt.Sprintf("10.78.0.%d", 1+i), fmt.Sprintf("10.78.0.%d", 2-i)
		for _, args := range [][]string{
			{"addr", "flush", "dev", "wire0"},
			{"addr", "add", here + "/24", "dev", "wire0"},
			{"link", "add", tunnel, "type", "vxlan", "id", fmt.Sprint(vni), "local", here, "remote", there, "dstport", fmt.Sprint(port)},
			{"link", "set", tunnel, "mtu", fmt.Sprint(mtu), "up"},
		} {
			if err := ipCommand(append([]string{"-n", ns}, args...)...); err != nil {
				return err
			}
		}
	}
	l.device, l.filter, l.addrs = tunnel, "ip", map[string]bool{}
	l.decodeAs = []string{"-d", fmt.Sprintf("udp.port==%d,vxlan", port)}
	if err := l.addr(l.srv, serverIP); err != nil {
		return err
	}
	if err := goBaseOn(l, "", "10.77.0.10", "10.77.0.11", l.pki.get("ecdsa")); err != nil {
		return err
	}
	for _, h := range l.truth.Handshakes {
		h.Tunnel = []string{fmt.Sprint("vxlan:", vni)}
	}
	return nil
}
