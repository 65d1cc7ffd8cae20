package flow

import (
	"crypto/tls"
	"encoding/binary"
	"testing"

	"blindspot/capture/decode"
)

// openvpnPackets puts what each side said into packets of OpenVPN's control
// channel (opcode, session, signature, acknowledgements, number), behind its
// resets. tcp: with a length before each.
func openvpnPackets(d dialogue, signature, size int, tcp bool) (out dialogue) {
	out.leaf = d.leaf
	var number [2]uint32
	put := func(server bool, opcode byte, acks int, tls []byte) {
		session, side := "clientid", 0
		if server {
			session, side = "serverid", 1
		}
		p := append([]byte{opcode << 3}, session...)
		p = append(p, make([]byte, signature)...)
		p = append(p, byte(acks))
		p = append(p, make([]byte, 4*acks)...)
		if acks > 0 {
			p = append(p, "otherone"...)
		}
		p = binary.BigEndian.AppendUint32(p, number[side])
		number[side]++
		p = append(p, tls...)
		if tcp {
			p = append(binary.BigEndian.AppendUint16(nil, uint16(len(p))), p...)
		}
		out.turns = append(out.turns, turn{server, p})
	}
	put(false, 7, 0, nil)
	put(true, 8, 1, nil)
	for _, t := range d.turns {
		for p := t.data; len(p) > 0; {
			n := min(size, len(p))
			put(t.server, 4, len(out.turns)%2, p[:n])
			p = p[n:]
		}
	}
	return out
}

// TestOpenVPN: the handshake inside OpenVPN's packets over TCP is read, signed
// packets (tls-auth) too.
func TestOpenVPN(t *testing.T) {
	for _, signature := range []int{0, 20 + 8, 64 + 8} {
		for _, mss := range []int{1460, 13} {
			d := openvpnPackets(record(t, tls.VersionTLS12, testName, 1), signature, 200, true)
			got, _ := run(t, Config{}, d.packets(1, 2, mss))
			if o := checkOne(t, got, d, testName); o.Preface != "openvpn" || o.Outcome != "established" || o.PacketsLost != 0 {
				t.Errorf("signature %d, mss %d: got %q, %s, %d lost", signature, mss, o.Preface, o.Outcome, o.PacketsLost)
			}
		}
	}
}

// TestOpenVPNDatagrams: the same over UDP, with datagrams doubled and in
// another order.
func TestOpenVPNDatagrams(t *testing.T) {
	for name, order := range map[string]func([]decode.Segment) []decode.Segment{
		"in order": func(list []decode.Segment) []decode.Segment { return list },
		"doubled": func(list []decode.Segment) (out []decode.Segment) {
			for _, s := range list {
				out = append(out, s, s)
			}
			return out
		},
		"swapped": func(list []decode.Segment) []decode.Segment {
			for i := 2; i+1 < len(list); i += 2 {
				list[i], list[i+1] = list[i+1], list[i]
			}
			return list
		},
	} {
		d := openvpnPackets(record(t, tls.VersionTLS12, testName, 1), 20+8, 300, false)
		var list []decode.Segment
		for _, u := range d.turns {
			list = append(list, datagram(u.server, u.data))
		}
		got, table := run(t, Config{}, order(list))
		o := checkOne(t, got, d, testName)
		if o.Preface != "openvpn" || o.Outcome != "established" || len(o.Tunnel) != 1 || o.Tunnel[0] != "udp" {
			t.Errorf("%s: got %q, %s, tunnel %q", name, o.Preface, o.Outcome, o.Tunnel)
		}
		if table.talkBytes != 0 {
			t.Errorf("%s: %d bytes are still held", name, table.talkBytes)
		}
	}
}

// TestTDS: SQL Server's handshake travels inside PRELOGIN packets, and what
// follows it without.
func TestTDS(t *testing.T) {
	packet := func(typ byte, p []byte) []byte {
		return append([]byte{typ, 1, byte((len(p) + 8) >> 8), byte(len(p) + 8), 0, 0, 0, 0}, p...)
	}
	// Options of a PRELOGIN (MS-TDS §2.2.6.5): VERSION, ENCRYPTION on.
	options := []byte{0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff, 16, 0, 0, 0, 0, 0, 1}
	for _, mss := range []int{1460, 5} {
		d := record(t, tls.VersionTLS12, testName, 0)
		wrapped := dialogue{leaf: d.leaf, turns: []turn{{false, packet(0x12, options)}, {true, packet(0x04, options)}}}
		for i, u := range d.turns {
			typ := byte(0x12)
			if i < 4 {
				u.data = packet(typ, u.data)
			}
			wrapped.turns = append(wrapped.turns, u)
		}
		got, _ := run(t, Config{}, wrapped.packets(1, 2, mss))
		if o := checkOne(t, got, wrapped, testName); o.Preface != "mssql" || o.Outcome != "established" {
			t.Errorf("mss %d: got %q, %s", mss, o.Preface, o.Outcome)
		}
	}
}
