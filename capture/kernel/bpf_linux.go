package kernel

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What the reader asks of the kernel is asked here and not by the ebpf module,
// which for a descriptor that it did not make itself reads /proc: the reader
// may not see that. The kernel lets everybody who holds a map's descriptor use
// it from Linux 5.19 on.

// lookUpAttr, batchAttr are parts of union bpf_attr.
type lookUpAttr struct {
	fd    uint32
	_     uint32
	key   uint64
	value uint64
	flags uint64
}

type batchAttr struct {
	in, out      uint64
	keys, values uint64
	count        uint32
	fd           uint32
	elemFlags    uint64
	flags        uint64
}

// ask makes a bpf system call.
func ask(cmd uintptr, attr unsafe.Pointer, size uintptr) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_BPF, cmd, uintptr(attr), size)
		switch errno {
		case 0:
			return nil
		case unix.EINTR, unix.EAGAIN:
			continue
		}
		return errno
	}
}

// mapLookUp reads a value; of a map with one for each processor, all of them.
func mapLookUp[K, V any](fd int, key *K, value *V) error {
	a := lookUpAttr{fd: uint32(fd), key: address(unsafe.Pointer(key)), value: address(unsafe.Pointer(value))}
	err := ask(unix.BPF_MAP_LOOKUP_ELEM, unsafe.Pointer(&a), unsafe.Sizeof(a))
	runtime.KeepAlive(key)
	runtime.KeepAlive(value)
	return err
}

// mapDelete deletes an entry.
func mapDelete[K any](fd int, key *K) error {
	a := lookUpAttr{fd: uint32(fd), key: address(unsafe.Pointer(key))}
	err := ask(unix.BPF_MAP_DELETE_ELEM, unsafe.Pointer(&a), unsafe.Sizeof(a))
	runtime.KeepAlive(key)
	return err
}

// mapUpdate writes entries and returns how many.
func mapUpdate[K, V any](fd int, keys []K, values []V) (int, error) {
	a := batchAttr{
		fd: uint32(fd), count: uint32(len(keys)),
		keys: address(unsafe.Pointer(&keys[0])), values: address(unsafe.Pointer(&values[0])),
	}
	err := ask(unix.BPF_MAP_UPDATE_BATCH, unsafe.Pointer(&a), unsafe.Sizeof(a))
	runtime.KeepAlive(keys)
	runtime.KeepAlive(values)
	return int(a.count), err
}

func address(p unsafe.Pointer) uint64 { return uint64(uintptr(p)) }
