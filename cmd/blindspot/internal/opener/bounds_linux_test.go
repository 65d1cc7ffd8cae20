package opener

import (
	"testing"
	"time"
)

func FuzzFileCapabilities(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x02\x00 \x00\x00\x00\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(_ *testing.T, b []byte) { parseFile(b) })
}

func TestBucket(t *testing.T) {
	now := time.Unix(1000, 0)
	b := bucket{size: 3, rate: 0.5, level: 3, at: now}
	for i, want := range []bool{true, true, true, false, false} {
		if got := b.take(now); got != want {
			t.Errorf("request %d: got %v, want %v", i, got, want)
		}
	}
	now = now.Add(2 * time.Second)
	if !b.take(now) || b.take(now) {
		t.Error("after two seconds: want one more")
	}
	now = now.Add(time.Hour)
	for range 3 {
		if !b.take(now) {
			t.Error("after an hour: want three")
		}
	}
	if b.take(now) {
		t.Error("after an hour: want no more than three")
	}
}
