package flow

import (
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"time"

	"blindspot/capture/decode"
	"blindspot/discover"
	"blindspot/tlsparse"
	"blindspot/tlsparse/keylog"
	"blindspot/tlsparse/quic"
)

// Defaults of a Config.
const (
	DefaultMaxFlows    = 1_000_000
	DefaultMaxBuffered = 128 << 20 // bytes of prefixes, all flows together
)

// How long a flow is kept without a packet, in packet time.
const (
	idleSYN      = 2 * time.Minute  // nothing but a SYN
	idleOpen     = 10 * time.Minute // a handshake under way: a proxy may take minutes to answer
	idleDone     = 15 * time.Minute // answered, or not ours
	closeGrace   = 5 * time.Second  // closed, but a part may come late
	refuseWithin = 5 * time.Second  // after the client's Finished; later, a server closes for want of use
	maxClockGap  = time.Hour        // a longer jump of the clock must be confirmed
	touchEvery   = time.Second      // the use of an answered flow is noted so often
)

// Config configures a Table. The zero value works, but tells nobody.
type Config struct {
	MaxFlows    int   // 0: DefaultMaxFlows
	MaxBuffered int64 // 0: DefaultMaxBuffered
	// Networks names what decode.Segment.Network numbers; 0 is "".
	Networks []string
	// Keys are logged secrets with which encrypted handshakes are opened; nil
	// for none. The table forgets those that it has used.
	Keys *keylog.Log
	// AwaitKeys says that Keys are being written while packets come.
	AwaitKeys bool
	// MissingKeys, where set, is called when Keys do not have those of a
	// handshake; it may add some.
	MissingKeys func()
	// NoFingerprints leaves JA3, JA3S and JA4 out of observations: they cost a
	// third of what else there is to say of a handshake.
	NoFingerprints bool
	// Emit receives each observation, and owns it.
	Emit func(*discover.Observation)
	// Collect, where set, returns where to put a handshake that is over, for an
	// Observer to read; Emit is not called then. The table has filled it when it
	// asks for the next, and when Segments or Close returns. What secrets have to
	// open, and what came in datagrams, is read before.
	Collect func() *Collected
	// Useless, where set, is called with each segment that told nothing, of a flow
	// that waits for nothing more: it is answered, or carries something else. A
	// source may leave out what else comes of the flow, but for segments with SYN
	// and those that begin with a hello.
	Useless func(s *decode.Segment)
	// Follow, where set, is called after each segment with how far its flow had
	// come before it, and has come now. That costs two look-ups.
	Follow func(s *decode.Segment, before, after Course)
}

// Stats counts what a Table did and what it gave up.
type Stats struct {
	ObserverStats // of what was observed here, not collected

	Flows     uint64 // table entries made
	Open      uint64 // entries now
	Segments  uint64
	Datagrams uint64 // UDP

	Foreign   uint64 // flows that carry something else
	Cleartext uint64 // of them those in which TLS was refused, or offered and declined
	MidStream uint64 // TLS connections whose handshake came before the capture

	TunnelIDs   uint64 // observations of which a tunnel's ID was left out: maxTunnelIDs, maxTunnelNames
	TunnelNames uint64 // observations without their tunnel: maxBareTunnels

	EvictedSYN  uint64 // entries given up for want of room, of each kind
	EvictedOpen uint64
	EvictedDone uint64
	NoBuffer    uint64 // handshakes ended early: MaxBuffered was reached
	OverPrefix  uint64 // segments past maxPrefix or maxHoles
	Broken      uint64 // directions that were TLS and then nonsense
	TooLong     uint64 // handshake messages over the limit
	ClockJumps  uint64 // packets whose time was too far ahead to be believed
}

// Table follows flows. It belongs to one goroutine.
type Table struct {
	cfg      Config
	stats    Stats
	seed     uint64
	messages maphash.Seed
	index    []slot // open addressing
	hashes   [segmentBatch]uint32
	ahead    uint32 // keeps the loads of lookAhead
	entries  [][]entry
	rests    [][]rest // of the entries of the same numbers
	used     uint32   // entries ever made
	free     uint32   // head of the list of free entries, +1
	live     int
	lists    [listCount]list
	hs       slab[handshake]
	streams  slab[stream]
	talks    slab[talks]
	prefaces slab[preface]
	sealed   slab[sealed]
	buffers  arena
	tunnels  tunnelNames

	now      int64  // time of the packet at hand
	clock    int64  // packet time, never going back
	suspect  int64  // a time too far ahead, waiting for confirmation
	jumped   uint64 // number of the packet that had it
	deadline int64  // when the next entry times out
	number   uint64

	quic      quic.Reader
	conns     []*quic.Conn // of the flow at hand
	connTalks []*talk      // whose they are
	talkBytes int64        // held by handshakes over datagrams

	sealedBytes int64
	spent       []spent

	hellos    recentHellos
	conn      recentConns
	parse     scratch
	observer  Observer
	collected Collected
}

// scratch is what parsing reuses.
type scratch struct {
	client tlsparse.ClientHello
	server tlsparse.ServerHello
	alerts []tlsparse.Alert
	hello  []byte
	// unwrapped is TLS taken out of packets.
	unwrapped []byte
	// unsealed is a datagram with what logged secrets opened of it.
	unsealed []byte
}

// entry is a flow in the table. It holds no pointer, and fills a line of the
// processor's cache: that is all that a packet of an answered flow reads of it.
type entry struct {
	key        key
	last       int64  // packet time of its last packet, or of its grace's end
	prev, next uint32 // in its list, +1
	hs         uint32 // handshake, +1; 0 for none
	list       listID
	flags      uint8
}

// rest is what is seldom needed of a flow.
type rest struct {
	isn    [2]uint32 // see flagISN0
	random uint32    // hash of the client random that was answered
}

const (
	flagISN0    = 1 << iota // isn[0] is known
	flagISN1                // isn[1] is known
	flagForeign             // it carries something else
	flagOpened0             // direction 0 sent the SYN that opened it
	flagOpened1             // direction 1 did
	flagHello               // over datagrams: a hello was answered
)

// key identifies a flow: both ends in canonical order, within one network.
type key struct {
	lo, hi         [16]byte
	loPort, hiPort uint16
	network        uint16
	proto          uint8
}

// New returns an empty table.
func New(cfg Config) *Table {
	cfg.MaxFlows = cmp.Or(cfg.MaxFlows, DefaultMaxFlows)
	cfg.MaxBuffered = cmp.Or(cfg.MaxBuffered, DefaultMaxBuffered)
	if cfg.Emit == nil {
		cfg.Emit = func(*discover.Observation) {}
	}
	t := &Table{cfg: cfg, seed: newSeed(), messages: maphash.MakeSeed(), index: make([]slot, 1<<10)}
	t.observer = *NewObserver(cfg)
	t.quic.MaxBuffered = cfg.MaxBuffered / 4
	t.buffers.limit = cfg.MaxBuffered
	t.deadline = never
	return t
}

// Stats returns the counters so far.
func (t *Table) Stats() Stats {
	s := t.stats
	s.Open = uint64(t.live)
	s.ObserverStats = s.ObserverStats.plus(&t.observer.stats)
	s.TunnelIDs, s.TunnelNames = t.tunnels.withoutID, t.tunnels.unnamed
	return s
}

// Clock returns the packet time that the table has reached, in nanoseconds
// since the Unix epoch.
func (t *Table) Clock() int64 { return t.clock }

// Segment takes the next segment. number orders packets within the source.
func (t *Table) Segment(s *decode.Segment, number uint64) {
	t.number = number
	t.take(s, t.hashOf(s))
}

// Segments takes the next segments.
func (t *Table) Segments(list []decode.Segment) {
	for len(list) > 0 {
		n := min(len(list), segmentBatch)
		t.lookAhead(list[:n])
		if t.cfg.Follow != nil {
			t.followed(list[:n])
			list = list[n:]
			continue
		}
		for i := range list[:n] {
			s := &list[i]
			t.number = s.Number
			t.take(s, t.hashes[i])
		}
		list = list[n:]
	}
}

func (t *Table) take(s *decode.Segment, h uint32) {
	t.now = s.Time
	if s.Time > t.clock {
		t.tick(s.Time)
	}
	if s.Proto != decode.TCP {
		t.datagram(s, h)
		if t.talkBytes > t.cfg.MaxBuffered/2 {
			t.relieve()
		}
		return
	}
	t.stats.Segments++
	n, e, dir := t.find(s, h)
	if e == nil {
		if len(s.Payload) == 0 && s.Flags&decode.SYN == 0 {
			return // nothing to learn from it
		}
		n, e, dir = t.insert(s, h)
	}
	if s.Flags&decode.SYN != 0 {
		t.syn(n, e, dir, s)
	}
	if e.hs == 0 {
		t.quiet(n, e, dir, s)
		return
	}
	t.segment(n, e, dir, s)
}

// useless tells of a segment that told nothing.
func (t *Table) useless(s *decode.Segment) {
	if t.cfg.Useless != nil {
		t.cfg.Useless(s)
	}
}

// tick advances the clock to the time of a packet. A single packet from the
// far future does not age the table.
func (t *Table) tick(now int64) {
	if now <= t.clock {
		return
	}
	if t.clock != 0 && now-t.clock > int64(maxClockGap) {
		if d := now - t.suspect; t.suspect == 0 || d < -int64(maxClockGap) || d > int64(maxClockGap) {
			t.suspect, t.jumped = now, t.number
			t.stats.ClockJumps++
			return
		}
		t.carry(now)
	}
	t.suspect = 0
	t.clock = now
	if now >= t.deadline {
		t.expire()
	}
}

// carry brings the handshakes that were used since a jump of the clock along to
// its other side.
func (t *Table) carry(now int64) {
	for n := t.lists[listOpen].tail; n != 0; {
		e := t.entry(n)
		if t.lastPacket(e) < t.jumped {
			return
		}
		e.last = now
		n = e.prev
	}
}

// lastPacket returns the number of the packet that touched an open entry last.
func (t *Table) lastPacket(e *entry) uint64 {
	if e.key.proto == decode.UDP {
		return t.talks.get(e.hs).number
	}
	return t.hs.get(e.hs).number
}

// Advance tells the table that packet time has reached now, for a source that
// is idle.
func (t *Table) Advance(now int64) { t.tick(now) }

// Close ends every flow, the one longest without a packet first.
func (t *Table) Close() {
	for _, id := range []listID{listClosing, listOpen} {
		for t.lists[id].head != 0 {
			n := t.lists[id].head
			t.finish(n, t.entry(n), t.clock)
		}
	}
	for id := range t.lists {
		for t.lists[id].head != 0 {
			t.remove(t.lists[id].head)
		}
	}
}

// keyOf returns the flow's key and the direction of s: 0 from lo to hi.
func keyOf(s *decode.Segment) (key, int) {
	k := key{lo: s.Src, hi: s.Dst, loPort: s.SrcPort, hiPort: s.DstPort, network: s.Network, proto: s.Proto}
	if less(&s.Dst, s.DstPort, &s.Src, s.SrcPort) {
		k.lo, k.hi, k.loPort, k.hiPort = s.Dst, s.Src, s.DstPort, s.SrcPort
		return k, 1
	}
	return k, 0
}

func less(a *[16]byte, ap uint16, b *[16]byte, bp uint16) bool {
	a0, b0 := be64(a[0:8]), be64(b[0:8])
	if a0 != b0 {
		return a0 < b0
	}
	a1, b1 := be64(a[8:16]), be64(b[8:16])
	if a1 != b1 {
		return a1 < b1
	}
	return ap < bp
}

// matches reports whether s belongs to the flow k, and in which direction. It
// compares both ways without a branch between: nobody can foretell which way a
// packet goes.
func (k *key) matches(s *decode.Segment) (dir int, ok bool) {
	lo0, lo1, hi0, hi1 := le64(k.lo[0:8]), le64(k.lo[8:16]), le64(k.hi[0:8]), le64(k.hi[8:16])
	src0, src1, dst0, dst1 := le64(s.Src[0:8]), le64(s.Src[8:16]), le64(s.Dst[0:8]), le64(s.Dst[8:16])
	ports, rest := uint64(k.loPort)<<16|uint64(k.hiPort), uint64(k.network^s.Network)<<8|uint64(k.proto^s.Proto)
	up := lo0 ^ src0 | lo1 ^ src1 | hi0 ^ dst0 | hi1 ^ dst1 | ports ^ (uint64(s.SrcPort)<<16 | uint64(s.DstPort))
	down := lo0 ^ dst0 | lo1 ^ dst1 | hi0 ^ src0 | hi1 ^ src1 | ports ^ (uint64(s.DstPort)<<16 | uint64(s.SrcPort))
	if up != 0 {
		dir = 1
	}
	return dir, rest == 0 && (up == 0 || down == 0)
}

func be64(b []byte) uint64 { return binary.BigEndian.Uint64(b) }

func le64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// hashOf hashes the flow of a segment, the same for both directions. A seed is
// mixed in, so that nobody can choose addresses that collide.
func (t *Table) hashOf(s *decode.Segment) uint32 {
	return fold(t.hashEnd(&s.Src, s.SrcPort), t.hashEnd(&s.Dst, s.DstPort), s.Network, s.Proto)
}

// hash is hashOf of the flow's segments.
func (t *Table) hash(k *key) uint32 {
	return fold(t.hashEnd(&k.lo, k.loPort), t.hashEnd(&k.hi, k.hiPort), k.network, k.proto)
}

func fold(a, b uint64, network uint16, proto uint8) uint32 {
	return uint32((a + b + uint64(network)<<8 + uint64(proto)) * 0x9e3779b97f4a7c15 >> 32)
}

func (t *Table) hashEnd(addr *[16]byte, port uint16) uint64 {
	a := mix(le64(addr[0:8])^t.seed, le64(addr[8:16])^0x9e3779b97f4a7c15)
	return mix(a^uint64(port), t.seed^0xd6e8feb86659fd93)
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
