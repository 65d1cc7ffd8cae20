package quic

import (
	"encoding/binary"

	"blindspot/tlsparse"
)

// minInitialDatagram is the length that a client must pad the datagram of an
// Initial packet to (RFC 9000 §14.1).
const minInitialDatagram = 1200

// minClientID is the length of the shortest connection id that a client may
// invent for the server (RFC 9000 §7.2).
const minClientID = 8

// minProtected is the length of the shortest thing that can be protected: four
// bytes of packet number and payload, and the sample behind them (RFC 9001
// §5.4.2).
const minProtected = 4 + sampleLen

// Probe says whether a datagram, on any port, begins with a long-header packet
// of a QUIC that carries TLS. Maybe: all that is there fits, but the datagram is
// cut before the packet's end, or the version is not known, and only opening the
// packet can tell.
func Probe(datagram []byte) tlsparse.Answer {
	h, ok := ParseHeader(datagram)
	if !ok || len(h.SCID) > maxIDLen {
		return tlsparse.No
	}
	if h.Type == VersionNegotiation {
		return probeNegotiation(&h, datagram)
	}
	known := schemeOf(h.Version)
	if known == 0 {
		return probeUnknown(&h, datagram)
	}
	if schemes[known].notTLS {
		return tlsparse.No
	}
	if h.Type == Retry {
		// A server's own id, a token, and the tag.
		if len(h.Token) == 0 || len(datagram) > minInitialDatagram*2 {
			return tlsparse.No
		}
		return tlsparse.Yes
	}
	return h.fits(datagram)
}

// fits says whether a protected packet's length is possible.
func (h *Header) fits(datagram []byte) tlsparse.Answer {
	switch {
	case h.Length < minProtected:
		return tlsparse.No
	case h.End > len(datagram):
		return tlsparse.Maybe
	}
	return tlsparse.Yes
}

// probeNegotiation wants a version in the list that is known or reserved.
func probeNegotiation(h *Header, datagram []byte) tlsparse.Answer {
	list := datagram[7+len(h.DCID)+len(h.SCID):]
	for ; len(list) >= 4; list = list[4:] {
		if v := binary.BigEndian.Uint32(list); schemeOf(v) != 0 || reserved(v) || googleVersion(v) {
			return tlsparse.Yes
		}
	}
	return tlsparse.No
}

// probeUnknown wants what a client's first datagram has in every version so far.
func probeUnknown(h *Header, datagram []byte) tlsparse.Answer {
	if h.Type != Initial || datagram[0]&fixedBit == 0 || googleVersion(h.Version) ||
		len(h.DCID) < minClientID || len(datagram) < minInitialDatagram ||
		h.fits(datagram) != tlsparse.Yes {
		return tlsparse.No
	}
	return tlsparse.Maybe
}

// ProbeGoogle says whether a datagram is a client's first of one of Google's
// versions that carry a handshake of their own instead of TLS (Q001 to Q050):
// there is no hello in it, and its traffic is hidden to us.
func ProbeGoogle(datagram []byte) tlsparse.Answer {
	if len(datagram) < 13 {
		return tlsparse.No
	}
	version := datagram[1:5]
	if datagram[0]&longForm == 0 { // public header: flags, connection id, version
		if datagram[0]&0x09 != 0x09 {
			return tlsparse.No
		}
		version = datagram[9:13]
	}
	if v := binary.BigEndian.Uint32(version); v>>24 != 'Q' || !googleVersion(v) {
		return tlsparse.No
	}
	return tlsparse.Yes
}
