package decode

const protocolESP = 50

func init() { registerProtocol(esp, protocolESP) }

// esp counts encrypted IP (RFC 4303).
func esp(d *Decoder, _ []byte, _ int) bool {
	d.stats.Encrypted++
	return false
}
