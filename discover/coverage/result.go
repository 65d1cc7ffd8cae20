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
	// Beyond counts handshakes that came after a bound of the comparison was
	// reached; they are in no finding.
	Beyond   uint64                    `json:"beyond"`
	Findings map[discover.Severity]int `json:"findings"`
}

// OutOfScope is the traffic that is not ours.
type OutOfScope struct {
	Handshakes uint64            `json:"handshakes"`
	Largest    []OutOfScopeEntry `json:"largest"`
}

// OutOfScopeEntry is one name and port that is not ours; Hostname is empty for
// traffic without a name.
type OutOfScopeEntry struct {
	Hostname   string `json:"hostname"`
	Port       uint16 `json:"port"`
	Handshakes uint64 `json:"handshakes"`
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
	// Witnessed are the endpoints that the check's own handshakes reached.
	Witnessed []string `json:"witnessed"`
	// Used says that clients use what the check checks.
	Used bool `json:"used"`
	// Covers are the endpoints in use that the check covers.
	Covers []string `json:"covers"`
}
