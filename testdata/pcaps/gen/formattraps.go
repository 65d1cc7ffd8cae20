//go:build linux

package main

import (
	"encoding/binary"
	"os"
	"path/filepath"
)

// Format traps: the same packets in other files.
var formatTraps = []trap{
	{name: "format-ns.pcap", point: "classic pcap, nanoseconds", file: func(c *capture) []byte { c.nano = true; return c.encode() }},
	{name: "format-be.pcap", point: "classic pcap, big-endian, microseconds", file: func(c *capture) []byte { c.big = true; return c.encode() }},
	{name: "format-be-ns.pcap", point: "classic pcap, big-endian, nanoseconds", file: func(c *capture) []byte { c.big, c.nano = true, true; return c.encode() }},
	{name: "format-gz.pcap.gz", point: "gzip"},
	{name: "format-gz-members.pcap.gz", point: "gzip of two members", custom: runMembers},
	{name: "format-zst.pcap.zst", point: "zstd"},
	{name: "format-pcapng.pcapng", point: "pcapng, one section, enhanced packet blocks, comments, unknown blocks and options", file: pcapngPlain},
	{name: "format-pcapng-be.pcapng", point: "pcapng, big-endian", file: func(c *capture) []byte { return pcapngSimple(binary.BigEndian, c) }},
	{name: "format-pcapng-gz.pcapng.gz", point: "pcapng in gzip", file: pcapngPlain},
	{name: "format-pcapng-zst.pcapng.zst", point: "pcapng in zstd", file: pcapngPlain},
	{name: "format-interfaces.pcapng", point: "pcapng, three interfaces: Ethernet in microseconds, RAW in nanoseconds, Ethernet in units of 2^-20 seconds with a time offset", file: pcapngInterfaces},
	{name: "format-sections.pcapng", point: "pcapng, a little-endian section of known length and a big-endian one of unknown length", file: pcapngSections},
	{name: "format-spb.pcapng", point: "pcapng, simple packet blocks: no times", file: pcapngSPB},
	{name: "format-opb.pcapng", point: "pcapng, obsolete packet blocks", file: pcapngOPB},
	{name: "format-dsb.pcapng", point: "pcapng with the TLS secrets in a decryption secrets block", custom: runDSB},
	{name: "format-cut-record.pcap", point: "the file ends in the middle of the last packet", lenient: true, file: func(c *capture) []byte { b := c.encode(); return b[:len(b)-20] }},
	{name: "format-cut-header.pcap", point: "the file ends in the middle of the last packet's record header", lenient: true, file: func(c *capture) []byte {
		b := c.encode()
		return b[:len(b)-len(c.packets[len(c.packets)-1].data)-7]
	}},
	{name: "format-cut.pcapng", point: "pcapng that ends in the middle of a block", lenient: true, file: func(c *capture) []byte { b := pcapngPlain(c); return b[:len(b)-50] }},
	{name: "format-cut-gz.pcap", point: "gzip that breaks off (and a name that does not say gzip)", lenient: true, file: func(c *capture) []byte { b := gzipped(c.encode()); return b[:len(b)*9/10] }},
	{name: "format-misnamed.pcap", point: "pcapng under the name of a pcap", file: pcapngPlain},
}

func runDSB(l *lab) error {
	keys, err := os.ReadFile(filepath.Join(l.dir, "go-mlkem.keys"))
	if err != nil {
		return err
	}
	l.opened = true
	return trap{name: l.name, base: "go-mlkem", file: func(c *capture) []byte {
		n := newPcapng(binary.LittleEndian)
		n.section(-1)
		body := n.o.AppendUint32(nil, 0x544c534b) // TLS key log
		body = n.o.AppendUint32(body, uint32(len(keys)))
		n.block(10, pad4(append(body, keys...)))
		n.iface(linkEthernet)
		for _, p := range c.packets {
			n.enhanced(0, uint64(p.at.UnixMicro()), p)
		}
		return n.b
	}}.run(l)
}

func runMembers(l *lab) error {
	if err := (trap{name: "plain", base: "go-mlkem"}).run(l); err != nil {
		return err
	}
	half := len(l.final) / 2
	l.final = append(gzipped(l.final[:half]), gzipped(l.final[half:])...)
	return nil
}

// A pcapng writes blocks (draft-ietf-opsawg-pcapng).
type pcapng struct {
	o binary.AppendByteOrder
	b []byte
}

func newPcapng(o binary.AppendByteOrder) *pcapng { return &pcapng{o: o} }

func pad4(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func (n *pcapng) block(kind uint32, body []byte) {
	total := uint32(12 + len(body))
	n.b = n.o.AppendUint32(n.o.AppendUint32(n.b, kind), total)
	n.b = n.o.AppendUint32(append(n.b, body...), total)
}

// option appends one option; the end of options is option 0.
func (n *pcapng) option(b []byte, code uint16, value []byte) []byte {
	b = n.o.AppendUint16(n.o.AppendUint16(b, code), uint16(len(value)))
	return pad4(append(b, value...))
}

// section starts a section; length -1 is unknown.
func (n *pcapng) section(length int64) {
	body := n.o.AppendUint32(nil, 0x1a2b3c4d)
	body = n.o.AppendUint16(n.o.AppendUint16(body, 1), 0)
	n.block(0x0a0d0d0a, n.o.AppendUint64(body, uint64(length)))
}

// iface describes an interface; options come in pairs of code and value.
func (n *pcapng) iface(link uint16, options ...any) {
	body := n.o.AppendUint16(n.o.AppendUint16(nil, link), 0)
	body = n.o.AppendUint32(body, 0) // no limit
	for i := 0; i+1 < len(options); i += 2 {
		body = n.option(body, uint16(options[i].(int)), options[i+1].([]byte))
	}
	if len(options) > 0 {
		body = n.option(body, 0, nil)
	}
	n.block(1, body)
}

func (n *pcapng) enhanced(iface uint32, ticks uint64, p packet, comment ...string) {
	body := n.o.AppendUint32(nil, iface)
	body = n.o.AppendUint32(n.o.AppendUint32(body, uint32(ticks>>32)), uint32(ticks))
	body = n.o.AppendUint32(n.o.AppendUint32(body, uint32(len(p.data))), uint32(p.length))
	body = pad4(append(body, p.data...))
	for _, c := range comment {
		body = n.option(body, 1, []byte(c))
	}
	if len(comment) > 0 {
		body = n.option(body, 0, nil)
	}
	n.block(6, body)
}

func pcapngSimple(o binary.AppendByteOrder, c *capture) []byte {
	n := newPcapng(o)
	n.section(-1)
	n.iface(uint16(c.link))
	for _, p := range c.packets {
		n.enhanced(0, uint64(p.at.UnixMicro()), p)
	}
	return n.b
}

func pcapngPlain(c *capture) []byte {
	n := newPcapng(binary.LittleEndian)
	n.section(-1)
	n.iface(uint16(c.link), 2, []byte("wire0"), 3, []byte("a mirror port"), 9, []byte{9}, 2988, []byte("local option"))
	n.block(4, make([]byte, 4))                         // name resolution
	n.block(0x80000001, []byte("a block of a vendor.")) // local use
	for i, p := range c.packets {
		if i == 5 {
			n.block(0x7ffffff0, []byte("nobody knows this one..."))
		}
		n.enhanced(0, uint64(p.at.UnixNano()), p, "packet with a comment")
	}
	n.block(5, make([]byte, 12)) // interface statistics
	return n.b
}

// pcapngInterfaces gives each packet one of three interfaces in turn.
func pcapngInterfaces(c *capture) []byte {
	n := newPcapng(binary.LittleEndian)
	n.section(-1)
	n.iface(linkEthernet)
	n.iface(linkRaw, 9, []byte{9})
	offset := c.packets[0].at.Unix() - 1000
	n.iface(linkEthernet, 9, []byte{0x80 | 20}, 14, n.o.AppendUint64(nil, uint64(offset)))
	for i, p := range c.packets {
		switch i % 3 {
		case 0:
			n.enhanced(0, uint64(p.at.UnixMicro()), p)
		case 1:
			n.enhanced(1, uint64(p.at.UnixNano()), whole(p.at, p.data[14:]))
		case 2:
			ticks := uint64(p.at.Unix()-offset)<<20 + uint64(p.at.Nanosecond())<<20/1e9
			n.enhanced(2, ticks, p)
		}
	}
	return n.b
}

func pcapngSections(c *capture) []byte {
	half := len(c.packets) / 2
	body := newPcapng(binary.LittleEndian)
	body.iface(linkEthernet)
	for _, p := range c.packets[:half] {
		body.enhanced(0, uint64(p.at.UnixMicro()), p)
	}
	first := newPcapng(binary.LittleEndian)
	first.section(int64(len(body.b)))
	second := newPcapng(binary.BigEndian)
	second.section(-1)
	second.iface(linkRaw, 9, []byte{9}) // interface 0 is another one now
	for _, p := range c.packets[half:] {
		second.enhanced(0, uint64(p.at.UnixNano()), whole(p.at, p.data[14:]))
	}
	return append(append(first.b, body.b...), second.b...)
}

func pcapngSPB(c *capture) []byte {
	n := newPcapng(binary.LittleEndian)
	n.section(-1)
	n.iface(linkEthernet)
	for _, p := range c.packets {
		n.block(3, pad4(append(n.o.AppendUint32(nil, uint32(p.length)), p.data...)))
	}
	return n.b
}

func pcapngOPB(c *capture) []byte {
	n := newPcapng(binary.LittleEndian)
	n.section(-1)
	n.iface(linkEthernet)
	for _, p := range c.packets {
		t := uint64(p.at.UnixMicro())
		body := n.o.AppendUint16(n.o.AppendUint16(nil, 0), 0xffff) // interface, drops unknown
		body = n.o.AppendUint32(n.o.AppendUint32(body, uint32(t>>32)), uint32(t))
		body = n.o.AppendUint32(n.o.AppendUint32(body, uint32(len(p.data))), uint32(p.length))
		n.block(2, pad4(append(body, p.data...)))
	}
	return n.b
}
