package tlsparse

import (
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"errors"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

type compressedVector struct {
	what string
	CompressedCertificate
}

// compressedVectors returns what other people's encoders made.
func compressedVectors(t testing.TB) (list []compressedVector) {
	t.Helper()
	text, err := os.ReadFile("testdata/compressed.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if f[0] == "#" {
			continue
		}
		algorithm, err := strconv.Atoi(f[0])
		if err != nil {
			t.Fatal(err)
		}
		n, err := strconv.Atoi(f[2])
		if err != nil {
			t.Fatal(err)
		}
		data, err := hex.DecodeString(f[3])
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, compressedVector{f[1], CompressedCertificate{uint16(algorithm), n, data}})
	}
	return list
}

// message returns the CompressedCertificate message's body (RFC 8879 §4).
func (v compressedVector) message() []byte {
	n, m := v.UncompressedLength, len(v.Data)
	b := []byte{byte(v.Algorithm >> 8), byte(v.Algorithm), byte(n >> 16), byte(n >> 8), byte(n), byte(m >> 16), byte(m >> 8), byte(m)}
	return append(b, v.Data...)
}

func TestDecompress(t *testing.T) {
	want := rfc8448(t)["3 certificate"][HandshakeHeaderLen:]
	for _, v := range compressedVectors(t) {
		if v.what != "certificate" {
			continue
		}
		name := CompressionName(v.Algorithm)
		body := v.message()
		var c CompressedCertificate
		if err := ParseCompressedCertificate(body, &c); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := c.Decompress([]byte("before"), len(want))
		if err != nil || string(got) != "before"+string(want) {
			t.Errorf("%s: got %x, %v", name, got, err)
		}
		if _, err := c.Decompress(nil, len(want)-1); !errors.Is(err, ErrTooLong) {
			t.Errorf("%s: one byte over the limit: %v", name, err)
		}
		for _, claim := range []int{0, 1, len(want) - 1, len(want) + 1, 100_000} {
			lie := c
			lie.UncompressedLength = claim
			if got, err := lie.Decompress(nil, 1<<20); !errors.Is(err, ErrMalformed) || len(got) > 0 {
				t.Errorf("%s: %d bytes announced: got %d bytes, %v", name, claim, len(got), err)
			}
		}
		for i := range body {
			if err := ParseCompressedCertificate(body[:i], &c); err == nil {
				t.Errorf("%s: a prefix of %d bytes parses", name, i)
			}
			cut := CompressedCertificate{v.Algorithm, v.UncompressedLength, v.Data[:min(i, len(v.Data)-1)]}
			if got, err := cut.Decompress(nil, 1<<20); err == nil && !bytes.Equal(got, want) {
				t.Errorf("%s: a prefix of %d bytes decompresses to something else", name, i)
			}
		}
	}
	unknown := CompressedCertificate{Algorithm: 0x4321, UncompressedLength: 1}
	if _, err := unknown.Decompress(nil, 10); !errors.Is(err, ErrCompression) {
		t.Errorf("an unknown algorithm: %v", err)
	}
}

// TestDecompressBomb: what would become megabytes stops where the message said
// it would, and takes no more memory than that and the decoder's own.
func TestDecompressBomb(t *testing.T) {
	var zeros bytes.Buffer
	w := zlib.NewWriter(&zeros)
	for range 256 {
		w.Write(make([]byte, 64<<10))
	}
	w.Close()
	bombs := []compressedVector{{"bomb", CompressedCertificate{CompressionZlib, 16 << 20, zeros.Bytes()}}}
	for _, v := range compressedVectors(t) {
		if v.what == "bomb" {
			bombs = append(bombs, v)
		}
	}
	for _, v := range bombs {
		name := CompressionName(v.Algorithm)
		c := v.CompressedCertificate
		if _, err := c.Decompress(nil, 192<<10); !errors.Is(err, ErrTooLong) {
			t.Errorf("%s: an honest bomb: %v", name, err)
		}
		c.UncompressedLength = 4000
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got, err := c.Decompress(nil, 192<<10)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrMalformed) || len(got) > 0 {
			t.Errorf("%s: a bomb that says it is small: %d bytes, %v", name, len(got), err)
		}
		// The largest window that RFC 8878 wants, twice: zstd keeps a margin.
		if took := after.TotalAlloc - before.TotalAlloc; took > 2*maxZstdWindow+4<<20 {
			t.Errorf("%s: took %d KiB", name, took>>10)
		} else {
			t.Logf("%s: took %d KiB", name, took>>10)
		}
	}
}

func FuzzDecompress(f *testing.F) {
	for _, v := range compressedVectors(f) {
		if len(v.Data) < 2000 {
			f.Add(v.message())
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		const limit = 64 << 10
		var c CompressedCertificate
		if ParseCompressedCertificate(body, &c) != nil {
			return
		}
		got, err := c.Decompress(nil, limit)
		if err == nil && (len(got) != c.UncompressedLength || len(got) > limit) || err != nil && len(got) > 0 {
			t.Errorf("%d bytes announced, %d came, %v", c.UncompressedLength, len(got), err)
		}
		ParseCertificate13(got, nil)
	})
}
