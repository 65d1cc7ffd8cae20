package capture

import (
	"bytes"
	"strconv"
	"strings"
)

// Options that are read (draft-ietf-opsawg-pcapng, sections 3.5, 4.2 and 4.6).
const (
	optEnd          = 0
	optName         = 2  // if_name
	optTsresol      = 9  // if_tsresol
	optTsoffset     = 14 // if_tsoffset
	optReceived     = 4  // isb_ifrecv
	optInterfaceDrp = 5  // isb_ifdrop
	optKernelDrops  = 7  // isb_osdrop
)

// maxName bounds the name of an interface that is kept.
const maxName = 256

// option takes the next option off b. Options that do not fit end the list.
func (p *pcapng) option(b []byte) (code uint16, value, rest []byte, ok bool) {
	if len(b) < 4 {
		return 0, nil, nil, false
	}
	code, size := p.u16(b), int(p.u16(b[2:]))
	if code == optEnd || size > len(b)-4 {
		return 0, nil, nil, false
	}
	return code, b[4 : 4+size], b[min(4+(size+3)&^3, len(b)):], true
}

// describe reads an Interface Description Block: link type, reserved, snaplen,
// options.
func (p *pcapng) describe(f *File, body []byte) (fault string) {
	if len(body) < 8 {
		return "interface description of " + strconv.Itoa(len(body)) + " bytes"
	}
	if len(p.clocks) >= maxInterfaces {
		return "more than " + strconv.Itoa(maxInterfaces) + " interfaces"
	}
	i := Interface{Link: LinkType(p.u16(body)), Snaplen: int(p.u32(body[4:]))}
	resolution, offset := byte(6), int64(0)
	opts := body[8:]
	for {
		code, v, rest, ok := p.option(opts)
		if !ok {
			break
		}
		opts = rest
		switch {
		case code == optName:
			name, _, _ := bytes.Cut(v[:min(len(v), maxName)], []byte{0})
			i.Name = strings.ToValidUTF8(string(name), "\ufffd")
		case code == optTsresol && len(v) >= 1:
			resolution = v[0]
		case code == optTsoffset && len(v) >= 8:
			offset = int64(p.u64(v))
		}
	}
	c := newClock(resolution, offset)
	i.Resolution = c.String()
	f.interfaces = append(f.interfaces, i)
	p.clocks = append(p.clocks, c)
	p.counts = append(p.counts, counts{})
	return ""
}

// counts is the last statistics block of an interface; its figures run from
// the start of the capture.
type counts struct{ received, ifdrop, osdrop uint64 }

// statistics reads an Interface Statistics Block: interface, timestamp, options.
func (p *pcapng) statistics(f *File, body []byte) (fault string) {
	if len(body) < 12 {
		return "interface statistics of " + strconv.Itoa(len(body)) + " bytes"
	}
	i := uint(p.u32(body))
	if i >= uint(len(p.clocks)-p.first) {
		return "" // of no interface: nothing is lost by passing over it
	}
	c := &p.counts[p.first+int(i)]
	was := *c
	opts := body[12:]
	for {
		code, v, rest, ok := p.option(opts)
		if !ok {
			break
		}
		opts = rest
		if len(v) < 8 {
			continue
		}
		switch code {
		case optReceived:
			c.received = p.u64(v)
		case optInterfaceDrp:
			c.ifdrop = p.u64(v)
		case optKernelDrops:
			c.osdrop = p.u64(v)
		}
	}
	f.stats.Received += c.received - was.received
	f.stats.InterfaceDrops += c.ifdrop - was.ifdrop
	f.stats.KernelDrops += c.osdrop - was.osdrop
	return ""
}
