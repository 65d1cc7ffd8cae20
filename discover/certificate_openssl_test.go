package discover

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// openssl is what `openssl x509 -text` and its kin say of a certificate.
type openssl struct {
	subject, issuer, serial, fingerprint, spki string
	notBefore, notAfter                        time.Time
	signature, keyAlgorithm, keySize, curve    string
	names                                      []string
}

func certText(t *testing.T, name string) openssl {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "certs", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	var o openssl
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		key, value, _ := strings.Cut(line, "=")
		switch key {
		case "subject":
			o.subject = value
		case "issuer":
			o.issuer = value
		case "serial":
			o.serial = value
		case "notBefore", "notAfter":
			at, err := time.Parse("2006-01-02 15:04:05Z", value)
			if err != nil {
				t.Fatal(err)
			}
			if key == "notBefore" {
				o.notBefore = at
			} else {
				o.notAfter = at
			}
		case "sha256 Fingerprint":
			o.fingerprint = strings.ToLower(strings.ReplaceAll(value, ":", ""))
		case "spki":
			o.spki = value
		}
		key, value, _ = strings.Cut(strings.TrimSpace(line), ": ")
		switch strings.TrimSuffix(key, ":") {
		case "Signature Algorithm":
			o.signature = value
		case "Hash Algorithm":
			o.signature += " " + value
		case "Public Key Algorithm":
			o.keyAlgorithm = value
		case "Public-Key":
			o.keySize = strings.Trim(value, "( bit)")
		case "ASN1 OID":
			o.curve = value
		case "X509v3 Subject Alternative Name":
			o.names = strings.Split(strings.TrimSpace(lines[i+1]), ", ")
		}
	}
	return o
}

// The words that OpenSSL and we have for the same thing.
var (
	opensslSignatures = map[string]string{
		"sha256WithRSAEncryption": "SHA256-RSA",
		"sha384WithRSAEncryption": "SHA384-RSA",
		"sha224WithRSAEncryption": "SHA224-RSA",
		"sha1WithRSAEncryption":   "SHA1-RSA",
		"md5WithRSAEncryption":    "MD5-RSA",
		"rsassaPss sha256":        "SHA256-RSAPSS",
		"rsassaPss sha512":        "SHA512-RSAPSS",
		"ecdsa-with-SHA256":       "ECDSA-SHA256",
		"ED25519":                 "Ed25519",
		"ED448":                   "Ed448",
		"SM2-with-SM3":            "SM2-SM3",
		"dsa_with_SHA256":         "DSA-SHA256",
	}
	opensslKeys = map[string]string{
		"rsaEncryption": "RSA", "rsassaPss": "RSA-PSS", "id-ecPublicKey": "ECDSA",
		"ED25519": "Ed25519", "ED448": "Ed448", "dsaEncryption": "DSA",
	}
	opensslCurves = map[string]string{
		"secp224r1": "P-224", "prime256v1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521", "prime192v1": "P-192",
	}
)

func trimSerial(s string) string {
	digits, negative := strings.CutPrefix(strings.ToLower(s), "-")
	digits = strings.TrimLeft(digits, "0")
	if digits == "" {
		digits = "0"
	}
	if negative {
		return "-" + digits
	}
	return digits
}

// sanText writes the names as OpenSSL does, kind by kind.
func sanText(c *Certificate) []string {
	var list []string
	for _, s := range c.DNSNames {
		list = append(list, "DNS:"+s)
	}
	for _, ip := range c.IPs {
		text := ip.String()
		if ip.Is6() { // OpenSSL shortens no zeros
			a := ip.As16()
			parts := make([]string, 8)
			for i := range parts {
				parts[i] = strings.ToUpper(strconv.FormatUint(uint64(a[2*i])<<8|uint64(a[2*i+1]), 16))
			}
			text = strings.Join(parts, ":")
		}
		list = append(list, "IP Address:"+text)
	}
	for _, s := range c.Emails {
		list = append(list, "email:"+s)
	}
	for _, s := range c.URIs {
		list = append(list, "URI:"+s)
	}
	return list
}
