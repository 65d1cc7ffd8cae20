package tlsparse

// signaturePad is what stands before the context of a signature in TLS 1.3.
const signaturePad = "                                                                "

// appendContext appends 64 spaces, the context and the byte 0 (RFC 8446 §4.4.3).
func appendContext(dst []byte, context string) []byte {
	dst = append(append(dst, signaturePad...), context...)
	return append(dst, 0)
}

// AppendCertificateVerifySigned appends to dst what a CertificateVerify of TLS
// 1.3 covers (RFC 8446 §4.4.3), given the hash of the transcript up to and with
// that side's Certificate message.
func AppendCertificateVerifySigned(dst []byte, fromServer bool, transcript []byte) []byte {
	context := "TLS 1.3, client CertificateVerify"
	if fromServer {
		context = "TLS 1.3, server CertificateVerify"
	}
	return append(appendContext(dst, context), transcript...)
}
