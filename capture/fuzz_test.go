package capture_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"blindspot/capture"
)

func FuzzFile(f *testing.F) {
	f.Add(writePcap(f, false)[:200])
	f.Add(swapPcap(writePcap(f, true))[:200])
	f.Add(writePcapng(f)[:600])
	f.Add(gz(writePcap(f, false)[:100]))
	f.Add(join(little.section(), little.iface(1, 0), little.simple("a", 1), big.section(), big.iface(1, 0, big.option(9, []byte{0x94})), big.obsolete(0, 1, "b")))
	f.Fuzz(func(t *testing.T, b []byte) {
		src, err := capture.OpenReader("fuzz", bytes.NewReader(b), capture.Config{BlockSize: 1})
		var typed *capture.Error
		if err != nil {
			if !errors.As(err, &typed) {
				t.Fatalf("got %v, want an *Error", err)
			}
			return
		}
		defer src.Close()
		var (
			batch = make([]capture.Packet, 3)
			total int
		)
		for {
			n, err := src.Next(batch)
			total += n
			if err != nil {
				if n != 0 || err != io.EOF && !errors.As(err, &typed) {
					t.Fatalf("got %d and %v, want an error alone, io.EOF or an *Error", n, err)
				}
				break
			}
			for _, p := range batch[:n] {
				if p.Length < len(p.Data) || p.Interface >= len(src.Interfaces()) {
					t.Fatalf("got %+v", p)
				}
			}
		}
		if s := src.Stats(); s.Packets != uint64(total) {
			t.Fatalf("got %d packets, counted %d", total, s.Packets)
		}
		src.Identity()
	})
}
