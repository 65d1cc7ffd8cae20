package evidence

import (
	"bytes"
	"container/list"
	"slices"
	"time"
	"unsafe"

	"blindspot/capture"
	"blindspot/capture/decode"
	"blindspot/discover/flow"
)

const (
	// maxFlow bounds the bytes that are kept of one flow: more than two
	// directions with the longest chain that is read.
	maxFlow = 1 << 20
	// maxPending bounds the flows of which it is not known what they carry, and
	// maxPendingBytes what is held of all. The oldest are given up.
	maxPending      = 1 << 16
	maxPendingBytes = 16 << 20
	// pendingFor is how long a flow may take to begin a handshake, as in a flow
	// table.
	pendingFor = 10 * time.Minute
	// maxFragments bounds the frames without a segment that may be fragments of
	// one.
	maxFragments = 512
)

// Keeper decides for one packet line which packets are kept. It belongs to the
// goroutine of that line.
type Keeper struct {
	out     *Writer
	iface   string
	packets func() []capture.Packet

	flows     map[key]*list.Element
	order     *list.List // of *kept, by their first packet
	bytes     int        // held of all
	fragments []frame
	joined    uint64 // fragments that the decoder has seen
	now       int64  // by the wall clock, since the last batch
	givenUp   uint64
}

// key is a flow, both ends in canonical order.
type key struct {
	lo, hi         [16]byte
	loPort, hiPort uint16
	network        uint16
	proto          uint8
}

// kept is what is held and known of a flow.
type kept struct {
	key       key
	since     int64
	handshake bool // it is one: packets are written as they come
	bytes     int
	frames    []frame // until then
	link      capture.LinkType
}

// NewKeeper returns a Keeper that writes to out. packets returns those that are
// being read.
func NewKeeper(out *Writer, iface string, packets func() []capture.Packet) *Keeper {
	return &Keeper{out: out, iface: iface, packets: packets, flows: map[key]*list.Element{}, order: list.New()}
}

// GivenUp counts flows of which packets were given up for want of room.
func (k *Keeper) GivenUp() uint64 { return k.givenUp }

// Follow is for flow.Config.
func (k *Keeper) Follow(s *decode.Segment, before, after flow.Course) {
	if before == after && (after == flow.CourseAnswered || after == flow.CourseForeign || after == flow.CourseNone) {
		return
	}
	id := keyOf(s)
	e := k.flows[id]
	switch after {
	case flow.CourseOpen, flow.CourseHandshake:
		if e == nil {
			e = k.begin(id, s.Time)
		}
	case flow.CourseAnswered:
		if e == nil && before != flow.CourseNone {
			return
		}
		if e == nil {
			e = k.begin(id, s.Time)
		}
	default:
		if e != nil {
			k.forget(e)
		}
		return
	}
	x := e.Value.(*kept)
	k.take(x, s)
	if after != flow.CourseOpen && !x.handshake {
		x.handshake = true
		k.out.add(k.iface, x.link, x.frames)
		k.release(x)
	}
	if after == flow.CourseAnswered {
		k.forget(e)
	}
}

// begin makes room for a flow.
func (k *Keeper) begin(id key, now int64) *list.Element {
	for k.order.Len() > 0 {
		oldest := k.order.Front()
		x := oldest.Value.(*kept)
		late := now-x.since > int64(pendingFor)
		if !late && k.order.Len() < maxPending && k.bytes < maxPendingBytes {
			break
		}
		if !late {
			k.givenUp++
		}
		k.forget(oldest)
	}
	e := k.order.PushBack(&kept{key: id, since: now})
	k.flows[id] = e
	return e
}

func (k *Keeper) forget(e *list.Element) {
	x := k.order.Remove(e).(*kept)
	k.release(x)
	delete(k.flows, x.key)
}

func (k *Keeper) release(x *kept) {
	for i := range x.frames {
		k.bytes -= len(x.frames[i].data)
	}
	x.frames = nil
}

// take keeps the packet of s, and the fragments that it was put together of.
func (k *Keeper) take(x *kept, s *decode.Segment) {
	p := k.find(s.Number)
	if p == nil {
		return
	}
	var list []frame
	if len(s.Payload) > 0 && !within(s.Payload, p.Data) {
		list = k.fragmentsOf(s)
	}
	list = append(list, k.copyOf(p))
	x.link = p.Link
	for i := range list {
		x.bytes += len(list[i].data)
	}
	if x.bytes > maxFlow {
		return
	}
	if x.handshake {
		k.out.add(k.iface, p.Link, list)
		return
	}
	for i := range list {
		k.bytes += len(list[i].data)
	}
	x.frames = append(x.frames, list...)
}

// find returns the packet with a number, nil for none.
func (k *Keeper) find(number uint64) *capture.Packet {
	list := k.packets()
	i, ok := slices.BinarySearchFunc(list, number, func(p capture.Packet, n uint64) int {
		switch {
		case p.Number < n:
			return -1
		case p.Number > n:
			return 1
		}
		return 0
	})
	if !ok {
		return nil
	}
	return &list[i]
}

func (k *Keeper) copyOf(p *capture.Packet) frame {
	return frame{came: k.now, number: p.Number, time: p.Time, length: p.Length, data: bytes.Clone(p.Data)}
}

// within reports whether b is a part of a.
func within(b, a []byte) bool {
	if len(a) == 0 {
		return false
	}
	first, x := uintptr(unsafe.Pointer(&a[0])), uintptr(unsafe.Pointer(&b[0]))
	return x >= first && x < first+uintptr(len(a))
}

// fragmentsOf returns the frames that hold the addresses of s side by side, as
// IP headers do, and were no segment of their own.
func (k *Keeper) fragmentsOf(s *decode.Segment) (list []frame) {
	ends := slices.Concat(s.Src[:], s.Dst[:])
	if mapped := [12]byte{10: 0xff, 11: 0xff}; bytes.HasPrefix(s.Src[:], mapped[:]) {
		ends = slices.Concat(s.Src[12:], s.Dst[12:])
	}
	rest := k.fragments[:0]
	for _, f := range k.fragments {
		if bytes.Contains(f.data, ends) {
			list = append(list, f)
		} else {
			rest = append(rest, f)
		}
	}
	clear(k.fragments[len(rest):])
	k.fragments = rest
	batch := k.packets()
	for i := range batch {
		if batch[i].Number >= s.Number {
			break
		}
		if bytes.Contains(batch[i].Data, ends) && k.isFragment(&batch[i]) {
			list = append(list, k.copyOf(&batch[i]))
		}
	}
	return list
}

// isFragment reports whether a packet is a fragment, by itself.
func (k *Keeper) isFragment(p *capture.Packet) bool {
	var s decode.Segment
	d := decode.New(decode.Config{})
	return !d.Decode(p, &s) && d.Stats().Fragments > 0
}

// Batch is called after every batch of packets, with the decoder's counters. It
// keeps fragments whose datagram is not whole.
func (k *Keeper) Batch(st decode.Stats, now time.Time) {
	k.now = now.UnixNano()
	if st.Fragments == k.joined {
		return
	}
	k.joined = st.Fragments
	batch := k.packets()
	for i := range batch {
		if k.isFragment(&batch[i]) {
			k.fragments = append(k.fragments, k.copyOf(&batch[i]))
		}
	}
	if n := len(k.fragments) - maxFragments; n > 0 {
		k.fragments = slices.Delete(k.fragments, 0, n)
	}
}

func keyOf(s *decode.Segment) key {
	k := key{lo: s.Src, hi: s.Dst, loPort: s.SrcPort, hiPort: s.DstPort, network: s.Network, proto: s.Proto}
	if c := bytes.Compare(s.Src[:], s.Dst[:]); c > 0 || c == 0 && s.SrcPort > s.DstPort {
		k.lo, k.hi, k.loPort, k.hiPort = s.Dst, s.Src, s.DstPort, s.SrcPort
	}
	return k
}
