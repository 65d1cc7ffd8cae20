//go:build linux

package main

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
)

var lab13Scenarios = []scenario{
	{"lab13-incident.pcap.gz", lab13Stack, "the incident laboratory where every server speaks TLS 1.3 and nothing else, so that no certificate is to be seen; lab13-incident.looks.sqlite has what blindspot verify was shown when the capture had ended", runIncident13},
	{"lab13-healthy.pcap.gz", lab13Stack, "the same of the healthy laboratory", runHealthy13},
}

const lab13Stack = labStack + "; looks by blindspot verify"

// version is the one to use where a laboratory without the limit would use v.
func (b *laboratory) version(v uint16) uint16 {
	if b.only13 {
		return tls.VersionTLS13
	}
	return v
}

// oldest is the same in the words of OpenSSL.
func (b *laboratory) oldest(version string) string {
	if b.only13 {
		return "TLSv1.3"
	}
	return version
}

// exactly is the same as an option of s_client.
func (b *laboratory) exactly(option string) string {
	if b.only13 {
		return "-tls1_3"
	}
	return option
}

// upTo is the same as options of curl.
func (b *laboratory) upTo(version string) []string {
	if b.only13 {
		version = "1.3"
	}
	return []string{"--tls-max", version}
}

// incident13Certs are those of the incident, but for the app's new certificate,
// which got a name more: its message is longer than that of the old one. The
// printer, which knows TLS 1.0 and nothing else, is not there.
func incident13Certs() []labCert {
	certs := slices.DeleteFunc(slices.Clone(incidentCerts), func(c labCert) bool { return c.role == "printer" })
	for i := range certs {
		if certs[i].role == "app-new" {
			certs[i].names = append(slices.Clone(certs[i].names), "app-blue.shop.internal")
		}
	}
	return certs
}

func runIncident13(l *lab) error {
	return incidentIn(l, "incident13", incident13Certs(), true)
}

func runHealthy13(l *lab) error {
	return healthyIn(l, "healthy13", healthy13Certs(), true)
}

// healthy13Certs are those of the healthy laboratory, but for the edge's RSA
// certificate, which comes from an authority of RSA: OpenSSL shows a client no
// chain with a signature that it did not offer (RFC 8446 §4.4.2.2).
func healthy13Certs() []labCert {
	certs := slices.Clone(healthyCerts)
	rsa := slices.IndexFunc(certs, func(c labCert) bool { return c.role == "shop-rsa" })
	certs[rsa].issuer = "public-ca-rsa"
	return slices.Insert(certs, rsa, labCert{role: "public-ca-rsa", subject: "Example Trust TLS CA R3", issuer: "public-root", key: "rsa", ca: true, from: -1 * year, to: 5 * year})
}

// A second pool at the edge, which verifies the same five backends, and does
// not try another one when that fails.
const (
	ordersPath = "/orders"
	orders     = 20 // requests for it: four for each backend
)

// verifying is that pool's configuration.
func (b *laboratory) verifying() string {
	var s strings.Builder
	fmt.Fprintf(&s, "backend orders\n  http-reuse never\n  balance roundrobin\n  retries 0\n")
	roots := b.roots("edge-internal.pem", "internal-root")
	for n := 1; n <= 5; n++ {
		fmt.Fprintf(&s, "  server orders%d %s source %s:4%d000-4%d999 ssl verify required ca-file %s no-ssl-reuse sni str(app.shop.internal)\n", n, backend(n), serverIP, n, n, roots)
	}
	return s.String()
}

// ordersRefused adds to the truth what HAProxy has no log line for: it refused
// the certificate of the two backends each time that it came to them, from the
// first ports of the range that it takes in order.
func (b *laboratory) ordersRefused() error {
	if !b.only13 {
		return nil
	}
	for _, n := range []int{4, 5} {
		for i := range orders / 5 {
			h := b.add(&handshake{Client: fmt.Sprintf("%s:4%d%03d", serverIP, n, i), Server: backend(n), Transport: "tcp", Resumed: ref(false)})
			h.named("app.shop.internal")
			h.refusedLike(b.id("app-old"), tls.VersionTLS13, "client", "certificate_expired")
		}
	}
	return nil
}

// onlyRSA is a client that knows no ECDSA, and so is shown the other one of the
// edge's two certificates.
func (b *healthy) onlyRSA(from, url string) error {
	name, path, _ := strings.Cut(strings.TrimPrefix(url, "https://"), "/")
	_, err := b.expect(sclient{from: from, to: edgeAddr, sni: name, stdin: "GET /" + path + " HTTP/1.0\r\nHost: " + name + "\r\n\r\n",
		args: []string{"-tls1_3", "-sigalgs", "rsa_pss_rsae_sha256:rsa_pkcs1_sha256"}}, b.id("shop-rsa"))
	return err
}

// apart issues the mesh's certificates again until those of its two instances
// differ in length, as signatures of ECDSA do by chance.
func (b *healthy) apart() error {
	for _, generation := range []string{"1", "2"} {
		first, role := b.id("payments-a"+generation), "payments-b"+generation
		spec := b.specs[slices.IndexFunc(b.specs, func(s labCert) bool { return s.role == role })]
		for len(first.leaf.Raw) == len(b.id(role).leaf.Raw) {
			id, err := b.issueOne(spec)
			if err != nil {
				return err
			}
			b.ids[role] = id
		}
	}
	return nil
}

// payOpenSSL calls the mesh's service with a client that asks for nothing
// beside the certificates, so that their lengths are to be seen.
func (b *healthy) payOpenSSL(i int) error {
	to, w := payments1, b.a
	if i%2 == 1 {
		to, w = payments2, b.b
	}
	own := b.id(fmt.Sprintf("orders-%d", b.generation))
	h, err := b.expect(sclient{from: "10.77.2.22", to: to, sni: paymentsName,
		args: []string{"-tls1_3", "-cert", b.crt(own), "-key", b.key(own), "-verify_return_error", "-CAfile", b.roots("client-mesh.pem", "mesh-root")}}, w.current.Load())
	if h != nil {
		// s_client adds the issuer that it finds among its roots.
		h.ClientAuth, h.ClientCerts = ref(true), append(own.hashes(), b.id("mesh-root").hashes()...)
	}
	return err
}
