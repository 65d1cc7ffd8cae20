package trust

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"blindspot/discover"
)

const spiffeScheme = "spiffe://"

func init() {
	register(source{kind: "spiffe", rank: 6, load: loadSPIFFE,
		asked: func(s *Spec) bool { return s.SPIFFE != "" }})
}

// spiffeBundle is a JWK set (SPIFFE Trust Domain and Bundle §4), or several by
// trust domain, as proxies are configured with.
type spiffeBundle struct {
	Keys    []spiffeKey             `json:"keys"`
	Domains map[string]spiffeBundle `json:"trust_domains"`
}

type spiffeKey struct {
	Use string   `json:"use"`
	X5C []string `json:"x5c"`
}

func loadSPIFFE(l *loader) error {
	path := l.spec.SPIFFE
	data, err := l.readSource(path)
	if err != nil {
		return fmt.Errorf("spiffe: %w", err)
	}
	if l.store.TrustDomain == "" {
		return fmt.Errorf("spiffe: %s: a bundle does not say whose it is: give trust_domain, such as example.org", path)
	}
	ders, err := readSPIFFE(data, l.store.TrustDomain)
	if err != nil {
		return fmt.Errorf("spiffe: %s: %w", path, err)
	}
	for _, der := range ders {
		if err := l.add(der, path, nil); err != nil {
			return err
		}
	}
	return nil
}

// readSPIFFE returns the authorities of X.509 SVIDs.
func readSPIFFE(data []byte, domain string) ([][]byte, error) {
	var b spiffeBundle
	if err := json.Unmarshal(data, &b); err != nil {
		if strings.Contains(string(data[:min(len(data), 64)]), "-----BEGIN ") {
			return nil, errors.New("this is PEM text: give it as pem, with trust_domain")
		}
		return nil, fmt.Errorf("read as a SPIFFE bundle (JSON): %w: save it with spire-server bundle show -format spiffe", err)
	}
	if len(b.Domains) > 0 {
		of, ok := b.Domains[domain]
		if !ok {
			return nil, fmt.Errorf("it has no trust domain %q", domain)
		}
		b = of
	}
	var ders [][]byte
	for i, k := range b.Keys {
		if k.Use != "x509-svid" {
			continue
		}
		if len(k.X5C) != 1 { // exactly one (SPIFFE X509-SVID §6.2)
			return nil, fmt.Errorf("key %d has %d certificates in x5c: a bundle has one for each key", i+1, len(k.X5C))
		}
		der, err := base64.StdEncoding.DecodeString(k.X5C[0])
		if err != nil {
			return nil, fmt.Errorf("key %d: x5c: %w", i+1, err)
		}
		ders = append(ders, der)
	}
	if len(ders) == 0 {
		return nil, errors.New(`no key with "use":"x509-svid" in it: save it with spire-server bundle show -format spiffe`)
	}
	return ders, nil
}

// trustDomainOf returns the trust domain of a leaf's SPIFFE ID, lower case.
func trustDomainOf(c *discover.Certificate) string {
	id := c.SPIFFE()
	if id == "" {
		return ""
	}
	domain, _, _ := strings.Cut(id[len(spiffeScheme):], "/")
	return strings.ToLower(domain)
}
