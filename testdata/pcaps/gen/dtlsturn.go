//go:build linux

package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// What of STUN and TURN a client needs (RFC 8489 §14, RFC 8656 §18).
const (
	stunCookie           = 0x2112a442
	turnAllocate         = 0x003
	turnCreatePermission = 0x008
	turnChannelBind      = 0x009
	turnSend             = 0x016
	turnData             = 0x017
	attrChannelNumber    = 0x000c
	attrXorPeerAddress   = 0x0012
	attrData             = 0x0013
	attrXorRelayed       = 0x0016
	attrTransport        = 0x0019
	turnChannel          = 0x4001
)

// A turnClient is a program's way through a TURN server: what it sends to a
// socket of its own machine comes out at the relay's address.
type turnClient struct {
	conn    *net.UDPConn // to the TURN server
	peer    []byte       // XOR-PEER-ADDRESS
	channel bool
	program atomic.Pointer[net.UDPAddr]
}

func attr(typ uint16, value []byte) []byte {
	b := append(be.AppendUint16(be.AppendUint16(nil, typ), uint16(len(value))), value...)
	return append(b, make([]byte, -len(value)&3)...)
}

func stunMessage(typ uint16, attrs ...[]byte) []byte {
	body := bytes.Join(attrs, nil)
	b := be.AppendUint32(be.AppendUint16(be.AppendUint16(nil, typ), uint16(len(body))), stunCookie)
	id := make([]byte, 12)
	_, _ = rand.Read(id)
	return append(append(b, id...), body...)
}

// stunAttr returns the value of a message's attribute.
func stunAttr(b []byte, typ uint16) []byte {
	for b = b[min(20, len(b)):]; len(b) >= 4; {
		n := int(be.Uint16(b[2:]))
		if 4+n > len(b) {
			return nil
		}
		if be.Uint16(b) == typ {
			return b[4 : 4+n]
		}
		b = b[min(4+(n+3)&^3, len(b)):]
	}
	return nil
}

// xorAddr is an IPv4 address as STUN writes it (RFC 8489 §14.2).
func xorAddr(a netip.AddrPort) []byte {
	ip := a.Addr().As4()
	return be.AppendUint32(be.AppendUint16([]byte{0, 1}, a.Port()^stunCookie>>16), be.Uint32(ip[:])^stunCookie)
}

func (t *turnClient) request(typ uint16, attrs ...[]byte) ([]byte, error) {
	if _, err := t.conn.Write(stunMessage(typ, attrs...)); err != nil {
		return nil, err
	}
	buf := make([]byte, 1500)
	_ = t.conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	defer func() { _ = t.conn.SetReadDeadline(time.Time{}) }()
	n, err := t.conn.Read(buf)
	if err == nil && be.Uint16(buf) != typ|0x100 {
		err = fmt.Errorf("TURN request %#x: got the answer %x", typ, buf[:n])
	}
	return buf[:n], err
}

// turn opens an allocation at the TURN server for a peer, and returns the
// address on the client's own machine where a program can use it.
func (l *lab) turn(from netip.AddrPort, server, peer string, channel bool) (string, error) {
	t := &turnClient{channel: channel, peer: attr(attrXorPeerAddress, xorAddr(netip.MustParseAddrPort(peer)))}
	err := l.inNS(l.cli, func() (err error) {
		t.conn, err = net.DialUDP("udp", net.UDPAddrFromAddrPort(from), net.UDPAddrFromAddrPort(netip.MustParseAddrPort(server)))
		return err
	})
	if err != nil {
		return "", err
	}
	l.closing(func() { _ = t.conn.Close() })
	answer, err := t.request(turnAllocate, attr(attrTransport, []byte{17, 0, 0, 0}))
	if err != nil {
		return "", err
	}
	if len(stunAttr(answer, attrXorRelayed)) != 8 {
		return "", errors.New("the TURN server allocates no address")
	}
	if channel {
		_, err = t.request(turnChannelBind, attr(attrChannelNumber, []byte{turnChannel >> 8, turnChannel & 255, 0, 0}), t.peer)
	} else {
		_, err = t.request(turnCreatePermission, t.peer)
	}
	if err != nil {
		return "", err
	}
	local, err := l.listenUDP(l.cli, "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go t.outward(local)
	go t.inward(local)
	return local.LocalAddr().String(), nil
}

func (t *turnClient) outward(local *net.UDPConn) {
	buf := make([]byte, 1<<16)
	for {
		n, from, err := local.ReadFromUDP(buf)
		if err != nil {
			return
		}
		t.program.Store(from)
		if t.channel { // RFC 8656 §12.4
			_, _ = t.conn.Write(append([]byte{turnChannel >> 8, turnChannel & 255, byte(n >> 8), byte(n)}, buf[:n]...))
		} else {
			_, _ = t.conn.Write(stunMessage(turnSend, t.peer, attr(attrData, buf[:n])))
		}
	}
}

func (t *turnClient) inward(local *net.UDPConn) {
	buf := make([]byte, 1<<16)
	for {
		n, err := t.conn.Read(buf)
		if err != nil {
			return
		}
		var data []byte
		switch b := buf[:n]; {
		case n >= 4 && b[0]&0xc0 == 0x40:
			data = b[4:min(4+int(be.Uint16(b[2:])), n)]
		case n >= 20 && be.Uint16(b) == turnData:
			data = stunAttr(b, attrData)
		}
		if to := t.program.Load(); data != nil && to != nil {
			_, _ = local.WriteToUDP(data, to)
		}
	}
}

const turnServer = "10.77.0.20:3478"

func dtlsTURN(l *lab) error {
	id := l.pki.get("ecdsa")
	if err := l.dtlsNetwork(); err != nil {
		return err
	}
	l.addrs["127.0.0.1"] = true // the client's program stays on its machine
	if err := l.addr(l.srv, "10.77.0.20"); err != nil {
		return err
	}
	if _, err := l.serve([]string{udpAddr + turnServer}, "turnserver", "-n", "--no-auth", "--no-tls", "--no-dtls", "--no-cli", "--no-tcp", "--no-rfc5780", "--listening-ip=10.77.0.20",
		"--relay-ip=10.77.0.20", "--realm=example", "--log-file=stdout", "--userdb="+l.tmp+"/turndb", "--pidfile="+l.tmp+"/turn.pid"); err != nil {
		return err
	}
	if err := l.dtlsServer(udpAt(0), id); err != nil {
		return err
	}
	for i, channel := range []bool{true, false} {
		from, err := l.clientAddr("")
		if err != nil {
			return err
		}
		local, err := l.turn(from, turnServer, udpAt(0), channel)
		if err != nil {
			return err
		}
		h, r, err := l.dtlsLocal(local, fmt.Sprintf("turn%d.ecdsa.example", i))
		if err != nil {
			return err
		}
		if h.Version == "" || r.code != 0 {
			return fmt.Errorf("openssl s_client ended with %d:\n%s", r.code, r.out)
		}
		h.Client, h.Server = from.String(), turnServer
		h.presents(id)
		h.Tunnel = []string{map[bool]string{true: "turn-channel", false: "turn-send"}[channel]}
		keys, err := os.ReadFile(l.keys)
		if err != nil {
			return err
		}
		if lines := strings.Fields(string(keys)); len(lines) == 3*(i+1) { // CLIENT_RANDOM, the random, the secret
			h.ClientRandom = lines[3*i+1]
		}
	}
	l.lenient = true
	return nil
}

// dtlsLocal runs openssl s_client against a socket on its own machine.
func (l *lab) dtlsLocal(to, sni string) (*handshake, result, error) {
	return l.dtlsClient(sclient{from: "127.0.0.1", to: to, sni: sni, args: []string{dtls12}})
}
