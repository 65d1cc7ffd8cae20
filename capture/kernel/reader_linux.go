package kernel

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// markBatch is how many flows are told to the program in one system call.
	markBatch = 64
	// maxRecent is how many flows are remembered as told: a power of two.
	maxRecent = 1 << 12
	// markAgain is after which a flow that still delivers packets is told again:
	// the map may have lost it.
	markAgain = int64(time.Second)
	// openerStride is how far the counters of openers are apart: the kernel
	// rounds values up.
	openerStride = 8
)

// Cutoff tells the kernel which flows are answered, and has it drop their
// further packets. The package comment says how. All methods but Stats belong
// to the goroutine that reads the ring.
type Cutoff struct {
	fds     FDs
	openers []byte // of the program, shared with it
	seen    []uint32

	pending int
	keys    [markBatch]Key
	marks   [markBatch]mark
	recent  []recentMark

	snapshot []uint32 // of openers, while it is waited for that all have been read

	marked, calls, failed, lost atomic.Uint64
}

// recentMark is a flow that was told.
type recentMark struct {
	hash uint64
	at   int64
	seen uint32
}

// FromFDs takes over the descriptors of a cut-off, for the one reader of its
// ring: one that begins anew needs a ring and a cut-off that are new. It needs
// no privilege from Linux 5.19 on.
func FromFDs(fds FDs) (*Cutoff, error) {
	c := &Cutoff{fds: fds}
	if err := c.open(); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Cutoff) open() (err error) {
	c.openers, err = unix.Mmap(c.fds.Openers, 0, openerStride*openerSlots, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("share the counters of a cut-off: %w", err)
	}
	c.seen = make([]uint32, openerSlots)
	c.recent = make([]recentMark, maxRecent)
	if c.fds.CPUs <= 0 {
		return fmt.Errorf("a cut-off of %d processors", c.fds.CPUs)
	}
	_, err = c.Stats()
	return err
}

// FDs returns the descriptors. They stay the Cutoff's.
func (c *Cutoff) FDs() FDs { return c.fds }

// Close gives the descriptors back. A ring that uses the program keeps it, and
// what is cut off stays so.
func (c *Cutoff) Close() error {
	var errs []error
	if c.openers != nil {
		errs = append(errs, unix.Munmap(c.openers))
		c.openers = nil
	}
	for _, fd := range []*int{&c.fds.Program, &c.fds.Flows, &c.fds.Openers, &c.fds.Counters} {
		if *fd >= 0 {
			errs = append(errs, unix.Close(*fd))
			*fd = -1
		}
	}
	return errors.Join(errs...)
}

// Answered notes that packets of a flow are of no use any more, as far as is
// known from all openers that were told to Opened. Flush writes it. now is the
// time of the packet that says so, in nanoseconds.
func (c *Cutoff) Answered(k *Key, now int64) {
	h := k.hash()
	seen := c.seen[slotOf(h)]
	r := &c.recent[h>>40&(maxRecent-1)]
	if r.hash == h && r.seen == seen && now >= r.at && now-r.at < markAgain {
		return
	}
	*r = recentMark{hash: h, at: now, seen: seen}
	c.keys[c.pending] = *k
	c.marks[c.pending] = mark{Seen: seen, Slot: slotOf(h)}
	c.pending++
	if c.pending == markBatch {
		c.Flush()
	}
}

// Opened counts an opener that the reader has worked on, once, and after it
// has: what is said to Answered from then on counts for what begins with it.
func (c *Cutoff) Opened(k *Key) { c.seen[slotOf(k.hash())]++ }

// Forget has a flow's packets pass again.
func (c *Cutoff) Forget(k *Key) error {
	c.Flush()
	c.recent[k.hash()>>40&(maxRecent-1)] = recentMark{}
	if err := mapDelete(c.fds.Flows, k); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("forget a flow that is cut off: %w", err)
	}
	return nil
}

// Flush tells the program what Answered noted. What the kernel refuses is
// counted and lost: the flow's next packet says it again.
func (c *Cutoff) Flush() {
	if c.pending == 0 {
		return
	}
	n, err := mapUpdate(c.fds.Flows, c.keys[:c.pending], c.marks[:c.pending])
	if err != nil {
		c.failed.Add(uint64(c.pending - min(n, c.pending)))
	}
	c.marked.Add(uint64(min(n, c.pending)))
	c.calls.Add(1)
	c.pending = 0
}

// begin notes how many openers the program has counted; settle, called when all
// packets that the program had let pass by then have been worked on, finds out
// which of them the ring has dropped: they will never come.
func (c *Cutoff) begin() {
	c.snapshot = make([]uint32, openerSlots)
	for i := range c.snapshot {
		c.snapshot[i] = c.counted(i)
	}
}

func (c *Cutoff) settle() {
	for i, n := range c.snapshot {
		if behind := int32(n - c.seen[i]); behind > 0 {
			c.lost.Add(uint64(behind))
			c.seen[i] = n
		}
	}
	c.snapshot = nil
}

// counted reads what the program has counted.
func (c *Cutoff) counted(slot int) uint32 {
	return atomic.LoadUint32((*uint32)(unsafe.Pointer(&c.openers[openerStride*slot])))
}

// Stats returns the counters so far. It may be called at any time before Close.
func (c *Cutoff) Stats() (Stats, error) {
	sum, err := c.count()
	if err != nil {
		return Stats{}, fmt.Errorf("read the counters of a cut-off: %w", err)
	}
	s := statsOf(&sum)
	s.Marked, s.MarkCalls, s.Failed, s.Lost = c.marked.Load(), c.calls.Load(), c.failed.Load(), c.lost.Load()
	return s, nil
}

// count sums what the processors have counted.
func (c *Cutoff) count() (sum [countAll]counter, err error) {
	each := make([]counter, c.fds.CPUs)
	for key := range uint32(countAll) {
		if err := mapLookUp(c.fds.Counters, &key, &each[0]); err != nil {
			return sum, err
		}
		for _, n := range each {
			sum[key].Packets += n.Packets
			sum[key].Bytes += n.Bytes
		}
	}
	return sum, nil
}

func statsOf(n *[countAll]counter) Stats {
	s := Stats{
		Cut: n[countCut].Packets, CutBytes: n[countCut].Bytes, NotAsked: n[countNotAsked].Packets,
		Misses: n[countMiss].Packets, Stale: n[countStale].Packets,
		SYN: n[SYN].Packets, Hello: n[Hello].Packets, LongForm: n[LongForm].Packets, DTLS: n[DTLS].Packets,
		Closing: n[Closing].Packets, Exempt: n[Exempt].Packets, Fragments: n[Fragment].Packets, Unparsed: n[Unparsed].Packets,
	}
	for i := range n {
		if w := What(i); w != countCut && w != countNotAsked {
			s.Passed += n[i].Packets
			s.PassedBytes += n[i].Bytes
		}
	}
	return s
}
