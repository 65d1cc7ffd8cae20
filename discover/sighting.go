package discover

import (
	"net/netip"
	"time"
)

// NameKind says what a hello's server name was.
type NameKind uint8

// The kinds of a name in a Key.
const (
	NameNone    NameKind = iota // no server_name was sent
	NameValid                   // Key.Hostname holds it
	NameInvalid                 // one was sent that is no hostname
	NameBeyond                  // a hostname that came after the bound on names was reached
	NameUnseen                  // the hello was not captured
	NamePublic                  // Key.Hostname is an ECH provider's public name: what was asked for is not known
)

var nameKinds = [...]string{"none", "valid", "invalid", "beyond-bound", "unseen", "ech-public"}

// String returns the kind's word, as the store keeps it.
func (k NameKind) String() string {
	if int(k) < len(nameKinds) {
		return nameKinds[k]
	}
	return ""
}

// ParseNameKind reads what String writes.
func ParseNameKind(s string) (NameKind, bool) {
	for i, w := range nameKinds {
		if w == s {
			return NameKind(i), true
		}
	}
	return 0, false
}

// Key is what makes two handshakes the same use of the same certificate
// surface. Everything else about them is folded.
type Key struct {
	Sensor    string // name of the sensor that saw it
	Network   string
	Name      NameKind
	Hostname  string
	Target    string
	Transport Transport
	Server    netip.AddrPort

	Chain       ChainID
	ClientChain ChainID
	// Known says how the chain is known: a From… or Hidden… constant, or ""
	// where the handshake has no certificate by design (anonymous, PSK).
	Known          string
	LengthEvidence string

	Version string // negotiated version, "" without ServerHello
	Preface string
	Outcome Outcome
	// Alert is the refusal behind Outcome as "client:fatal:certificate_expired",
	// "client:protected", or "" for none.
	Alert string
	// Class of the client, where capture fixed it: "monitor" for the checks'
	// own traffic, the name of a network, "" for others.
	Class string
}

// Classes of clients that mean something.
const (
	// ClassMonitor marks handshakes that the checks themselves made.
	ClassMonitor = "monitor"
	// ClassVerify marks our own looks. They show what an endpoint presents, and
	// are no use of it: nothing counts them.
	ClassVerify = "verify"
)

// InUse reports whether a server went on with these handshakes of others. Our
// own looks are no use.
func (k *Key) InUse() bool {
	return k.Class != ClassVerify && (k.Version != "" || k.Outcome == Established)
}

// ClientCount is one client and how many handshakes it made.
type ClientCount struct {
	Addr  netip.Prefix // whole address, or less where --clients says so
	Count uint64
}

// Sighting is the fold of all observations with the same key in a time bucket.
type Sighting struct {
	Key
	Bucket time.Time     // start of the time bucket, UTC
	Width  time.Duration // of the bucket

	First, Last time.Time
	Count       uint64
	// Forwarded counts the far sides of handshakes that are counted elsewhere
	// (see Observation.HopFrom). Their clients are not folded.
	Forwarded uint64
	Clients   Clients

	// Folded figures, each the number of handshakes of which it was true.
	ECH               uint64 // encrypted client hello was offered
	ClientAuth        uint64 // the server asked for a client certificate
	KeyProven         uint64 // the server's signature fits its leaf
	KeyMismatch       uint64 // it does not
	OCSPGood, OCSPBad uint64 // stapled status good; revoked, unknown or expired
	HelloRetry        uint64
	PacketsLost       uint64
	ALPN              string // last offered list, joined by ","
	LastCipher        string
	LastGroup         string
}

// RefusedCertificate reports whether the key's alert says that the peer did
// not accept a certificate.
func (k *Key) RefusedCertificate() bool { return certificateAlert(k.Alert) }

func alertWord(a Alert) string {
	switch {
	case a == Alert{}:
		return ""
	case a.Protected && a.FromServer:
		return "server:protected"
	case a.Protected:
		return "client:protected"
	case a.FromServer:
		return "server:" + a.Level + ":" + a.Description
	}
	return "client:" + a.Level + ":" + a.Description
}

// ParseAlert reads Key.Alert.
func ParseAlert(s string) Alert {
	a := Alert{}
	side, rest, ok := cut(s, ':')
	if !ok {
		return a
	}
	a.FromServer = side == "server"
	if rest == "protected" {
		a.Protected = true
		return a
	}
	a.Level, a.Description, _ = cut(rest, ':')
	return a
}

func cut(s string, sep byte) (before, after string, found bool) {
	for i := 0; i < len(s); i++ {
		if s[i] == sep {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// certificateAlert tells the alerts that are about a certificate (RFC 8446
// §6.2) in the form of Key.Alert.
func certificateAlert(word string) bool {
	switch ParseAlert(word).Description {
	case "bad_certificate", "unsupported_certificate", "certificate_revoked",
		"certificate_expired", "certificate_unknown", "unknown_ca",
		"bad_certificate_status_response", "certificate_required",
		"no_certificate", "no_certificate_RESERVED", "bad_certificate_hash_value_RESERVED":
		return true
	}
	return false
}
