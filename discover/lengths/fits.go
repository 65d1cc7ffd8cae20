package lengths

// Message is the length of a Certificate message that holds a chain without
// extensions, by the lengths of its certificates (RFC 8446 §4.4.2).
func Message(chain []int) int {
	n := headerLen + 1 + 3
	for _, der := range chain {
		n += 3 + der + 2
	}
	return n
}

// Fits reports whether a handshake with the evidence may have shown a chain of
// certificates of these lengths, whose leaf has a key of the kind. That is
// consistency: other chains may have the length, too.
//
// It never fits what cannot be read exactly.
func (e *Evidence) Fits(chain []int, leafKey string) bool {
	return e.Exact() && e.Key == leafKey && len(chain) > 0 && e.Certificate == Message(chain)
}
