package discover

import (
	"crypto/x509"
	"net/netip"
)

// fillExtension reads what is wanted of one extension. What cannot be read of
// it is left out.
func (c *Certificate) fillExtension(oid string, value []byte) {
	switch oid {
	case "2.5.29.14": // RFC 5280 §4.2.1.2
		r := tlv(value)
		if e, ok := r.take(tagOctetString); ok {
			c.SubjectKeyID = e.body
		}
	case "2.5.29.15":
		c.KeyUsage = readKeyUsage(value)
	case "2.5.29.17":
		c.readSAN(value)
	case "2.5.29.19":
		c.CA = readIsCA(value)
	case "2.5.29.35":
		c.AuthorityKeyID = readAuthorityKeyID(value)
	case "2.5.29.37":
		c.ExtKeyUsage = readExtKeyUsage(value)
	case "1.3.6.1.5.5.7.1.1":
		c.readAuthorityInfo(value)
	case "1.3.6.1.5.5.7.1.24":
		c.MustStaple = asksForStatus(value)
	case "1.3.6.1.4.1.11129.2.4.2":
		c.SCTs = true
	}
}

// readSAN reads the names of RFC 5280 §4.2.1.6.
func (c *Certificate) readSAN(value []byte) {
	r := tlv(value)
	list, _ := r.take(tagSequence)
	r = tlv(list.body)
	for {
		e, ok := r.next()
		if !ok {
			return
		}
		if len(c.DNSNames)+len(c.IPs)+len(c.URIs)+len(c.Emails) >= maxCertificateNames {
			c.MoreNames++
			continue
		}
		c.addName(e)
	}
}

func (c *Certificate) addName(e element) {
	switch e.tag {
	case 0x81: // rfc822Name
		c.Emails = append(c.Emails, latin(e.body))
	case 0x82: // dNSName
		c.DNSNames = append(c.DNSNames, latin(e.body))
	case 0x86: // uniformResourceIdentifier
		c.URIs = append(c.URIs, latin(e.body))
	case 0x87: // iPAddress
		if ip, ok := netip.AddrFromSlice(e.body); ok {
			c.IPs = append(c.IPs, ip)
		}
	}
}

// readKeyUsage reads a BIT STRING, first bit first (RFC 5280 §4.2.1.3).
func readKeyUsage(value []byte) x509.KeyUsage {
	r := tlv(value)
	e, _ := r.take(tagBitString)
	var usage x509.KeyUsage
	for i := range 9 {
		if at := 1 + i/8; at < len(e.body) && e.body[at]&(0x80>>(i%8)) != 0 {
			usage |= 1 << i
		}
	}
	return usage
}

// readIsCA reads cA of RFC 5280 §4.2.1.9.
func readIsCA(value []byte) bool {
	r := tlv(value)
	seq, _ := r.take(tagSequence)
	r = tlv(seq.body)
	e, ok := r.take(tagBoolean)
	return ok && len(e.body) > 0 && e.body[0] != 0
}

func readAuthorityKeyID(value []byte) []byte {
	r := tlv(value)
	seq, _ := r.take(tagSequence)
	r = tlv(seq.body)
	e, _ := r.take(0x80) // keyIdentifier (RFC 5280 §4.2.1.1)
	return e.body
}

// extKeyUsages are the purposes of RFC 5280 §4.2.1.12 and some that are in use
// beside them.
var extKeyUsages = map[string]string{
	"2.5.29.37.0":             "any",
	"1.3.6.1.5.5.7.3.1":       "serverAuth",
	"1.3.6.1.5.5.7.3.2":       "clientAuth",
	"1.3.6.1.5.5.7.3.3":       "codeSigning",
	"1.3.6.1.5.5.7.3.4":       "emailProtection",
	"1.3.6.1.5.5.7.3.5":       "ipsecEndSystem",
	"1.3.6.1.5.5.7.3.6":       "ipsecTunnel",
	"1.3.6.1.5.5.7.3.7":       "ipsecUser",
	"1.3.6.1.5.5.7.3.8":       "timeStamping",
	"1.3.6.1.5.5.7.3.9":       "OCSPSigning",
	"1.3.6.1.4.1.311.10.3.3":  "msSGC",
	"2.16.840.1.113730.4.1":   "nsSGC",
	"1.3.6.1.4.1.311.20.2.2":  "msSmartcardLogin",
	"1.3.6.1.5.2.3.5":         "pkinitKDC",
	"1.3.6.1.4.1.311.54.1.2":  "msRemoteDesktop",
	"1.3.6.1.4.1.311.10.3.12": "msDocumentSigning",
}

func readExtKeyUsage(value []byte) []string {
	r := tlv(value)
	seq, _ := r.take(tagSequence)
	r = tlv(seq.body)
	var list []string
	for {
		e, ok := r.take(tagOID)
		if !ok {
			return list
		}
		oid := oidText(e.body)
		if name := extKeyUsages[oid]; name != "" {
			oid = name
		}
		list = append(list, oid)
	}
}

// readAuthorityInfo reads RFC 5280 §4.2.2.1.
func (c *Certificate) readAuthorityInfo(value []byte) {
	r := tlv(value)
	seq, _ := r.take(tagSequence)
	r = tlv(seq.body)
	for {
		e, ok := r.take(tagSequence)
		if !ok {
			return
		}
		in := tlv(e.body)
		method, _ := in.take(tagOID)
		uri, ok := in.take(0x86)
		if !ok {
			continue
		}
		switch oidText(method.body) {
		case "1.3.6.1.5.5.7.48.1":
			c.OCSPServers = append(c.OCSPServers, latin(uri.body))
		case "1.3.6.1.5.5.7.48.2":
			c.IssuerURLs = append(c.IssuerURLs, latin(uri.body))
		}
	}
}

// asksForStatus looks for status_request among the TLS features (RFC 7633 §4).
func asksForStatus(value []byte) bool {
	r := tlv(value)
	seq, _ := r.take(tagSequence)
	r = tlv(seq.body)
	for {
		e, ok := r.take(tagInteger)
		if !ok {
			return false
		}
		if len(e.body) == 1 && (e.body[0] == 5 || e.body[0] == 17) {
			return true
		}
	}
}
