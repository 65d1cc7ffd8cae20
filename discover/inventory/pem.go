package inventory

import (
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"blindspot/discover"
)

func init() {
	register(format{kind: "pem", read: readPEM, detect: detectPEM, detectDir: func(string) int { return scoreBlocks }})
}

// readPEM reads a file of one certificate or many, in PEM or in DER, or all
// such files in a directory. CA certificates are kept to build chains with.
func readPEM(in *input, b *batch) error {
	if in.isDir() {
		return readPEMDirectory(in.Path, b)
	}
	data, err := in.data()
	if err != nil {
		return err
	}
	found := b.addFile(in.Path, data)
	if found.certificates+found.broken == 0 {
		return fmt.Errorf("%s: %s", in.Path, found.instead())
	}
	return nil
}

// contents is what a file held.
type contents struct {
	certificates int
	broken       int
	keys, others bool // private keys; requests, parameters, revocation lists
}

// instead says what a file without certificates holds.
func (c contents) instead() string {
	switch {
	case c.keys:
		return "holds a private key and no certificate: give the certificate's file"
	case c.others:
		return "holds no certificate: give the certificate's file"
	}
	return "holds no certificate in PEM or DER: export it as PEM"
}

// addFile adds the certificates of a file in PEM or DER.
func (b *batch) addFile(path string, data []byte) contents {
	var found contents
	if looksLikeDER(data) {
		if c := discover.ParseCertificate(data); c.Problem == "" || c.Lenient {
			b.addCertificate(ref(path, 1), c)
			found.certificates++
		}
		return found
	}
	eachBlock(string(data), func(block pemBlock) {
		at := ref(path, block.line)
		switch {
		case strings.Contains(block.label, keyWords):
			found.keys = true
		case block.isCertificate():
			c, err := block.certificate()
			if err != nil {
				found.broken++
				b.warn(at, "%v", err)
				return
			}
			found.certificates++
			b.addCertificate(at, c)
		case block.label == "PKCS7" || block.label == "CMS":
			found.broken++
			b.warn(at, "certificates packed as PKCS#7: unpack them with openssl pkcs7 -print_certs")
		default:
			found.others = true
		}
	})
	return found
}

// addPEM adds the certificates of a text within a source, whose lines all have
// the same ref, and calls each with the records.
func (b *batch) addPEM(ref, text string, each func(*Record)) {
	n := 0
	eachBlock(text, func(block pemBlock) {
		if !block.isCertificate() {
			return
		}
		n++
		c, err := block.certificate()
		if err != nil {
			b.warn(ref, "%v", err)
			return
		}
		if r := b.addCertificate(ref, c); r != nil && each != nil {
			each(r)
		}
	})
	if n == 0 {
		b.warn(ref, "no certificate in PEM: was it left out of the export?")
	}
}

// addAuthorities keeps the CA certificates of a text, and nothing else of it.
func (b *batch) addAuthorities(text string) {
	eachBlock(text, func(block pemBlock) {
		if !block.isCertificate() {
			return
		}
		if c, err := block.certificate(); err == nil && c.CA {
			b.authorities = append(b.authorities, c)
		}
	})
}

// pemBlock is a block of RFC 7468, its content as written.
type pemBlock struct {
	label string
	line  int
	body  string
	ended bool
}

func (p pemBlock) isCertificate() bool {
	return p.label == "CERTIFICATE" || p.label == "X509 CERTIFICATE" || p.label == "TRUSTED CERTIFICATE"
}

// certificate decodes the block. OpenSSL's trusted certificates have its own
// data behind the certificate, which is left out.
func (p pemBlock) certificate() (*discover.Certificate, error) {
	if !p.ended {
		return nil, fmt.Errorf("the certificate has no line -----END %s-----: is the file complete?", p.label)
	}
	text := strings.TrimRight(strings.Join(strings.Fields(p.body), ""), "=")
	der, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("the certificate is broken: %w: export it again", err)
	}
	var first cryptobyte.String
	rest := cryptobyte.String(der)
	if rest.ReadASN1Element(&first, asn1.SEQUENCE) && p.label == "TRUSTED CERTIFICATE" {
		der = first
	}
	if len(der) == 0 {
		return nil, fmt.Errorf("the certificate is empty: export it again")
	}
	return discover.ParseCertificate(der), nil
}

// eachBlock calls f for the blocks of a text in order. What stands around them
// is left out, and so are the headers of encrypted keys.
func eachBlock(text string, f func(pemBlock)) {
	var block pemBlock
	var body strings.Builder
	open := false
	finish := func(ended bool) {
		if open {
			block.body, block.ended = body.String(), ended
			f(block)
			body.Reset()
			open = false
		}
	}
	line := 0
	for s := range strings.Lines(text) {
		line++
		s = strings.TrimSpace(s)
		label, isBegin := pemLabel(s, pemBegin)
		end, isEnd := pemLabel(s, "-----END ")
		switch {
		case isBegin:
			finish(false)
			block, open = pemBlock{label: label, line: line}, true
		case isEnd:
			finish(end == block.label)
		case open && !strings.Contains(s, ":"):
			body.WriteString(s)
			body.WriteByte('\n')
		}
	}
	finish(false)
}

func pemLabel(line, prefix string) (string, bool) {
	label, ok := strings.CutPrefix(line, prefix)
	if !ok || len(label) > maxLabel {
		return "", false
	}
	return strings.CutSuffix(label, pemDashes)
}

// looksLikeDER tells a certificate in DER from a text: a SEQUENCE with a long
// length (X.690 §8.1.3.5).
func looksLikeDER(data []byte) bool {
	return len(data) > 4 && data[0] == 0x30 && data[1] >= 0x81 && data[1] <= 0x83
}

// detectPEM takes a text with a block at the start of a line.
func detectPEM(text string) int {
	if strings.HasPrefix(text, pemBegin) || strings.Contains(text, "\n"+pemBegin) {
		return scoreBlocks
	}
	return 0
}
