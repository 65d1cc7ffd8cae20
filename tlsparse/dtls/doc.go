// Package dtls turns the datagrams of one direction of a DTLS connection into
// handshake messages: DTLS 1.0 (RFC 4347), 1.2 (RFC 6347) and what is visible
// of 1.3 (RFC 9147), with what OpenSSL before 0.9.8f and Cisco's AnyConnect
// speak instead of 1.0.
//
// Bodies of messages are those of TLS, and tlsparse reads them; a ClientHello
// goes through ClientHelloBody first. Who is client and who is server, which
// datagrams belong together and what all of it means is left to the caller. The
// client is the side that sends a ClientHello: behind STUN that need not be the
// side that spoke first.
package dtls
