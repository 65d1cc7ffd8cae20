//go:build linux

package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	quicgo "github.com/quic-go/quic-go"
)

const quicStack = "quic-go 0.65.0 (" + goStack + ")"

// quicPatience is how long a side waits for the other one.
const quicPatience = 10 * time.Second

// A quicServer is a quic-go server inside the lab, which remembers how the
// handshake with each client ended, by the client's random.
type quicServer struct {
	mu    sync.Mutex
	ended map[string]quicEnd
	cond  *sync.Cond
}

// quicEnd is the server's view of a connection.
type quicEnd struct {
	client string
	state  quicgo.ConnectionState
}

// quicServing says how a server behaves.
type quicServing struct {
	tls    *tls.Config
	quic   *quicgo.Config
	retry  bool                            // validate addresses first
	answer func(*quicgo.Conn, quicSession) // nil for one word on each stream
}

// quicSession is what a server knows of a client that got through.
type quicSession struct{ random string }

// quicNetwork makes the wire and captures datagrams on it.
func (l *lab) quicNetwork() error {
	_ = os.Setenv("QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING", "true")
	return l.network(false)
}

// captureUDP captures datagrams, and the marker at the end.
func (l *lab) captureUDP(args ...string) error {
	l.filter = "udp or (tcp port " + fmt.Sprint(markerTo) + ")"
	return l.capture(args...)
}

// listenUDP opens a datagram socket in a namespace until the lab closes.
func (l *lab) listenUDP(ns, addr string) (*net.UDPConn, error) {
	a, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return nil, err
	}
	var c *net.UDPConn
	err = l.inNS(ns, func() (err error) {
		c, err = net.ListenUDP("udp", a)
		return err
	})
	if err == nil {
		l.closing(func() { _ = c.Close() })
	}
	return c, err
}

// closing is called when the lab closes.
func (l *lab) closing(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closers = append(l.closers, f)
}

// quicServe serves until the lab closes.
func (l *lab) quicServe(addr string, s quicServing) (*quicServer, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if err := l.addr(l.srv, host); err != nil {
		return nil, err
	}
	c, err := l.listenUDP(l.srv, addr)
	if err != nil {
		return nil, err
	}
	tr := &quicgo.Transport{Conn: c, VerifySourceAddress: func(net.Addr) bool { return s.retry }}
	srv := &quicServer{ended: map[string]quicEnd{}}
	srv.cond = sync.NewCond(&srv.mu)
	cfg := s.quic
	if cfg == nil {
		cfg = &quicgo.Config{}
	}
	cfg.DisablePathMTUDiscovery = true // probes are large, and say nothing
	var randoms sync.Map
	ln, err := tr.ListenEarly(rememberRandoms(s.tls, &randoms), cfg)
	if err != nil {
		return nil, err
	}
	l.closing(func() { _ = tr.Close() })
	go func() {
		for {
			conn, err := ln.Accept(l.ctx)
			if err != nil {
				return
			}
			go srv.serve(conn, s, &randoms)
		}
	}()
	return srv, nil
}

// rememberRandoms has each connection's random kept by the address of its
// ServerHello's configuration.
func rememberRandoms(cfg *tls.Config, randoms *sync.Map) *tls.Config {
	cfg = cfg.Clone()
	inner := cfg.Clone()
	cfg.GetConfigForClient = func(hi *tls.ClientHelloInfo) (*tls.Config, error) {
		c := inner.Clone()
		c.KeyLogWriter = &randomNote{by: hi.Conn.RemoteAddr().String() + " " + hi.ServerName, in: randoms}
		return c, nil
	}
	return cfg
}

// randomNote takes the client's random out of a key log.
type randomNote struct {
	by string
	in *sync.Map
}

func (n *randomNote) Write(line []byte) (int, error) {
	if f := strings.Fields(string(line)); len(f) == 3 {
		n.in.Store(n.by, f[1])
	}
	return len(line), nil
}

func (s *quicServer) serve(conn *quicgo.Conn, how quicServing, randoms *sync.Map) {
	select {
	case <-conn.HandshakeComplete():
	case <-conn.Context().Done():
		return
	}
	state := conn.ConnectionState()
	random, _ := randoms.Load(conn.RemoteAddr().String() + " " + state.TLS.ServerName)
	name, _ := random.(string)
	s.mu.Lock()
	s.ended[name] = quicEnd{conn.RemoteAddr().String(), state}
	s.cond.Broadcast()
	s.mu.Unlock()
	if how.answer != nil {
		how.answer(conn, quicSession{name})
		return
	}
	for {
		st, err := conn.AcceptStream(conn.Context())
		if err != nil {
			return
		}
		_, _ = io.ReadAll(st)
		_, _ = st.Write([]byte("hello\n"))
		_ = st.Close()
	}
}

// of waits for the end of a client's handshake as the server sees it.
func (s *quicServer) of(random string) (quicEnd, error) {
	stop := time.AfterFunc(quicPatience, s.cond.Broadcast)
	defer stop.Stop()
	late := time.Now().Add(quicPatience)
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if e, ok := s.ended[random]; ok {
			return e, nil
		}
		if time.Now().After(late) {
			return quicEnd{}, fmt.Errorf("the server knows no finished handshake of %s", random)
		}
		s.cond.Wait()
	}
}

// A quicClient is one connection by quic-go.
type quicClient struct {
	from, to string
	cfg      *tls.Config
	quic     *quicgo.Config
	early    bool              // data goes with the hello, if the session allows it
	socket   *quicgo.Transport // nil for one of its own; else its address is from
	during   func(*quicgo.Conn) error
}

// quicSocket opens a client's socket: an address and port for one or more
// connections.
func (l *lab) quicSocket(from string) (*quicgo.Transport, string, error) {
	addr, err := l.clientAddr(from)
	if err != nil {
		return nil, "", err
	}
	c, err := l.listenUDP(l.cli, addr.String())
	if err != nil {
		return nil, "", err
	}
	return &quicgo.Transport{Conn: c}, addr.String(), nil
}

// quicDial makes a connection, says one word, and keeps what the client knows
// of it. The error is the handshake's.
func (l *lab) quicDial(c quicClient) (*handshake, error) {
	if c.socket == nil {
		var err error
		if c.socket, c.from, err = l.quicSocket(c.from); err != nil {
			return nil, err
		}
		defer func() { _ = c.socket.Close() }()
	}
	h := l.add(&handshake{Client: c.from, Server: c.to, Transport: "quic", Outcome: established, ALPNOffered: c.cfg.NextProtos})
	h.named(c.cfg.ServerName)
	keys, err := l.keyLog()
	if err != nil {
		return h, err
	}
	defer func() { _ = keys.Close() }()
	var randoms sync.Map
	cfg := c.cfg.Clone()
	cfg.KeyLogWriter = io.MultiWriter(keys, &randomNote{in: &randoms})
	to, err := net.ResolveUDPAddr("udp", c.to)
	if err != nil {
		return h, err
	}
	ctx, cancel := context.WithTimeout(l.ctx, quicPatience)
	defer cancel()
	quicCfg := c.quic
	if quicCfg == nil {
		quicCfg = &quicgo.Config{}
	}
	quicCfg.DisablePathMTUDiscovery = true
	dial := c.socket.Dial
	if c.early {
		dial = c.socket.DialEarly
	}
	conn, err := dial(ctx, to, cfg, quicCfg)
	if r, ok := randoms.Load(""); ok {
		h.ClientRandom = r.(string)
	}
	if err != nil {
		return h, err
	}
	err = cmp.Or(oneWord(ctx, conn), h.takeQUIC(conn, &randoms))
	if err == nil && c.during != nil {
		err = c.during(conn)
	}
	return h, cmp.Or(err, conn.CloseWithError(0, ""))
}

// oneWord says a word and waits for the answer.
func oneWord(ctx context.Context, conn *quicgo.Conn) error {
	st, err := conn.OpenStreamSync(ctx)
	if err != nil {
		return err
	}
	if _, err := st.Write([]byte("hello\n")); err != nil {
		return err
	}
	_ = st.Close()
	answer, err := io.ReadAll(st)
	if err == nil && len(answer) == 0 {
		err = errors.New("the server answers nothing")
	}
	return err
}

func (h *handshake) takeQUIC(conn *quicgo.Conn, randoms *sync.Map) error {
	<-conn.HandshakeComplete()
	s := conn.ConnectionState()
	h.take(s.TLS)
	if r, ok := randoms.Load(""); ok {
		h.ClientRandom = r.(string)
	}
	return nil
}

// quicOK is a connection that must succeed on both sides.
func (l *lab) quicOK(srv *quicServer, c quicClient, id *ident) (*handshake, error) {
	h, err := l.quicDial(c)
	if err != nil {
		return h, fmt.Errorf("quic-go to %s: %w", c.to, err)
	}
	end, err := srv.of(h.ClientRandom)
	if err != nil {
		return h, err
	}
	if end.client != h.Client || end.state.TLS.ServerName != h.SNI {
		return h, fmt.Errorf("the server saw %s ask for %q, the client is %s and asked for %q", end.client, end.state.TLS.ServerName, h.Client, h.SNI)
	}
	return h.presents(id), nil
}
