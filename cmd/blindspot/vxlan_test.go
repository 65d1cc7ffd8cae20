package main

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strconv"

	"blindspot/capture"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptVXLAN is the command 'vxlan PORT CAPTURE OUT' of scripts: it writes the
// packets of an Ethernet capture as a mirror sends them that uses VXLAN with
// VNI 42 on a port of its own.
func scriptVXLAN(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: vxlan PORT CAPTURE OUT")
	}
	port, err := strconv.ParseUint(args[0], 10, 16)
	ts.Check(err)
	in, err := capture.Open(ts.MkAbs(args[1]), capture.Config{})
	ts.Check(err)
	defer in.Close()
	out := binary.LittleEndian.AppendUint32(nil, 0xa1b2c3d4)
	out = append(out, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0) // snaplen 256 KiB, Ethernet
	batch := make([]capture.Packet, 1)
	for {
		n, err := in.Next(batch)
		if errors.Is(err, io.EOF) {
			break
		}
		ts.Check(err)
		for i := range batch[:n] {
			out = appendVXLAN(out, &batch[i], uint16(port))
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), out, 0o600))
}

// appendVXLAN appends a record whose packet is p in VXLAN (RFC 7348, section 5).
func appendVXLAN(out []byte, p *capture.Packet, port uint16) []byte {
	const headers = 14 + 20 + 8 + 8
	size := headers + len(p.Data)
	for _, v := range []int64{p.Time / 1e9, p.Time % 1e9 / 1000, int64(size), int64(size)} {
		out = binary.LittleEndian.AppendUint32(out, uint32(v))
	}
	out = append(out, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0)
	out = append(out, 0x45, 0)
	out = binary.BigEndian.AppendUint16(out, uint16(size-14))
	out = append(out, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2)
	out = binary.BigEndian.AppendUint16(out, 49152)
	out = binary.BigEndian.AppendUint16(out, port)
	out = binary.BigEndian.AppendUint16(out, uint16(size-34))
	out = append(out, 0, 0, 8, 0, 0, 0, 0, 0, 42, 0)
	return append(out, p.Data...)
}
