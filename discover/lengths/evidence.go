package lengths

import (
	"strconv"
	"strings"
)

// Habit is how a server lays its flight out in records.
type Habit uint8

// The habits.
const (
	Unknown   Habit = iota
	Separable       // each message in records of its own
	Padded          // so, too, and each record is longer by the same padding
	Packed          // several messages share records
)

var habitWords = [...]string{"unknown", "separable", "padded", "packed"}

// String returns the habit's word.
func (h Habit) String() string {
	if int(h) < len(habitWords) {
		return habitWords[h]
	}
	return ""
}

// Evidence is what the lengths of one flight say.
type Evidence struct {
	Habit Habit
	// Certificate is the length of the Certificate message with its header, 0
	// where it cannot be told.
	Certificate int
	// Key is the kind of key that signed: "rsa-2048", "p256", "ed25519", …; ""
	// where it cannot be told.
	Key string
	// Request is the length of the CertificateRequest before it, 0 for none.
	Request int
	// Total is, of packed messages, the bytes of all before Finished, rounded down
	// to a step within which signatures vary.
	Total int
	Asks  Asks
}

// Exact reports whether the length of the Certificate message is known.
func (e *Evidence) Exact() bool { return e.Certificate > 0 }

// Plain reports whether nothing was asked for that may be in the message
// beside the certificates.
func (e *Evidence) Plain() bool { return e.Asks.Extra == 0 }

// Comparable reports whether two handshakes asked the same of servers that let
// the length be read: with the same chain, their lengths agree.
func (e *Evidence) Comparable(o *Evidence) bool {
	return e.Exact() && o.Exact() && e.Asks == o.Asks
}

// String is the evidence as a sighting keeps it, "" for none: the same for
// every handshake with the same chain and asks.
func (e *Evidence) String() string {
	var buf [96]byte
	b := append(buf[:0], e.Habit.String()...)
	switch {
	case e.Exact():
		b = strconv.AppendInt(append(b, " cert="...), int64(e.Certificate), 10)
		b = append(append(b, " key="...), e.Key...)
		if e.Request > 0 {
			b = strconv.AppendInt(append(b, " request="...), int64(e.Request), 10)
		}
	case e.Habit == Packed && e.Total > 0:
		b = strconv.AppendInt(append(b, " total="...), int64(e.Total), 10)
	default:
		return ""
	}
	b = append(b, " asks="...)
	for shift := 12; shift >= 0; shift -= 4 {
		b = append(b, "0123456789abcdef"[e.Asks.Hash>>shift&0xf])
	}
	if e.Asks.Extra != 0 {
		b = append(append(b, " may="...), e.Asks.Extra.String()...)
	}
	return string(b)
}

// Parse reads what String writes. ok is false for anything else.
func Parse(s string) (e Evidence, ok bool) {
	habit, rest, _ := strings.Cut(s, " ")
	for i, w := range habitWords {
		if w == habit {
			e.Habit = Habit(i)
		}
	}
	for field := range strings.SplitSeq(rest, " ") {
		word, value, _ := strings.Cut(field, "=")
		if !e.set(word, value) {
			return Evidence{}, false
		}
	}
	return e, e.String() == s && s != ""
}

func (e *Evidence) set(word, value string) bool {
	var err error
	ok := true
	switch word {
	case "cert":
		e.Certificate, err = strconv.Atoi(value)
	case "request":
		e.Request, err = strconv.Atoi(value)
	case "total":
		e.Total, err = strconv.Atoi(value)
	case "key":
		e.Key = value
	case "asks":
		var n uint64
		n, err = strconv.ParseUint(value, 16, 16)
		e.Asks.Hash = uint16(n)
	case "may":
		e.Asks.Extra, ok = parseExtra(value)
	default:
		ok = false
	}
	return ok && err == nil
}
