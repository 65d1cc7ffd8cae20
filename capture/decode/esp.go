package decode

const protocolESP = 50

func init() {
	register("esp", "encrypted IP: counted, never opened", "RFC 4303").protocol(esp, protocolESP)
}

// esp counts encrypted IP (RFC 4303).
func esp(d *Decoder, _ []byte, _ int) bool {
	d.stats.Encrypted++
	return false
}
