package keylog

import "fmt"

// maxSecret is the length of the longest secret: SHA-384's traffic secrets, and
// the master secret.
const maxSecret = 48

// RandomLen is the length of a ClientHello's random, under which secrets are
// logged.
const RandomLen = 32

// secret is one secret by value, so that it can be overwritten.
type secret struct {
	n uint8
	b [maxSecret]byte
}

func (s *secret) bytes() []byte { return s.b[:s.n] }

// Secrets are what a log holds of one connection. They show nothing when they
// are printed. Whoever got a copy overwrites it with Wipe.
type Secrets struct {
	client, server secret // handshake traffic secrets of TLS 1.3
	master         secret // up to TLS 1.2
}

// Client returns the client's handshake traffic secret of TLS 1.3 (RFC 8446
// §7.1), empty where the log does not have it. It aliases s.
func (s *Secrets) Client() []byte { return s.client.bytes() }

// Server is Client for the server.
func (s *Secrets) Server() []byte { return s.server.bytes() }

// Master returns the master secret of a connection up to TLS 1.2, empty where
// the log does not have it. It aliases s.
func (s *Secrets) Master() []byte { return s.master.bytes() }

// Wipe overwrites the secrets.
func (s *Secrets) Wipe() { *s = Secrets{} }

// Format writes which secrets are there, whatever the verb, and never what they
// are.
func (s Secrets) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "secrets(client: %t, server: %t, master: %t)", s.client.n > 0, s.server.n > 0, s.master.n > 0)
}

// Format writes that there is something, and no more.
func (s secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, "hidden") }
