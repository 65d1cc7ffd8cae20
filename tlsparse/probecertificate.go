package tlsparse

// ProbeCertificate says whether b begins with a handshake record that holds the
// start of a Certificate message up to TLS 1.2 with at least one certificate:
// all that is left of a handshake whose hellos came before the capture. All
// nested lengths must fit each other, and the first certificate begin with a
// SEQUENCE.
func ProbeCertificate(b []byte) Answer {
	var hs [certificateProbeLen]byte
	n, more := gatherHandshake(b, hs[:])
	return settle(probeCertificateBody(hs[:n]), more)
}

// certificateProbeLen is how much of the message is looked at: header, length of
// the list, length of the first certificate, and its first byte.
const certificateProbeLen = HandshakeHeaderLen + 3 + 3 + 1

// minCertificateLen is shorter than any X.509 certificate.
const minCertificateLen = 16

func probeCertificateBody(hs []byte) Answer {
	if len(hs) > 0 && hs[0] != TypeCertificate {
		return No
	}
	if len(hs) < certificateProbeLen {
		return Maybe
	}
	_, length, _ := ParseHandshakeHeader(hs)
	list := int(hs[4])<<16 | int(hs[5])<<8 | int(hs[6])
	first := int(hs[7])<<16 | int(hs[8])<<8 | int(hs[9])
	if list+3 != length || first+3 > list || first < minCertificateLen || hs[10] != 0x30 {
		return No
	}
	return Yes
}
