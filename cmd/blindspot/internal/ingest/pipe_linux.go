package ingest

import (
	"os"

	"golang.org/x/sys/unix"
)

// pipeRoom is what a pipe is asked to hold: the most that a kernel grants
// everybody. The writer waits less often.
const pipeRoom = 1 << 20

// widen gives a pipe more room, if it is one.
func widen(f *os.File) { _, _ = unix.FcntlInt(f.Fd(), unix.F_SETPIPE_SZ, pipeRoom) }
