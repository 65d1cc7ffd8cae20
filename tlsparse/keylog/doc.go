// Package keylog opens the encrypted part of TLS handshakes with secrets that
// their endpoints logged: it reads key logs (RFC 9850, the format of NSS),
// takes the protection off handshake records, and gathers what the messages in
// them say.
//
// Only what opens a handshake is kept: the handshake traffic secrets of TLS
// 1.3, and the master secret up to TLS 1.2, with which only records of
// handshake messages and alerts are opened. Secrets of application data are
// dropped while a log is read, and application data is never decrypted. Secrets
// are not written anywhere, do not show when a value is printed, and are
// overwritten when they are forgotten. (What Go's runtime copies, stacks that
// grow and the expanded keys within ciphers, cannot be overwritten; it is left
// to the collector.)
//
// Packets of QUIC are opened by tlsparse/quic, which takes the secrets from
// here. Which connection a random belongs to, and when it is over, is known to
// others.
package keylog
