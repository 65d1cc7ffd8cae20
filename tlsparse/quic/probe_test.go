package quic

import (
	"testing"

	"blindspot/tlsparse"
)

func TestProbe(t *testing.T) {
	long := make([]byte, 1170)
	hello := rfcHello(t)
	tests := []struct {
		name string
		b    []byte
		want tlsparse.Answer
	}{
		{"nothing", nil, tlsparse.No},
		{"client Initial, version 1", newClient(Version1).packet(whole(hello)), tlsparse.Yes},
		{"server Initial without ids", (&maker{version: Version1, keyed: rfcID, side: Server}).packet(ack), tlsparse.Yes},
		{"client Initial, version 2", newClient(Version2).packet(whole(hello)), tlsparse.Yes},
		{"draft 29", newClient(0xff00001d).packet(whole(hello)), tlsparse.Yes},
		{"mvfst", newClient(0xfaceb002).packet(whole(hello)), tlsparse.Yes},
		{"T051", newClient(0x54303531).packet(whole(hello)), tlsparse.Yes},
		{"Q050 is no TLS", newClient(0x51303530).packet(whole(hello)), tlsparse.No},
		{"reserved version", (&maker{version: 0xbabababa, scheme: schemeV1, keyed: rfcID, dcid: rfcID}).packet(long), tlsparse.Maybe},
		{"unknown version, short datagram", (&maker{version: 0x12345678, scheme: schemeV1, keyed: rfcID, dcid: rfcID}).packet(hello), tlsparse.No},
		{"unknown version, short id", (&maker{version: 0x12345678, scheme: schemeV1, keyed: rfcID, dcid: "abc"}).packet(long), tlsparse.No},
		{"0-RTT", newClient(Version1).protected(1, 100), tlsparse.Yes},
		{"Handshake", newClient(Version1).protected(2, 100), tlsparse.Yes},
		{"Handshake too short", newClient(Version1).protected(2, 19), tlsparse.No},
		{"cut", newClient(Version1).packet(whole(hello))[:100], tlsparse.Maybe},
		{"Retry", vectors(t)["9001 A.4 packet"], tlsparse.Yes},
		{"Retry without token", (&maker{version: Version1, dcid: "client"}).retry(""), tlsparse.No},
		{"version negotiation", append((&maker{dcid: "client"}).ids(longForm), 0, 0, 0, 1), tlsparse.Yes},
		{"version negotiation of nothing known", append((&maker{dcid: "client"}).ids(longForm), 9, 9, 9, 9), tlsparse.No},
		{"an id of 21 bytes", append([]byte{0xc0, 0, 0, 0, 1, 21}, long...), tlsparse.No},
		{"short header", append([]byte{0x40}, long...), tlsparse.No},
		{"DNS", unhex("80010100000100000000000003777777076578616d706c6503636f6d0000010001"), tlsparse.No},
		{"RTP", unhex("8060b1f400015f90deadbeef0102030405060708090a0b0c0d0e0f101112131415161718"), tlsparse.No},
		{"RTCP", unhex("80c90001deadbeef81ca0004deadbeef010e666f6f4062617200000000000000000000000"[:64]), tlsparse.No},
		{"STUN", unhex("000100002112a442000102030405060708090a0b"), tlsparse.No},
		{"DTLS", unhex("16fefd0000000000000000002c010000200000000000000020fefd"), tlsparse.No},
		{"WireGuard", append([]byte{1, 0, 0, 0}, long[:144]...), tlsparse.No},
		{"SIP", []byte("REGISTER sip:example.com SIP/2.0\r\n"), tlsparse.No},
		{"ones", bytesOf(0xff, 1200), tlsparse.No},
	}
	for _, tt := range tests {
		if got := Probe(tt.b); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func bytesOf(b byte, n int) []byte {
	s := make([]byte, n)
	for i := range s {
		s[i] = b
	}
	return s
}

// TestProbeGoogle uses the first bytes of packets as Google's clients sent them.
func TestProbeGoogle(t *testing.T) {
	tests := []struct {
		name string
		b    []byte
		want tlsparse.Answer
	}{
		{"Q043", append(unhex("0d3e0e7c9a0a3e4f1b"), "Q043\x01"...), tlsparse.Yes},
		{"Q046", append([]byte{0xc3}, "Q046\x50\x12\x34\x56\x78\x9a\xbc\xde"...), tlsparse.Yes},
		{"Q050", newClient(0x51303530).packet(ping), tlsparse.Yes},
		{"T051", newClient(0x54303531).packet(ping), tlsparse.No},
		{"version 1", newClient(Version1).packet(ping), tlsparse.No},
		{"no version", append([]byte{0x0c}, "12345678Q043\x01"...), tlsparse.No},
	}
	for _, tt := range tests {
		if got := ProbeGoogle(tt.b); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestVersionName(t *testing.T) {
	for version, want := range map[uint32]string{
		1: "v1", 0x6b3343cf: "v2", 0xff00001d: "draft 29", 0xfaceb002: "mvfst 2", 0x54303531: "T051",
		0x51303433: "Q043", 0x1a2a3a4a: "reserved", 2: "0x00000002", 0x50435130: "0x50435130",
	} {
		if got := VersionName(version); got != want {
			t.Errorf("%#x: got %q, want %q", version, got, want)
		}
	}
}

// TestVersions opens an Initial packet of every version in the table, and the
// same of versions that nobody knows with every scheme that is guessed.
func TestVersions(t *testing.T) {
	hello := rfcHello(t)
	for _, version := range []uint32{Version1, Version2, 0xff000016, 0xff000017, 0xff000018, 0xff000019, 0xff00001c,
		0xff00001d, 0xff000020, 0xff000021, 0xff000022, 0xfaceb001, 0xfaceb002, 0xfaceb00e, 0x54303530, 0x54303531} {
		var r Reader
		var c Conn
		r.Datagram(&c, newClient(version).packet(whole(hello)), 0, Unknown)
		if got := messages(&r, &c); len(got) != 1 {
			t.Errorf("%s: messages %v", VersionName(version), got)
		}
	}
	for _, s := range append(guessesV1[:], guessesV2[:]...) {
		var r Reader
		var c Conn
		m := &maker{version: 0x12345678, scheme: s, keyed: rfcID, side: Client, dcid: rfcID}
		r.Datagram(&c, m.packet(whole(hello)), 0, Unknown)
		if got := messages(&r, &c); len(got) != 1 {
			t.Errorf("unknown version with keys of %s: messages %v", schemes[s].name, got)
		}
	}
}
