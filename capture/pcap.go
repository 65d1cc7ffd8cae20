package capture

import (
	"encoding/binary"
	"io"
	"math/bits"
	"strconv"
)

// maxRecord is the largest packet that is believed: twice the largest that
// offload makes (512 KiB) and four times what tcpdump captures at most. A
// longer one in a pcap file means that the position in the file was lost.
const maxRecord = 1 << 20

// Classic pcap (draft-ietf-opsawg-pcap): a file header of 24 bytes, then for
// each packet 16 bytes of seconds, fraction, captured length, length on the wire.
const (
	pcapHeader   = 24
	pcapRecord   = 16
	pcapModified = 24 // Kuznetsov's patch: interface, protocol and packet type follow
)

const (
	magicMicro    = 0xa1b2c3d4
	magicNano     = 0xa1b23c4d
	magicModified = 0xa1b2cd34
)

type pcap struct {
	swapped bool // big endian
	unit    int64
	record  int // size of a record's header
	link    LinkType
	lengths lengthOrder
	usual   usual
	ahead   byte // keeps the loads of take
}

// lengthOrder says in which order a record holds its two lengths.
type lengthOrder uint8

const (
	capturedFirst lengthOrder = iota
	wireFirst                 // before version 2.3
	smallerFirst              // version 2.3 was written both ways
)

func orderOf(major, minor uint16) lengthOrder {
	switch {
	case major == 2 && minor < 3:
		return wireFirst
	case major == 2 && minor == 3:
		return smallerFirst
	}
	return capturedFirst
}

// sort returns the captured length and the length on the wire.
func (o lengthOrder) sort(size, wire uint32) (uint32, uint32) {
	if o == wireFirst || o == smallerFirst && size > wire {
		return wire, size
	}
	return size, wire
}

// pcapMagic tells what a file that begins with b is written in.
func pcapMagic(b []byte) (p pcap, ok bool) {
	if len(b) < 4 {
		return pcap{}, false
	}
	p = pcap{record: pcapRecord, unit: 1000}
	magic := binary.LittleEndian.Uint32(b)
	if byte(magic) == 0xa1 {
		p.swapped = true
		magic = bits.ReverseBytes32(magic)
	}
	switch magic {
	case magicMicro:
	case magicNano:
		p.unit = 1
	case magicModified:
		p.record = pcapModified
	default:
		return pcap{}, false
	}
	return p, true
}

// header reads the file header, which begins with a known magic.
func (p *pcap) header(f *File) error {
	if !f.win.fill(pcapHeader) {
		return f.cutHeader("pcap", pcapHeader)
	}
	h := f.win.rest()[:pcapHeader]
	version, snaplen, network := p.u32(h[4:]), p.u32(h[16:]), p.u32(h[20:])
	major, minor := uint16(version), uint16(version>>16)
	if p.swapped {
		major, minor = minor, major
	}
	p.lengths = orderOf(major, minor)
	p.link = LinkType(network) // the upper bits say whether frames end in a checksum
	resolution := "10^-6"
	if p.unit == 1 {
		resolution = "10^-9"
	}
	f.interfaces = []Interface{{Link: p.link, Snaplen: int(snaplen), Resolution: resolution}}
	f.id.add(uint64(p.unit), uint64(network)<<32|uint64(snaplen))
	f.win.pos += pcapHeader
	return nil
}

func (p *pcap) u32(b []byte) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if p.swapped {
		v = bits.ReverseBytes32(v)
	}
	return v
}

func (p *pcap) next(f *File, batch []Packet) (int, error) {
	for {
		if n := p.take(f, batch); n > 0 {
			return n, nil
		}
		if err := p.more(f); err != nil {
			return 0, err
		}
	}
}

// Usual sizes of packets: those of bulk data and of bare acknowledgements. Where
// a record begins is known only when the size of the one before it has come
// from memory. A size that is one of the last seen is guessed by the processor,
// which then reads on without waiting. Behind a small packet the next record is
// in what is read of the frame; where it would be behind a large one is read too,
// so that after a wrong guess it is there already.
type usual struct{ large, small int }

// frameLook is how far behind the start of a frame its last byte is that the
// decoder reads: the start of the payload behind Ethernet, IPv4 and TCP.
const frameLook = 66

// take yields the whole records of the window.
func (p *pcap) take(f *File, batch []Packet) int {
	var (
		b, at = f.win.buf[:f.win.end], f.win.pos
		first = f.stats.Packets
		id    = f.id
		bytes uint64
		ahead byte
		n     int
	)
	for n < len(batch) && len(b)-at >= p.record {
		h := b[at : at+pcapRecord : at+pcapRecord]
		size, wire := binary.LittleEndian.Uint32(h[8:]), binary.LittleEndian.Uint32(h[12:])
		if p.swapped {
			size, wire = bits.ReverseBytes32(size), bits.ReverseBytes32(wire)
		}
		if p.lengths != capturedFirst {
			size, wire = p.lengths.sort(size, wire)
		}
		from := at + p.record
		if uint(size) > uint(len(b)-from) || size > maxRecord {
			break
		}
		q := &batch[n]
		n++
		q.Length = int(max(wire, size))
		if wire > size {
			f.stats.Truncated++
		}
		sec, frac := binary.LittleEndian.Uint32(h), binary.LittleEndian.Uint32(h[4:])
		if p.swapped {
			sec, frac = bits.ReverseBytes32(sec), bits.ReverseBytes32(frac)
		}
		id.add(uint64(sec)<<32|uint64(frac), uint64(size)<<32|uint64(wire))
		q.Time = int64(sec)*1e9 + int64(frac)*p.unit
		q.Link = p.link
		q.Interface = 0
		q.Number = first + uint64(n)
		bytes += uint64(size)
		if size > frameLook {
			ahead ^= b[from+frameLook/2] ^ b[from+frameLook]
		}
		if next := from + p.usual.large; next < len(b) {
			ahead ^= b[next]
		}
		switch int(size) {
		case p.usual.large:
			at = from + p.usual.large
			q.Data = b[from:at:at]
			continue
		case p.usual.small:
			at = from + p.usual.small
			q.Data = b[from:at:at]
			continue
		}
		at = from + int(size)
		q.Data = b[from:at:at]
		p.usual.note(int(size))
	}
	f.win.pos, f.id, p.ahead = at, id, ahead
	f.stats.Packets += uint64(n)
	f.stats.Bytes += bytes
	return n
}

func (u *usual) note(size int) {
	if size > 1024 {
		u.large = size
	} else if size < 128 {
		u.small = size
	}
}

// more makes the next record whole, or says why that cannot be.
func (p *pcap) more(f *File) error {
	if !f.win.fill(p.record) {
		if len(f.win.rest()) == 0 && f.win.failure() == nil {
			return io.EOF
		}
		return f.cut("record header", int64(p.record))
	}
	h := f.win.rest()
	size, _ := p.lengths.sort(p.u32(h[8:]), p.u32(h[12:]))
	if size > maxRecord {
		return f.damage(
			"record of "+strconv.FormatUint(uint64(size), 10)+" bytes, over the limit of "+strconv.Itoa(maxRecord),
			"the file is damaged here, and where the next record begins is not known; try pcapfix")
	}
	if !f.win.fill(p.record + int(size)) {
		return f.cut("record", int64(p.record)+int64(size))
	}
	return nil
}
