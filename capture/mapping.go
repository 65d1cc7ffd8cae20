package capture

import (
	"errors"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"unsafe"
)

// mappedStep is how much of a mapped file is made readable at a time. Then its
// length is asked for again, and what was read is let go: that interrupts the
// other processors, so it is done seldom.
const mappedStep = 64 << 20

var (
	errShrunk     = errors.New("it became shorter while it was read")
	errUnreadable = errors.New("its device does not deliver it")
)

// mapping is a file in memory, as the page cache holds it: packets are read
// where they are, and nothing is copied.
type mapping struct {
	file *os.File
	data []byte        // as long as the file was when it was mapped
	past [][]byte      // mapped before the file grew; packets in it may still be read
	kept int           // everything before was let go
	done *atomic.Int64 // up to where it was made readable
}

// newMapping maps a regular file from its start. It returns nil where that
// cannot be: the file is then read in blocks.
func newMapping(f *os.File, size int64, done *atomic.Int64) *mapping {
	if at, err := f.Seek(0, io.SeekCurrent); err != nil || at != 0 {
		return nil // standard input that somebody has begun to read
	}
	data, err := mapFile(f, size)
	if err != nil {
		return nil
	}
	return &mapping{file: f, data: data, done: done}
}

// reach makes the file readable up to end and one step further, and returns up
// to where it is. What is before pos is let go.
func (m *mapping) reach(pos, end int) (int, error) {
	info, err := m.file.Stat()
	if err != nil {
		return 0, err
	}
	size := info.Size()
	if size < int64(len(m.data)) {
		return int(size), errShrunk
	}
	if size > int64(len(m.data)) && end > len(m.data) {
		m.extend(size)
	}
	if behind := min(pos, len(m.data)) &^ (mappedStep - 1); behind > m.kept {
		passed(m.data[m.kept:behind])
		m.kept = behind
	}
	end = min((end+mappedStep)&^(mappedStep-1), len(m.data))
	expect(m.data[end&^(os.Getpagesize()-1) : min(end+mappedStep, len(m.data))])
	m.done.Store(int64(end))
	return end, nil
}

// extend maps a file that has grown anew.
func (m *mapping) extend(size int64) {
	if longer, err := mapFile(m.file, size); err == nil {
		m.past, m.data = append(m.past, m.data), longer
	}
}

// Close ends the mapping.
func (m *mapping) Close() error {
	for _, data := range append(m.past, m.data) {
		unmap(data)
	}
	m.past, m.data = nil, nil
	return nil
}

// offset returns where in the file an address is.
func (m *mapping) offset(addr uintptr) (int, bool) {
	if m == nil || len(m.data) == 0 {
		return 0, false
	}
	at := addr - uintptr(unsafe.Pointer(unsafe.SliceData(m.data)))
	return int(at), at < uintptr(len(m.data))
}

// Guard has the goroutine panic, instead of ending the program, where it reads
// what a mapped file has lost: it was cut off, or its disk fails. What recover
// then returns is for Fault. The function that Guard returns ends that.
func Guard() (end func()) {
	before := debug.SetPanicOnFault(true)
	return func() { debug.SetPanicOnFault(before) }
}

// faultAt returns where in a mapped file an access failed that ended in a panic.
func (f *File) faultAt(recovered any) (int, bool) {
	fault, ok := recovered.(interface {
		runtime.Error
		Addr() uintptr
	})
	if !ok {
		return 0, false
	}
	return f.win.mapped.offset(fault.Addr())
}

// Fault returns the *Error for what recover has returned, if that was an access
// to a part of the file that cannot be read any more; else nil. Nothing more is
// read of the file then.
func (f *File) Fault(recovered any) error {
	at, ok := f.faultAt(recovered)
	if !ok {
		return nil
	}
	f.win.lose(at)
	f.err = &Error{File: f.name, Offset: int64(at), Reason: f.readFault(f.win.err), Hint: f.readHint(), Err: f.win.err}
	return f.err
}
