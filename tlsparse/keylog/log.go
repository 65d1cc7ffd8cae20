package keylog

import (
	"bytes"
	"fmt"
	"sync"
	"sync/atomic"
)

const (
	// DefaultMaxConnections bounds the connections whose secrets a Log holds,
	// at some 250 bytes each. Beyond it the oldest ones go.
	DefaultMaxConnections = 200_000
	// maxFaults bounds the bad lines that are kept to be told of.
	maxFaults = 8
)

// Stats counts what a Log has read.
type Stats struct {
	Lines       uint64 // that are neither empty nor comments
	Secrets     uint64 // kept
	Ignored     uint64 // lines of secrets that are not wanted
	Bad         uint64 // lines that follow no rule
	Evicted     uint64 // connections forgotten for MaxConnections
	Connections int    // held now
	Claimed     uint64 // look-ups that found something
}

// Fault is a line that could not be read.
type Fault struct {
	Name string // of the file, or what it came with
	Line int
	Err  error
}

// Error tells of the fault without showing the line: it may hold a secret.
func (f Fault) Error() string { return fmt.Sprintf("%s:%d: %v", f.Name, f.Line, f.Err) }

// Unwrap returns the reason.
func (f Fault) Unwrap() error { return f.Err }

// Log holds the secrets of connections by the random of their ClientHello. The
// zero value is ready, a nil Log is empty. Its methods may be called at the same
// time: one goroutine follows files while others look secrets up.
type Log struct {
	// MaxConnections bounds the connections held. 0: DefaultMaxConnections. It
	// is set before the first use.
	MaxConnections int

	held atomic.Int64 // connections; read without the lock

	mu       sync.RWMutex
	secrets  map[[RandomLen]byte]*held
	order    []place // oldest first, from first on; with places of the forgotten
	first    int
	claimed  atomic.Uint64
	near     atomic.Uint64 // number of the connection claimed last
	stats    Stats
	faults   []Fault
	sequence uint64
}

// held is what a Log has of one connection.
type held struct {
	Secrets
	number  uint64 // its place in the order
	claimed atomic.Bool
	tries   atomic.Uint32 // by Unclaimed
}

// place is a connection's place in the order of arrival.
type place struct {
	random [RandomLen]byte
	number uint64
}

// Empty reports whether there is nothing to look up. It costs one load.
func (l *Log) Empty() bool { return l == nil || l.held.Load() == 0 }

// Add reads text in the format of a key log, such as a decryption secrets block
// of pcapng holds. name is told with bad lines. The text is not kept.
func (l *Log) Add(name string, text []byte) {
	for n := 1; len(text) > 0; n++ {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		l.addLine(name, n, line)
		text = rest
	}
}

// addLine reads one line.
func (l *Log) addLine(name string, n int, line []byte) {
	var e entry
	err := errLong
	if len(line) <= maxLine {
		err = parseLine(line, &e)
	}
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] == '#' {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stats.Lines++
	switch {
	case err != nil:
		l.stats.Bad++
		if len(l.faults) < maxFaults {
			l.faults = append(l.faults, Fault{name, n, err})
		}
	case e.slot == slotNone:
		l.stats.Ignored++
	default:
		l.stats.Secrets++
		l.put(&e)
	}
	e.secret = secret{}
}

// put keeps a secret. A later one of the same kind replaces it.
func (l *Log) put(e *entry) {
	h := l.secrets[e.random]
	if h == nil {
		h = l.insert(e.random)
	}
	switch e.slot {
	case slotClient:
		h.client = e.secret
	case slotServer:
		h.server = e.secret
	case slotMaster:
		h.master = e.secret
	}
}

// insert makes room for a connection.
func (l *Log) insert(random [RandomLen]byte) *held {
	most := l.MaxConnections
	if most <= 0 {
		most = DefaultMaxConnections
	}
	for len(l.secrets) >= most {
		l.stats.Evicted++
		l.evict()
	}
	if l.secrets == nil {
		l.secrets = make(map[[RandomLen]byte]*held)
	}
	l.sequence++
	h := &held{number: l.sequence}
	l.secrets[random] = h
	l.order = append(l.order, place{random, l.sequence})
	l.held.Store(int64(len(l.secrets)))
	return h
}

// evict forgets the oldest connection.
func (l *Log) evict() {
	for l.first < len(l.order) {
		p := l.order[l.first]
		l.first++
		if h := l.secrets[p.random]; h != nil && h.number == p.number {
			l.remove(p.random, h)
			break
		}
	}
	l.compact()
}

// remove overwrites and drops what is held of a connection.
func (l *Log) remove(random [RandomLen]byte, h *held) {
	h.Wipe()
	delete(l.secrets, random)
	l.held.Store(int64(len(l.secrets)))
}

// compact drops places that nothing stands at any more, once they are the most.
func (l *Log) compact() {
	if len(l.order) < 1024 || len(l.order) < 2*len(l.secrets) {
		return
	}
	kept := l.order[:0]
	for _, p := range l.order[l.first:] {
		if h := l.secrets[p.random]; h != nil && h.number == p.number {
			kept = append(kept, p)
		}
	}
	clear(l.order[len(kept):])
	l.order, l.first = kept, 0
}

// Lookup returns a copy of the secrets of the connection whose ClientHello has
// this random. Wipe it when it is used up.
func (l *Log) Lookup(random []byte) (s Secrets, ok bool) {
	if l.Empty() || len(random) != RandomLen {
		return s, false
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	h := l.secrets[[RandomLen]byte(random)]
	if h == nil {
		return s, false
	}
	l.claim(h)
	return h.Secrets, true
}

// claim notes that a connection was found.
func (l *Log) claim(h *held) {
	h.claimed.Store(true)
	l.claimed.Add(1)
	l.near.Store(h.number)
}

// Forget overwrites the secrets of a connection, whose flow has ended.
func (l *Log) Forget(random []byte) {
	if l.Empty() || len(random) != RandomLen {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if h := l.secrets[[RandomLen]byte(random)]; h != nil {
		l.remove([RandomLen]byte(random), h)
	}
	l.compact()
}

// Clear overwrites all secrets.
func (l *Log) Clear() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for random, h := range l.secrets {
		l.remove(random, h)
	}
	l.order, l.first = nil, 0
}

// Stats returns the counters so far.
func (l *Log) Stats() Stats {
	if l == nil {
		return Stats{}
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	s := l.stats
	s.Connections = len(l.secrets)
	s.Claimed = l.claimed.Load()
	return s
}

// Faults returns the first bad lines.
func (l *Log) Faults() []Fault {
	if l == nil {
		return nil
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	return append([]Fault(nil), l.faults...)
}

// Format writes how much there is, whatever the verb.
func (l *Log) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "key log of %d connections", l.Stats().Connections)
}
