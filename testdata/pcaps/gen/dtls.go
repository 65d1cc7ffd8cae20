//go:build linux

package main

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"sync"
)

var dtlsScenarios = []scenario{
	{"dtls-openssl.pcap", opensslStack, "DTLS 1.2 with and without a cookie, DTLS 1.0, small datagrams, client certificates, resumption by ticket and by session id", dtlsOpenSSL},
	{"dtls-refused.pcap", opensslStack, "DTLS: servers that refuse the hello or the client's certificate, clients that refuse the server's", dtlsRefused},
	{"dtls-gnutls.pcap", gnutlsStack, "DTLS 1.0 and 1.2, a client certificate, one that is missing, a client that refuses", dtlsGnuTLS},
	{"dtls-ipv6.pcap", opensslStack, "DTLS 1.2 over IPv6", dtlsIPv6},
	{"dtls-lost.pcap", opensslStack, "datagrams lost before and behind the sensor: flights are sent again, in fragments of other sizes", dtlsLost},
	{"dtls-turn.pcap", opensslStack + "; coturn 4.6.1", "DTLS on the way to a TURN server: in channel data, and in Send and Data indications (tshark does not look into them)", dtlsTURN},
}

// udpAt is the address of a scenario's n-th DTLS server.
func udpAt(n int) string { return fmt.Sprintf("10.77.0.%d:4433", 10+n) }

// dtlsNetwork makes the wire and captures datagrams on it.
func (l *lab) dtlsNetwork() error {
	if err := l.network(false); err != nil {
		return err
	}
	return l.captureUDP()
}

// dtlsServer starts an openssl s_server. With -listen it asks for a cookie, and
// serves one client only.
func (l *lab) dtlsServer(addr string, id *ident, args ...string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(host, "127.") {
		if err := l.addr(l.srv, host); err != nil {
			return err
		}
	}
	base := []string{"openssl", "s_server", "-dtls", "-accept", addr, "-cert", l.crt(id.with()), "-key", l.key(id)}
	if len(id.chain) > 0 {
		base = append(base, "-cert_chain", l.file(id.name+".chain", id.chain[0].with(id.chain[1:]...).certPEM()))
	}
	_, err = l.serve([]string{udpAddr + addr}, append(base, args...)...)
	return err
}

const dtls12, dtls10 = "-dtls1_2", "-dtls1"

// dtlsClient runs openssl s_client and keeps what it said. It ends by itself
// once it has said a word.
func (l *lab) dtlsClient(c sclient) (*handshake, result, error) {
	c.stdin = "hello\n" + pause
	c.args = append([]string{"-no_ign_eof"}, c.args...)
	h, r, err := l.sclient(c)
	if h != nil {
		h.Transport, h.HelloRetry = "dtls", nil
	}
	return h, r, err
}

// dtlsOK is the plain case.
func (l *lab) dtlsOK(c sclient, id *ident) (*handshake, error) {
	h, r, err := l.dtlsClient(c)
	if err != nil {
		return h, err
	}
	if h.Version == "" || r.code != 0 {
		return h, fmt.Errorf("openssl s_client to %s %q ended with %d:\n%s", c.to, c.args, r.code, r.out)
	}
	return h.presents(id), nil
}

func dtlsOpenSSL(l *lab) error {
	rsa, ecdsa, device := l.pki.get("rsa"), l.pki.get("ecdsa"), l.pki.get("device")
	if err := l.dtlsNetwork(); err != nil {
		return err
	}
	weak := []string{"-cipher", "ALL:@SECLEVEL=0"}
	servers := []struct {
		id   *ident
		args []string
	}{
		{ecdsa, []string{"-listen"}},
		{rsa, append([]string{"-listen"}, weak...)},
		{rsa, []string{"-mtu", "300"}},
		{ecdsa, []string{"-listen", "-Verify", "1", "-CAfile", l.bundle("client-root")}},
		{ecdsa, nil},
		{ecdsa, []string{"-no_ticket"}},
	}
	for n, s := range servers {
		if err := l.dtlsServer(udpAt(n), s.id, s.args...); err != nil {
			return err
		}
	}
	if _, err := l.dtlsOK(sclient{to: udpAt(0), sni: "www.ecdsa.example", alpn: "webrtc,c-webrtc", args: []string{dtls12}}, ecdsa); err != nil {
		return err
	}
	h, err := l.dtlsOK(sclient{to: udpAt(1), sni: "old.rsa.example", args: append(weak, dtls10)}, rsa)
	if err != nil {
		return err
	}
	if h.Version != "DTLS 1.0" {
		return fmt.Errorf("version %s, want DTLS 1.0", h.Version)
	}
	if _, err := l.dtlsOK(sclient{to: udpAt(2), sni: "small.rsa.example", args: []string{dtls12, "-mtu", "256"}}, rsa); err != nil {
		return err
	}
	h, err = l.dtlsOK(sclient{to: udpAt(3), sni: "api.ecdsa.example", args: []string{dtls12, "-cert", l.crt(device.with()), "-key", l.key(device)}}, ecdsa)
	if err != nil {
		return err
	}
	h.ClientAuth, h.ClientCerts = ref(true), device.with().hashes()
	for n := 4; n <= 5; n++ {
		session := l.file(fmt.Sprint("session-", n), "")
		for i, arg := range []string{"-sess_out", "-sess_in"} {
			h, err := l.dtlsOK(sclient{to: udpAt(n), sni: "www.ecdsa.example", args: []string{dtls12, arg, session}}, ecdsa)
			if err != nil {
				return err
			}
			if *h.Resumed != (i == 1) {
				return fmt.Errorf("server %d, connection %d: resumed %v", n, i, *h.Resumed)
			}
		}
	}
	return nil
}

func dtlsRefused(l *lab) error {
	ecdsa := l.pki.get("ecdsa")
	if err := l.dtlsNetwork(); err != nil {
		return err
	}
	for n, args := range [][]string{{"-listen"}, {"-listen"}, {"-Verify", "1", "-verify_return_error", "-CAfile", l.bundle("client-root")}} {
		if err := l.dtlsServer(udpAt(n), ecdsa, args...); err != nil {
			return err
		}
	}
	h, r, err := l.dtlsClient(sclient{to: udpAt(0), sni: "www.ecdsa.example", args: []string{dtls12, "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"}})
	if err != nil {
		return err
	}
	if !strings.Contains(r.out, "alert handshake failure") {
		return fmt.Errorf("s_client should be refused:\n%s", r.out)
	}
	h.Resumed = nil
	h.refused("server", "handshake_failure")
	h, r, err = l.dtlsClient(sclient{to: udpAt(1), sni: "api.ecdsa.example", args: []string{dtls12, "-verify_return_error", "-CAfile", l.bundle("internal-root")}})
	if err != nil {
		return err
	}
	if !strings.Contains(r.out, "certificate verify failed") {
		return fmt.Errorf("s_client should refuse:\n%s", r.out)
	}
	h.Version, h.Resumed = "DTLS 1.2", ref(false)
	h.presents(ecdsa).refused("client", "unknown_ca")
	stranger := l.pki.get("stranger")
	h, r, err = l.dtlsClient(sclient{to: udpAt(2), sni: "strange.ecdsa.example", args: []string{dtls12, "-cert", l.crt(stranger), "-key", l.key(stranger)}})
	if err != nil {
		return err
	}
	alert := regexp.MustCompile(`alert (bad certificate|unknown ca)`).FindStringSubmatch(r.out)
	if alert == nil {
		return fmt.Errorf("s_server should refuse the client's certificate:\n%s", r.out)
	}
	h.Version, h.Resumed, h.ClientAuth, h.ClientCerts = "DTLS 1.2", ref(false), ref(true), stranger.hashes()
	h.presents(ecdsa).refused("server", strings.ReplaceAll(alert[1], " ", "_"))
	return nil
}

func dtlsIPv6(l *lab) error {
	id := l.pki.get("ecdsa")
	if err := l.dtlsNetwork(); err != nil {
		return err
	}
	if err := l.dtlsServer("[fd77::10]:4433", id); err != nil {
		return err
	}
	_, err := l.dtlsOK(sclient{from: "fd77::1", to: "[fd77::10]:4433", sni: "www.ecdsa.example", args: []string{dtls12}}, id)
	return err
}

// A udpRelay passes datagrams between the wire and a server behind it, which it
// reaches over the servers' loopback. lose says which of them do not arrive.
type udpRelay struct {
	mu    sync.Mutex
	count map[bool]int
	lose  func(fromClient bool, n int) bool
}

// relay begins one at addr. The server must wait for datagrams already.
func (l *lab) relay(addr, server string, lose func(fromClient bool, n int) bool) error {
	if err := l.addr(l.srv, netip.MustParseAddrPort(addr).Addr().String()); err != nil {
		return err
	}
	front, err := l.listenUDP(l.srv, addr)
	if err != nil {
		return err
	}
	back, err := l.listenUDP(l.srv, "127.0.0.1:0")
	if err != nil {
		return err
	}
	r := &udpRelay{count: map[bool]int{}, lose: lose}
	to := net.UDPAddrFromAddrPort(netip.MustParseAddrPort(server))
	var client *net.UDPAddr
	go r.pass(front, back, true, func(from *net.UDPAddr) *net.UDPAddr {
		r.mu.Lock()
		defer r.mu.Unlock()
		client = from
		return to
	})
	go r.pass(back, front, false, func(*net.UDPAddr) *net.UDPAddr {
		r.mu.Lock()
		defer r.mu.Unlock()
		return client
	})
	return nil
}

func (r *udpRelay) pass(in, out *net.UDPConn, fromClient bool, to func(*net.UDPAddr) *net.UDPAddr) {
	buf := make([]byte, 1<<16)
	for {
		n, from, err := in.ReadFromUDP(buf)
		if err != nil {
			return
		}
		dest := to(from)
		r.mu.Lock()
		number := r.count[fromClient]
		r.count[fromClient]++
		r.mu.Unlock()
		if !r.lose(fromClient, number) {
			_, _ = out.WriteToUDP(buf[:n], dest)
		}
	}
}

func dtlsLost(l *lab) error {
	id := l.pki.get("rsa")
	if err := l.dtlsNetwork(); err != nil {
		return err
	}
	cases := []struct {
		name string
		lose map[bool][]int // by fromClient: the numbers of the datagrams
	}{
		{"first.rsa.example", map[bool][]int{true: {0}}},                 // the hello: the sensor sees it twice
		{"flight.rsa.example", map[bool][]int{false: {1, 2, 3, 4, 5}}},   // the sensor does not see the server's first flight
		{"middle.rsa.example", map[bool][]int{false: {3}, true: {2, 3}}}, // one datagram of the server's, and some of the client's
	}
	for i, c := range cases {
		inner := fmt.Sprintf("127.0.0.1:%d", 5001+i)
		if err := l.dtlsServer(inner, id, "-mtu", "400"); err != nil {
			return err
		}
		err := l.relay(udpAt(i), inner, func(fromClient bool, n int) bool {
			for _, x := range c.lose[fromClient] {
				if x == n {
					return true
				}
			}
			return false
		})
		if err != nil {
			return err
		}
		h, err := l.dtlsOK(sclient{to: udpAt(i), sni: c.name, args: []string{dtls12, "-mtu", "300"}}, id)
		if err != nil {
			return err
		}
		h.Note = "flights are sent again"
	}
	l.lenient = true // tshark loses a chain of which a fragment was lost
	return nil
}
