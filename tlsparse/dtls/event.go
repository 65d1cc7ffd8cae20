package dtls

// EventKind says what was found in a datagram.
type EventKind uint8

// The kinds of events.
const (
	// EventMessage: a whole handshake message of this Type and Seq in Body.
	EventMessage EventKind = iota + 1
	// EventPartial: of a handshake message of this Type, Seq and length N, the
	// first bytes only; the others are given up.
	EventPartial
	// EventTooLong: a handshake message of this Type and Seq whose length N is
	// over maxMessage, or which came in more than maxPieces pieces. It is not
	// kept.
	EventTooLong
	// EventGap: N messages from Seq on are given up. They were not captured,
	// or not in whole, and later ones follow.
	EventGap
	// EventRestart: the next message begins another handshake.
	EventRestart
	// EventChangeCipherSpec: from here on records are protected. It comes once
	// a handshake.
	EventChangeCipherSpec
	// EventAlert: a plaintext alert record with its payload in Body, which
	// tlsparse.ParseAlerts reads.
	EventAlert
	// EventProtected: a protected record of this Type and Epoch with N bytes of
	// payload. In a record with a connection id Type is RecordCID, in one of
	// DTLS 1.3 it is 0, for the true one is hidden; of the latter's epoch the
	// two lowest bits are known.
	EventProtected
	// EventBroken: at offset N of the datagram begins what is no DTLS. The next
	// datagram can be DTLS again.
	EventBroken
)

// Event is what was found. Body aliases the datagram or the Assembler's memory
// and is valid until the next call.
type Event struct {
	Kind  EventKind
	Type  uint8
	Seq   uint16
	Epoch uint16
	N     int
	Body  []byte
}
