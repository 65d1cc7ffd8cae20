package ring

import (
	"bytes"
	"errors"
	"os"
	"strconv"
)

// Softnet reads what the kernel dropped between interface and sockets because
// a processor's backlog was full. It counts for the whole host, not for an
// interface.
type Softnet struct {
	file *os.File
	base uint64
	last uint64
}

const softnet = "/proc/net/softnet_stat"

// maxSoftnet bounds what is read: a line a processor.
const maxSoftnet = 1 << 20

// OpenSoftnet begins to count. The file stays open, so that a process that
// may open nothing can read it.
func OpenSoftnet() (*Softnet, error) {
	f, err := os.Open(softnet)
	if err != nil {
		return nil, err
	}
	s := &Softnet{file: f}
	v, err := s.total()
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	s.base, s.last = v, v
	return s, nil
}

// Drops returns the packets dropped since OpenSoftnet.
func (s *Softnet) Drops() uint64 {
	if v, err := s.total(); err == nil && v >= s.base {
		s.last = v
	}
	return s.last - s.base
}

// Close closes the file.
func (s *Softnet) Close() error { return s.file.Close() }

func (s *Softnet) total() (uint64, error) {
	b := make([]byte, 16<<10)
	for {
		n, err := s.file.ReadAt(b, 0)
		if n < len(b) {
			if n == 0 {
				return 0, err
			}
			return softnetDrops(b[:n])
		}
		if len(b) >= maxSoftnet {
			return 0, errors.New(softnet + ": longer than 1 MiB")
		}
		b = make([]byte, 2*len(b))
	}
}

// softnetDrops adds up the second column, in hex, of each line.
func softnetDrops(b []byte) (total uint64, err error) {
	for line := range bytes.Lines(b) {
		fields := bytes.Fields(line)
		if len(fields) < 2 {
			return 0, errors.New(softnet + ": a line without a second column")
		}
		v, err := strconv.ParseUint(string(fields[1]), 16, 64)
		if err != nil {
			return 0, errors.New(softnet + ": " + err.Error())
		}
		total += v
	}
	return total, nil
}
