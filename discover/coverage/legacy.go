package coverage

// legacy are the versions that nothing should speak any more, with the
// document that retired them.
var legacy = map[string]string{
	"SSL 2.0":  "RFC 6176",
	"SSL 3.0":  "RFC 7568",
	"TLS 1.0":  "RFC 8996",
	"TLS 1.1":  "RFC 8996",
	"DTLS 1.0": "RFC 8996",
}
