package starttls

import (
	"net/netip"
	"slices"
	"strings"

	"blindspot/tlsparse"
)

// maxLook bounds the bytes of each direction that are looked at. Prefaces are a
// few hundred bytes long; a dialogue that has not come to TLS by then will not.
const maxLook = 16 << 10

// maxNesting bounds the prefaces within each other: a PROXY header before a
// tunnel before SMTP is three.
const maxNesting = 4

// Ambiguous is the name where one direction was seen, and asks for TLS with
// words that several protocols have.
const Ambiguous = "starttls"

// State is how far the two sides came about TLS.
type State uint8

// The states of a dialogue.
const (
	Silent   State = iota // nothing was said of TLS yet
	Offered               // the server said that it can
	Started               // both agreed, or the handshake has begun
	Refused               // the client asked and the server refused
	Declined              // the server offered and the client went on in the clear
)

// String returns the state's name in lower case.
func (s State) String() string {
	switch s {
	case Offered:
		return "offered"
	case Started:
		return "started"
	case Refused:
		return "refused"
	case Declined:
		return "declined"
	}
	return "silent"
}

// Found is what the first bytes of a connection say.
//
// No: this is none of our prefaces, or it is one that has gone by without TLS
// being offered. A connection that begins with TLS has no preface either.
//
// Maybe: more bytes are needed. State and Name hold what is known so far; when
// the connection ends like this, they are the result.
//
// Yes: State says what was decided. With Started, TLS begins at the offsets;
// the bytes behind them may not have arrived. An offset is -1 while the bytes
// of its direction do not show it, because they were captured later or not at
// all: the other direction can be read at once, and Find asked again when more
// bytes come, with the whole prefixes, until both offsets are there or the
// connection ends. Until then Name, Target and Origin are what the visible
// direction shows. With Refused and Declined there are no offsets.
type Found struct {
	Answer  tlsparse.Answer
	State   State
	Wrapped Wrapping // TLS records travel inside packets of the preface
	Name    string   // outermost first, joined by "+"; empty with Maybe while several fit
	Client  int      // where TLS begins in the client's direction, or -1
	Server  int      // the same in the server's

	Target string         // with Yes: host:port asked of a proxy, escaped and bounded
	Origin netip.AddrPort // source that a PROXY header names
}

// found is Found before its target is made text.
type found struct {
	Found
	to target
	// alone: only one direction shows that a tunnel is open; nothing but TLS
	// in it proves it.
	alone bool
}

// Preface is a protocol that can stand before TLS.
type Preface struct {
	Name    string // as printed in reports
	What    string // the protocol, in a few words
	KnownBy string // what in its bytes says that TLS begins
	Source  string // what specifies it

	// tunnel: TLS, another preface or anything else follows; the preface itself
	// only says where.
	tunnel bool
	// client and server hold the bytes with which the directions can begin.
	client, server string
	find           func(client, server []byte) found
}

// prefaces are in the order of their files' names.
var prefaces []Preface

// byClient and byServer say, by a direction's first byte, which prefaces can
// begin so: bit i is prefaces[i].
var byClient, byServer [256]uint64

func register(p Preface) {
	bit := uint64(1) << len(prefaces)
	if bit == 0 {
		panic("starttls: more prefaces than bits")
	}
	prefaces = append(prefaces, p)
	for i := range len(p.client) {
		byClient[p.client[i]] |= bit
	}
	for i := range len(p.server) {
		byServer[p.server[i]] |= bit
	}
}

// Prefaces lists the prefaces that are understood, in the order of their
// names.
func Prefaces() []Preface {
	return slices.SortedFunc(slices.Values(prefaces), func(a, b Preface) int { return strings.Compare(a.Name, b.Name) })
}

// Names returns the names of the prefaces that are understood.
func Names() []string {
	names := make([]string, len(prefaces))
	for i := range prefaces {
		names[i] = prefaces[i].Name
	}
	return names
}

// Find looks at the first bytes of both directions of a connection; the client
// is who connected. Either may be empty or incomplete. It takes time linear in
// the bytes, looks at 16 KiB of each direction at most, keeps no reference, and
// allocates only for Yes, for what it found within a tunnel, and for a PROXY
// header of text.
func Find(client, server []byte) Found {
	full := len(client) >= maxLook || len(server) >= maxLook
	client, server = client[:min(len(client), maxLook)], server[:min(len(server), maxLook)]
	f := find(client, server, 1)
	if f.Answer == tlsparse.Maybe && full {
		f = f.decide()
	}
	if f.Answer != tlsparse.Yes {
		f.Client, f.Server = -1, -1
	} else {
		f.Target = f.to.String()
	}
	return f.Found
}

func find(client, server []byte, depth int) found {
	left := ^uint64(0) >> (64 - len(prefaces))
	if len(client) > 0 {
		left &= byClient[client[0]]
	}
	if len(server) > 0 {
		left &= byServer[server[0]]
	}
	var best found
	for i := 0; left != 0; i, left = i+1, left>>1 {
		if left&1 == 0 {
			continue
		}
		p := &prefaces[i]
		f := p.find(client, server)
		f.Name = p.Name
		if f.Answer == tlsparse.Yes && p.tunnel {
			f = f.within(client, server, depth)
		}
		if f.Answer == tlsparse.Yes && f.Client >= 0 && f.Server >= 0 {
			return f
		}
		best = best.or(f)
	}
	return best
}

// or combines what two prefaces say of directions that do not show all.
func (f found) or(g found) found {
	switch {
	case g.Answer != f.Answer:
		if g.Answer > f.Answer {
			return g
		}
	case g.State != f.State:
		if g.State > f.State {
			return g
		}
	case f.Answer == tlsparse.Maybe:
		f.Name = ""
	case f.Answer == tlsparse.Yes:
		f.Name = Ambiguous
	}
	return f
}

// within looks at what follows a tunnel's preface. A direction whose offset is
// not known is as good as empty.
func (f found) within(client, server []byte, depth int) found {
	client, server = from(client, f.Client), from(server, f.Server)
	c, s := probe(client, server)
	// Either is enough: a server may answer a hello with an error in text.
	f.Answer = max(c, s)
	if f.Answer == tlsparse.Yes {
		f.State = Started
		return f
	}
	if f.alone {
		f.Answer = tlsparse.Maybe
	}
	if depth == maxNesting || len(client)+len(server) == 0 {
		return f
	}
	in := find(client, server, depth+1)
	if in.Answer == tlsparse.No || f.alone && in.State != Started {
		return f
	}
	return f.around(in)
}

// probe says how each direction fits to TLS from its first byte on.
func probe(client, server []byte) (c, s tlsparse.Answer) {
	return tlsparse.ProbeClientHello(client), max(tlsparse.ProbeServerHello(server), tlsparse.ProbeAlert(server))
}

// around joins a tunnel and what was found in it.
func (f found) around(in found) found {
	in.Client, in.Server = add(f.Client, in.Client), add(f.Server, in.Server)
	if in.Answer == tlsparse.Yes || in.State != Silent {
		in.Name = f.Name + "+" + in.Name
	} else {
		in.Name = f.Name
	}
	if !in.Origin.IsValid() {
		in.Origin = f.Origin
	}
	if in.to.kind == targetNone {
		in.to = f.to
	}
	return in
}

// from returns b from an offset on, nothing where the offset is not known.
func from(b []byte, offset int) []byte {
	if offset < 0 {
		return nil
	}
	return b[offset:]
}

// add adds offsets of which either may be unknown.
func add(outer, inner int) int {
	if outer < 0 || inner < 0 {
		return -1
	}
	return outer + inner
}

// The results of a preface's find.

func no() found { return found{} }

func maybe(s State) found {
	return found{Found: Found{Answer: tlsparse.Maybe, State: s, Client: -1, Server: -1}}
}

// open is the point where a tunnel's preface ends.
func open(client, server int) found {
	return found{Found: Found{Answer: tlsparse.Yes, Client: client, Server: server}}
}

// perhaps is the same as one direction shows it, where the other is behind or
// missing.
func perhaps(client, server int) found {
	f := open(client, server)
	f.alone = true
	return f
}

func started(client, server int) found {
	return found{Found: Found{Answer: tlsparse.Yes, State: Started, Client: client, Server: server}}
}

// decided is a dialogue that goes on without TLS.
func decided(s State) found { return maybe(s).decide() }

func (f found) decide() found {
	switch f.State {
	case Offered:
		f.State = Declined
	case Silent, Started:
		f.Answer, f.State = tlsparse.No, Silent
		return f
	}
	f.Answer, f.Client, f.Server = tlsparse.Yes, -1, -1
	return f
}
