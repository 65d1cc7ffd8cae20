package quic

import "strings"

// Seen says what was seen.
type Seen uint16

// What can be seen in a datagram.
const (
	SeenInitial     Seen = 1 << iota // an Initial packet, and it opened
	SeenUnopened                     // an Initial packet that no key opens, or that was cut before anything of use
	SeenTruncated                    // an Initial packet that was cut: its content is likely, not proved
	SeenZeroRTT                      // 0-RTT data: the client resumes
	SeenHandshake                    // Handshake packets: the ServerHello was answered
	SeenOneRTT                       // short headers
	SeenRetry                        // a server's Retry
	SeenNegotiation                  // a server's Version Negotiation
	SeenRestart                      // the CRYPTO streams begin anew, after a Retry or Version Negotiation, with a hello that may differ
	SeenAnother                      // another connection begins here, which has the same ids, and what was known of the last one is forgotten
	SeenClose                        // a CONNECTION_CLOSE in the clear
	SeenNotTLS                       // the CRYPTO frames hold something else
	SeenHeld                         // kept until the keys are known
	SeenGarbage                      // trailing bytes that are no packet
	SeenUnsealed                     // a Handshake packet, and it opened
)

var seenNames = [...]string{"initial", "unopened", "truncated", "0-rtt", "handshake", "1-rtt", "retry",
	"negotiation", "restart", "another", "close", "not-tls", "held", "garbage", "unsealed"}

// String lists what was seen: "initial,close".
func (s Seen) String() string {
	var names []string
	for i, name := range seenNames {
		if s&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// Event is what one datagram said. The messages that it made whole are fetched
// with Next.
type Event struct {
	From    Side // Unknown where nothing tells
	Seen    Seen
	Version uint32 // of the first packet; 0 for a short header
	Close   Close  // with SeenClose
	// HandshakeBytes is the sum of the lengths that the Handshake packets
	// declare: with packet numbers and tags, without headers.
	HandshakeBytes int
}

// Close is a side's farewell.
type Close struct {
	From   Side
	Code   uint64
	Reason []byte // as sent, up to maxReason bytes; a copy
}

// cryptoError is the first of the codes that stand for TLS alerts (RFC 9000
// §20.1).
const cryptoError = 0x0100

// Alert returns the TLS alert that a close stands for: in an Initial packet a
// side says in the clear why it refuses the other.
func (c Close) Alert() (description uint8, ok bool) {
	return uint8(c.Code), c.Code>>8 == cryptoError>>8
}

// Message is one handshake message. It aliases the Reader's buffer until the
// next call of the Reader for the same connection.
type Message struct {
	From Side
	Type uint8
	Raw  []byte // header and body, as transcripts want it
	Body []byte // without the header, as tlsparse wants it

	Encrypted bool // it came in Handshake packets
}
