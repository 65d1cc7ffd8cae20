package capture

import (
	"encoding/binary"
	"io"
	"math/bits"
	"strconv"
)

// Block types of draft-ietf-opsawg-pcapng.
const (
	blockInterface  = 1
	blockPacket     = 2 // obsolete
	blockSimple     = 3
	blockNames      = 4
	blockStatistics = 5
	blockEnhanced   = 6
	blockSecrets    = 10
	blockSection    = 0x0a0d0d0a // the same in both byte orders
)

const (
	byteOrderMagic = 0x1a2b3c4d
	blockFrame     = 12 // type, total length, …, total length
	sectionBody    = 16 // byte-order magic, version, section length

	// maxBlock bounds a block that is held in memory as a whole. Packets of
	// maxRecord and their options fit. Longer blocks are skipped.
	maxBlock = maxRecord + 256<<10
	// maxInterfaces bounds the interfaces of all sections together.
	maxInterfaces = 1 << 16
)

type pcapng struct {
	swapped bool    // this section is big endian
	first   int     // index in clocks and File.interfaces of the section's first interface
	clocks  []clock // one per interface, of all sections
	counts  []counts
	last    int64 // time of the last packet that had one
}

func isPcapng(b []byte) bool {
	return len(b) >= 4 && binary.LittleEndian.Uint32(b) == blockSection
}

// header reads the first section header, so that Open fails where it is not one.
func (p *pcapng) header(f *File) error {
	if !f.win.fill(blockFrame + sectionBody) {
		return f.cutHeader("pcapng", blockFrame+sectionBody)
	}
	b := f.win.rest()
	swapped, ok := sectionOrder(b[8:])
	if !ok {
		return &Error{File: f.name, Reason: "begins as pcapng, but has no byte-order magic", Hint: "the file is damaged; was it copied as text?"}
	}
	p.swapped = swapped
	if size := aligned(p.u32(b[4:])); size <= maxBlock && !f.win.fill(size) {
		return f.cutHeader("pcapng", size)
	}
	return nil
}

// sectionOrder reads the byte order out of a section header's body.
func sectionOrder(body []byte) (swapped, ok bool) {
	magic := binary.LittleEndian.Uint32(body)
	swapped = bits.ReverseBytes32(magic) == byteOrderMagic
	return swapped, swapped || magic == byteOrderMagic
}

func (p *pcapng) u16(b []byte) uint16 {
	v := binary.LittleEndian.Uint16(b)
	if p.swapped {
		v = bits.ReverseBytes16(v)
	}
	return v
}

func (p *pcapng) u32(b []byte) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if p.swapped {
		v = bits.ReverseBytes32(v)
	}
	return v
}

func (p *pcapng) u64(b []byte) uint64 {
	v := binary.LittleEndian.Uint64(b)
	if p.swapped {
		v = bits.ReverseBytes64(v)
	}
	return v
}

// next yields packets as long as whole blocks are in the window. A fault that
// is met behind a packet is met again, and told, by the next call.
func (p *pcapng) next(f *File, batch []Packet) (int, error) {
	n := 0
	for n < len(batch) {
		typ, body, size, ok := p.ready(f)
		if !ok {
			if n > 0 {
				return n, nil
			}
			skipped, err := p.more(f)
			if err != nil {
				return 0, err
			}
			if skipped {
				continue
			}
			typ, body, size, _ = p.ready(f)
		}
		got, fault := p.block(f, typ, body, &batch[n])
		if fault != "" {
			if n > 0 {
				return n, nil
			}
			return 0, f.damage(fault, "the file is damaged here, or was written by a faulty program")
		}
		f.id.add(uint64(typ), uint64(size))
		f.win.pos += size
		if got {
			n++
		}
	}
	return n, nil
}

// ready returns the next block if it is in the window as a whole.
func (p *pcapng) ready(f *File) (typ uint32, body []byte, size int, ok bool) {
	b := f.win.rest()
	if len(b) < blockFrame {
		return 0, nil, 0, false
	}
	swapped := p.swapped
	if binary.LittleEndian.Uint32(b) == blockSection {
		swapped, _ = sectionOrder(b[8:])
	}
	typ, length := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	if swapped {
		typ, length = bits.ReverseBytes32(typ), bits.ReverseBytes32(length)
	}
	size = aligned(length)
	if length < blockFrame || size > len(b) || size > maxBlock {
		return 0, nil, 0, false
	}
	tail := binary.LittleEndian.Uint32(b[size-4:])
	if swapped {
		tail = bits.ReverseBytes32(tail)
	}
	if tail != length {
		return 0, nil, 0, false
	}
	return typ, b[8 : size-4 : size-4], size, true
}

// aligned rounds a block's length up to 32 bits: some writers leave the
// padding out of the length that they write.
func aligned(length uint32) int { return int((uint64(length) + 3) &^ 3) }

// more makes the next block whole, skips one that is too long to hold, or says
// why there is none.
func (p *pcapng) more(f *File) (skipped bool, err error) {
	if !f.win.fill(blockFrame) {
		if len(f.win.rest()) == 0 && f.win.failure() == nil {
			return false, io.EOF
		}
		return false, f.cut("block header", blockFrame)
	}
	b := f.win.rest()
	length, typ := p.u32(b[4:]), p.u32(b)
	if typ == blockSection {
		swapped, ok := sectionOrder(b[8:])
		if !ok {
			return false, f.damage("section header without byte-order magic", "the file is damaged here")
		}
		length = binary.LittleEndian.Uint32(b[4:])
		if swapped {
			length = bits.ReverseBytes32(length)
		}
	}
	if length < blockFrame {
		return false, f.damage("block that says it is "+strconv.Itoa(int(length))+" bytes long", "the file is damaged here, and where the next block begins is not known")
	}
	size := aligned(length)
	if size > maxBlock {
		return true, p.pass(f, typ, size)
	}
	if !f.win.fill(size) {
		return false, f.cut("block", int64(size))
	}
	if _, _, _, ok := p.ready(f); !ok {
		return false, f.damage("block whose two lengths differ", "the file is damaged here, and where the next block begins is not known")
	}
	return false, nil
}

// pass skips a block that is over maxBlock.
func (p *pcapng) pass(f *File, typ uint32, size int) error {
	at := f.win.offset()
	if f.total > 0 && f.compression == "" && int64(size) > f.total-at {
		return f.cutBy("block", int64(size), f.total-at)
	}
	if !f.win.skip(int64(size)) {
		return f.cut("block", int64(size))
	}
	f.id.add(uint64(typ), uint64(size))
	switch typ {
	case blockEnhanced, blockSimple, blockPacket:
		f.stats.Oversized++
	case blockSecrets:
		f.stats.SecretsLost++
	default:
		f.stats.BlocksSkipped++
	}
	return nil
}

// block reads one block. It reports whether that gave a packet, or what is
// wrong with it; then it has changed nothing.
func (p *pcapng) block(f *File, typ uint32, body []byte, q *Packet) (got bool, fault string) {
	switch typ {
	case blockEnhanced:
		return p.enhanced(f, body, q)
	case blockSimple:
		return p.simple(f, body, q)
	case blockPacket:
		return p.obsolete(f, body, q)
	case blockSection:
		return false, p.section(body)
	case blockInterface:
		return false, p.describe(f, body)
	case blockStatistics:
		return false, p.statistics(f, body)
	case blockSecrets:
		return false, p.secrets(f, body)
	case blockNames:
	default:
		f.stats.BlocksSkipped++
	}
	return false, ""
}

// section begins a section; the interfaces of the one before end with it.
func (p *pcapng) section(body []byte) (fault string) {
	if len(body) < sectionBody {
		return "section header of " + strconv.Itoa(len(body)) + " bytes"
	}
	swapped, ok := sectionOrder(body)
	if !ok {
		return "section header without byte-order magic"
	}
	p.swapped = swapped
	if major := p.u16(body[4:]); major != 1 {
		return "section of pcapng version " + strconv.Itoa(int(major)) + ", which is not known"
	}
	p.first = len(p.clocks)
	return ""
}

// enhanced reads an Enhanced Packet Block: interface, timestamp (two words,
// upper first), captured length, length on the wire, data, options.
func (p *pcapng) enhanced(f *File, body []byte, q *Packet) (got bool, fault string) {
	if len(body) < 20 {
		return false, "packet block of " + strconv.Itoa(len(body)) + " bytes"
	}
	h := record{
		iface: uint(p.u32(body)), ticks: uint64(p.u32(body[4:]))<<32 | uint64(p.u32(body[8:])),
		size: p.u32(body[12:]), wire: p.u32(body[16:]), timed: true,
	}
	return p.packet(f, h, body[20:], q)
}

// obsolete reads a Packet Block, which has a drop count beside a shorter
// interface number.
func (p *pcapng) obsolete(f *File, body []byte, q *Packet) (got bool, fault string) {
	if len(body) < 20 {
		return false, "packet block of " + strconv.Itoa(len(body)) + " bytes"
	}
	h := record{
		iface: uint(p.u16(body)), ticks: uint64(p.u32(body[4:]))<<32 | uint64(p.u32(body[8:])),
		size: p.u32(body[12:]), wire: p.u32(body[16:]), timed: true,
	}
	return p.packet(f, h, body[20:], q)
}

// simple reads a Simple Packet Block: length on the wire, data, both of the
// section's first interface. It has no time; the last packet's is taken.
func (p *pcapng) simple(f *File, body []byte, q *Packet) (got bool, fault string) {
	if len(body) < 4 {
		return false, "packet block of " + strconv.Itoa(len(body)) + " bytes"
	}
	h := record{wire: p.u32(body)}
	h.size = min(h.wire, uint32(len(body)-4))
	if p.first < len(f.interfaces) {
		if snaplen := f.interfaces[p.first].Snaplen; snaplen > 0 {
			h.size = uint32(min(int64(h.size), int64(snaplen)))
		}
	}
	return p.packet(f, h, body[4:], q)
}

// record is what the three packet blocks say.
type record struct {
	iface      uint // within the section
	ticks      uint64
	size, wire uint32
	timed      bool
}

func (p *pcapng) packet(f *File, h record, data []byte, q *Packet) (got bool, fault string) {
	if h.iface >= uint(len(p.clocks)-p.first) {
		return false, "packet of interface " + strconv.Itoa(int(h.iface)) + ", which the section does not describe"
	}
	if uint(h.size) > uint(len(data)) {
		return false, "packet of " + strconv.Itoa(int(h.size)) + " bytes in a block that has room for " + strconv.Itoa(len(data))
	}
	if h.size > maxRecord {
		f.stats.Oversized++
		return false, ""
	}
	at := p.first + int(h.iface)
	if h.timed {
		p.last = p.clocks[at].time(h.ticks)
	}
	f.id.add(h.ticks, uint64(h.size)<<32|uint64(h.wire))
	f.stats.Packets++
	f.stats.Bytes += uint64(h.size)
	if h.wire > h.size {
		f.stats.Truncated++
	}
	q.Time = p.last
	q.Data = data[:h.size:h.size]
	q.Length = int(max(h.wire, h.size))
	q.Link = f.interfaces[at].Link
	q.Interface = at
	q.Number = f.stats.Packets
	return true, ""
}
