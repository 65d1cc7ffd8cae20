package quic

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"blindspot/tlsparse"
)

// FuzzDatagram gives any bytes, as two datagrams, to everything that reads them.
func FuzzDatagram(f *testing.F) {
	for _, b := range vectors(f) {
		f.Add(b, uint16(0), uint16(len(b)))
		f.Add(b, uint16(9), uint16(len(b)/2))
	}
	f.Add(append(newClient(Version1).packet(whole(rfcHello(f))), newClient(Version1).protected(2, 99)...), uint16(0), uint16(1300))
	f.Fuzz(func(t *testing.T, b []byte, missing, split uint16) {
		var r Reader
		c := new(Conn)
		defer func() {
			r.Release(c)
			if r.Buffered() != 0 {
				t.Errorf("%d bytes are buffered after Release", r.Buffered())
			}
		}()
		n := min(int(split), len(b))
		for _, d := range [][]byte{b[:n], b[n:], b} {
			h, ok := ParseHeader(d)
			if ok && (h.Number > len(d) || len(h.DCID) > maxIDLen || len(h.SCID) > maxIDLen) {
				t.Errorf("header %+v of %d bytes", h, len(d))
			}
			Probe(d)
			ProbeGoogle(d)
			if i := r.Pick([]*Conn{c}, d, int(missing)); i > 0 {
				t.Errorf("picked connection %d of 1", i)
			}
			before := bytes.Clone(d)
			r.Datagram(c, d, int(missing), Unknown)
			if !bytes.Equal(before, d) {
				t.Error("the datagram was changed")
			}
			for m, ok := r.Next(c); ok; m, ok = r.Next(c) {
				if len(m.Raw) != len(m.Body)+tlsparse.HandshakeHeaderLen {
					t.Errorf("message of %d bytes with a body of %d", len(m.Raw), len(m.Body))
				}
			}
		}
	})
}

// FuzzFrames gives any bytes to an Initial packet, as what it protects.
func FuzzFrames(f *testing.F) {
	f.Add(whole(rfcHello(f)))
	f.Add(append(ack, whole(rfcAnswer(f))...))
	f.Add([]byte{frameClose, 0x41, 0x78, 0x06, 2, 'o', 'k'})
	f.Fuzz(func(t *testing.T, payload []byte) {
		var r Reader
		var c Conn
		if len(payload) > 8000 {
			return
		}
		m := newClient(Version1)
		b := m.packet(payload)
		r.Datagram(&c, b, 0, Unknown)
		messages(&r, &c)
		r.Datagram(&c, b[:min(len(b), 200)], len(b), Unknown)
		messages(&r, &c)
		r.Partial(&c, Client)
		r.Release(&c)
		if r.Buffered() != 0 {
			t.Errorf("%d bytes are buffered after Release", r.Buffered())
		}
	})
}

// FuzzShuffle cuts a hello into frames that overlap, spreads them over packets
// and datagrams in any order: the same hello comes out, once.
func FuzzShuffle(f *testing.F) {
	f.Add(uint64(1), uint16(241), uint8(5), uint8(3))
	f.Add(uint64(2), uint16(1800), uint8(30), uint8(2))
	f.Add(uint64(3), uint16(60000), uint8(60), uint8(9))
	f.Fuzz(func(t *testing.T, seed uint64, size uint16, pieces, perPacket uint8) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		n := int(size) + tlsparse.HandshakeHeaderLen
		if n > maxCrypto {
			return
		}
		hello := binary.BigEndian.AppendUint32(nil, tlsparse.TypeClientHello<<24|uint32(size))
		for len(hello) < n {
			hello = append(hello, byte(rnd.Uint32()))
		}
		frames := cut(rnd, hello, min(int(pieces), maxRuns-2))
		rnd.Shuffle(len(frames), func(i, j int) { frames[i], frames[j] = frames[j], frames[i] })
		var r Reader
		var c Conn
		m, got := newClient(Version1), 0
		for len(frames) > 0 {
			k := min(len(frames), 1+int(perPacket%5))
			r.Datagram(&c, m.packet(frames[:k]...), 0, Unknown)
			frames = frames[k:]
			for msg, ok := r.Next(&c); ok; msg, ok = r.Next(&c) {
				if got++; !bytes.Equal(msg.Raw, hello) {
					t.Errorf("got %x, want %x", msg.Raw, hello)
				}
			}
		}
		if got != 1 || r.Buffered() != 0 {
			t.Errorf("%d hellos, %d bytes buffered; %+v", got, r.Buffered(), r.Stats())
		}
	})
}

// cut returns CRYPTO frames that cover a stream, and overlap.
func cut(rnd *rand.Rand, stream []byte, pieces int) (frames [][]byte) {
	const most = 1000 // so that maxRuns is enough, and a packet is not too long
	step := min(max(len(stream)/(pieces+1), 1), most)
	for off := 0; off < len(stream); off += step {
		start := max(0, off-rnd.IntN(step+1))
		end := min(len(stream), off+step+rnd.IntN(step+1))
		frames = append(frames, cryptoFrame(stream, start, end))
		if rnd.IntN(4) == 0 {
			frames = append(frames, ping, make([]byte, 1+rnd.IntN(9)))
		}
	}
	return frames
}

// FuzzAssembly compares the buffer with a map of bytes.
func FuzzAssembly(f *testing.F) {
	f.Add([]byte{0, 10, 20, 10, 5, 20, 0, 40})
	f.Add([]byte{9, 1, 7, 1, 5, 1, 3, 1, 0, 20})
	f.Fuzz(func(t *testing.T, ops []byte) {
		a := &assembly{data: make([]byte, 512)}
		model := map[int]byte{}
		for i := 0; i+1 < len(ops); i += 2 {
			off, n := int(ops[i]), 1+int(ops[i+1])
			b := bytesOf(byte(i/2), n)
			if !a.insert(off, b) {
				continue
			}
			for k := off; k < off+n; k++ {
				if _, ok := model[k]; !ok {
					model[k] = byte(i / 2)
				}
			}
			checkAssembly(t, a, model)
		}
	})
}

func checkAssembly(t *testing.T, a *assembly, model map[int]byte) {
	t.Helper()
	covered, last := 0, -1
	for _, r := range a.runs {
		if r.start <= last || r.end <= r.start {
			t.Fatalf("runs %v", a.runs)
		}
		last = r.end
		for k := r.start; k < r.end; k++ {
			if v, ok := model[k]; !ok || a.data[k] != v {
				t.Fatalf("byte %d is %d, want %d (%v)", k, a.data[k], v, ok)
			}
			covered++
		}
	}
	if covered != len(model) {
		t.Fatalf("%d bytes covered, want %d", covered, len(model))
	}
}
