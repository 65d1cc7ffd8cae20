package main

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"blindspot/tlsparse"
)

// seen is what a sensor on the way sees of one handshake.
type seen struct {
	Hello   []byte // body of the first ClientHello
	Suite   uint16
	Retry   bool
	Records []int // lengths of the server's protected records, up to the client's first
}

// tap passes one connection on to port and reads both directions as they go
// by. The client talks to the address that it listens at.
type tap struct {
	listener net.Listener

	mu     sync.Mutex
	now    seen
	closed bool // the client's first protected record went by
	bufs   [2][]byte
	frames [2]tlsparse.Deframer
}

func newTap() (*tap, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	return &tap{listener: l}, err
}

func (t *tap) port() int { return t.listener.Addr().(*net.TCPAddr).Port }

// next takes one connection and returns what it showed.
func (t *tap) next(port int) (*seen, error) {
	t.now, t.closed, t.bufs, t.frames = seen{}, false, [2][]byte{}, [2]tlsparse.Deframer{}
	if err := t.listener.(*net.TCPListener).SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return nil, err
	}
	client, err := t.listener.Accept()
	if err != nil {
		return nil, fmt.Errorf("no client came: %w", err)
	}
	defer client.Close()
	server, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, err
	}
	defer server.Close()
	var wg sync.WaitGroup
	wg.Go(func() { t.pass(server, client, 0) })
	wg.Go(func() { t.pass(client, server, 1) })
	wg.Wait()
	if len(t.now.Records) == 0 || t.now.Hello == nil {
		return nil, errors.New("no handshake of TLS 1.3")
	}
	out := t.now
	return &out, nil
}

// pass copies one direction until it ends, or until a moment after the
// client's answer.
func (t *tap) pass(dst, src net.Conn, dir int) {
	defer func() { _ = dst.(*net.TCPConn).CloseWrite() }()
	buf := make([]byte, 64<<10)
	_ = src.SetReadDeadline(time.Now().Add(10 * time.Second))
	for {
		n, err := src.Read(buf)
		if n > 0 {
			if t.read(dir, buf[:n]) { // all was seen: a moment for good manners
				_ = src.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
				_ = dst.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
			}
			if _, err := dst.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// read follows a direction before its bytes go on, so that the order of both
// is the one that the peers saw.
func (t *tap) read(dir int, b []byte) (done bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := &t.frames[dir]
	t.bufs[dir] = append(t.bufs[dir], b[d.Skip(len(b)):]...)
	for {
		ev := d.Step(t.bufs[dir], 1<<20)
		switch ev.Kind {
		case tlsparse.EventNeed, tlsparse.EventBroken:
			return t.closed
		case tlsparse.EventMessage:
			t.message(ev)
		case tlsparse.EventProtected:
			switch {
			case dir == 0:
				t.closed = true
			case !t.closed:
				t.now.Records = append(t.now.Records, int(ev.N))
			}
		}
	}
}

func (t *tap) message(ev tlsparse.Event) {
	switch ev.Type {
	case tlsparse.TypeClientHello:
		if t.now.Hello == nil {
			t.now.Hello = slices.Clone(ev.Body)
		}
	case tlsparse.TypeServerHello:
		var h tlsparse.ServerHello
		if tlsparse.ParseServerHello(ev.Body, &h) == nil {
			t.now.Suite = h.CipherSuite
			t.now.Retry = t.now.Retry || h.HelloRetryRequest
		}
	}
}
