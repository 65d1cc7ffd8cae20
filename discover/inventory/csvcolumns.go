package inventory

import (
	"fmt"
	"slices"
	"strings"
)

// csvFields are what a column can mean, which are the names of its options too.
var csvFields = []string{
	"sha256", "sha1", "fingerprint", "spki", "serial", "issuer", "subject", "names",
	"notbefore", "notafter", "owner", "targets", "status", "revoked", "replaces", "pem",
}

// csvIdentities are the fields of which a table needs one.
var csvIdentities = []string{"sha256", "sha1", "fingerprint", "spki", "serial", "subject", "names", "host", "pem"}

// csvHeaders are the headers that exports give their columns, with letters and
// digits only: Venafi, Keyfactor, ServiceNow, AD CS (certutil), and what people
// write themselves.
var csvHeaders = map[string]string{
	"sha256": "sha256", "sha256fingerprint": "sha256", "fingerprintsha256": "sha256", "sha256thumbprint": "sha256",
	"thumbprintsha256": "sha256", "fingerprint256": "sha256", "certsha256": "sha256", "certificatesha256": "sha256", "sha256hash": "sha256",
	"sha1": "sha1", "sha1fingerprint": "sha1", "fingerprintsha1": "sha1", "sha1thumbprint": "sha1", "thumbprintsha1": "sha1", "sha1hash": "sha1",
	"thumbprint": "fingerprint", "fingerprint": "fingerprint", "certificatethumbprint": "fingerprint", "certificatefingerprint": "fingerprint",
	"certificatehash": "fingerprint", "certhash": "fingerprint", "certthumbprint": "fingerprint",
	"spki": "spki", "spkisha256": "spki", "publickeysha256": "spki", "publickeyhash": "spki", "spkifingerprint": "spki", "spkihash": "spki",
	"serial": "serial", "serialnumber": "serial", "serialno": "serial", "certificateserialnumber": "serial", "certserialnumber": "serial",
	"certificateserial": "serial", "serialnumberhex": "serial",
	"issuer": "issuer", "issuerdn": "issuer", "issuername": "issuer", "issuedby": "issuer", "issuerdistinguishedname": "issuer",
	"issuercommonname": "issuer", "issuercn": "issuer", "certificateissuer": "issuer",
	"subject": "subject", "subjectdn": "subject", "subjectdistinguishedname": "subject", "distinguishedname": "subject", "issueddn": "subject",
	"issueddistinguishedname": "subject", "issuedto": "subject", "certificatesubject": "subject", "subjectname": "subject",
	"commonname": "names", "cn": "names", "subjectcommonname": "names", "subjectcn": "names", "issuedcn": "names", "issuedcommonname": "names",
	"san": "names", "sans": "names", "subjectalternativenames": "names", "subjectalternativename": "names", "subjectaltnames": "names",
	"subjectaltname": "names", "sandns": "names", "sandnsnames": "names", "dnsnames": "names", "dnsname": "names", "alternativenames": "names", "altnames": "names",
	"domain": "names", "domains": "names", "domainname": "names", "domainnames": "names", "hostnames": "names", "sanips": "names", "sanipaddress": "names",
	"validfrom": "notbefore", "notbefore": "notbefore", "effectivedate": "notbefore", "certificateeffectivedate": "notbefore", "startdate": "notbefore",
	"validitystart": "notbefore", "validfromdate": "notbefore", "issuedate": "notbefore", "issueddate": "notbefore", "issuedon": "notbefore",
	"validto": "notafter", "notafter": "notafter", "expirationdate": "notafter", "expirydate": "notafter", "expiry": "notafter", "expires": "notafter",
	"expireson": "notafter", "expiration": "notafter", "validuntil": "notafter", "enddate": "notafter", "certificateexpirationdate": "notafter",
	"validityend": "notafter", "validtodate": "notafter", "expiresat": "notafter", "validthrough": "notafter",
	"owner": "owner", "owners": "owner", "ownedby": "owner", "managedby": "owner", "assignedto": "owner", "assignmentgroup": "owner",
	"supportgroup": "owner", "team": "owner", "contact": "owner", "contacts": "owner", "responsible": "owner", "ownergroup": "owner",
	"targets": "targets", "target": "targets", "host": "targets", "hosts": "targets", "hostname": "targets", "server": "targets", "servers": "targets",
	"servername": "targets", "device": "targets", "devices": "targets", "installations": "targets", "installedon": "targets", "deployedto": "targets",
	"location": "targets", "locations": "targets", "certstorelocations": "targets", "endpoint": "targets", "endpoints": "targets", "url": "targets",
	"status": "status", "state": "status", "certstate": "status", "certificatestate": "status", "certificatestatus": "status", "lifecyclestatus": "status",
	"lifecyclestate": "status", "installstatus": "status", "requestdisposition": "status", "versiontype": "status",
	"revoked": "revoked", "isrevoked": "revoked", "revocationdate": "revoked", "revokedat": "revoked", "revokedon": "revoked",
	"revocationeffectivedate": "revoked", "certificaterevocationdate": "revoked",
	"lineage": "replaces", "replaces": "replaces", "renewalof": "replaces", "renewedfrom": "replaces", "previouscertificate": "replaces",
	"pem": "pem", "certificate": "pem", "certificatepem": "pem", "pemcertificate": "pem", "certificatebody": "pem", "certificatedata": "pem",
}

// csvColumn is a column that means something.
type csvColumn struct {
	index int
	field string
}

func (c csvColumn) identifies() bool { return slices.Contains(csvIdentities, c.field) }

// hostsAsNames takes the places of a table that identifies certificates by
// nothing else for their names too: "host, expires, owner".
func hostsAsNames(columns []csvColumn) []csvColumn {
	if slices.ContainsFunc(columns, csvColumn.identifies) {
		return columns
	}
	for _, c := range columns {
		if c.field == "targets" {
			columns = append(columns, csvColumn{c.index, "host"})
		}
	}
	return columns
}

// columnField returns the field of a header: as the options say or, without
// any for it, as exports name it.
func columnField(header string, options map[string]string) string {
	header = strings.TrimSpace(header)
	for _, field := range csvFields {
		if name, ok := options[field]; ok && strings.EqualFold(header, strings.TrimSpace(name)) {
			return field
		}
	}
	field := csvHeaders[plainHeader(header)]
	if _, mapped := options[field]; mapped {
		return "" // another column was named for it
	}
	return field
}

// plainHeader leaves letters and digits of a header, in lower case.
func plainHeader(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		}
		return -1
	}, s)
}

// csvColumns returns the columns of a header that mean something.
func csvColumns(header []string, options map[string]string) []csvColumn {
	var columns []csvColumn
	for i, h := range header {
		if field := columnField(h, options); field != "" {
			columns = append(columns, csvColumn{i, field})
		}
	}
	return columns
}

// checkColumns reports an option whose column is missing, and a table in which
// nothing identifies a certificate.
func checkColumns(header []string, columns []csvColumn, options map[string]string) error {
	for _, field := range csvFields {
		name, ok := options[field]
		if ok && !slices.ContainsFunc(columns, func(c csvColumn) bool { return c.field == field }) {
			return fmt.Errorf("no column %s for %s in the header %s", quote(name), field, quote(strings.Join(header, ",")))
		}
	}
	if !slices.ContainsFunc(columns, csvColumn.identifies) {
		return fmt.Errorf("no column of the header %s is known to identify a certificate: name the columns, as in csv:path,serial=Serial Number,notafter=Valid To; the fields are %s",
			quote(strings.Join(header, ",")), strings.Join(csvFields, ", "))
	}
	return nil
}
