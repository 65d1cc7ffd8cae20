package opener

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"time"
)

const (
	// setsAtOnce is how many times the reader may ask for all its rings in a
	// row, and setsEvery how often it may later.
	setsAtOnce = 4
	setsEvery  = 5 * time.Second
	// maxStates bounds what is told to the service manager a second.
	maxStates = 20
)

// server answers the reader's requests.
type server struct {
	cfg     Config
	conn    *net.UnixConn
	manager string // address of the service manager
	rings   bucket
	states  bucket
}

func newServer(cfg Config, conn *net.UnixConn) *server {
	set := float64(max(1, len(cfg.Interfaces)*cfg.Workers+1))
	now := time.Now()
	return &server{
		cfg: cfg, conn: conn, manager: os.Getenv("NOTIFY_SOCKET"),
		rings:  bucket{size: setsAtOnce * set, rate: set / setsEvery.Seconds(), level: setsAtOnce * set, at: now},
		states: bucket{size: maxStates, rate: maxStates, level: maxStates, at: now},
	}
}

// run answers until the reader has ended.
func (s *server) run() {
	runtime.LockOSThread() // capabilities are raised in this thread
	if err := raise(); err != nil {
		_ = send(s.conn, newReply(err), Made{})
		return
	}
	hello := greeting{Notify: s.manager != "", Watchdog: int64(watchdog())}
	if send(s.conn, reply{Greeting: &hello}, Made{}) != nil {
		return
	}
	buf := make([]byte, maxMessage+1)
	for {
		// Descriptors that the reader might send are not received.
		n, err := s.conn.Read(buf)
		if err != nil || n == 0 {
			return
		}
		if err := s.answer(buf[:n]); err != nil {
			return
		}
	}
}

// answer answers one message.
func (s *server) answer(b []byte) error {
	made, err := s.handle(b)
	if err == nil {
		defer made.Close()
		err = send(s.conn, reply{}, made)
	}
	if err != nil {
		return send(s.conn, newReply(err), Made{})
	}
	return nil
}

// handle does what one message asks for.
func (s *server) handle(b []byte) (Made, error) {
	var r request
	if len(b) > maxMessage {
		return Made{}, fmt.Errorf("%w: a request over %d bytes", ErrRefused, maxMessage)
	}
	if err := decode(b, &r); err != nil {
		return Made{}, fmt.Errorf("%w: not understood: %v", ErrRefused, err)
	}
	if err := r.check(s.cfg.Interfaces, s.cfg.Workers); err != nil {
		return Made{}, err
	}
	if r.Kind == notify {
		if !s.states.take(time.Now()) {
			return Made{}, fmt.Errorf("%w: more than %d states a second", ErrRefused, maxStates)
		}
		return Made{}, tell(s.manager, r.State)
	}
	if !s.rings.take(time.Now()) {
		return Made{}, fmt.Errorf("%w: too many requests: ask again in %s", ErrRefused, setsEvery)
	}
	return s.cfg.Make(r.Interface, r.Worker)
}

// bucket bounds how often something happens.
type bucket struct {
	size, rate, level float64 // rate is a second
	at                time.Time
}

// take reports whether it may happen now.
func (b *bucket) take(now time.Time) bool {
	b.level = min(b.size, b.level+b.rate*now.Sub(b.at).Seconds())
	b.at = now
	if b.level < 1 {
		return false
	}
	b.level--
	return true
}
