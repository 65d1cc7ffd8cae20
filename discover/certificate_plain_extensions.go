package discover

import (
	"bytes"
	"slices"
)

// plainExtensions tells Extensions with their tag (RFC 5280 §4.1.2.9), none of
// them twice.
func plainExtensions(b der) bool {
	b, ok1 := b.only(0xa3)
	list, ok2 := b.only(tagSequence)
	if !ok1 || !ok2 {
		return false
	}
	var ids [maxPlainExtensions][]byte
	for n := 0; len(list) > 0; n++ {
		e, ok := list.take(tagSequence)
		if !ok || n == len(ids) {
			return false
		}
		id, ok := e.take(tagOID)
		if !ok || !plainOID(id) || slices.ContainsFunc(ids[:n], func(x []byte) bool { return bytes.Equal(x, id) }) {
			return false
		}
		ids[n] = id
		critical := e.has(tagBoolean)
		if critical && !plainTrue(&e) {
			return false
		}
		value, ok := e.only(tagOctetString)
		if !ok || !plainExtension(oidText(id), critical, value) {
			return false
		}
	}
	return true
}

// plainTrue takes TRUE (X.690 §11.1).
func plainTrue(r *der) bool {
	b, ok := r.take(tagBoolean)
	return ok && len(b) == 1 && b[0] == 0xff
}

// plainExtension tells the value of an extension: of those that crypto/x509
// reads, the common ones; all of those that it does not.
func plainExtension(oid string, critical bool, value der) bool {
	switch oid {
	case "2.5.29.14":
		_, ok := value.only(tagOctetString)
		return ok && !critical
	case "2.5.29.15":
		b, ok := value.only(tagBitString)
		return ok && plainBits(b)
	case "2.5.29.17":
		return plainNames(value)
	case "2.5.29.19":
		return plainConstraints(value)
	case "2.5.29.31":
		return eachPlain(value, plainDistributionPoint)
	case "2.5.29.32":
		return plainPolicies(value)
	case "2.5.29.35":
		return !critical && plainKeyID(value)
	case "2.5.29.37":
		return plainPurposes(value)
	case "2.5.29.30", "2.5.29.33", "2.5.29.36", "2.5.29.54":
		return false
	case "1.3.6.1.5.5.7.1.1":
		return !critical && eachPlain(value, plainAccess)
	}
	return true
}

// eachPlain tells a SEQUENCE of SEQUENCEs by their contents.
func eachPlain(b der, plain func(der) bool) bool {
	list, ok := b.only(tagSequence)
	for ok && len(list) > 0 {
		var e der
		e, ok = list.take(tagSequence)
		ok = ok && plain(e)
	}
	return ok
}

// plainNames tells GeneralNames (RFC 5280 §4.2.1.6) that are hostnames,
// mailboxes and addresses.
func plainNames(b der) bool {
	list, ok := b.only(tagSequence)
	for ok && len(list) > 0 {
		var tag byte
		var name []byte
		tag, name, ok = list.next()
		switch tag {
		case 0x81, 0x82:
			ok = ok && ascii(name)
		case 0x87:
			ok = ok && (len(name) == 4 || len(name) == 16)
		default:
			return false
		}
	}
	return ok
}

// plainConstraints tells BasicConstraints (RFC 5280 §4.2.1.9).
func plainConstraints(b der) bool {
	b, ok := b.only(tagSequence)
	if !ok || b.has(tagBoolean) && !plainTrue(&b) {
		return false
	}
	if len(b) == 0 {
		return true
	}
	length, ok := b.only(tagInteger)
	return ok && len(length) == 1 && plainInteger(length)
}

// plainDistributionPoint tells one with a full name or without (RFC 5280
// §4.2.1.13).
func plainDistributionPoint(b der) bool {
	if !b.has(0xa0) {
		return true
	}
	point, ok1 := b.take(0xa0)
	names, ok2 := point.take(0xa0)
	ok := ok1 && ok2
	for ok && names.has(0x86) {
		_, ok = names.take(0x86)
	}
	return ok
}

// plainKeyID tells an authority's key identifier (RFC 5280 §4.2.1.1).
func plainKeyID(b der) bool {
	b, ok := b.only(tagSequence)
	if ok && b.has(0x80) {
		_, ok = b.take(0x80)
	}
	return ok
}

// plainPolicies tells certificate policies (RFC 5280 §4.2.1.4), none of them
// twice.
func plainPolicies(b der) bool {
	var ids [8][]byte
	n := 0
	return eachPlain(b, func(policy der) bool {
		id, ok := policy.take(tagOID)
		if !ok || !plainOID(id) || n == len(ids) || slices.ContainsFunc(ids[:n], func(x []byte) bool { return bytes.Equal(x, id) }) {
			return false
		}
		ids[n] = id
		n++
		return true
	})
}

// plainPurposes tells RFC 5280 §4.2.1.12.
func plainPurposes(b der) bool {
	list, ok := b.only(tagSequence)
	for ok && len(list) > 0 {
		var id der
		id, ok = list.take(tagOID)
		ok = ok && plainOID(id)
	}
	return ok
}

// plainAccess tells an AccessDescription (RFC 5280 §4.2.2.1).
func plainAccess(b der) bool {
	method, ok := b.take(tagOID)
	if !ok || !plainOID(method) {
		return false
	}
	if b.has(0x86) {
		_, ok = b.take(0x86)
	}
	return ok
}
