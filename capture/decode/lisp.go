package decode

const (
	lispHeader   = 8
	lispInstance = 0x08
	lispUnused   = 0x07 // reserved, and a key: then what is inside is encrypted
)

var (
	kindLISP         = newKind("lisp", false)
	kindLISPInstance = newKind("lisp", true)
)

func init() { register("lisp", "data plane of LISP", "RFC 9300").udp(lisp, 4341) }

// lisp decodes the data plane of LISP (RFC 9300, section 5.1): flags, nonce or
// versions, instance, IP.
func lisp(d *Decoder, b []byte, missing int) verdict {
	if len(b) < lispHeader {
		return d.cut(missing)
	}
	if b[0]&lispUnused != 0 || !fillsIP(b[lispHeader:], missing) {
		return notMine
	}
	kind, id := kindLISP, uint32(0)
	if b[0]&lispInstance != 0 {
		kind, id = kindLISPInstance, id24(b[4:])
	}
	return inner(d.push(kind, id) && raw(d, b[lispHeader:], missing))
}
