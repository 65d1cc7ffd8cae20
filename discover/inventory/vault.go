package inventory

import (
	"regexp"
	"slices"
	"strings"
)

func init() { register(format{kind: "vault", read: readVault, detect: detectVault}) }

// readVault reads the JSON of Vault's and OpenBao's PKI engine, one answer or
// several behind each other: of issue and sign, of cert/SERIAL, and of the list
// of certificates, plain (serial numbers only) or detailed. The private key in
// an answer of issue is blanked before it is read.
func readVault(in *input, b *batch) error {
	docs, err := in.readJSON()
	if err != nil {
		return err
	}
	for i := range docs {
		b.addVault(in, &docs[i])
	}
	return nil
}

func (b *batch) addVault(in *input, doc *value) {
	data := doc
	if inner := doc.get("data"); inner != nil {
		data = inner
	}
	switch {
	case data.kind == isList:
		for _, item := range data.items() {
			if item.kind == isObject {
				b.addVault(in, item)
			} else {
				b.addVaultSerial(in.ref(item.line), item.str())
			}
		}
	case data.get("certificate") != nil:
		b.addVaultAnswer(in.ref(data.get("certificate").line), data)
	case data.get("key_info") != nil:
		info := data.get("key_info")
		for i, key := range info.keys {
			b.addVaultInfo(in.ref(info.list[i].line), key, &info.list[i])
		}
	case data.get("keys") != nil:
		for _, item := range data.get("keys").items() {
			b.addVaultSerial(in.ref(item.line), item.str())
		}
	default:
		b.warn(in.ref(doc.line), "no certificate and no list of them: give the JSON of issue, cert/SERIAL or certs")
	}
}

// addVaultAnswer adds the certificate of an answer and the chain beside it.
func (b *batch) addVaultAnswer(ref string, data *value) {
	for _, pem := range append(data.strs("ca_chain"), data.strs("issuing_ca")...) {
		b.addAuthorities(pem)
	}
	revoked := data.str("revocation_time")
	b.addPEM(ref, data.str("certificate"), func(r *Record) {
		r.Current = revoked == "" || revoked == "0"
	})
}

// addVaultSerial adds a certificate of which the list has the serial number.
func (b *batch) addVaultSerial(ref, text string) *Record {
	serial, err := parseSerial(text, hexadecimal)
	switch {
	case err != nil:
		b.warn(ref, "%v", err)
		return nil
	case serial == "":
		b.warn(ref, "an entry without a serial number")
		return nil
	case strings.Count(text, "-") == 4:
		b.warn(ref, "%s is the id of an issuer: give the list of certs, not of issuers", quote(text))
		return nil
	}
	return b.add(ref, Record{Serial: serial, Current: true})
}

// addVaultInfo adds an entry of the detailed list.
func (b *batch) addVaultInfo(ref, key string, info *value) {
	r := b.addVaultSerial(ref, key)
	if r == nil {
		return
	}
	r.Issuer = normalDN(info.str("issuer"))
	names := slices.Concat(info.strs("dns_names"), info.strs("ip_addresses"))
	if len(names) == 0 {
		names = info.strs("common_name")
	}
	r.addNames(names...) // a CA's common name is no host's
	b.warnErrors(ref, r.setNotBefore(info.str("not_before")), r.setNotAfter(info.str("not_after")))
	if at := info.str("revocation_time"); at != "" && at != "0" {
		r.Current = false
	}
}

// serialList is the start of what vault list -format=json prints.
var serialList = regexp.MustCompile(`^\[\s*"[0-9a-f]{2}(:[0-9a-f]{2}){7,}"`)

// detectVault takes an answer of the PKI engine, or a list of serial numbers.
func detectVault(text string) int {
	text = strings.TrimSpace(text)
	switch {
	case !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "["):
		return 0
	case hasAll(text, `"key_info"`), hasAll(text, `"certificate"`, "BEGIN CERTIFICATE"), hasAll(text, `"data"`, `"keys"`):
		return scoreKeys
	}
	if serialList.MatchString(text) {
		return scoreKeys
	}
	return 0
}
