package inventory

import (
	"fmt"
	"strings"

	"blindspot/discover"
)

// setHash keeps a fingerprint of the certificate; its length says which.
func (r *Record) setHash(s string) error {
	hash := parseHash(s)
	switch {
	case strings.TrimSpace(s) == "":
		return nil
	case len(hash) == 40:
		r.SHA1 = hash
	case len(hash) == 64:
		r.SHA256, _ = discover.ParseFingerprint(hash)
	default:
		return fmt.Errorf("fingerprint %s is neither SHA-256 nor SHA-1 in hex", quote(s))
	}
	return nil
}

// setSPKI keeps the SHA-256 of the public key.
func (r *Record) setSPKI(s string) error {
	if strings.TrimSpace(s) == "" {
		return nil
	}
	hash, err := discover.ParseFingerprint(parseHash(s))
	if err != nil {
		return fmt.Errorf("public key %s is no SHA-256 in hex", quote(s))
	}
	r.SPKI = hash
	return nil
}

// identified reports whether anything tells the certificate from others.
func (r *Record) identified() bool {
	return !r.SHA256.IsZero() || r.SHA1 != "" || !r.SPKI.IsZero() || r.Serial != "" || len(r.Names) > 0
}

func (r *Record) setSerial(s string, b base) (err error) {
	r.Serial, err = parseSerial(s, b)
	return err
}

// setNotBefore and setNotAfter read a date whose order is beyond doubt, as
// programs write it.
func (r *Record) setNotBefore(s string) (err error) {
	r.NotBefore, err = parseDate(s, orderUnknown)
	return err
}

func (r *Record) setNotAfter(s string) (err error) {
	r.NotAfter, err = parseDate(s, orderUnknown)
	return err
}
