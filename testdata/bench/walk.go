package main

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"os"
	"strconv"
	"syscall"
)

// walk is the floor of whatever looks at every packet: it maps a capture, steps
// from record to record and hashes each 5-tuple, some times over.
func walk(times, path string) error {
	n, err := strconv.Atoi(times)
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	b, err := syscall.Mmap(int(f.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	packets, sum := 0, uint64(0)
	for range n {
		packets = 0
		for at := header; at+recordLen <= len(b); packets++ {
			end := at + recordLen + int(binary.LittleEndian.Uint32(b[at+8:]))
			if end > len(b) {
				break
			}
			sum ^= tuple(b[at+recordLen : end])
			at = end
		}
	}
	fmt.Println(packets, "packets", sum)
	return nil
}

// tuple hashes addresses, protocol and ports of an IPv4 packet.
func tuple(frame []byte) uint64 {
	if len(frame) < frameLen+24 || frame[12] != 8 || frame[13] != 0 {
		return 0
	}
	ip := frame[frameLen:]
	ports := int(ip[0]&15) * 4
	if ports+4 > len(ip) {
		return 0
	}
	high, low := bits.Mul64(binary.LittleEndian.Uint64(ip[12:])^0x9e3779b97f4a7c15,
		uint64(binary.LittleEndian.Uint32(ip[ports:]))<<8|uint64(ip[9]))
	return high ^ low
}
