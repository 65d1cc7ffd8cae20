package coverage

import (
	"time"

	"blindspot/discover"
	"blindspot/discover/monitored"
)

// Result is the comparison, in the contract's words.
type Result struct {
	First, Last time.Time
	Summary     Summary
	OutOfScope  OutOfScope
	AskedOnly   AskedOnly
	Surfaces    []SurfaceStatus
	Checks      []CheckStatus
	Warnings    []monitored.Warning
	Findings    []discover.Finding // most severe first
}

// Summary counts what clients use within the scope.
type Summary struct {
	Hostnames int `json:"hostnames"`
	// Monitored names have a check that asks for them and verifies; those
	// weakly monitored are only touched by checks; no check names the others.
	Monitored        int     `json:"monitored"`
	WeaklyMonitored  int     `json:"weakly_monitored"`
	Unmonitored      int     `json:"unmonitored"`
	UnmonitoredShare float64 `json:"unmonitored_share"` // of handshakes in scope
	Endpoints        int     `json:"endpoints"`
	Certificates     int     `json:"certificates"`
	Handshakes       uint64  `json:"handshakes"`
	// MonitorHandshakes are those that the checks made themselves.
	MonitorHandshakes uint64 `json:"monitor_handshakes"`
	// Scanners are clients that go from server to server and use none;
	// ScannerHandshakes raise no finding.
	Scanners          int    `json:"scanners"`
	ScannerHandshakes uint64 `json:"scanner_handshakes"`
	// Verified are handshakes whose certificate was not seen, at places where
	// our own look was shown one since.
	Verified uint64 `json:"verified"`
	// Beyond counts handshakes that came after a bound of the comparison was
	// reached; they are in no finding.
	Beyond    uint64                    `json:"beyond"`
	Cleartext Cleartext                 `json:"cleartext"`
	Findings  map[discover.Severity]int `json:"findings"`
}

// OutOfScope is the traffic that is not ours.
type OutOfScope struct {
	Handshakes uint64            `json:"handshakes"`
	Largest    []OutOfScopeEntry `json:"largest"`
	// Cleartext counts sessions that stayed in the clear, as in Summary.
	Cleartext uint64 `json:"cleartext"`
}

// OutOfScopeEntry is one name and port that is not ours; Hostname is empty for
// traffic without a name.
type OutOfScopeEntry struct {
	Hostname   string `json:"hostname"`
	Port       uint16 `json:"port"`
	Handshakes uint64 `json:"handshakes"`
	// ECHPublic: Hostname is an ECH provider's public name, under which clients
	// ask for names that cannot be seen.
	ECHPublic bool `json:"ech_public,omitempty"`
}

// AskedOnly counts names in scope that clients asked for and that are not in
// use: no server went on, or only stray handshakes asked for them.
type AskedOnly struct {
	Names      int    `json:"names"`
	Handshakes uint64 `json:"handshakes"`
	// Stray are those where a server's default answered a name that it has no
	// certificate for, and one client asked in passing.
	Stray           int    `json:"stray"`
	StrayHandshakes uint64 `json:"stray_handshakes"`
}

// CertificateStatus is a leaf that a surface presents.
type CertificateStatus struct {
	SHA256   string    `json:"sha256"`
	Issuer   string    `json:"issuer"`
	NotAfter time.Time `json:"not_after"`
}

// SurfaceStatus is one surface in use. Status is "ok", "warning", "critical",
// or "unknown" where no certificate could be seen.
type SurfaceStatus struct {
	Name         string              `json:"name"`
	Owner        string              `json:"owner"`
	TrustStore   string              `json:"trust_store"`
	Endpoints    int                 `json:"endpoints"`
	Hostnames    int                 `json:"hostnames"`
	Certificates []CertificateStatus `json:"certificates"`
	Status       string              `json:"status"`

	// Validation is nil for a surface without a loaded trust store.
	Validation *Validation   `json:"validation,omitempty"`
	Clients    ClientsStatus `json:"clients"`
	// MTLS is nil where no client was seen to present a certificate.
	MTLS *MTLSStatus `json:"mtls,omitempty"`
	// Checks counts the enabled checks that reach the surface, by grade.
	Checks map[string]int `json:"checks"`
	// HopsIn and HopsOut are handshakes passed on by a NAT or a load balancer,
	// from other surfaces and to them.
	HopsIn  []SurfaceHop `json:"hops_in,omitempty"`
	HopsOut []SurfaceHop `json:"hops_out,omitempty"`
}

// Validation is what a surface's own trust store says of the certificates that
// are presented there, each counted once by its worst chain.
type Validation struct {
	Store      string `json:"store"`
	Date       string `json:"date,omitempty"`
	Hash       string `json:"hash,omitempty"`
	Trusted    int    `json:"trusted"`
	Incomplete int    `json:"incomplete"`
	Untrusted  int    `json:"untrusted"`
	Unknown    int    `json:"unknown"` // cannot be judged
}

// ClientsStatus is what the behaviour of a surface's clients proves.
type ClientsStatus struct {
	Handshakes  uint64 `json:"handshakes"`
	Established uint64 `json:"established"`
	// Refused are the handshakes that clients gave up with an alert;
	// CertificateRefused those of them where it is about the certificate.
	Refused            uint64 `json:"refused"`
	CertificateRefused uint64 `json:"certificate_refused"`
	Distinct           uint64 `json:"distinct"`
}

// MTLSStatus is the clients' side of mutual TLS.
type MTLSStatus struct {
	Certificates   int       `json:"certificates"`
	Issuers        []string  `json:"issuers"`
	TrustDomains   []string  `json:"trust_domains"` // of SPIFFE ids
	EarliestExpiry time.Time `json:"earliest_expiry,omitzero"`
}

// SurfaceHop counts handshakes that were passed on from or to a surface.
type SurfaceHop struct {
	Surface    string `json:"surface"`
	Handshakes uint64 `json:"handshakes"`
}

// CheckStatus is one check with what it reaches and whether clients use it.
type CheckStatus struct {
	Source    string `json:"source"`
	Ref       string `json:"ref"`
	Enabled   bool   `json:"enabled"`
	Hostname  string `json:"hostname"`
	Address   string `json:"address"`
	Port      uint16 `json:"port"`
	SNIOrigin string `json:"sni_origin"`
	Grade     string `json:"grade"`
	Owner     string `json:"owner,omitempty"`
	// Witnessed are the endpoints that the check's own handshakes reached, or
	// that present the certificate which the monitor says it saw.
	Witnessed []string `json:"witnessed"`
	// Sees is that certificate, "" where the monitor does not say it.
	Sees string `json:"sees,omitempty"`
	// Used says that clients use what the check checks.
	Used bool `json:"used"`
	// Covers are the endpoints in use that the check covers.
	Covers []string `json:"covers"`
}
