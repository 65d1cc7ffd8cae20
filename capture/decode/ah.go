package decode

func init() {
	register("ah", "Authentication Header: signed, not encrypted", "RFC 4302").protocol(ah, authHeader)
}

// ah takes an Authentication Header off (RFC 4302, section 2). It hides
// nothing.
func ah(d *Decoder, b []byte, missing int) bool {
	if !d.descend() {
		return false
	}
	size := 12
	if len(b) >= 2 {
		size = max(size, (int(b[1])+2)*4)
	}
	if size > len(b) {
		return d.short(missing, &d.stats.MalformedTunnel)
	}
	return d.extensions(b[0], b[size:], missing)
}
