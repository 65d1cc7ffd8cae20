package decode

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"blindspot/capture"
)

// TestRegistered lists what the files of this package bring. A new
// encapsulation is a new name here.
func TestRegistered(t *testing.T) {
	var got []string
	for l, layer := range links {
		if layer != nil {
			got = append(got, "link "+capture.LinkType(l).String())
		}
	}
	for typ, i := range etherIndex {
		if i != 0 {
			got = append(got, fmt.Sprintf("ethertype %04x", typ))
		}
	}
	for number, layer := range protocols {
		if layer != nil {
			got = append(got, fmt.Sprint("protocol ", number))
		}
	}
	for _, name := range UDPTunnels() {
		got = append(got, "udp "+name)
	}
	want := []string{
		"link NULL", "link ETHERNET", "link PPP", "link RAW", "link RAW", "link PPP_HDLC", "link PPP_ETHER",
		"link RAW", "link C_HDLC", "link IEEE802_11", "link LOOP", "link LINUX_SLL", "link PFLOG",
		"link IEEE802_11_PRISM", "link IEEE802_11_RADIOTAP", "link IEEE802_11_AVS", "link PPP_WITH_DIR",
		"link PPI", "link IPNET", "link IPV4", "link IPV6", "link NFLOG", "link LINUX_SLL2",
		"ethertype 6558", "ethertype 8100", "ethertype 8847", "ethertype 8848", "ethertype 8864", "ethertype 88a8",
		"ethertype 88e5", "ethertype 88e7", "ethertype 8909", "ethertype 8926", "ethertype 893f", "ethertype 894f",
		"ethertype 9100",
		"protocol 4", "protocol 41", "protocol 47", "protocol 50", "protocol 51", "protocol 115", "protocol 137",
		"protocol 143",
		"udp capwap", "udp geneve", "udp gtp", "udp l2tp", "udp lisp", "udp mpls", "udp teredo", "udp tzsp",
		"udp vxlan", "udp vxlan-gpe",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestUDPTunnel registers a tunnel and takes it out again: a datagram on its
// port is opened, one that is none of its own stays a datagram.
func TestUDPTunnel(t *testing.T) {
	defer func(before []udpTunnel, all []*Encapsulation) { udpLayers, encapsulations = before, all }(udpLayers, encapsulations)
	register("trial", "", "").udp(func(d *Decoder, b []byte, missing int) verdict {
		if len(b) < 2 || b[0] != 'T' {
			return notMine
		}
		return inner(raw(d, b[1:], missing))
	}, 4789)
	datagram := func(port int, payload []byte) *capture.Packet {
		b := []byte{0x45, 0, 0, byte(28 + len(payload)), 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 99}
		b = binary.BigEndian.AppendUint16(b, uint16(port))
		b = append(b, 0, byte(8+len(payload)), 0, 0)
		eth := append(make([]byte, 12), 8, 0)
		return &capture.Packet{Link: capture.LinkEthernet, Data: slices.Concat(eth, b, payload)}
	}
	inside := datagram(443, []byte("x")).Data[14:]
	nested := append([]byte{'T'}, inside...)
	tests := []struct {
		name string
		p    *capture.Packet
		cfg  Config
		want string // the port and payload
	}{
		{"inside", datagram(4789, nested), Config{}, "443 x"},
		{"not its own", datagram(4789, []byte("no")), Config{}, "4789 no"},
		{"another port", datagram(4790, nested), Config{}, "4790 " + string(nested)},
		{"port changed", datagram(4790, nested), Config{UDPPorts: map[string][]uint16{"trial": {4790}}}, "443 x"},
		{"turned off", datagram(4789, nested), Config{UDPPorts: map[string][]uint16{"trial": nil}}, "4789 " + string(nested)},
	}
	for _, test := range tests {
		var s Segment
		if !New(test.cfg).Decode(test.p, &s) || fmt.Sprintf("%d %s", s.DstPort, s.Payload) != test.want {
			t.Errorf("%s: got %d %q, want %q", test.name, s.DstPort, s.Payload, test.want)
		}
	}
}

func TestTunnelStrings(t *testing.T) {
	tunnel := Tunnel{Count: 2, Headers: [maxTunnels]Header{{kindVLAN, 12}, {kindCMD, 17}}}
	if got := tunnel.String(); got != "vlan:12/cmd:17" {
		t.Errorf("got %s", got)
	}
	if got := (Tunnel{}).Strings(); got != nil {
		t.Errorf("no tunnel: got %q", got)
	}
	if got := (Header{Kind: 250}).String(); got != "kind 250" {
		t.Errorf("unknown kind: got %s", got)
	}
}
