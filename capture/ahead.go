package capture

import (
	"io"
	"os"
	"sync"
)

const (
	// aheadBlocks blocks of aheadBlock bytes are filled before they are asked for.
	aheadBlocks = 4
	aheadBlock  = 128 << 10
)

// Ahead reads from a slow reader, a decompressor or a pipe, in a goroutine of
// its own, while what was read before is worked on. What arrives is handed over
// at once, however little it is. Its Read belongs to one goroutine.
type Ahead struct {
	full chan []byte // blocks that were read; closed after the last
	free chan []byte
	err  error // what ended the reading, once full is closed

	once sync.Once
	done chan struct{} // closed by CloseWithError
	why  error         // what Read returns then

	block, rest []byte
}

// NewAhead starts reading r. The goroutine ends with r, or where the Ahead is
// closed after what is read next of r; it closes r then, if r is an io.Closer.
func NewAhead(r io.Reader) *Ahead {
	a := &Ahead{full: make(chan []byte, aheadBlocks), free: make(chan []byte, aheadBlocks), done: make(chan struct{})}
	for range aheadBlocks {
		a.free <- nil // made when it is needed
	}
	go a.run(r)
	return a
}

func (a *Ahead) run(r io.Reader) {
	defer close(a.full)
	if c, ok := r.(io.Closer); ok {
		defer c.Close()
	}
	for empty := 0; ; {
		var b []byte
		select {
		case b = <-a.free:
		case <-a.done:
			return
		}
		if b == nil {
			b = make([]byte, aheadBlock)
		}
		n, err := r.Read(b[:cap(b)])
		if n == 0 && err == nil {
			if empty++; empty == maxEmptyReads {
				err = io.ErrNoProgress
			}
			a.free <- b
		} else if n > 0 {
			empty = 0
			a.full <- b[:n] // has room for all blocks there are
		}
		if err != nil {
			a.err = err
			return
		}
	}
}

// Read implements io.Reader.
func (a *Ahead) Read(p []byte) (int, error) {
	if len(a.rest) == 0 {
		if a.block != nil {
			a.free <- a.block
			a.block = nil
		}
		select { // closed comes before what may still be there
		case <-a.done:
			return 0, a.why
		default:
		}
		select {
		case b, ok := <-a.full:
			if !ok {
				return 0, a.ended()
			}
			a.block, a.rest = b, b
		case <-a.done:
			return 0, a.why
		}
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

// ended is what ended the reading.
func (a *Ahead) ended() error {
	if a.err == nil { // closed
		<-a.done
		return a.why
	}
	return a.err
}

// CloseWithError has Read return err from now on, where it waits too.
func (a *Ahead) CloseWithError(err error) {
	a.once.Do(func() {
		a.why = err
		close(a.done)
	})
}

// Close is CloseWithError(os.ErrClosed).
func (a *Ahead) Close() error {
	a.CloseWithError(os.ErrClosed)
	return nil
}
