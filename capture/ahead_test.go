package capture_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
	"time"

	"blindspot/capture"
)

func TestAhead(t *testing.T) {
	data := bytes.Repeat([]byte("abcdefg"), 300_000)
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		r    io.Reader
		want []byte
		err  error
	}{
		"whole":        {bytes.NewReader(data), data, nil},
		"byte by byte": {iotest.OneByteReader(bytes.NewReader(data[:5000])), data[:5000], nil},
		"error late":   {io.MultiReader(bytes.NewReader(data), iotest.ErrReader(broken)), data, broken},
		"data and EOF": {iotest.DataErrReader(bytes.NewReader(data)), data, nil},
		"empty":        {bytes.NewReader(nil), nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := io.ReadAll(capture.NewAhead(c.r))
			if !errors.Is(err, c.err) {
				t.Errorf("error %v, want %v", err, c.err)
			}
			if !bytes.Equal(got, c.want) {
				t.Errorf("%d bytes, want %d", len(got), len(c.want))
			}
		})
	}
}

// stuck waits until it is released, and tells when it is closed.
type stuck struct{ release, closed chan struct{} }

func (s stuck) Read([]byte) (int, error) { <-s.release; return 0, nil }
func (s stuck) Close() error             { close(s.closed); return nil }

// TestAheadClose: a Read that waits ends with the error; the reader is closed
// as soon as it comes back.
func TestAheadClose(t *testing.T) {
	s := stuck{make(chan struct{}), make(chan struct{})}
	a := capture.NewAhead(s)
	why := errors.New("enough")
	time.AfterFunc(10*time.Millisecond, func() { a.CloseWithError(why) })
	if n, err := a.Read(make([]byte, 10)); n != 0 || !errors.Is(err, why) {
		t.Errorf("Read = %d, %v, want 0, %v", n, err, why)
	}
	close(s.release)
	select {
	case <-s.closed:
	case <-time.After(10 * time.Second):
		t.Error("the reader was not closed")
	}
}
