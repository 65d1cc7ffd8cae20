package keylog

import (
	"hash"

	"blindspot/tlsparse"
	"blindspot/tlsparse/internal/protect"
)

// Transcript is the hash over the handshake messages of TLS 1.3 (RFC 8446
// §4.4.1), which a CertificateVerify signs. The zero Transcript hashes nothing.
type Transcript struct {
	suite func() hash.Hash
	sum   hash.Hash
}

// NewTranscript returns the transcript of a handshake with this cipher suite;
// one that is not known gives one that hashes nothing.
func NewTranscript(suite uint16) *Transcript {
	s, ok := protect.SuiteOf(suite)
	if !ok {
		return &Transcript{}
	}
	return &Transcript{suite: s.Hash, sum: s.Hash()}
}

// Message adds a message, the body of which comes without its header.
func (t *Transcript) Message(typ uint8, body []byte) {
	if t.sum == nil {
		return
	}
	n := len(body)
	t.sum.Write([]byte{typ, byte(n >> 16), byte(n >> 8), byte(n)})
	t.sum.Write(body)
}

// Retry replaces what was added, the first ClientHello, by its hash, as a
// HelloRetryRequest demands. The HelloRetryRequest itself is added after it.
func (t *Transcript) Retry() {
	if t.sum == nil {
		return
	}
	first := t.sum.Sum(nil)
	t.sum = t.suite()
	t.Message(tlsparse.TypeMessageHash, first)
}

// Hash returns the hash so far, nil where nothing can be hashed.
func (t *Transcript) Hash() []byte {
	if t.sum == nil {
		return nil
	}
	return t.sum.Sum(nil)
}
