package keylog

import "testing"

// BenchmarkLookup asks a log that has nothing, and one that has.
func BenchmarkLookup(b *testing.B) {
	var empty, full Log
	for n := range 10_000 {
		full.Add("x", []byte(logLine(serverLabel, n, 7, 32)))
	}
	r := random(77)
	for name, l := range map[string]*Log{"empty": &empty, "full": &full} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				s, _ := l.Lookup(r)
				s.Wipe()
			}
		})
	}
}

// BenchmarkOpen opens both flights of RFC 8448 §3 and reads what they say.
func BenchmarkOpen(b *testing.B) {
	s := rfcSections(b)[0]
	for b.Loop() {
		s.read(b)
	}
}

// BenchmarkWrongKey gives the longest records to a key that opens none of them,
// until it is given up.
func BenchmarkWrongKey(b *testing.B) {
	record := make([]byte, 5+1<<14)
	record[0], record[1], record[2], record[3] = 23, 3, 3, 1<<14>>8
	for b.Loop() {
		o, err := NewOpener(make([]byte, 32), 0x1301, false)
		if err != nil {
			b.Fatal(err)
		}
		for o.State() == Waiting {
			o.Flight(record)
		}
	}
}

// BenchmarkAdd reads a line.
func BenchmarkAdd(b *testing.B) {
	var l Log
	line := []byte(logLine(serverLabel, 7, 7, 32))
	for b.Loop() {
		l.Add("x", line)
	}
}
