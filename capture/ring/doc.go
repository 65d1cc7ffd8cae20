// Package ring reads live interfaces through AF_PACKET sockets with a ring of
// blocks that kernel and reader share (TPACKET_V3). Linux only.
//
// It has two halves, for two processes. Open and OpenAll need CAP_NET_RAW:
// they return descriptors of sockets that already collect packets. New needs
// no privilege at all: it maps the ring of such a descriptor and is a
// capture.Source. What New, Next, Stats and Close ask of the kernel is short:
// mmap, munmap, poll or ppoll, getsockopt, getsockname, clock_gettime,
// eventfd2, read, write, close, ioctl with SIOCGIFNAME and SIOCGIFFLAGS, and,
// for the counters of worker 0, openat and pread64 below the Paths.
//
// Packets alias the ring: a block goes back to the kernel at the call of Next
// after the one that returned its last packet. While the reader holds blocks
// the kernel fills the others; when it has none left it drops packets, and
// counts each in Stats.KernelDrops.
//
// An interface that goes down keeps its rings: Next says ErrDown until it is up
// again. Of one that was removed all rings must be closed, and opened again
// together when there is another of its name.
//
// # VLAN tags
//
// The kernel takes the outer VLAN tag of a frame off before anybody sees it,
// with or without the help of the hardware. The reader puts it back, so that
// a frame is what was on the wire.
//
// # Merged frames
//
// With GRO or LRO the interface merges consecutive TCP segments into frames
// that were never on the wire, up to 64 KiB (with BIG TCP up to 512 KiB). For
// a reader of TLS that is a gain; only packet counts and sizes are not those
// of the wire. Offloads says whether it is so. A frame that does not fit into
// a block is cut, and counted as truncated.
//
// # Time
//
// The kernel stamps packets by the system's clock. When somebody sets that
// clock, times inside a flow must not jump: handshakes would time out, or
// seem to end before they began. The reader notices a step by the clock that
// counts since boot. After a step of up to an hour the times that it hands
// out go on as if nothing had happened, and then run at half or one and a
// half speed until they agree with the system's clock again. A longer step
// (a clock that was never set) is taken at once. Steps are counted.
package ring
