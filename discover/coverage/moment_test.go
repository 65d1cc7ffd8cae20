package coverage

import (
	"testing"
	"time"
)

func TestMoment(t *testing.T) {
	at := func(s string) time.Time {
		x, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	// in order
	list := []time.Time{
		{}, at("1677-09-21T00:12:43.145224193Z"), at("1969-12-31T23:59:59.999999999Z"), time.Unix(0, 0), at("1970-01-01T00:00:00.000000001Z"),
		at("2026-11-23T10:00:00.123456789Z"), at("2262-04-11T23:47:16.854775807Z"),
	}
	for i, x := range list {
		if got := momentOf(x).time(); !got.Equal(x) || got.IsZero() != x.IsZero() {
			t.Errorf("%v: got %v back", x, got)
		}
		for j, y := range list {
			if got, want := momentOf(x) < momentOf(y), i < j; got != want {
				t.Errorf("%v before %v: got %v, want %v", x, y, got, want)
			}
		}
	}
	for _, far := range []string{"0001-01-02T00:00:00Z", "9999-01-01T00:00:00Z"} {
		got := momentOf(at(far)).time()
		if year := got.Year(); year != 1677 && year != 2262 {
			t.Errorf("%s: got %v, want one of the ends", far, got)
		}
	}
}

func TestStretch(t *testing.T) {
	var s stretch
	s.widen(5, 7)
	s.widen(3, 4)
	s.widen(6, 9)
	if want := (stretch{3, 9}); s != want {
		t.Errorf("got %v, want %v", s, want)
	}
}
