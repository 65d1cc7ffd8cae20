package ring

import (
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"blindspot/capture"
)

// Ring is the reading half of a socket that Open made. It belongs to one
// goroutine, but for Wake.
type Ring struct {
	cfg  Config
	fd   int
	mem  []byte
	link capture.LinkType
	info Info
	tags bool // VLAN tags are put back

	block  int  // the one that is read, or that comes next
	held   bool // block belongs to us
	left   int  // packets of it not handed out yet
	pos    int  // of the next one, in mem
	number uint64
	last   int64 // time of the last packet
	waits  uint64

	clock    clock
	stats    capture.Stats
	counters *counters

	state  state
	end    time.Time // when a ring whose interface is gone is empty
	wakeMu sync.Mutex
	wake   int // eventfd, -1 when closed
}

// state is what is known of the interface.
type state uint8

const (
	up state = iota
	down
	leaving // gone, and packets may still be in the ring
	gone
	closed
)

// New maps the ring of a socket from Open, of which it takes possession. cfg
// must have the BlockSize, Blocks and Retire of then.
func New(fd int, cfg Config) (*Ring, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	info, err := describe(fd, cfg)
	if err != nil {
		return nil, err
	}
	mem, err := unix.Mmap(fd, 0, cfg.BlockSize*cfg.Blocks, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, cfg.fault("map the ring", "opener and reader must agree on its size", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		_ = unix.Munmap(mem)
		return nil, cfg.fault("make an event descriptor", "", err)
	}
	r := &Ring{cfg: cfg, fd: fd, mem: mem, link: info.Link, info: info, tags: info.Link == capture.LinkEthernet, wake: wake}
	if cfg.Worker == 0 {
		r.counters = openCounters(cfg.Interface)
	}
	r.seeClock()
	return r, nil
}

// Info returns what the socket says of itself.
func (r *Ring) Info() Info { return r.info }

// Waits returns how often Next found no block ready, and waited until there was
// one or none could be under way. What the kernel took before one of these waits
// has been returned at the next.
func (r *Ring) Waits() uint64 { return r.waits }

// Next fills batch with packets of one block. It returns none and no error
// after Config.Timeout, or when woken.
func (r *Ring) Next(batch []capture.Packet) (int, error) {
	if r.left == 0 {
		if err := r.advance(); err != nil || r.left == 0 {
			return 0, err
		}
	}
	n := min(len(batch), r.left)
	for i := range n {
		r.packet(&batch[i])
	}
	r.left -= n
	if n > 0 {
		r.last = batch[n-1].Time
	}
	return n, nil
}

// packet reads the packet at pos.
func (r *Ring) packet(p *capture.Packet) {
	h := (*unix.Tpacket3Hdr)(unsafe.Pointer(&r.mem[r.pos : r.pos+unix.SizeofTpacket3Hdr][0]))
	begin := r.pos + int(h.Mac)
	end := begin + int(h.Snaplen)
	length := int(h.Len)
	if h.Status&unix.TP_STATUS_VLAN_VALID != 0 && r.tags && h.Snaplen >= macs {
		begin -= tag
		length += tag
		r.putTag(begin, h)
	}
	r.number++
	stamp := int64(h.Sec)*1e9 + int64(h.Nsec)
	if h.Status&unix.TP_STATUS_TS_RAW_HARDWARE == 0 {
		stamp = r.clock.time(stamp)
	}
	*p = capture.Packet{Time: stamp, Data: r.mem[begin:end:end], Length: length, Link: r.link, Number: r.number}
	r.stats.Packets++
	r.stats.Bytes += uint64(end - begin)
	if end-begin < length {
		r.stats.Truncated++
	}
	r.pos += int(h.Next_offset)
}

const (
	macs     = 12 // bytes of the two addresses in front of a tag
	tag      = 4
	etherTag = 0x8100
)

// putTag moves the addresses of a frame to begin, in front of which the
// kernel left room, and the tag behind them.
func (r *Ring) putTag(begin int, h *unix.Tpacket3Hdr) {
	frame := r.mem[begin:]
	copy(frame[:macs], frame[tag:tag+macs])
	typ := uint16(etherTag)
	if h.Status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
		typ = h.Hv1.Vlan_tpid
	}
	binary.BigEndian.PutUint16(frame[macs:], typ)
	binary.BigEndian.PutUint16(frame[macs+2:], uint16(h.Hv1.Vlan_tci))
}

// advance gives the block back that was read and takes the next one, if there
// is one before the timeout.
func (r *Ring) advance() error {
	if r.state == closed {
		return ErrClosed
	}
	if r.held {
		r.status().Store(unix.TP_STATUS_KERNEL)
		r.held = false
		r.block = (r.block + 1) % r.cfg.Blocks
	}
	if r.take() {
		return nil
	}
	if r.state == gone {
		return r.fault(ErrGone)
	}
	waited, err := r.wait()
	if err != nil {
		return err
	}
	if r.take() {
		r.waits++
		return nil
	}
	if waited >= 2*r.cfg.Retire { // the block that was being filled would have come
		r.waits++
		r.clock.settle()
	}
	return r.look()
}

// take makes the next block ours, if the kernel has given it.
func (r *Ring) take() bool {
	if r.status().Load()&unix.TP_STATUS_USER == 0 {
		return false
	}
	h := r.header()
	r.held = true
	r.left = int(h.Num_pkts)
	r.pos = r.block*r.cfg.BlockSize + int(h.Offset_to_first_pkt)
	r.seeClock()
	return r.left > 0
}

// header is the head of a block, behind version and offset to private data.
func (r *Ring) header() *unix.TpacketHdrV1 {
	return (*unix.TpacketHdrV1)(unsafe.Pointer(&r.mem[r.block*r.cfg.BlockSize+blockHeader]))
}

const blockHeader = 8

// status is the word by which a block changes hands.
func (r *Ring) status() *atomic.Uint32 { return statusOf(r.mem[r.block*r.cfg.BlockSize:]) }

func statusOf(block []byte) *atomic.Uint32 {
	return (*atomic.Uint32)(unsafe.Pointer(&block[blockHeader]))
}

// wait sleeps until there may be a block, something happens to the interface,
// Wake is called or the time is up. It returns how long that took, or 0 if it
// was not the time that ended it.
func (r *Ring) wait() (time.Duration, error) {
	fds := []unix.PollFd{{Fd: int32(r.fd), Events: unix.POLLIN}, {Fd: int32(r.wake), Events: unix.POLLIN}}
	begin := time.Now()
	for {
		left := r.cfg.Timeout - time.Since(begin)
		n, err := unix.Poll(fds, max(0, int((left+time.Millisecond-1)/time.Millisecond)))
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return 0, r.fault(err)
		case n == 0:
			return time.Since(begin), nil
		}
		break
	}
	if fds[1].Revents != 0 {
		var b [8]byte
		_, _ = unix.Read(r.wake, b[:])
	}
	if fds[0].Revents&unix.POLLERR != 0 {
		return 0, r.failed()
	}
	return 0, nil
}

// Wake ends a wait of Next, now or at its next call. It may be called at any
// time and from any goroutine.
func (r *Ring) Wake() {
	r.wakeMu.Lock()
	defer r.wakeMu.Unlock()
	if r.wake >= 0 {
		_, _ = unix.Write(r.wake, binary.NativeEndian.AppendUint64(nil, 1))
	}
}

// Close unmaps the ring, with all packets that Next returned, and closes the
// socket.
func (r *Ring) Close() error {
	if r.state == closed {
		return nil
	}
	r.state, r.left, r.held = closed, 0, false
	r.wakeMu.Lock()
	_ = unix.Close(r.wake)
	r.wake = -1
	r.wakeMu.Unlock()
	r.counters.close()
	return errors.Join(unix.Munmap(r.mem), unix.Close(r.fd))
}

func (r *Ring) fault(err error) error {
	return &Error{Interface: r.cfg.Interface, Err: err}
}
