// Package tlsparse turns the bytes of one direction of a TLS connection into
// handshake messages, and messages into hellos, chains and alerts.
//
// Everything is a pure function of bytes: nothing panics, blocks or keeps a
// reference; results alias their input, and whoever keeps them copies them. We
// observe, we are not the peer: what a peer would reject is read as far as it
// goes and flagged. Finding where TLS begins behind another protocol, DTLS and
// QUIC framing, and every verification are left to others.
package tlsparse

import "errors"

// ErrMalformed says that a message does not follow its grammar, or ends early.
// What could be read before the damage is in the result all the same.
var ErrMalformed = errors.New("malformed or cut TLS message")

// Answer is what a probe says of a prefix.
type Answer int8

// The answers of a probe. Maybe asks for more bytes: all that is there fits.
const (
	No Answer = iota
	Maybe
	Yes
)

// String returns "no", "maybe" or "yes".
func (a Answer) String() string {
	switch a {
	case Yes:
		return "yes"
	case Maybe:
		return "maybe"
	}
	return "no"
}
