package keylog

import (
	"blindspot/tlsparse"
)

// Hidden is what the encrypted part of a TLS 1.3 handshake says, of which it
// gathers the messages, over TCP or QUIC: the server's in their order, and then
// the client's; where they come otherwise, there is no proof. The zero value is
// ready. Byte slices alias the messages, or memory of the Hidden's own where they
// came compressed.
type Hidden struct {
	// Limit bounds the body of a Certificate message that was compressed. 0:
	// DefaultLimit.
	Limit int
	// Transcript, where set, has the messages up to and with the ServerHello.
	// Without it, or where the hello in it is not the one that counted (an
	// accepted Encrypted Client Hello), there are no proofs.
	Transcript *Transcript

	EncryptedExtensions bool // they were seen
	ALPN                []byte
	EarlyDataAccepted   bool
	// ECHRejected: the server sent configurations to try again with, so the
	// name in the clear is the one that was served.
	ECHRejected bool
	// RawPublicKeys: the certificates of each side are keys (RFC 7250).
	RawPublicKeys, ClientRawPublicKeys bool

	ClientAuthRequested bool
	Request             tlsparse.CertificateRequest

	Server, Client Identity

	Malformed int   // messages that keep no rule, or could not be decompressed
	Err       error // the first reason

	gap bool // a message is missing, or came too early: the transcript is not right
}

// DefaultLimit bounds the body of a Certificate message that was compressed.
const DefaultLimit = 192 << 10

// Identity is what one side says of itself.
type Identity struct {
	Seen         bool   // a Certificate message; it may be empty
	Compressed   uint16 // the algorithm, 0 for none
	Certificates []tlsparse.Certificate13
	Finished     bool // the side went on to its Finished

	// Proof is the side's signature, made with its certificate's key, or, where
	// the leaf has a delegated credential, with the key of that.
	Proof Proof
}

// Proof is a signature over the transcript, to be checked against the leaf.
type Proof struct {
	Scheme    uint16
	Signed    []byte // nil: the transcript is not known
	Signature []byte
}

// Delegated returns the leaf's delegated credential, nil for none. Where there
// is one, the Proof is not the leaf's.
func (i *Identity) Delegated() []byte {
	if len(i.Certificates) == 0 {
		return nil
	}
	return i.Certificates[0].DelegatedCredential
}

// Message takes the next message.
func (h *Hidden) Message(fromServer bool, typ uint8, body []byte) {
	side := &h.Client
	if fromServer {
		side = &h.Server
	}
	switch typ {
	case tlsparse.TypeEncryptedExtensions:
		h.extensions(body)
	case tlsparse.TypeCertificateRequest:
		h.ClientAuthRequested = true
		h.note(tlsparse.ParseCertificateRequest(body, tlsparse.VersionTLS13, &h.Request))
	case tlsparse.TypeCertificate:
		h.certificates(side, body)
	case tlsparse.TypeCompressedCertificate:
		h.compressed(side, body)
	case tlsparse.TypeCertificateVerify:
		h.verify(side, fromServer, body)
	case tlsparse.TypeFinished:
		side.Finished = true
	}
	h.gap = h.gap || fromServer == h.Server.Finished && typ != tlsparse.TypeFinished || !h.EncryptedExtensions
	if h.Transcript != nil {
		h.Transcript.Message(typ, body) // behind verify, which signs what is before it
	}
}

// note counts what went wrong.
func (h *Hidden) note(err error) {
	if err == nil {
		return
	}
	h.Malformed++
	if h.Err == nil {
		h.Err = err
	}
}

func (h *Hidden) extensions(body []byte) {
	var e tlsparse.ServerHello
	h.note(tlsparse.ParseEncryptedExtensions(body, &e))
	h.EncryptedExtensions = true
	if len(e.ALPN) > 0 {
		h.ALPN = e.ALPN[0]
	}
	h.EarlyDataAccepted = e.EarlyData
	h.ECHRejected = tlsparse.ECHRetryConfigs(body) != nil
	h.RawPublicKeys = e.HasServerCertificateType && e.ServerCertificateType == tlsparse.CertificateTypeRawPublicKey
	h.ClientRawPublicKeys = e.HasClientCertificateType && e.ClientCertificateType == tlsparse.CertificateTypeRawPublicKey
}

// certificates takes the certificates of a side's first Certificate message.
func (h *Hidden) certificates(side *Identity, body []byte) {
	if side.Seen {
		return
	}
	var err error
	_, side.Certificates, err = tlsparse.ParseCertificate13(body, nil)
	side.Seen = true
	h.note(err)
}

func (h *Hidden) compressed(side *Identity, body []byte) {
	var c tlsparse.CompressedCertificate
	if err := tlsparse.ParseCompressedCertificate(body, &c); err != nil {
		h.note(err)
		return
	}
	limit := h.Limit
	if limit <= 0 {
		limit = DefaultLimit
	}
	plain, err := c.Decompress(nil, limit)
	if err != nil {
		h.note(err)
		return
	}
	side.Compressed = c.Algorithm
	h.certificates(side, plain)
}

func (h *Hidden) verify(side *Identity, fromServer bool, body []byte) {
	var v tlsparse.CertificateVerify
	if err := tlsparse.ParseCertificateVerify(body, tlsparse.VersionTLS13, &v); err != nil {
		h.note(err)
		return
	}
	side.Proof = Proof{Scheme: v.Scheme, Signature: v.Signature}
	if h.Transcript == nil || h.gap || !side.Seen {
		return
	}
	if sum := h.Transcript.Hash(); sum != nil {
		side.Proof.Signed = tlsparse.AppendCertificateVerifySigned(nil, fromServer, sum)
	}
}

// Read takes the messages that an Opener has.
func (h *Hidden) Read(fromServer bool, o *Opener) {
	h.gap = h.gap || o.Stats().Lost > 0
	for {
		typ, body, ok := o.Next()
		if !ok {
			return
		}
		h.Message(fromServer, typ, body)
	}
}
