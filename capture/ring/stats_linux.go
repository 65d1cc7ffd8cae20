package ring

import (
	"golang.org/x/sys/unix"

	"blindspot/capture"
)

// Stats asks the kernel for its counters, which takes some microseconds: call
// it once a second, not once a batch. Received counts what passed the filter,
// also what was dropped then for want of room.
func (r *Ring) Stats() capture.Stats {
	if r.state == closed {
		return r.stats
	}
	// The kernel forgets what it has told.
	if s, err := unix.GetsockoptTpacketStatsV3(r.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS); err == nil {
		r.stats.Received += uint64(s.Packets)
		r.stats.KernelDrops += uint64(s.Drops)
		r.stats.QueueFreezes += uint64(s.Freeze_q_cnt)
	}
	r.stats.InterfaceDrops = r.counters.read()
	r.stats.ClockSteps = r.clock.steps
	return r.stats
}

// Fill returns the share of the ring that waits for the reader, from 0 to 1.
func (r *Ring) Fill() float64 {
	if r.state == closed {
		return 0
	}
	waiting := 0
	for i := range r.cfg.Blocks {
		if statusOf(r.mem[i*r.cfg.BlockSize:]).Load()&unix.TP_STATUS_USER != 0 {
			waiting++
		}
	}
	return float64(waiting) / float64(r.cfg.Blocks)
}

// Now returns the present time as packets have it. A packet that waits in the
// ring, or in the block that the kernel fills, is older.
func (r *Ring) Now() int64 {
	system, _, _ := readClocks()
	return r.clock.time(system)
}

func (r *Ring) seeClock() {
	system, boot, doubt := readClocks()
	r.clock.see(system, boot, doubt, r.last)
}

// readClocks returns the system's clock, the one since boot that nobody can
// set, and how long it took to read both.
func readClocks() (system, boot, doubt int64) {
	var b0, s, b1 unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &b0)
	_ = unix.ClockGettime(unix.CLOCK_REALTIME, &s)
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &b1)
	return s.Nano(), b0.Nano(), b1.Nano() - b0.Nano()
}
