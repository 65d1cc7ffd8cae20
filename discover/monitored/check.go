package monitored

import (
	"maps"
	"slices"
	"strings"
)

// Where the server name of a check comes from.
const (
	originExplicit = "explicit" // written down for this purpose
	originDerived  = "derived"  // the host that is dialled
	originNone     = "none"     // no name is sent
)

// Check is one thing that monitoring checks.
type Check struct {
	Source  string `json:"source"` // kind of the source: "prometheus", "hosts", …
	Ref     string `json:"ref"`    // "prometheus.yml:12", the path as the user gave it
	Enabled bool   `json:"enabled"`
	// Scheme is what the monitor speaks ("https", "tls", "smtp", "icmp", …),
	// empty where the source does not say.
	Scheme string `json:"scheme"`
	// StartTLS is the preface before TLS, in the words of events ("smtp"),
	// empty for none.
	StartTLS string `json:"starttls"`
	// Hostname is the normalised name that the check sends and verifies, empty
	// where it sends none.
	Hostname string `json:"hostname"`
	// Address is the host that is dialled: an IP or a normalised name, empty
	// where it is not known.
	Address   string `json:"address"`
	Port      uint16 `json:"port"`       // 0: not known
	SNIOrigin string `json:"sni_origin"` // "explicit", "derived", "none"
	Verifies  bool   `json:"verifies"`
	// TrustStore is the reference of the roots it verifies against (a ca_file,
	// the csv's ca), empty for the monitor's default.
	TrustStore string            `json:"trust_store"`
	Grade      Grade             `json:"grade"`
	Owner      string            `json:"owner"`
	Labels     map[string]string `json:"labels,omitempty"`
	Warnings   []string          `json:"warnings,omitempty"`
	// WatchesExpiry says that the monitor reads the certificate's expiry date
	// by itself, even where it verifies nothing else.
	WatchesExpiry bool `json:"watches_expiry,omitempty"`
	// SeenFingerprint is the leaf that the monitor says it saw (lower hex
	// SHA-256), empty where the source does not tell.
	SeenFingerprint string `json:"seen_fingerprint,omitempty"`
}

// newCheck is a check of the host and port of p; setSNI or plain complete it.
func newCheck(kind, ref string, p place) Check {
	return Check{Source: kind, Ref: ref, Enabled: true, Address: p.host(), Port: p.port, SNIOrigin: originNone}
}

// plain makes c a check that proves no certificate, with the reason.
func (c *Check) plain(why string) {
	c.Hostname, c.SNIOrigin, c.Verifies, c.TrustStore = "", originNone, false, ""
	c.Grade = GradeReachability
	c.note(why)
}

// setSNI makes c a check that asks for the server name and verifies.
// An IP address is never sent as a server name (RFC 6066 §3).
func (c *Check) setSNI(server place, origin string) {
	c.Verifies = true
	if server.name == "" {
		c.Grade = GradeDefaultCertificate
		c.note("no server name is sent to an IP address: only the default certificate is checked")
		return
	}
	c.Hostname, c.SNIOrigin, c.Grade = server.name, origin, GradeExact
	if c.Port == 0 {
		c.Grade = GradeName
	}
}

// weaken takes the verification away: the handshake still asks for the name.
func (c *Check) weaken(why string) {
	c.Verifies, c.TrustStore, c.Grade = false, "", GradeReachability
	c.note(why)
}

func (c *Check) note(text string) { c.Warnings = append(c.Warnings, text) }

// ownerLabels are the labels that name who owns a target, best first.
var ownerLabels = [...]string{"owner", "team"}

// ownerOf returns the owner that labels name, in whatever case.
func ownerOf(labels map[string]string) string {
	for _, key := range ownerLabels {
		if labels[key] != "" {
			return labels[key]
		}
		for _, name := range slices.Sorted(maps.Keys(labels)) {
			if strings.EqualFold(name, key) && labels[name] != "" {
				return labels[name]
			}
		}
	}
	return ""
}

// setLabels keeps labels and takes the owner from them.
func (c *Check) setLabels(labels map[string]string) {
	if len(labels) > 0 {
		c.Labels = labels
	}
	c.Owner = or(c.Owner, ownerOf(labels))
}
