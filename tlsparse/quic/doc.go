// Package quic turns the datagrams of a QUIC connection into the TLS handshake
// messages that anybody on the path can read: those of Initial packets, whose
// keys come from the connection id that stands in front of them (RFC 9001 §5.2).
//
// It knows version 1 (RFC 9000), version 2 (RFC 9369), the drafts from 22 on,
// Facebook's and Google's versions that carry TLS; a version that it does not
// know is tried with the keys of those. Results alias the datagram or a buffer
// of the Reader, and whoever keeps them copies them. Which datagrams belong to
// one pair of addresses, when a connection is over, and what the messages mean
// is left to others; so is everything behind the Initial packets, which needs
// keys from the endpoints.
package quic

// Side is one of the two ends of a connection.
type Side int8

// The sides. Unknown asks the Reader to find out, which it does by the keys.
const (
	Unknown Side = iota
	Client
	Server
)

// String returns "client", "server" or "unknown".
func (s Side) String() string {
	switch s {
	case Client:
		return "client"
	case Server:
		return "server"
	}
	return "unknown"
}

// other returns the other end; the server for Unknown.
func (s Side) other() Side {
	if s == Server {
		return Client
	}
	return Server
}
