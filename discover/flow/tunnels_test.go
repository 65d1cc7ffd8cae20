package flow

import (
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"blindspot/capture"
	"blindspot/capture/decode"
	"blindspot/discover"
)

func ether(typ uint16, body ...byte) []byte {
	b := append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}, byte(typ>>8), byte(typ))
	return append(b, body...)
}

func tagged(vlan, typ uint16, body ...byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, vlan)
	return append(binary.BigEndian.AppendUint16(b, typ), body...)
}

func inIP(proto byte, body ...byte) []byte {
	b := []byte{0x45, 0, 0, 0, 0, 0, 0, 0, 64, proto, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)+len(body)))
	return append(b, body...)
}

func inUDP(port uint16, body ...byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, 1000)
	b = binary.BigEndian.AppendUint16(b, port)
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(body)))
	return inIP(decode.UDP, append(append(b, 0, 0), body...)...)
}

// inGTP is user data of a mobile network (3GPP TS 29.281, section 5.1).
func inGTP(teid uint32, body ...byte) []byte {
	b := binary.BigEndian.AppendUint16([]byte{0x30, 0xff}, uint16(len(body)))
	return inUDP(2152, append(binary.BigEndian.AppendUint32(b, teid), body...)...)
}

// inVXLAN is a frame in VXLAN (RFC 7348, section 5).
func inVXLAN(vni uint32, frame ...byte) []byte {
	b := binary.BigEndian.AppendUint32([]byte{8, 0, 0, 0}, vni<<8)
	return inUDP(4789, append(b, frame...)...)
}

// tunnelOf is the tunnel that the decoder sees around a frame.
func tunnelOf(t testing.TB, frame []byte) decode.Tunnel {
	t.Helper()
	var s decode.Segment
	if !decode.New(decode.Config{}).Decode(&capture.Packet{Link: capture.LinkEthernet, Data: frame, Length: len(frame)}, &s) {
		t.Fatalf("no segment in %x", frame)
	}
	return s.Tunnel
}

// words numbers a stack and names an observation of it.
func (t *tunnelNames) words(s decode.Tunnel) string { return fmt.Sprint(t.name(t.number(&s))) }

// TestTunnelSessions fills what is remembered of a network where each
// subscriber has a tunnel of his own: tunnels stay visible, and so do the
// VLANs around them.
func TestTunnelSessions(t *testing.T) {
	var names tunnelNames
	gtp := tunnelOf(t, ether(0x8100, tagged(12, 0x0800, inGTP(1, inUDP(443, 'x')...)...)...))
	vlan := tunnelOf(t, ether(0x8100, tagged(1, 0x0800, inUDP(443, 'x')...)...))
	const beyond = 70_000 // more than a number of a stack can count
	for teid := range uint32(maxTunnelIDs + beyond) {
		gtp.Headers[1].ID = teid
		want := fmt.Sprintf("[vlan:12 gtp:%d]", teid)
		if teid >= maxTunnelIDs {
			want = "[vlan:12 gtp]"
		}
		if got := names.words(gtp); got != want {
			t.Fatalf("session %d: got %s, want %s", teid, got, want)
		}
	}
	if names.withoutID != beyond || names.unnamed != 0 {
		t.Errorf("got %d without ID and %d without name, want %d and 0", names.withoutID, names.unnamed, beyond)
	}
	gtp.Headers[1].ID = 7
	if got := names.words(gtp); got != "[vlan:12 gtp:7]" {
		t.Errorf("a session from before: got %s", got)
	}
	for id := range uint32(1 << 12) {
		vlan.Headers[0].ID = id
		if got, want := names.words(vlan), fmt.Sprintf("[vlan:%d]", id); got != want {
			t.Fatalf("a VLAN after the flood: got %s, want %s", got, want)
		}
	}
}

// TestTunnelStacks fills the bound on stacks: each of the IDs is one of few,
// and their combinations are many.
func TestTunnelStacks(t *testing.T) {
	var names tunnelNames
	s := tunnelOf(t, ether(0x88a8, tagged(1, 0x8100, tagged(1, 0x0800, inUDP(443, 'x')...)...)...))
	for i := range uint32(maxTunnelNames + 10) {
		s.Headers[0].ID, s.Headers[1].ID = i>>11, i&0x7ff
		want := fmt.Sprintf("[vlan:%d vlan:%d]", i>>11, i&0x7ff)
		if i >= maxTunnelNames {
			want = "[vlan vlan]"
		}
		if got := names.words(s); got != want {
			t.Fatalf("stack %d: got %s, want %s", i, got, want)
		}
	}
	if names.withoutID != 10 {
		t.Errorf("got %d without ID, want 10", names.withoutID)
	}
	plain := tunnelOf(t, ether(0x0800, inIP(4, inUDP(443, 'x')...)...))
	if got := names.words(plain); got != "[ipip]" {
		t.Errorf("a tunnel without ID: got %s", got)
	}
	names.bare = maxBareTunnels
	other := tunnelOf(t, ether(0x0800, inIP(4, inIP(4, inUDP(443, 'x')...)...)...))
	if got := names.words(other); got != "[]" || names.unnamed != 1 {
		t.Errorf("past the last bound: got %s and %d without name, want none and 1", got, names.unnamed)
	}
	if got := names.words(decode.Tunnel{}); got != "[]" || names.unnamed != 1 {
		t.Errorf("no tunnel at all: got %s and %d without name, want none and 1", got, names.unnamed)
	}
}

// TestTunnelID0: an ID that is left out is not the ID 0.
func TestTunnelID0(t *testing.T) {
	var names tunnelNames
	s := tunnelOf(t, ether(0x0800, inGTP(0, inUDP(443, 'x')...)...))
	names.perKind[s.Headers[0].Kind] = maxTunnelIDs - 1
	if got := names.words(s); got != "[gtp:0]" {
		t.Errorf("got %s, want the ID 0", got)
	}
	s.Headers[0].ID = 5
	if got := names.words(s); got != "[gtp]" {
		t.Errorf("got %s, want none", got)
	}
	s.Headers[0].ID = 0
	if got := names.words(s); got != "[gtp:0]" {
		t.Errorf("got %s again, want the ID 0", got)
	}
}

// wire is the packet of a segment or datagram over IPv4.
func wire(s *decode.Segment) []byte {
	b := binary.BigEndian.AppendUint16(nil, s.SrcPort)
	b = binary.BigEndian.AppendUint16(b, s.DstPort)
	if s.Proto == decode.UDP {
		b = append(binary.BigEndian.AppendUint16(b, uint16(8+len(s.Payload))), 0, 0)
	} else {
		b = binary.BigEndian.AppendUint32(b, s.Seq)
		b = binary.BigEndian.AppendUint32(b, s.Ack)
		b = append(b, 5<<4, s.Flags, 0xff, 0xff, 0, 0, 0, 0)
	}
	b = inIP(s.Proto, append(b, s.Payload...)...)
	copy(b[12:], s.Src[12:])
	copy(b[16:], s.Dst[12:])
	return b
}

// The forms in which a mirror may deliver an IP packet.
func plainForm(ip []byte) []byte { return ether(0x0800, ip...) }
func vxlanForm(ip []byte) []byte { return plainForm(inVXLAN(42, plainForm(ip)...)) }
func greForm(ip []byte) []byte   { return plainForm(inIP(47, append([]byte{0, 0, 8, 0}, ip...)...)) }
func vlanForm(id uint16) func(ip []byte) []byte {
	return func(ip []byte) []byte { return ether(0x8100, tagged(id, 0x0800, ip...)...) }
}

var mirrors = []struct {
	name  string
	forms []func([]byte) []byte
	want  string
}{
	{"both sides of a router between VLANs", []func([]byte) []byte{vlanForm(12), vlanForm(13)}, "[vlan:12]"},
	{"tagged and not", []func([]byte) []byte{plainForm, vlanForm(12)}, "[]"},
	{"bare, then in VXLAN", []func([]byte) []byte{plainForm, vxlanForm}, "[]"},
	{"in VXLAN, then bare", []func([]byte) []byte{vxlanForm, plainForm}, "[vxlan:42]"},
	{"in two tunnels and a VLAN", []func([]byte) []byte{greForm, vxlanForm, vlanForm(7)}, "[gre]"},
}

// TestMirroredTwice: one packet that a mirror delivers in several forms is one
// handshake, whose tunnel is that of the copy that came first.
func TestMirroredTwice(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		d := record(t, version, testName, 0)
		segs := d.packets(1000, 2000, 600)
		for _, m := range mirrors {
			for _, late := range []int{0, 3, len(segs)} { // packets by which the other copies come later
				o := checkOne(t, mirrored(t, segs, m.forms, late), d, testName)
				if text := fmt.Sprint(o.Tunnel); text != m.want {
					t.Errorf("%s, %d packets apart: got the tunnel %s, want %s", m.name, late, text, m.want)
				}
			}
		}
	}
}

// TestDatagramsMirroredTwice: the same of DTLS as OpenSSL and GnuTLS speak it,
// and of QUIC between the sides of RFC 9001 appendix A.
func TestDatagramsMirroredTwice(t *testing.T) {
	dialogues := map[string][]decode.Segment{"example.com": rfcQUIC(t)}
	for _, name := range []string{"openssl-mutual", "gnutls-mutual"} {
		tr := readTrace(t, filepath.Join("..", "..", "tlsparse", "dtls", "testdata", name+".trace"))
		for _, d := range tr.datagrams {
			dialogues[tr.sni] = append(dialogues[tr.sni], datagram(d.server, d.data))
		}
	}
	for sni, segs := range dialogues {
		for _, m := range mirrors {
			for _, late := range []int{0, 1, len(segs)} {
				got := mirrored(t, segs, m.forms, late)
				if len(got) != 1 {
					t.Errorf("%s, %s, %d packets apart: got %d observations, want 1", sni, m.name, late, len(got))
					continue
				}
				if o := got[0]; o.SNI != sni || fmt.Sprint(o.Tunnel) != m.want {
					t.Errorf("%s, %s, %d packets apart: got %q in %v, want %s", sni, m.name, late, o.SNI, o.Tunnel, m.want)
				}
			}
		}
	}
}

// rfcQUIC is the connection of RFC 9001 appendix A, and a packet of each side
// under application keys.
func rfcQUIC(t testing.TB) []decode.Segment {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "tlsparse", "quic", "testdata", "rfc.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var segs []decode.Segment
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) != 4 || f[0] != "9001" || f[1] != "A.2" && f[1] != "A.3" || f[2] != "packet" {
			continue
		}
		p, err := hex.DecodeString(f[3])
		if err != nil {
			t.Fatal(err)
		}
		segs = append(segs, datagram(f[1] == "A.3", p))
	}
	short := append([]byte{0x40}, make([]byte, 40)...)
	return append(segs, datagram(false, short), datagram(true, short))
}

// mirrored decodes each segment once in each form, each form late packets
// behind the one before, and follows them.
func mirrored(t testing.TB, segs []decode.Segment, forms []func([]byte) []byte, late int) []*discover.Observation {
	t.Helper()
	var list []decode.Segment
	decoder := decode.New(decode.Config{})
	for at := range len(segs) + late*(len(forms)-1) {
		for i, form := range forms {
			if n := at - i*late; n >= 0 && n < len(segs) {
				b := form(wire(&segs[n]))
				s := decode.Segment{}
				p := capture.Packet{Link: capture.LinkEthernet, Data: b, Length: len(b), Time: segs[n].Time}
				if !decoder.Decode(&p, &s) {
					t.Fatalf("no segment in %x", b)
				}
				list = append(list, s)
			}
		}
	}
	got, _ := run(t, Config{}, list)
	return got
}
