package starttls

import (
	"encoding/binary"

	"blindspot/tlsparse"
)

// OpenVPN over TCP: TLS travels in the packets of a control channel, which both
// sides open with a reset ("Network protocol" of OpenVPN's doxygen pages). With
// tls-auth every packet is signed, and is read; with tls-crypt it is encrypted,
// and is none of ours.
func init() {
	register(Preface{
		Name: "openvpn", What: "OpenVPN; TLS within its control channel",
		KnownBy: "reset of the control channel", Source: "OpenVPN protocol documentation",
		client: "\x00", server: "\x00", find: findOpenVPN,
	})
}

// Opcodes are the upper 5 bits of a packet's first byte, the number of a key
// the lower 3.
const (
	openvpnControl     = 4
	openvpnACK         = 5
	openvpnResetClient = 7
	openvpnResetServer = 8
)

// Lengths of parts of a packet behind its length of 2 bytes: opcode and session;
// with tls-auth a signature, number and time; the list of acknowledged numbers,
// with the other's session where it is not empty; a number.
const (
	openvpnHead    = 1 + 8
	openvpnSession = 8
	openvpnNumber  = 4
	openvpnStamp   = 4 + 4

	// maxOpenVPNReset is the longest reset: signed with 64 bytes, with one
	// acknowledgement.
	maxOpenVPNReset = openvpnHead + 64 + openvpnStamp + 1 + openvpnNumber + openvpnSession + openvpnNumber
	minOpenVPNReset = openvpnHead + 1 + openvpnNumber
)

// maxOpenVPNLook bounds what is unwrapped to see whether it is a hello.
const maxOpenVPNLook = 512

// findOpenVPN takes the packets for the wrapping of TLS, so that TLS begins
// with the first of them. It takes both resets, or one and a hello.
func findOpenVPN(client, server []byte) found {
	_, asked := resetOpenVPN(client, openvpnResetClient)
	_, told := resetOpenVPN(server, openvpnResetServer)
	if asked == tlsparse.No || told == tlsparse.No {
		return no()
	}
	ch, sh := tlsparse.Maybe, tlsparse.Maybe
	if asked != told {
		ch, sh = probeOpenVPN(client, server)
	}
	f := maybe(Silent)
	switch {
	case asked == tlsparse.Yes && told == tlsparse.Yes:
		f = started(0, 0)
	case asked == tlsparse.Yes && ch == tlsparse.Yes:
		f = started(0, -1)
	case told == tlsparse.Yes && sh == tlsparse.Yes:
		f = started(-1, 0)
	}
	f.Wrapped = OpenVPN
	return f
}

func probeOpenVPN(client, server []byte) (c, s tlsparse.Answer) {
	var cbuf, sbuf [maxOpenVPNLook]byte
	cu, su := Unwrapper{Wrapping: OpenVPN}, Unwrapper{Wrapping: OpenVPN}
	ch, _ := cu.Unwrap(cbuf[:0], client[:min(len(client), maxOpenVPNLook)])
	sh, _ := su.Unwrap(sbuf[:0], server[:min(len(server), maxOpenVPNLook)])
	return probe(ch, sh)
}

// resetOpenVPN returns the length of the signature in the reset at the start of
// b, behind its length.
func resetOpenVPN(b []byte, opcode byte) (signature int, ans tlsparse.Answer) {
	if len(b) > 0 && b[0] != 0 || len(b) > 1 && (b[1] < minOpenVPNReset || b[1] > maxOpenVPNReset) ||
		len(b) > 2 && b[2] != opcode<<3 {
		return 0, tlsparse.No
	}
	if len(b) < 2 || len(b) < 2+int(b[1]) {
		return 0, tlsparse.Maybe
	}
	signature, ok := signedOpenVPN(b[2 : 2+int(b[1])])
	if !ok {
		return 0, tlsparse.No
	}
	return signature, tlsparse.Yes
}

// signedOpenVPN returns the length of the signature in a reset. The reset's own
// number is 0, and it acknowledges nothing but the other's, whose number is 0
// too.
func signedOpenVPN(packet []byte) (signature int, ok bool) {
	for acks := range 2 {
		list := 1 + acks*(openvpnNumber+openvpnSession)
		signature = len(packet) - openvpnHead - list - openvpnNumber
		if !signatureOpenVPN(signature) {
			continue
		}
		rest := packet[openvpnHead+signature:]
		if int(rest[0]) == acks && binary.BigEndian.Uint32(rest[list:]) == 0 &&
			(acks == 0 || binary.BigEndian.Uint32(rest[1:]) == 0) {
			return signature, true
		}
	}
	return 0, false
}

// OpenVPNReset reads a datagram that opens a control channel over UDP, where
// each packet is a datagram, without a length before it. It returns what
// OpenVPNPayload wants to know, and which side it is from.
func OpenVPNReset(datagram []byte) (signature int, server, ok bool) {
	if len(datagram) < minOpenVPNReset || len(datagram) > maxOpenVPNReset {
		return 0, false, false
	}
	switch datagram[0] {
	case openvpnResetClient << 3:
	case openvpnResetServer << 3:
		server = true
	default:
		return 0, false, false
	}
	signature, ok = signedOpenVPN(datagram)
	return signature, server, ok
}

// OpenVPNPayload returns the TLS in a datagram of the control channel, and its
// number, from 1 on without gaps; nil where it holds none.
func OpenVPNPayload(datagram []byte, signature int) (tls []byte, number uint32) {
	if len(datagram) == 0 {
		return nil, 0
	}
	at, number := payloadOpenVPN(datagram, signature)
	return datagram[at:], number
}

// signatureOpenVPN reports whether n is the length of no signature, or of one
// of the hashes in use with its number and time.
func signatureOpenVPN(n int) bool {
	switch n - openvpnStamp {
	case -openvpnStamp, 16, 20, 28, 32, 48, 64:
		return true
	}
	return false
}

// payloadOpenVPN returns where in a packet the TLS begins, len(packet) where it
// holds none, and the packet's number.
func payloadOpenVPN(packet []byte, signature int) (at int, number uint32) {
	if packet[0] != openvpnControl<<3 {
		return len(packet), 0
	}
	at = openvpnHead + signature
	if at >= len(packet) {
		return len(packet), 0
	}
	acks := int(packet[at])
	at++
	if acks > 0 {
		at += acks*openvpnNumber + openvpnSession
	}
	if at+openvpnNumber > len(packet) {
		return len(packet), 0
	}
	return at + openvpnNumber, binary.BigEndian.Uint32(packet[at:])
}
