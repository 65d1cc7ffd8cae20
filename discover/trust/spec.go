package trust

import (
	"fmt"
	"strings"
)

// Spec says what a trust store is made of. Several sources make one store.
// Paths are used as they are.
type Spec struct {
	Name    string
	Builtin string   // "mozilla" or "system"
	PEM     []string // files and directories, PEM or a single DER certificate
	JKS     string   // Java keystore; read by its bytes, it may be PKCS#12
	PKCS12  string   // the same the other way round
	// Password of the keystores; empty is Java's "changeit", or none.
	Password string
	SPIFFE   string // SPIFFE bundle (JWKS)
	// TrustDomain limits the store to leaves of that SPIFFE trust domain. A
	// SPIFFE bundle does not name its own.
	TrustDomain string
	Kubernetes  string // ConfigMap as YAML or JSON
	Ref         string // file:line of the configuration, for errors
}

// errorf begins with the store and where it is configured.
func (s *Spec) errorf(format string, args ...any) error {
	where := ""
	if s.Ref != "" {
		where = s.Ref + ": "
	}
	return fmt.Errorf("%strust store %q: %w", where, s.Name, fmt.Errorf(format, args...))
}

// trustDomain returns the trust domain without scheme and path, lower case
// (SPIFFE-ID §2.1).
func (s *Spec) trustDomain() (string, error) {
	d := strings.ToLower(s.TrustDomain)
	d = strings.TrimSuffix(strings.TrimPrefix(d, spiffeScheme), "/")
	if strings.ContainsAny(d, "/:@?# ") {
		return "", s.errorf("%q is no trust domain: want one such as example.org", s.TrustDomain)
	}
	return d, nil
}
