package starttls

import (
	"bytes"
	"encoding/binary"

	"blindspot/tlsparse"
)

// RDP: the X.224 connection request names the security protocols that the
// client knows, the confirm the one that is chosen; all but standard security
// are TLS (MS-RDPBCGR §2.2.1.1, §2.2.1.2).
func init() {
	register(Preface{
		Name: "rdp", What: "Remote Desktop",
		KnownBy: "X.224 connection request, answered by a choice of TLS", Source: "MS-RDPBCGR",
		client: "\x03", server: "\x03", find: findRDP,
	})
}

const (
	tpktHeaderLen  = 4
	x224FixedLen   = 7 // length, code, two references, class
	x224Request    = 0xe0
	x224Confirm    = 0xd0
	rdpNegotiation = 8 // length of a request, a response or a failure

	rdpNegRequest  = 1
	rdpNegResponse = 2
	rdpNegFailure  = 3

	// Failures that refuse TLS; the others ask for it or for more of it.
	rdpNotAllowed = 2
	rdpNoCert     = 3
)

func findRDP(client, server []byte) found {
	c, offered, asked := cutX224(client, x224Request)
	s, answer, told := cutX224(server, x224Confirm)
	if asked == tlsparse.No || told == tlsparse.No {
		return no()
	}
	wants := asked == tlsparse.Yes && offered.typ == rdpNegRequest && offered.value != 0
	agrees := told == tlsparse.Yes && answer.typ == rdpNegResponse && answer.value != 0
	ch, sh := probe(client[c:], server[s:])
	switch {
	case wants && agrees:
		return started(c, s)
	case wants && told == tlsparse.Maybe && ch == tlsparse.Yes:
		return started(c, -1)
	case agrees && asked == tlsparse.Maybe && sh == tlsparse.Yes:
		return started(-1, s)
	case asked != tlsparse.Yes || told != tlsparse.Yes:
		return maybe(Silent)
	case wants && (answer.typ != rdpNegFailure || answer.value == rdpNotAllowed || answer.value == rdpNoCert):
		return decided(Refused)
	}
	return no()
}

// negotiation is the part of a request or confirm about security protocols.
type negotiation struct {
	typ   byte
	value uint32
}

// cutX224 returns the length of the TPDU at the start of b (RFC 1006 §6, X.224
// §13.3, §13.4) and its negotiation.
func cutX224(b []byte, code byte) (n int, neg negotiation, ans tlsparse.Answer) {
	if len(b) > 0 && b[0] != 3 || len(b) > 1 && b[1] != 0 ||
		len(b) > 2 && b[2] > 1 || len(b) > 5 && b[5] != code {
		return 0, neg, tlsparse.No
	}
	if len(b) < 6 {
		return 0, neg, tlsparse.Maybe
	}
	n = int(binary.BigEndian.Uint16(b[2:]))
	if n < tpktHeaderLen+x224FixedLen || int(b[4]) != min(n-tpktHeaderLen-1, 0xff) && int(b[4]) > n-tpktHeaderLen-1 {
		return 0, neg, tlsparse.No
	}
	if n > len(b) {
		return 0, neg, tlsparse.Maybe
	}
	return n, negotiationRDP(b[tpktHeaderLen+x224FixedLen : n]), tlsparse.Yes
}

// negotiationRDP reads what follows the fixed part: a cookie or routing token
// that ends its line, then the negotiation.
func negotiationRDP(b []byte) negotiation {
	if bytes.HasPrefix(b, []byte("Cookie: ")) {
		end := bytes.Index(b, []byte("\r\n"))
		if end < 0 {
			return negotiation{}
		}
		b = b[end+2:]
	}
	if len(b) < rdpNegotiation || binary.LittleEndian.Uint16(b[2:]) != rdpNegotiation {
		return negotiation{}
	}
	return negotiation{b[0], binary.LittleEndian.Uint32(b[4:])}
}
