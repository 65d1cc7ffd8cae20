package lengths

// keyOfSignature tells the kind of key by the length of a CertificateVerify
// message (RFC 8446 §4.4.3), "" for a length that no signature has.
//
// Signatures of RSA, EdDSA and ML-DSA have one length each. Those of ECDSA are
// two numbers in DER, each of which is shorter by a byte once in 256 times and
// longer by one every second time.
func keyOfSignature(message int) string {
	const overhead = 4 + 2 + 2 // header, algorithm, length
	n := message - overhead
	for _, k := range signatures {
		if k.min <= n && n <= k.max {
			return k.name
		}
	}
	return ""
}

// signatures are the kinds of keys by the length of their signatures. The
// ranges of ECDSA leave out what comes less than once in a million times, so
// that p256 and Ed25519 stay apart.
var signatures = []struct {
	name     string
	min, max int
}{
	{"rsa-1024", 128, 128},
	{"rsa-2048", 256, 256},
	{"rsa-3072", 384, 384},
	{"rsa-4096", 512, 512},
	{"rsa-8192", 1024, 1024},
	{"p256", 67, 72},
	{"p384", 98, 104},
	{"p521", 133, 139},
	{"ed25519", 64, 64},
	{"ed448", 114, 114},
	{"ml-dsa-44", 2420, 2420},
	{"ml-dsa-65", 3309, 3309},
	{"ml-dsa-87", 4627, 4627},
}
