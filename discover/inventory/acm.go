package inventory

import "strings"

func init() { register(format{kind: "acm", read: readACM, detect: detectACM}) }

// readACM reads what aws acm list-certificates, describe-certificate and
// get-certificate print, one answer or several behind each other. Only the last
// has a fingerprint; a list has no serial number either and cuts the names at
// 100.
func readACM(in *input, b *batch) error {
	docs, err := in.readJSON()
	if err != nil {
		return err
	}
	eachItem(docs, func(v *value) { b.addACM(in, v) })
	return nil
}

func (b *batch) addACM(in *input, v *value) {
	certificate := v.get("Certificate")
	switch {
	case v.get("CertificateSummaryList") != nil:
		for _, item := range v.get("CertificateSummaryList").items() {
			b.addACMEntry(in.ref(item.line), item)
		}
	case certificate != nil && certificate.kind == isObject:
		b.addACMEntry(in.ref(certificate.line), certificate)
	case certificate != nil:
		b.addAuthorities(v.str("CertificateChain"))
		b.addPEM(in.ref(certificate.line), certificate.str(), nil)
	case v.get("CertificateArn") != nil:
		b.addACMEntry(in.ref(v.line), v)
	default:
		b.warn(in.ref(v.line), "no certificate of ACM: give the JSON of list-certificates or describe-certificate")
	}
}

// addACMEntry adds an entry of the list, or a description. The ARN stays the
// same when the certificate is renewed.
func (b *batch) addACMEntry(ref string, v *value) {
	arn, status := v.str("CertificateArn"), v.str("Status")
	switch status {
	case "PENDING_VALIDATION", "VALIDATION_TIMED_OUT", "FAILED":
		b.warn(ref, "%s (%s) was not issued: its status is %s", quote(v.str("DomainName")), arn, status)
		return
	}
	r := Record{Replaces: arn, Targets: v.strs("InUseBy"), Issuer: normalDN(v.str("Issuer"))}
	r.Current = status == "" || status == "ISSUED"
	names := append(v.strs("DomainName"), v.strs("SubjectAlternativeNameSummaries")...)
	for _, bad := range r.addNames(append(names, v.strs("SubjectAlternativeNames")...)...) {
		b.warn(ref, "%s is no hostname", quote(bad))
	}
	b.warnErrors(ref,
		r.setSerial(v.str("Serial"), hexadecimal),
		r.setNotBefore(v.str("NotBefore")),
		r.setNotAfter(v.str("NotAfter")),
	)
	if !r.identified() {
		b.warn(ref, "an entry without names and serial number")
		return
	}
	if v.str("HasAdditionalSubjectAlternativeNames") == "true" {
		b.warn(ref, "%s has more than the %d names that the list shows: add the JSON of aws acm describe-certificate --certificate-arn %s", quote(v.str("DomainName")), len(r.Names), arn)
	}
	b.add(ref, r)
}

// detectACM takes an answer with ACM's keys.
func detectACM(text string) int {
	if hasAll(text, `"CertificateSummaryList"`) || hasAll(text, `"CertificateArn"`) || hasAll(text, `"Certificate"`, `"CertificateChain"`) && !strings.Contains(text, `"apiVersion"`) {
		return scoreKeys
	}
	return 0
}
