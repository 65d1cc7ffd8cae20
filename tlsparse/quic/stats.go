package quic

// Stats counts what a Reader did and what it gave up.
type Stats struct {
	Datagrams uint64
	Opened    uint64 // Initial packets
	Unopened  uint64 // Initial packets that no key opens
	Truncated uint64 // Initial packets read without their tag
	Messages  uint64 // handshake messages delivered
	Unsealed  uint64 // Handshake packets opened with secrets that were given
	Derived   uint64 // key derivations
	Guessed   uint64 // packets of a version that is not known, tried with the keys of those that are

	Retries      uint64
	FalseRetries uint64 // Retry packets whose tag is wrong
	Restarts     uint64
	NotTLS       uint64 // streams that hold something else

	Malformed   uint64 // Initial packets with a frame that may not stand there
	Garbage     uint64 // datagrams with trailing bytes that are no packet
	ManyParts   uint64 // datagrams with more than maxPackets packets
	Held        uint64 // datagrams kept until their keys are known
	HeldLost    uint64 // datagrams over maxHeld, or too long
	StillSealed uint64 // Handshake packets that the secrets given do not open
	SealedLost  uint64 // Handshake packets over maxSealed, while secrets might come
	OverCrypto  uint64 // frames past maxCrypto
	OverRuns    uint64 // frames past maxRuns
	TooLong     uint64 // messages that announce more than maxCrypto
	NoBuffer    uint64 // frames and datagrams lost for MaxBuffered
}
