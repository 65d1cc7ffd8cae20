package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

const (
	source    = "testdata/pcaps/demo.pcap" // Ethernet, IPv4, microseconds, little-endian
	size      = 60 << 20                   // of each workload
	header    = 24                         // of a pcap file
	recordLen = 16                         // of a record's header
	frameLen  = 14                         // of Ethernet's
	bulkData  = 300 << 10                  // after each connection of the bulk workload
)

// A workload is the source again and again, each time a second later and with
// other randoms, so that every handshake is one of its own.
type workload struct {
	name  string
	names bool // other hostnames and servers each time
	bulk  bool // and data after each handshake
	runs  int  // of a command in each round of bench-check: it should take some tenths of a second
}

var workloads = []workload{
	{name: "bulk", bulk: true, runs: 6},
	{name: "handshakes", names: true, runs: 1},
	{name: "repeats", runs: 1},
}

func (w workload) path(dir string) string { return filepath.Join(dir, w.name+".pcap") }

func makeWorkloads(dir string) error {
	capture, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	for _, w := range workloads {
		if _, err := os.Stat(w.path(dir)); err == nil {
			continue
		}
		if err := w.make(w.path(dir), capture); err != nil {
			return err
		}
	}
	return nil
}

func (w workload) make(path string, capture []byte) error {
	out, err := os.Create(path + ".part")
	if err != nil {
		return err
	}
	b := bufio.NewWriterSize(out, 1<<20)
	b.Write(capture[:header])
	written := header
	for round := 0; written < size; round++ {
		for at := header; at < len(capture); {
			n := recordLen + int(binary.LittleEndian.Uint32(capture[at+8:]))
			p := packet(slices.Clone(capture[at : at+n]))
			p.vary(round, w.names)
			if w.bulk && p.ends() {
				written += p.data(b)
			}
			b.Write(p)
			written += n
			at += n
		}
	}
	if err := b.Flush(); err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	return os.Rename(path+".part", path)
}

// packet is a record of the source with its header.
type packet []byte

// tcp returns the IPv4 and TCP headers, and the payload; nil where it is
// something else.
func (p packet) tcp() (ip, tcp, data []byte) {
	ip = p[recordLen+frameLen:]
	if len(ip) < 40 || ip[0]>>4 != 4 || ip[9] != 6 {
		return nil, nil, nil
	}
	end := min(len(ip), int(binary.BigEndian.Uint16(ip[2:])))
	tcp = ip[int(ip[0]&15)*4 : end]
	return ip, tcp, tcp[min(len(tcp), int(tcp[12]>>4)*4):]
}

// vary moves a packet by round seconds, puts its client, or both ends, into
// other networks, and changes the random of a hello at the start of a segment,
// and with names its hostname.
func (p packet) vary(round int, names bool) {
	binary.LittleEndian.PutUint32(p, binary.LittleEndian.Uint32(p)+uint32(round))
	ip, tcp, data := p.tcp()
	if ip == nil {
		return
	}
	const src, dst = 12, 16
	ends := []int{src, dst}
	if !names { // the side with the higher port is the client
		ends = []int{dst}
		if binary.BigEndian.Uint16(tcp) > binary.BigEndian.Uint16(tcp[2:]) {
			ends = []int{src}
		}
	}
	for _, at := range ends {
		ip[at+1] = byte(round)
		ip[at+2] ^= byte(round >> 8)
	}
	if len(data) < 43 || data[0] != 22 || data[5] != 1 && data[5] != 2 {
		return
	}
	binary.BigEndian.PutUint32(data[11:], uint32(round)) // within the random
	if names && data[5] == 1 {
		rename(data, round)
	}
}

// rename writes round over the first letters of the hostname in a ClientHello
// (RFC 6066 §3) that lies in one segment.
func rename(hello []byte, round int) {
	at := 5 + 4 + 2 + 32
	for _, width := range []int{1, 2, 1} { // session id, cipher suites, compression methods
		if at+2 > len(hello) {
			return
		}
		n := int(hello[at])
		if width == 2 {
			n = n<<8 | int(hello[at+1])
		}
		at += width + n
	}
	for at += 2; at+4 < len(hello); {
		kind, n := binary.BigEndian.Uint16(hello[at:]), int(binary.BigEndian.Uint16(hello[at+2:]))
		if kind == 0 && n > 9 && at+9+4 < len(hello) {
			copy(hello[at+9:], fmt.Sprintf("%03x", round&0xfff))
			return
		}
		at += 4 + n
	}
}

// ends reports whether p is a connection's FIN or RST with nothing after it.
func (p packet) ends() bool {
	_, tcp, data := p.tcp()
	return tcp != nil && tcp[13]&0x05 != 0 && len(data) == 0
}

// data writes segments of a bulk transfer in the direction of p before it, and
// moves p behind them.
func (p packet) data(out *bufio.Writer) int {
	const segment = 1448
	_, tcp, _ := p.tcp()
	head := len(p) - len(p[recordLen+frameLen:]) + 20 + int(tcp[12]>>4)*4
	written := 0
	for sent := 0; sent < bulkData; sent += segment {
		s := packet(make([]byte, head+segment))
		copy(s, p[:head])
		binary.LittleEndian.PutUint32(s[8:], uint32(len(s)-recordLen))
		binary.LittleEndian.PutUint32(s[12:], uint32(len(s)-recordLen))
		ip, _, _ := p.tcp()
		binary.BigEndian.PutUint16(s[recordLen+frameLen+2:], uint16(len(s)-recordLen-frameLen))
		at := recordLen + frameLen + int(ip[0]&15)*4
		s[at+13] = 0x10 // ACK
		copy(s[head:], []byte{23, 3, 3, 0x40, 0x11})
		out.Write(s)
		written += len(s)
		_, tcp, _ := p.tcp()
		binary.BigEndian.PutUint32(tcp[4:], binary.BigEndian.Uint32(tcp[4:])+segment)
	}
	return written
}
