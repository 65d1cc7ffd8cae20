package keylog

import (
	"errors"
	"fmt"

	"blindspot/tlsparse"
)

const (
	// maxPlain bounds the handshake bytes that are opened of one direction: more
	// than any chain in use, twice over.
	maxPlain = 512 << 10
	// maxAlerts bounds the alerts that are kept of one direction.
	maxAlerts = 4
	// maxUnopened bounds the records in a row that do not open, before a
	// direction is given up.
	maxUnopened = 8
	// maxEarly bounds those that come before the first that opens, where the
	// client said that it would send early data.
	maxEarly = 1024
	// maxAhead bounds the sequence numbers that are tried for one record, where
	// the one that is due does not fit: records before it were lost.
	maxAhead = 64
)

// State says how far an Opener has come.
type State uint8

// The states.
const (
	Waiting  State = iota // nothing opened yet
	Open                  // the handshake is being read
	Ended                 // up to Finished: what follows has other keys
	WrongKey              // nothing opens: these are another connection's secrets
	Broken                // it opened, and then no more: too much is missing, or too long
)

var stateNames = [...]string{"waiting", "open", "ended", "wrong-key", "broken"}

// String returns the state's name: "ended".
func (s State) String() string {
	if int(s) >= len(stateNames) {
		return "unknown"
	}
	return stateNames[s]
}

// Errors of a key that cannot be used.
var (
	// ErrNoSecret says that the log does not have the secret of this side.
	ErrNoSecret = errors.New("the key log does not have the secret that opens it")
	// ErrSuite says that a cipher suite cannot be opened here.
	ErrSuite = errors.New("records of this cipher suite cannot be opened")
)

// protection is what records are protected with: TLS 1.3's, or that of the
// versions before.
type protection interface {
	// open appends what a record holds to dst and returns its true type. skip
	// says that it is none to open; else ok says whether it opened.
	open(dst []byte, r tlsparse.Record, record []byte) (out []byte, typ uint8, ok, skip bool)
	// passed is how many sequence numbers were passed over.
	passed() int
	// lastFinished says whether the keys end with a Finished message.
	lastFinished() bool
	wipe()
}

// Opener takes the protection off the handshake records of one direction, and
// gives their messages. It opens nothing behind the Finished message. It belongs
// to one goroutine.
type Opener struct {
	keys   protection
	state  State
	early  bool
	missed int // records in a row that did not open
	stats  OpenerStats

	plain  []byte // handshake bytes
	at     int    // of which messages were told
	course course
	alerts []tlsparse.Alert
}

// OpenerStats counts what an Opener did.
type OpenerStats struct {
	Records  int // opened
	Unopened int // that did not open, early data among them
	Lost     int // sequence numbers that were passed over
}

// State returns how far the Opener has come.
func (o *Opener) State() State { return o.state }

// Stats returns the counters so far.
func (o *Opener) Stats() OpenerStats {
	s := o.stats
	s.Lost = o.keys.passed()
	return s
}

// Alerts returns the alerts that were encrypted.
func (o *Opener) Alerts() []tlsparse.Alert { return o.alerts }

// Flight opens the whole records at the start of b, a direction's bytes from a
// record's start on, and returns the length of what it took. The rest is to be
// given again with more bytes behind it. A flight that is broken or ended takes
// no more.
func (o *Opener) Flight(b []byte) (n int) {
	for o.state <= Open {
		r, ans := tlsparse.ParseRecordHeader(b[n:])
		if ans == tlsparse.No {
			o.fail()
			return n
		}
		end := n + tlsparse.RecordHeaderLen + r.Length
		if ans != tlsparse.Yes || end > len(b) {
			return n
		}
		o.Record(b[n:end])
		n = end
	}
	return n
}

// Record opens one record, header and all. Those that have no place among
// encrypted ones, such as ChangeCipherSpec in TLS 1.3, are passed over.
func (o *Opener) Record(record []byte) {
	r, ans := tlsparse.ParseRecordHeader(record)
	if o.state > Open || ans != tlsparse.Yes || len(record) != tlsparse.RecordHeaderLen+r.Length {
		return
	}
	before := len(o.plain)
	out, typ, ok, skip := o.keys.open(o.plain, r, record)
	if skip {
		if typ == tlsparse.RecordChangeCipherSpec {
			o.state = Ended
		}
		return
	}
	if !ok {
		o.miss()
		return
	}
	o.stats.Records++
	o.missed, o.state = 0, Open
	o.plain = out
	if typ != tlsparse.RecordHandshake {
		o.other(typ, before)
		return
	}
	used, finished := o.course.take(out[before:])
	clear(out[before+used:])
	o.plain = out[:before+used]
	switch {
	case finished && o.keys.lastFinished():
		o.end()
	case len(o.plain) > maxPlain:
		o.fail()
	}
}

// other takes the content of a record that is no handshake: alerts are kept,
// anything else is not ours.
func (o *Opener) other(typ uint8, from int) {
	content := o.plain[from:]
	if typ == tlsparse.RecordAlert {
		o.alerts, _ = tlsparse.ParseAlerts(content, o.alerts)
		o.alerts = o.alerts[:min(len(o.alerts), maxAlerts)]
	}
	clear(content)
	o.plain = o.plain[:from]
}

// miss counts a record that did not open.
func (o *Opener) miss() {
	o.stats.Unopened++
	o.missed++
	most := maxUnopened
	if o.early && o.state == Waiting {
		most = maxEarly
	}
	if o.missed >= most {
		o.fail()
	}
}

// fail gives the direction up.
func (o *Opener) fail() {
	state := Broken
	if o.state == Waiting {
		state = WrongKey
	}
	o.end()
	o.state = state
}

// end lets the keys go.
func (o *Opener) end() {
	o.keys.wipe()
	o.state = Ended
}

// Next returns the next whole handshake message. The body aliases the Opener's
// memory until Wipe.
func (o *Opener) Next() (typ uint8, body []byte, ok bool) {
	typ, n, ok := tlsparse.ParseHandshakeHeader(o.plain[o.at:])
	from := o.at + tlsparse.HandshakeHeaderLen
	if !ok || from+n > len(o.plain) {
		return 0, nil, false
	}
	o.at = from + n
	return typ, o.plain[from:o.at:o.at], true
}

// Wipe overwrites what was opened, and lets the keys go.
func (o *Opener) Wipe() {
	clear(o.plain)
	o.keys.wipe()
	*o = Opener{keys: o.keys, state: Ended}
}

// Format writes the state, whatever the verb.
func (o *Opener) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "opener (%v)", o.state) }

// course follows the boundaries of handshake messages, to know where Finished
// ends.
type course struct {
	header [tlsparse.HandshakeHeaderLen]byte
	have   int // of the header
	left   int // of the body
}

// take follows b and returns how much of it belongs to messages up to Finished.
func (c *course) take(b []byte) (used int, finished bool) {
	for used < len(b) {
		if c.have < len(c.header) {
			n := copy(c.header[c.have:], b[used:])
			c.have += n
			used += n
			if c.have < len(c.header) {
				return used, false
			}
			_, c.left, _ = tlsparse.ParseHandshakeHeader(c.header[:])
		}
		n := min(c.left, len(b)-used)
		c.left -= n
		used += n
		if c.left > 0 {
			return used, false
		}
		c.have = 0
		if c.header[0] == tlsparse.TypeFinished {
			return used, true
		}
	}
	return used, false
}
