package lengths

import "blindspot/tlsparse"

// MaxRecords is how many of the server's records Read looks at: the flight has
// four or five messages, of which lists of authorities and long chains take
// several records each.
const MaxRecords = 16

// Flight is what is seen of the server's first flight of TLS 1.3.
type Flight struct {
	// Records are the lengths of the server's encrypted records in their order,
	// as in their headers, from the ServerHello on. What follows the flight does
	// no harm where messages have records of their own; elsewhere, only those
	// before the client's first encrypted record may be in it.
	Records []int
	Suite   uint16
	Asks    Asks
}

const (
	headerLen   = 4       // of a handshake message (RFC 8446 §4)
	maxContent  = 1 << 14 // of a record (§5.2)
	javaPadding = 16      // that Java puts into each record
	maxFirst    = 4 << 10 // EncryptedExtensions, with configurations for ECH
	// minCertificate is the shortest Certificate message: an empty context and
	// list, and one small certificate.
	minCertificate = 4 + 1 + 3 + 3 + 150 + 2
	minSignature   = 4 + 2 + 2 + 64
	// minRequest is the shortest CertificateRequest: an empty context, and the
	// extension that must be there (RFC 8446 §4.3.2).
	minRequest = 4 + 1 + 2 + 4 + 2 + 2
	packedStep = 32
)

// Read says what the lengths of a flight tell. A flight without certificate, of
// a resumption, tells nothing.
func Read(f Flight) Evidence {
	none := Evidence{Asks: f.Asks}
	hash, overhead, ok := protection(f.Suite)
	if !ok || f.Asks.Extra&SmallRecord != 0 {
		return none
	}
	for _, padding := range [...]int{0, javaPadding} {
		m := messages{f.Records[:min(len(f.Records), MaxRecords)], overhead + padding}
		if cert, request, key := m.separable(headerLen + hash); cert > 0 {
			e := Evidence{Habit: Separable, Certificate: cert, Key: key, Request: request, Asks: f.Asks}
			if padding > 0 {
				e.Habit = Padded
			}
			return e
		}
	}
	m := messages{f.Records[:min(len(f.Records), MaxRecords)], overhead}
	if total := m.packed(headerLen + hash); total > 0 {
		return Evidence{Habit: Packed, Total: total, Asks: f.Asks}
	}
	return none
}

// protection returns the length of a cipher suite's hash, which is that of
// Finished (RFC 8446 §4.4.4), and by how much a record is longer than its
// content: its type and the tag (§5.2, RFC 6655 §4 for CCM_8).
func protection(suite uint16) (hash, overhead int, ok bool) {
	switch suite {
	case 0x1301, 0x1303, 0x1304, 0x1307, 0x00c6, 0x00c7: // AEGIS-128L, SM4 too
		return 32, 1 + 16, true
	case 0x1302:
		return 48, 1 + 16, true
	case 0x1305:
		return 32, 1 + 8, true
	case 0x1306: // AEGIS-256
		return 64, 1 + 16, true
	}
	return 0, 0, false
}

// messages reads records as if each held part of one message.
type messages struct {
	records  []int
	overhead int // of a record
}

func (m messages) content(i int) int { return m.records[i] - m.overhead }

// separable finds the Certificate message where each message has records of its
// own: a first one, perhaps a CertificateRequest, the one that is looked for, a
// signature and a Finished.
func (m messages) separable(finished int) (cert, request int, key string) {
	for i := 3; i < len(m.records); i++ {
		key = keyOfSignature(m.content(i - 1))
		if m.content(i) != finished || key == "" {
			continue
		}
		if first := m.content(0); first < headerLen+2 || first > maxFirst {
			return 0, 0, ""
		}
		list := m.join(1, i-1)
		n := len(list)
		if n == 0 || n > 2 || list[n-1] < minCertificate {
			return 0, 0, ""
		}
		if n == 2 {
			if request = list[0]; request < minRequest {
				return 0, 0, ""
			}
		}
		return list[n-1], request, key
	}
	return 0, 0, ""
}

// packed returns the length of all messages but Finished, where they fill one
// record after the other; 0 where they do not. Of ECDSA's signatures, and of
// what EncryptedExtensions answers, only the step is kept.
func (m messages) packed(finished int) int {
	total := -finished
	for i := range m.records {
		if total += m.content(i); m.content(i) < maxContent && i < len(m.records)-1 {
			return 0
		}
	}
	if total < minCertificate+minSignature {
		return 0
	}
	return total / packedStep * packedStep
}

// join puts the records from..to together to messages: a full one is continued
// by the next.
func (m messages) join(from, to int) []int {
	var out []int
	more := false
	for i := from; i < to; i++ {
		if more {
			out[len(out)-1] += m.content(i)
		} else {
			out = append(out, m.content(i))
		}
		more = m.content(i) >= maxContent
	}
	return out
}

// Of is the evidence of one handshake as a sighting keeps it: the lengths of
// the server's encrypted records (see Flight), the client's hello, and the
// cipher suite. Where one direction was not captured there is none.
func Of(records []int, hello *tlsparse.ClientHello, suite uint16) string {
	if hello == nil {
		return ""
	}
	e := Read(Flight{records, suite, AsksOf(hello)})
	return e.String()
}
