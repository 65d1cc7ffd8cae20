package main

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

func TestExitCode(t *testing.T) {
	bad := errors.New("bad")
	tests := []struct {
		name string
		err  error
		want int
		said string
	}{
		{"done", nil, 0, ""},
		{"joined nothing", errors.Join(nil, nil), 0, ""},
		{"findings", errFindings, 1, ""},
		{"findings, and a capture that gave nothing", errors.Join(errFindings, nil, errTold), 2, ""},
		{"told", errTold, 2, ""},
		{"error", bad, 2, "blindspot: bad\n"},
		{"error beside one that was told", errors.Join(bad, errTold), 2, "blindspot: bad\n"},
		{"escape sequences", errors.New("open \x1b[2J"), 2, "blindspot: open \uFFFD[2J\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var w bytes.Buffer
			if got := exitCode(&w, tt.err); got != tt.want || w.String() != tt.said {
				t.Errorf("got %d, %q; want %d, %q", got, w.String(), tt.want, tt.said)
			}
		})
	}
}

func TestParseTime(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	tests := []struct{ in, want string }{
		{"", "0001-01-01T00:00:00Z"},
		{"2026-11-20T08:00:00Z", "2026-11-20T08:00:00Z"},
		{"2026-11-20T08:00:00.5+02:00", "2026-11-20T06:00:00.5Z"},
		{"2026-11-20", "2026-11-20T00:00:00Z"},
		{"2026-11-20 08:30", "2026-11-20T08:30:00Z"},
		{"36h", "2026-11-21T22:00:00Z"},
		{"-36h", "2026-11-21T22:00:00Z"},
		{"14d", "2026-11-09T10:00:00Z"},
		{"yesterday", ""},
		{"2026-13-01", ""},
		{"10", ""},
	}
	for _, tt := range tests {
		got, err := parseTime(tt.in, now)
		if (err != nil) != (tt.want == "") {
			t.Errorf("%q: got error %v", tt.in, err)
		} else if err == nil && got.Format(time.RFC3339Nano) != tt.want {
			t.Errorf("%q: got %s, want %s", tt.in, got.Format(time.RFC3339Nano), tt.want)
		}
	}
}

func TestCounts(t *testing.T) {
	got := counts("; lost: ", map[string]uint64{"b": 2000, "a": 2000, "c": 0, "d": 3})
	if want := "; lost: 2,000 a, 2,000 b, 3 d"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := counts("; lost: ", nil); got != "" {
		t.Errorf("got %q, want nothing", got)
	}
}
