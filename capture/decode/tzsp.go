package decode

const (
	tzspHeader   = 4
	tzspVersion  = 1
	tzspEthernet = 1
	tzspWiFi     = 18
	tzspPadding  = 0 // tags
	tzspEnd      = 1
)

var kindTZSP = newKind("tzsp", false)

func init() {
	register("tzsp", "sniffer protocol of MikroTik and others", "TaZmen Sniffer Protocol").udp(tzsp, 37008)
}

// tzsp decodes the sniffer protocol of MikroTik and others: version, type
// (received or sent), encapsulation, tags up to the one that ends them.
func tzsp(d *Decoder, b []byte, missing int) verdict {
	if len(b) < tzspHeader {
		return d.cut(missing)
	}
	inside := b[3]
	if b[0] != tzspVersion || b[1] > 1 || b[2] != 0 || inside != tzspEthernet && inside != tzspWiFi {
		return notMine
	}
	b, ok := skipTags(b[tzspHeader:])
	switch {
	case !ok:
		return d.cut(missing)
	case inside == tzspWiFi && len(b) >= wifiHeader && isWiFi(b[0]):
		return inner(d.push(kindTZSP, 0) && wifi(d, b, missing))
	case inside == tzspEthernet && looksEthernet(b, missing):
		return inner(d.push(kindTZSP, 0) && ethernet(d, b, missing))
	}
	return notMine
}

// skipTags skips the tags: type and, of most, length and content.
func skipTags(b []byte) ([]byte, bool) {
	for len(b) > 0 {
		switch {
		case b[0] == tzspEnd:
			return b[1:], true
		case b[0] == tzspPadding:
			b = b[1:]
		case len(b) < 2 || 2+int(b[1]) > len(b):
			return nil, false
		default:
			b = b[2+int(b[1]):]
		}
	}
	return nil, false
}
