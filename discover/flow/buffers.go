package flow

// Buffers come in classes of doubling size and are known by a handle, so that
// a million of them are nothing to the garbage collector.
const (
	minBufferBits = 9  // 512 bytes: half of all hellos
	maxBufferBits = 18 // 256 KiB
	bufferClasses = maxBufferBits - minBufferBits + 1
	slabBits      = 18

	// maxPrefix bounds the bytes kept of one direction. A handshake that is
	// longer, or a hole that stays open for longer, is counted as truncated.
	maxPrefix = 1 << maxBufferBits
)

// buffer is the handle of a buffer: class in the low 4 bits, then its slot. 0
// is none.
type buffer uint32

func (b buffer) class() int { return int(b&15) - 1 }

// size returns how many bytes b holds.
func (b buffer) size() int {
	if b == 0 {
		return 0
	}
	return 1 << (minBufferBits + b.class())
}

// arena hands out buffers, and what else few streams need. Memory that was needed once is kept for reuse.
type arena struct {
	classes [bufferClasses]struct {
		slabs [][]byte
		free  []uint32
		slots uint32
	}
	isles slab[[maxHoles]island]
	notes slab[[maxMessages]message]
	used  int64 // bytes of buffers handed out
	limit int64
}

// full reports whether size more bytes would exceed the limit.
func (a *arena) full(size int) bool { return a.used+int64(size) > a.limit }

func classFor(size int) int {
	c := 0
	for size > 1<<(minBufferBits+c) {
		c++
	}
	return c
}

// alloc returns a buffer of at least size bytes, which must be within
// maxPrefix.
func (a *arena) alloc(size int) buffer {
	c := classFor(size)
	cl := &a.classes[c]
	a.used += 1 << (minBufferBits + c)
	var slot uint32
	if n := len(cl.free); n > 0 {
		slot = cl.free[n-1]
		cl.free = cl.free[:n-1]
	} else {
		perSlab := uint32(1) << (slabBits - minBufferBits - c)
		if cl.slots%perSlab == 0 {
			cl.slabs = append(cl.slabs, make([]byte, 1<<slabBits))
		}
		slot = cl.slots
		cl.slots++
	}
	return buffer(slot<<4 | uint32(c+1))
}

// bytes returns the memory of b.
func (a *arena) bytes(b buffer) []byte {
	if b == 0 {
		return nil
	}
	c := b.class()
	slot := uint32(b >> 4)
	shift := slabBits - minBufferBits - c
	at := int(slot&(1<<shift-1)) << (minBufferBits + c)
	slab := a.classes[c].slabs[slot>>shift]
	end := at + 1<<(minBufferBits+c)
	return slab[at:end:end]
}

func (a *arena) release(b buffer) {
	if b == 0 {
		return
	}
	a.used -= int64(b.size())
	a.free(b)
}

// free takes the memory of b back, which counts no longer.
func (a *arena) free(b buffer) {
	if b == 0 {
		return
	}
	c := b.class()
	a.classes[c].free = append(a.classes[c].free, uint32(b>>4))
}

// grow returns a buffer of at least size bytes with the first keep bytes of b,
// and releases b.
func (a *arena) grow(b buffer, size, keep int) buffer {
	if b.size() >= size {
		return b
	}
	bigger := a.alloc(size)
	copy(a.bytes(bigger), a.bytes(b)[:keep])
	a.release(b)
	return bigger
}
