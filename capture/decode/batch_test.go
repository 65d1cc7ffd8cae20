package decode_test

import (
	"slices"
	"testing"

	"blindspot/capture"
	"blindspot/capture/decode"
)

// TestBatch decodes all vectors in batches of several sizes: what comes is what
// comes of them one by one, and is still there when the batch is over.
func TestBatch(t *testing.T) {
	var packets []capture.Packet
	for range 2 {
		for _, v := range slices.Concat(vectors(), fragmentVectors()) {
			packets = append(packets, v.frames...)
		}
	}
	for i := range packets {
		packets[i].Number, packets[i].Time = uint64(i+1), int64(i+1)
	}
	single, s := decode.New(decode.Config{}), decode.Segment{}
	var want []string
	var numbers []uint64
	for i := range packets {
		if single.Decode(&packets[i], &s) {
			want, numbers = append(want, show(&s)), append(numbers, s.Number)
		}
	}
	for _, size := range []int{1, 2, 7, 64, 1000} {
		d, segments := decode.New(decode.Config{}), make([]decode.Segment, size)
		var got []string
		for rest := packets; len(rest) > 0; {
			taken, n := d.Batch(rest, segments)
			if taken == 0 {
				t.Fatalf("size %d: no packet was taken", size)
			}
			for i := range segments[:n] {
				if k := len(got); k < len(numbers) && segments[i].Number != numbers[k] {
					t.Errorf("size %d: got packet %d, want %d", size, segments[i].Number, numbers[k])
				}
				got = append(got, show(&segments[i]))
			}
			rest = rest[taken:]
		}
		if !slices.Equal(got, want) {
			t.Errorf("size %d: got %d segments, want %d, or others", size, len(got), len(want))
		}
		if d.Stats() != single.Stats() {
			t.Errorf("size %d: got %+v\nwant %+v", size, d.Stats(), single.Stats())
		}
	}
}
