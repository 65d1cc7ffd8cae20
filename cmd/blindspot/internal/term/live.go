package term

import (
	"fmt"
	"time"
)

// Live is the state of a sensor, for one line.
type Live struct {
	Where        string // the interfaces
	Packets      uint64
	Bytes        uint64
	Drops        uint64
	Handshakes   uint64
	Names        int
	Certificates int
	Findings     int    // -1: not known
	Trouble      string // "" for none
	Elapsed      time.Duration

	PacketRate, BitRate float64 // now
}

// Line is the state in at most width columns; what matters most comes first.
func (l *Live) Line(width int) string {
	s := fmt.Sprintf("%s %s pkt/s %sbit/s", l.Where, short(l.PacketRate), short(l.BitRate))
	if l.Drops > 0 {
		s += fmt.Sprintf(" %s DROPPED", Count(l.Drops))
	}
	if l.Trouble != "" {
		s += " " + l.Trouble
	}
	s += fmt.Sprintf(" | %s hs %s names %s certs", Count(l.Handshakes), Count(uint64(l.Names)), Count(uint64(l.Certificates)))
	if l.Findings >= 0 {
		s += fmt.Sprintf(" %s findings", Count(uint64(l.Findings)))
	}
	s += " " + l.Elapsed.Truncate(time.Second).String()
	r := []rune(s)
	return string(r[:min(len(r), max(width, 0))])
}

// short writes a number with a unit's letter: 12.3k.
func short(v float64) string {
	for _, u := range []string{"", "k", "M", "G"} {
		if v < 999.5 {
			if u == "" || v >= 99.95 {
				return fmt.Sprintf("%.0f%s", v, u)
			}
			return fmt.Sprintf("%.1f%s", v, u)
		}
		v /= 1000
	}
	return fmt.Sprintf("%.0fT", v)
}
