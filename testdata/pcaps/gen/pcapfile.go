//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"time"
)

// Link types as files name them.
const (
	linkNull     = 0
	linkEthernet = 1
	linkRaw      = 101
	linkLoop     = 108
	linkSLL      = 113
	linkSLL2     = 276
)

// A packet of a capture file. len(data) < length where the snaplen cut it.
type packet struct {
	at     time.Time
	data   []byte
	length int
}

// A capture is a classic pcap file in memory.
type capture struct {
	link    uint32
	snaplen uint32
	nano    bool
	big     bool
	packets []packet
}

// readPcap reads what tcpdump wrote: little-endian, classic.
func readPcap(path string) (*capture, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	if len(b) < 24 || le.Uint32(b) != 0xa1b2c3d4 && le.Uint32(b) != 0xa1b23c4d {
		return nil, fmt.Errorf("%s: no classic little-endian pcap", path)
	}
	c := &capture{link: le.Uint32(b[20:]), snaplen: le.Uint32(b[16:]), nano: le.Uint32(b) == 0xa1b23c4d}
	unit := time.Microsecond
	if c.nano {
		unit = time.Nanosecond
	}
	for b = b[24:]; len(b) >= 16; {
		n := int(le.Uint32(b[8:]))
		if len(b) < 16+n {
			break
		}
		at := time.Unix(int64(le.Uint32(b)), 0).Add(time.Duration(le.Uint32(b[4:])) * unit).UTC()
		c.packets = append(c.packets, packet{at, b[16 : 16+n : 16+n], int(le.Uint32(b[12:]))})
		b = b[16+n:]
	}
	if len(c.packets) == 0 {
		return nil, fmt.Errorf("%s: tcpdump saw no packet", path)
	}
	return c, nil
}

func (c *capture) encode() []byte {
	var o binary.AppendByteOrder = binary.LittleEndian
	if c.big {
		o = binary.BigEndian
	}
	magic, unit := uint32(0xa1b2c3d4), time.Microsecond
	if c.nano {
		magic, unit = 0xa1b23c4d, time.Nanosecond
	}
	b := o.AppendUint32(nil, magic)
	b = o.AppendUint16(b, 2)
	b = o.AppendUint16(b, 4)
	b = append(b, make([]byte, 8)...)
	b = o.AppendUint32(b, c.snaplen)
	b = o.AppendUint32(b, c.link)
	for _, p := range c.packets {
		b = o.AppendUint32(b, uint32(p.at.Unix()))
		b = o.AppendUint32(b, uint32(time.Duration(p.at.Nanosecond())/unit))
		b = o.AppendUint32(b, uint32(len(p.data)))
		b = o.AppendUint32(b, uint32(p.length))
		b = append(b, p.data...)
	}
	return b
}

// shift moves all packets so that the first one is at start.
func (c *capture) shift(start time.Time) {
	d := start.Sub(c.packets[0].at)
	for i := range c.packets {
		c.packets[i].at = c.packets[i].at.Add(d)
	}
}
