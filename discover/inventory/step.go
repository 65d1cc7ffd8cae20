package inventory

func init() { register(format{kind: "step", read: readStep, detect: detectStep}) }

// readStep reads what step certificate inspect --format json prints, with
// --bundle or without, for one certificate or several behind each other, or the
// PEM that step-ca issues. A CA's certificate in JSON has no bytes to build
// chains with and is left out.
func readStep(in *input, b *batch) error {
	text, err := in.text()
	if err != nil {
		return err
	}
	if detectPEM(text) > 0 {
		return readPEM(in, b)
	}
	docs, err := in.readJSON()
	if err != nil {
		return err
	}
	eachItem(docs, func(v *value) { b.addStep(in.ref(v.line), v) })
	return nil
}

func (b *batch) addStep(ref string, v *value) {
	if v.str("fingerprint_sha256") == "" {
		b.warn(ref, "no fingerprint_sha256: give the JSON of step certificate inspect")
		return
	}
	if v.str("extensions", "basic_constraints", "is_ca") == "true" && v.get("extensions", "subject_alt_name", "dns_names") == nil {
		return
	}
	r := Record{Current: true, Issuer: normalDN(v.str("issuer_dn"))}
	names := append(v.strs("extensions", "subject_alt_name", "dns_names"), v.strs("extensions", "subject_alt_name", "ip_addresses")...)
	if len(names) == 0 {
		names = v.strs("subject", "common_name")
	}
	r.addNames(names...)
	b.warnErrors(ref,
		r.setSerial(v.str("serial_number"), decimal),
		r.setHash(v.str("fingerprint_sha1")),
		r.setHash(v.str("fingerprint_sha256")),
		r.setSPKI(v.str("subject_key_info", "fingerprint_sha256")),
		r.setNotBefore(v.str("validity", "start")),
		r.setNotAfter(v.str("validity", "end")),
	)
	if !r.SHA256.IsZero() && b.seen[r.SHA256] {
		return
	}
	b.seen[r.SHA256] = true
	b.add(ref, r)
}

// detectStep takes a certificate as zcrypto writes it.
func detectStep(text string) int {
	if hasAll(text, `"fingerprint_sha256"`, `"subject_key_info"`, `"validity"`) {
		return scoreKeys
	}
	return 0
}
