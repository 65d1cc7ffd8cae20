// Package verify asks endpoints that traffic uses for the certificate that the
// wire hides: the active look, which nothing else of blindspot takes.
//
// ToAsk says whom to ask and why, and sends nothing. An Asker asks: it connects
// with the name, port, STARTTLS kind and ALPN that the traffic used, completes
// the handshake, says close_notify, and leaves. It sends no request, no
// credentials and no client certificate of ours. Run asks a list, and Serve a
// Queue that grows while it is asked, both at a rate and one at a time per
// endpoint.
//
// The handshake is completed, although the certificate is known before its end:
// a client that breaks off there sends the server's log an alert that looks like
// a rejected certificate, which is what blindspot looks for elsewhere. What an
// owner sees is a connection that did nothing and was closed in order. Only where
// Go's client cannot parse a certificate it breaks off with an alert by itself;
// the chain is then read off the bytes that came.
//
// What is asked with is Go's client with every version from TLS 1.0 and every
// cipher suite that Go has. A server with an RSA and an ECDSA certificate
// answers by the signature algorithms of the client; those of the traffic's
// clients are not known here, so that such a server may show its other half.
//
// Other than the rest, this package reads the clock, and Run and Serve start
// goroutines, which have ended when they return. It judges nothing: what comes
// back are observations with CertsFrom FromVerify and Class ClassVerify, which
// count as no use of a name.
package verify
