package inventory

import (
	"slices"
	"strings"
	"time"
)

func init() { register(format{kind: "crtsh", read: readCrtSh, detect: detectCrtSh}) }

// pairWindow is how far apart two certificates for the same names may begin
// that are one renewal: an RSA and an ECDSA certificate are often ordered
// together.
const pairWindow = 7 * 24 * time.Hour

// readCrtSh reads the JSON of crt.sh, which lists what Certificate Transparency
// logs have: every certificate ever issued, and most of them twice, because the
// precertificate is logged too. It has no fingerprint, so that both are one
// record. Of the certificates for the same names only the newest are current.
func readCrtSh(in *input, b *batch) error {
	docs, err := in.readJSON()
	if err != nil {
		return err
	}
	first, seen := len(b.records), map[string]bool{}
	eachItem(docs, func(v *value) {
		key := v.str("issuer_ca_id") + "/" + v.str("serial_number")
		if v.str("serial_number") != "" && seen[key] {
			return
		}
		seen[key] = true
		b.addCrtSh(in.ref(v.line), v)
	})
	retireOlder(b.records[first:])
	return nil
}

func (b *batch) addCrtSh(ref string, v *value) {
	r := Record{Current: true, Issuer: normalDN(v.str("issuer_name"))}
	for _, bad := range r.addNames(strings.Split(v.str("name_value"), "\n")...) {
		// crt.sh lists mail addresses and organisations too.
		if !strings.ContainsAny(bad, "@ ") {
			b.warn(ref, "%s is no hostname", quote(bad))
		}
	}
	b.warnErrors(ref,
		r.setSerial(v.str("serial_number"), hexadecimal),
		r.setNotBefore(v.str("not_before")),
		r.setNotAfter(v.str("not_after")),
	)
	if r.Serial == "" || r.Issuer == "" {
		b.warn(ref, "an entry without serial_number and issuer_name: give the answer of https://crt.sh/?q=DOMAIN&output=json")
		return
	}
	b.add(ref, r)
}

// retireOlder marks the certificates for which there is a newer one with the
// same names.
func retireOlder(records []Record) {
	newest := map[string]time.Time{}
	for i := range records {
		if key := namesKeyOf(records[i].Names); records[i].NotBefore.After(newest[key]) {
			newest[key] = records[i].NotBefore
		}
	}
	for i := range records {
		r := &records[i]
		if len(r.Names) > 0 && newest[namesKeyOf(r.Names)].Sub(r.NotBefore) > pairWindow {
			r.Current = false
		}
	}
}

// namesKeyOf is the same for the same names in any order.
func namesKeyOf(names []string) string {
	sorted := slices.Sorted(slices.Values(names))
	return strings.Join(sorted, " ")
}

// detectCrtSh takes an answer with crt.sh's keys.
func detectCrtSh(text string) int {
	if hasAll(text, `"issuer_ca_id"`, `"name_value"`) {
		return scoreKeys
	}
	return 0
}
