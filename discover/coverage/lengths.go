package coverage

import (
	"strconv"
	"strings"

	"blindspot/discover"
	"blindspot/discover/lengths"
)

// lengthWords is what the lengths of encrypted records say of a hidden chain,
// and the text of it.
type lengthWords struct {
	lengths.Evidence
	text string
	id   uint32
}

func (w *lengthWords) String() string {
	if w == nil {
		return ""
	}
	return w.text
}

// lengthsOf is the length evidence of a sighting, where encryption hid its
// chain.
func lengthsOf(s *discover.Sighting) string {
	if s.Known != discover.HiddenEncrypted || !s.Chain.IsZero() {
		return ""
	}
	return s.LengthEvidence
}

func (w *lengthWords) number() uint32 {
	if w == nil {
		return 0
	}
	return w.id
}

// lengthsAt reads a text once; nil where it says nothing.
func (a *analysis) lengthsAt(text string) *lengthWords {
	if text == "" {
		return nil
	}
	w, ok := a.lengths[text]
	if !ok {
		text = strings.Clone(text)
		if e, ok := lengths.Parse(text); ok {
			w = &lengthWords{e, text, uint32(len(a.lengths) + 1)}
		}
		a.lengths[text] = w
	}
	return w
}

// measured reports whether all that is known of the cell's chain is the length
// of its message, and that the length is the chain's own: the hello asked for
// nothing beside it.
func (c *cell) measured() bool {
	return c.chain == nil && c.lengths != nil && c.lengths.Exact() && c.lengths.Plain()
}

// gauged reports whether the lengths of the cell's records say how long its
// chain is, also where our own look has lent it one.
func (c *cell) gauged() bool {
	return c.measured() || c.lent() && c.lengths.Exact() && c.lengths.Plain()
}

// lent reports whether the cell's records hide a chain that our own look was
// shown.
func (c *cell) lent() bool { return c.lengths != nil && c.chain != nil && c.asked != 0 }

// contradicts reports whether the lengths of the cell's records are those of
// another chain.
func (c *cell) contradicts(ch *chain) bool {
	return c.measured() && ch.message() > 0 && ch.leaf.keyKind() != "" &&
		(c.lengths.Certificate != ch.message() || c.lengths.Key != ch.leaf.keyKind())
}

// keyKind is the kind of key by the words of discover/lengths, "" for another.
func (c *cert) keyKind() string {
	switch {
	case strings.HasPrefix(c.KeyType, "RSA"):
		return "rsa-" + strconv.Itoa((c.KeyBits+7)/8*8) // a signature has whole bytes
	case c.KeyType == "ECDSA" && c.KeyBits > 0:
		return "p" + strconv.Itoa(c.KeyBits)
	case c.KeyType == "Ed25519", c.KeyType == "Ed448", strings.HasPrefix(c.KeyType, "ML-DSA"):
		return strings.ToLower(c.KeyType)
	}
	return ""
}
