// Package lengths reads what the lengths of encrypted records say of a
// certificate that TLS 1.3 hides.
//
// The server's first flight of TLS 1.3 is EncryptedExtensions, perhaps
// CertificateRequest, Certificate, CertificateVerify and Finished (RFC 8446
// §2). Encryption hides what they say, and not how long they are: a record is
// its content, one byte of type and the tag of the cipher (§5.2). Most servers
// give each message a record of its own, so the length of the Certificate
// message can be read off, and the kind of key off the signature in
// CertificateVerify.
//
// That is evidence and no proof. A chain has one length with one client, and
// the answer also depends on what the client asks for (a stapled status,
// timestamps, compression), so only answers to hellos that ask for the same are
// compared. Another length is then another chain. The same length is only
// consistent with the same chain: a renewal often has it too.
//
// The package looks at numbers alone: it keeps nothing and never fails.
package lengths
