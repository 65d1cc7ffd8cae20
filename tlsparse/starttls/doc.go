// Package starttls finds where TLS begins behind a plaintext preface: a command
// of the protocol itself (STARTTLS and its relatives), or a header or tunnel in
// front of it (PROXY protocol, HTTP CONNECT, SOCKS).
//
// Everything is a pure function of the first bytes of a connection's two
// directions. Ports prove nothing and are not asked for. A protocol is one file,
// which registers itself; what TLS says once it has begun is left to tlsparse.
package starttls
