//go:build unix

package capture

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapFile maps the first size bytes of a file. What is not there any more when
// it is read raises a memory fault, see File.Fault.
func mapFile(f *os.File, size int64) ([]byte, error) {
	if int64(int(size)) != size {
		return nil, unix.EOVERFLOW
	}
	return unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
}

func unmap(b []byte) { _ = unix.Munmap(b) }

// expect has the system read b from the disk, if it is not in memory.
func expect(b []byte) { _ = unix.Madvise(b, unix.MADV_WILLNEED) }

// passed gives back the page tables of b, which begins at a page. It stays
// readable.
func passed(b []byte) { _ = unix.Madvise(b, unix.MADV_DONTNEED) }
