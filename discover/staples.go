package discover

import (
	"bytes"
	"time"
)

// maxStaples bounds the stapled responses that are remembered; beyond it they are
// forgotten, all at once.
const maxStaples = 1 << 12

// staples remembers the stapled response of each leaf: a server sends the same
// one for days, and what it says costs one signature or two to find out.
type staples map[stapleKey]staple

type stapleKey struct{ leaf, issuer *knownCertificate }

// staple is a response, and what it says of its leaf; nil for nothing that can
// be relied on.
type staple struct {
	response []byte
	says     *ocspSingle
}

// status is OCSPStatus of a response.
func (s staples) status(response []byte, leaf, issuer *knownCertificate, at time.Time) string {
	k := stapleKey{leaf, issuer}
	known, ok := s[k]
	if !ok || !bytes.Equal(known.response, response) {
		if len(s) >= maxStaples {
			clear(s)
		}
		known.response = bytes.Clone(response)
		known.says, _ = readOCSP(known.response, leaf.certificate(), issuer.certificate())
		s[k] = known
	}
	if known.says == nil {
		return ""
	}
	return known.says.word(at)
}

// certificate returns the certificate, nil for none.
func (k *knownCertificate) certificate() *Certificate {
	if k == nil {
		return nil
	}
	return k.Certificate
}
