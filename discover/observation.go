package discover

import (
	"net/netip"
	"time"
)

// Transport is what carries the handshake.
type Transport uint8

// The transports of a handshake.
const (
	TCP Transport = iota + 1
	QUIC
	DTLS
)

// String returns "tcp", "quic" or "dtls".
func (t Transport) String() string {
	switch t {
	case TCP:
		return "tcp"
	case QUIC:
		return "quic"
	case DTLS:
		return "dtls"
	}
	return ""
}

// ParseTransport reads what String writes; 0 for anything else.
func ParseTransport(s string) Transport {
	switch s {
	case "tcp":
		return TCP
	case "quic":
		return QUIC
	case "dtls":
		return DTLS
	}
	return 0
}

// Tri is a fact that may be unknown.
type Tri int8

// The values of a Tri. Unknown is written as null.
const (
	Unknown Tri = iota
	No
	Yes
)

// TriOf turns a known fact into a Tri.
func TriOf(b bool) Tri {
	if b {
		return Yes
	}
	return No
}

// Outcome is how a handshake ended, as far as it could be seen.
type Outcome string

// The outcomes of a handshake.
const (
	Established     Outcome = "established"
	RefusedByClient Outcome = "refused-by-client"
	RefusedByServer Outcome = "refused-by-server"
	Unanswered      Outcome = "unanswered"
	OutcomeUnknown  Outcome = "unknown"
)

// Source of the certificates of an observation (events: certs_from).
const (
	FromWire      = "wire"      // seen in a Certificate message in the clear
	FromDecrypted = "decrypted" // opened with logged secrets
	FromVerify    = "verify"    // asked for by blindspot itself
)

// Reasons why an observation has no certificates (events: certs_hidden).
const (
	HiddenEncrypted = "encrypted"        // TLS 1.3, QUIC, DTLS 1.3
	HiddenResumed   = "resumed"          // none was sent
	HiddenOneSided  = "one-sided"        // the server's direction was not captured
	HiddenTruncated = "truncated"        // the server's direction broke off or was lost
	HiddenNoAnswer  = "no-server-answer" // the server never said hello
)

// States of encrypted client hello (events: ech).
const (
	ECHOffered  = "offered"
	ECHAccepted = "accepted"
)

// Alert is a TLS alert (RFC 8446 §6). Level and Description are empty where
// the alert was encrypted (Protected).
type Alert struct {
	FromServer  bool
	Level       string // "warning", "fatal" or ""
	Description string // IANA name such as "certificate_expired", or ""
	Protected   bool
}

// KeyProof is the server's key exchange signature of TLS up to 1.2, to be
// checked against the leaf (RFC 5246 §7.4.3).
type KeyProof struct {
	// Scheme is the SignatureAndHashAlgorithm of TLS 1.2, 0 before TLS 1.2,
	// where RSA signs MD5+SHA1 and ECDSA and DSA sign SHA1 (RFC 4346 §7.4.3).
	Scheme uint16
	// Signed is client random, server random and the parameters.
	Signed    []byte
	Signature []byte
}

// Observation is one handshake as seen: who, which name, which chain, what was
// hidden, how it ended. It owns its bytes.
type Observation struct {
	Time  time.Time // when its first byte was seen
	Ended time.Time // when its visible part ended, in packet time

	// Order places observations that end at the same packet time: the ordinal
	// of the packet that ended it.
	Order uint64

	Network      string // name of the network by configuration, "" for the default
	Transport    Transport
	Client       netip.AddrPort
	ClientOrigin netip.AddrPort // from a PROXY header; zero for none
	Server       netip.AddrPort
	Target       string   // host:port asked for in a CONNECT or SOCKS tunnel
	Preface      string   // STARTTLS words, outermost first, joined by "+"
	Tunnel       []string // "vlan:12", outermost first

	SNI     string // normalised hostname, "" where none or not a hostname
	SNIRaw  string // escaped, where one was sent that is no hostname
	HasSNI  bool   // a server_name extension with a name was sent
	ALPN    []string
	Version string // negotiated, "" without ServerHello
	Cipher  string
	Group   string
	// ALPNChosen is the server's answer, "" where none was seen.
	ALPNChosen string

	Hello       bool // a ClientHello was seen
	ServerHello bool // the server answered with a ServerHello
	HelloRetry  bool
	Resumed     Tri
	// ClientAuthRequested says whether the server asked for a certificate.
	ClientAuthRequested Tri
	ECH                 string // "", ECHOffered, ECHAccepted
	// ECHPublic: SNI is the known public name of a provider of Encrypted Client
	// Hello, and that was offered: what was asked for is not known. Set by the
	// aggregator.
	ECHPublic bool
	ESNI      bool // what ECH offers is its forerunner, ESNI (extension 0xffce)
	EarlyData bool // the client offered 0-RTT data (RFC 8446 §4.2.10)

	// Chain and ClientChain are fingerprints as presented, leaf first. DER
	// holds the bytes of those that the aggregator may not know yet.
	Chain       []Fingerprint
	ClientChain []Fingerprint
	DER         []RawCertificate
	// Presented and ClientPresented are the same chains where observations
	// share them (see Show), nil elsewhere.
	Presented       *Presented
	ClientPresented *Presented
	CertsFrom       string // FromWire, FromDecrypted, FromVerify, ""
	CertsHidden     string // a Hidden… constant, "" where certificates were seen

	Proof        *KeyProof // input of KeyProof, nil where there is none
	KeyProven    Tri       // set by the aggregator
	OCSPResponse []byte    // stapled response as sent (RFC 6066 §8)
	OCSP         string    // "good", "revoked", "unknown", "expired", ""; set by the aggregator
	// LengthEvidence is what the lengths of encrypted records say of a hidden
	// chain, "" for nothing.
	LengthEvidence string

	Alerts       []Alert
	Outcome      Outcome
	ClientRandom []byte // 32 bytes, nil where the hello was not seen
	ServerRandom []byte
	JA3          string
	JA3S         string
	JA4          string
	PacketsLost  int // holes in the visible part that were never filled

	// Class is the client's class where capture fixed it, see Key.
	Class string

	// HopFrom is set where the same handshake was seen earlier on its way to
	// another server: this is the far side of a NAT or of a load balancer that
	// does not end TLS, and no handshake of its own.
	HopFrom netip.AddrPort

	// Offer is set where a session in plaintext had the choice of TLS and
	// stayed without: OfferRefused or OfferDeclined. There is no handshake
	// then, only ends, Target, Preface and times.
	Offer string
}

// Handshake reports whether o is a handshake of its own: neither the far side
// of one that is counted elsewhere, nor a session that stayed in the clear.
func (o *Observation) Handshake() bool { return !o.HopFrom.IsValid() && o.Offer == "" }

// RawCertificate is a certificate as sent.
type RawCertificate struct {
	SHA256 Fingerprint
	DER    []byte
}

// InUse reports whether a server went on with the handshake: it said hello, or
// the client behaved as if it had.
func (o *Observation) InUse() bool {
	return o.ServerHello || o.Outcome == Established
}

// Refusal returns the alert that explains the outcome, or the zero Alert.
func (o *Observation) Refusal() Alert {
	var want bool
	switch o.Outcome {
	case RefusedByServer:
		want = true
	case RefusedByClient:
	default:
		return Alert{}
	}
	for _, a := range o.Alerts {
		if a.FromServer == want && (a.Level == "fatal" || a.Protected) {
			return a
		}
	}
	for _, a := range o.Alerts {
		if a.FromServer == want {
			return a
		}
	}
	return Alert{}
}
