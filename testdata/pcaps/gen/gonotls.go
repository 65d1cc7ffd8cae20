//go:build linux

package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"time"
)

func goUnanswered(l *lab) error {
	if err := l.network(false); err != nil {
		return err
	}
	answers := []func(*net.TCPConn){
		func(*net.TCPConn) { time.Sleep(500 * time.Millisecond) },
		func(*net.TCPConn) {},
		func(c *net.TCPConn) { _ = c.SetLinger(0) },
		func(c *net.TCPConn) { _, _ = c.Write([]byte("HTTP/1.0 400 Bad Request\r\n\r\n")) },
	}
	for i, answer := range answers {
		if err := l.addr(l.srv, fmt.Sprintf("10.77.0.%d", 10+i)); err != nil {
			return err
		}
		ln, err := l.listen(at(i))
		if err != nil {
			return err
		}
		go func() {
			for {
				c, err := ln.Accept()
				if err != nil {
					return
				}
				_, _ = c.Read(make([]byte, 4096))
				answer(c.(*net.TCPConn))
				_ = c.Close()
			}
		}()
	}
	id := l.pki.get("ecdsa")
	late := func(c net.Conn) net.Conn { time.Sleep(2 * time.Second); return c }
	server := serving(id)
	server.MaxVersion = tls.VersionTLS12
	if _, err := l.goServe(at(len(answers)), server, late); err != nil {
		return err
	}
	if err := l.capture(); err != nil {
		return err
	}
	cfg := l.pki.trusting("www.ecdsa.example", 0, "root")
	for i := range answers {
		h, err := l.goDial(goClient{to: at(i), cfg: cfg})
		if h == nil || err == nil {
			return fmt.Errorf("answer %d: %v", i, err)
		}
		h.Outcome = unanswered
		if i == 3 {
			// crypto/tls says so to whatever it was that answered.
			h.Note = "the server answers in plain HTTP"
		}
	}
	_, err := l.goOK(goClient{to: at(len(answers)), cfg: cfg}, id)
	return err
}

func goPorts(l *lab) error {
	if err := l.network(false); err != nil {
		return err
	}
	id := l.pki.get("ecdsa")
	ports := []int{25, 80, 31337, 65000}
	for _, p := range ports {
		l.decodeAs = append(l.decodeAs, "-d", fmt.Sprintf("tcp.port==%d,tls", p))
		if _, err := l.goServe(fmt.Sprintf("%s:%d", serverIP, p), serving(id), nil); err != nil {
			return err
		}
	}
	if err := l.capture(); err != nil {
		return err
	}
	for _, p := range ports {
		for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			if _, err := l.goOK(goClient{to: fmt.Sprintf("%s:%d", serverIP, p), cfg: l.pki.trusting("www.ecdsa.example", v, "root")}, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// notTLS are what clients say first, and what they get.
var notTLS = []struct {
	port         int
	first, reply string
}{
	{8080, "GET /\x16\x03\x01 HTTP/1.1\r\nHost: www.ecdsa.example\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
	{2222, "SSH-2.0-OpenSSH_9.2\r\n", "SSH-2.0-OpenSSH_9.2p1\r\n"},
	{8081, "\x16\x03\x01\x00\x05hello", "\x15\x03\x01\x00\x02no"},                                                // a record of type handshake that holds none
	{8082, "\x16\x03\x01\x02\x00\x02\x00\x01\xfc\x03\x03 and then words, not a hello at all", "what?"},           // a client that begins with a ServerHello
	{8083, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x09\x09 and then words, not a hello at all, without end", "no"}, // a version that never was
	{8084, "\x80\x2e\x05\x00\x02\x00 looks like SSL 2.0", "no"},
	{8085, "\x17\x03\x03\x00\x10sixteen bytes ok", "\x17\x03\x03\x00\x10sixteen bytes ok"}, // application data from the start
}

func goNoTLS(l *lab) error {
	if err := l.network(false); err != nil {
		return err
	}
	for _, c := range notTLS {
		ln, err := l.listen(fmt.Sprintf("%s:%d", serverIP, c.port))
		if err != nil {
			return err
		}
		go func() {
			for {
				conn, err := ln.Accept()
				if err != nil {
					return
				}
				_, _ = conn.Read(make([]byte, 4096))
				_, _ = conn.Write([]byte(c.reply))
				_ = conn.Close()
			}
		}()
	}
	if err := l.capture(); err != nil {
		return err
	}
	for _, c := range notTLS {
		from, err := l.clientAddr("")
		if err != nil {
			return err
		}
		conn, err := l.dial(from, fmt.Sprintf("%s:%d", serverIP, c.port))
		if err != nil {
			return err
		}
		_, _ = conn.Write([]byte(c.first))
		_, _ = io.ReadAll(conn)
		_ = conn.Close()
	}
	l.truth.Handshakes = []*handshake{}
	l.checked = notAsked
	return nil
}
