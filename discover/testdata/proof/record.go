//go:build ignore

// Record makes proofs.tsv: it lets openssl s_client talk to openssl s_server
// over loopback, for each kind of key and signature, and cuts what the server
// signed out of the bytes that went by. Run `go run record.go > proofs.tsv`
// here, with OpenSSL 3. Keys are thrown away.
//
// Columns: name, signature scheme of TLS 1.2 (0 before), leaf (DER), what is
// signed, signature; all hex.
package main

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

var cases = []struct{ name, key, version, sigalg, cipher string }{
	{"rsa_pkcs1_sha1", "rsa", "-tls1_2", "RSA+SHA1", "ECDHE-RSA-AES128-SHA"},
	{"rsa_pkcs1_sha224", "rsa", "-tls1_2", "RSA+SHA224", "ECDHE-RSA-AES128-SHA"},
	{"rsa_pkcs1_sha256", "rsa", "-tls1_2", "RSA+SHA256", "ECDHE-RSA-AES128-SHA"},
	{"rsa_pkcs1_sha384", "rsa", "-tls1_2", "RSA+SHA384", "ECDHE-RSA-AES128-SHA"},
	{"rsa_pkcs1_sha512", "rsa", "-tls1_2", "RSA+SHA512", "DHE-RSA-AES128-SHA"},
	{"rsa_pss_rsae_sha256", "rsa", "-tls1_2", "rsa_pss_rsae_sha256", "ECDHE-RSA-AES128-SHA"},
	{"rsa_pss_rsae_sha384", "rsa", "-tls1_2", "rsa_pss_rsae_sha384", "ECDHE-RSA-AES128-SHA"},
	{"rsa_pss_rsae_sha512", "rsa", "-tls1_2", "rsa_pss_rsae_sha512", "ECDHE-RSA-AES128-SHA"},
	{"rsa_pss_pss_sha256", "rsapss", "-tls1_2", "rsa_pss_pss_sha256", "ECDHE-RSA-AES128-SHA"},
	{"rsa_pss_pss_sha512", "rsapss", "-tls1_2", "rsa_pss_pss_sha512", "ECDHE-RSA-AES128-SHA"},
	{"rsa512_sha256", "rsa512", "-tls1_2", "RSA+SHA256", "ECDHE-RSA-AES128-SHA"},
	{"rsa1023_sha1", "rsa1023", "-tls1_2", "RSA+SHA1", "ECDHE-RSA-AES128-SHA"},
	{"rsa_tls11", "rsa", "-tls1_1", "RSA+SHA1", "ECDHE-RSA-AES128-SHA"},
	{"rsa_tls10", "rsa", "-tls1", "RSA+SHA1", "DHE-RSA-AES128-SHA"},
	{"rsa512_tls10", "rsa512", "-tls1", "RSA+SHA1", "ECDHE-RSA-AES128-SHA"},
	{"ecdsa_sha1", "P-256", "-tls1_2", "ECDSA+SHA1", "ECDHE-ECDSA-AES128-SHA"},
	{"ecdsa_sha224", "P-256", "-tls1_2", "ECDSA+SHA224", "ECDHE-ECDSA-AES128-SHA"},
	{"ecdsa_sha256", "P-256", "-tls1_2", "ECDSA+SHA256", "ECDHE-ECDSA-AES128-SHA"},
	{"ecdsa_sha384_p256", "P-256", "-tls1_2", "ECDSA+SHA384", "ECDHE-ECDSA-AES128-SHA"},
	{"ecdsa_sha384", "P-384", "-tls1_2", "ECDSA+SHA384", "ECDHE-ECDSA-AES128-SHA"},
	{"ecdsa_sha512", "P-521", "-tls1_2", "ECDSA+SHA512", "ECDHE-ECDSA-AES128-SHA"},
	{"ecdsa_p224", "P-224", "-tls1_2", "ECDSA+SHA256", "ECDHE-ECDSA-AES128-SHA"},
	{"ecdsa_secp256k1", "secp256k1", "-tls1_2", "ECDSA+SHA256", "ECDHE-ECDSA-AES128-SHA"},
	{"ecdsa_tls10", "P-256", "-tls1", "ECDSA+SHA1", "ECDHE-ECDSA-AES128-SHA"},
	{"ed25519", "ed25519", "-tls1_2", "ed25519", "ECDHE-ECDSA-AES128-SHA"},
	{"ed448", "ed448", "-tls1_2", "ed448", "ECDHE-ECDSA-AES128-SHA"},
	{"dsa_sha1", "dsa", "-tls1_2", "DSA+SHA1", "DHE-DSS-AES128-SHA"},
	{"dsa_sha256", "dsa", "-tls1_2", "DSA+SHA256", "DHE-DSS-AES128-SHA"},
	{"dsa_tls10", "dsa", "-tls1", "DSA+SHA1", "DHE-DSS-AES128-SHA"},
}

var keys = map[string]string{
	"rsa":       "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
	"rsa512":    "-algorithm RSA -pkeyopt rsa_keygen_bits:512",
	"rsa1023":   "-algorithm RSA -pkeyopt rsa_keygen_bits:1023",
	"rsapss":    "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048",
	"P-224":     "-algorithm EC -pkeyopt ec_paramgen_curve:P-224",
	"P-256":     "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
	"P-384":     "-algorithm EC -pkeyopt ec_paramgen_curve:P-384",
	"P-521":     "-algorithm EC -pkeyopt ec_paramgen_curve:P-521",
	"secp256k1": "-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1",
	"ed25519":   "-algorithm ED25519",
	"ed448":     "-algorithm ED448",
}

func main() {
	log.SetFlags(0)
	dir, err := os.MkdirTemp("", "proof")
	check(err)
	defer os.RemoveAll(dir)
	check(os.WriteFile(filepath.Join(dir, "cnf"), []byte("[req]\ndistinguished_name=dn\n[dn]\n"), 0o600))
	os.Setenv("OPENSSL_CONF", filepath.Join(dir, "cnf"))
	file := func(name, suffix string) string { return filepath.Join(dir, name+suffix) }
	certify := func(name string) {
		args := []string{"req", "-x509", "-key", file(name, ".key"), "-out", file(name, ".pem"), "-days", "3650", "-subj", "/CN=" + name + ".example"}
		if strings.HasPrefix(name, "rsa512") {
			args = append(args, "-sha256")
		}
		run(args...)
	}
	for name, options := range keys {
		run(append([]string{"genpkey", "-out", file(name, ".key")}, strings.Fields(options)...)...)
		certify(name)
	}
	run("genpkey", "-genparam", "-algorithm", "DSA", "-pkeyopt", "dsa_paramgen_bits:1024", "-out", file("dsa", ".param"))
	run("genpkey", "-paramfile", file("dsa", ".param"), "-out", file("dsa", ".key"))
	certify("dsa")
	for _, c := range cases {
		client, server := handshake(file(c.key, ".key"), file(c.key, ".pem"), c.version, c.sigalg, c.cipher+":@SECLEVEL=0")
		fmt.Println(c.name + "\t" + cut(c.name, client, server))
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func run(args ...string) {
	if out, err := exec.Command("openssl", args...).CombinedOutput(); err != nil {
		log.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

const groups = "P-256:P-224:P-384:P-521:secp256k1"

// handshake returns the bytes of both directions.
func handshake(key, cert, version, sigalg, cipher string) (client, server []byte) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	address := free.Addr().String()
	free.Close()
	s := exec.Command("openssl", "s_server", "-accept", address, "-key", key, "-cert", cert, version, "-sigalgs", sigalg, "-cipher", cipher, "-groups", groups, "-quiet")
	check(s.Start())
	defer s.Wait()
	defer s.Process.Kill()

	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	defer proxy.Close()
	c := exec.Command("openssl", "s_client", "-connect", proxy.Addr().String(), version, "-sigalgs", sigalg, "-cipher", cipher, "-groups", groups)
	c.Stdin = strings.NewReader("Q\n")
	check(c.Start())
	defer c.Wait()
	near, err := proxy.Accept()
	check(err)
	var far net.Conn
	for range 50 {
		if far, err = net.Dial("tcp", address); err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	check(err)
	var up, down bytes.Buffer
	var both sync.WaitGroup
	both.Go(func() { io.Copy(io.MultiWriter(far, &up), near); far.Close() })
	both.Go(func() { io.Copy(io.MultiWriter(near, &down), far); near.Close() })
	both.Wait()
	return up.Bytes(), down.Bytes()
}

// messages joins the handshake records (RFC 5246 §6.2.1, §7.4) before
// encryption begins.
func messages(stream []byte) map[byte][]byte {
	var joined []byte
	for len(stream) >= 5 && stream[0] == 22 {
		n := int(binary.BigEndian.Uint16(stream[3:]))
		joined = append(joined, stream[5:5+n]...)
		stream = stream[5+n:]
	}
	found := map[byte][]byte{}
	for len(joined) >= 4 {
		n := int(joined[1])<<16 | int(joined[2])<<8 | int(joined[3])
		if len(joined) < 4+n {
			break
		}
		found[joined[0]] = joined[4 : 4+n]
		joined = joined[4+n:]
	}
	return found
}

func cut(name string, client, server []byte) string {
	hello, answer := messages(client)[1], messages(server)
	certificate, exchange := answer[11], answer[12]
	if hello == nil || answer[2] == nil || certificate == nil || exchange == nil {
		log.Fatalf("%s: no whole handshake", name)
	}
	leaf := certificate[6 : 6+(int(certificate[3])<<16|int(certificate[4])<<8|int(certificate[5]))]
	params := 0
	if exchange[0] == 3 { // named_curve (RFC 8422 §5.4)
		params = 4 + int(exchange[3])
	} else { // p, g, Ys (RFC 5246 §7.4.3)
		for range 3 {
			params += 2 + int(binary.BigEndian.Uint16(exchange[params:]))
		}
	}
	rest, scheme := exchange[params:], []byte{0, 0}
	if binary.BigEndian.Uint16(answer[2]) == 0x0303 {
		rest, scheme = rest[2:], rest[:2]
	}
	signed := bytes.Join([][]byte{hello[2:34], answer[2][2:34], exchange[:params]}, nil)
	var fields []string
	for _, f := range [][]byte{scheme, leaf, signed, rest[2:]} {
		fields = append(fields, hex.EncodeToString(f))
	}
	return strings.Join(fields, "\t")
}
