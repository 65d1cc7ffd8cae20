package discover

import "time"

// Severity orders findings by how much they hurt.
type Severity string

// The severities, most severe first.
const (
	Critical Severity = "critical"
	Warning  Severity = "warning"
	Notice   Severity = "notice"
)

// Rank orders severities: 3 critical, 2 warning, 1 notice, 0 for anything else.
func (s Severity) Rank() int {
	switch s {
	case Critical:
		return 3
	case Warning:
		return 2
	case Notice:
		return 1
	}
	return 0
}

// Finding is one gap or fault, with evidence and remedy. Endpoints are
// "ip:port" as text.
type Finding struct {
	Kind        string         `json:"kind"`
	Severity    Severity       `json:"severity"`
	Hostname    string         `json:"hostname,omitempty"`
	Endpoints   []string       `json:"endpoints"`
	Certificate string         `json:"certificate,omitempty"` // SHA-256 of the leaf, hex
	Surface     string         `json:"surface"`
	Owner       string         `json:"owner,omitempty"`
	Handshakes  uint64         `json:"handshakes"`
	Clients     uint64         `json:"clients"`
	Share       float64        `json:"share"` // of all handshakes in scope
	FirstSeen   time.Time      `json:"first_seen"`
	LastSeen    time.Time      `json:"last_seen"`
	Detail      string         `json:"detail"`
	Remedy      string         `json:"remedy"`
	Evidence    map[string]any `json:"evidence"`
}
