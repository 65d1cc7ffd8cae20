package starttls

import (
	"encoding/binary"

	"blindspot/tlsparse"
)

// SQL Server, TDS 7.1 to 7.4: both sides say in PRELOGIN whether they can
// encrypt, and TLS then begins inside PRELOGIN packets (MS-TDS §2.2.6.5,
// §3.2.5.2). TDS 8.0 begins with TLS and has no preface.
func init() {
	register(Preface{
		Name: "mssql", What: "SQL Server up to TDS 7.4; TLS within its packets",
		KnownBy: "PRELOGIN of both sides", Source: "MS-TDS",
		client: "\x12", server: "\x04\x12", find: findTDS,
	})
}

// Types of packets (MS-TDS §2.2.3.1.1) and the bit that says that a message ends.
const (
	tdsHeaderLen = 8
	tdsResponse  = 0x04
	tdsPrelogin  = 0x12
	tdsLast      = 0x01
)

// The option of PRELOGIN about encryption, its end, and what a side that cannot
// encrypt says (MS-TDS §2.2.6.5).
const (
	tdsEncryption      = 0x01
	tdsTerminator      = 0xff
	tdsEncryptOff      = 0x00
	tdsEncryptNotSup   = 0x02
	tdsEncryptNotThere = 0xff
)

// maxPrelogin bounds the packets of a PRELOGIN message.
const maxPrelogin = 4

func findTDS(client, server []byte) found {
	c, wants, asked := cutPrelogin(client, tdsPrelogin)
	s, gives, told := cutPrelogin(server, tdsResponse)
	if asked == tlsparse.No || told == tlsparse.No {
		return no()
	}
	ch, sh := probeTDS(client[c:], tdsPrelogin), probeTDS(server[s:], tdsPrelogin)
	if sh == tlsparse.No {
		sh = probeTDS(server[s:], tdsResponse)
	}
	switch {
	case asked == tlsparse.Yes && ch == tlsparse.Yes:
		if told != tlsparse.Yes {
			s = -1
		}
		return inTDS(c, s)
	case asked == tlsparse.Maybe && told == tlsparse.Yes && sh == tlsparse.Yes:
		return inTDS(-1, s)
	case asked != tlsparse.Yes || told != tlsparse.Yes:
		return maybe(Silent)
	case gives == tdsEncryptNotSup || gives == tdsEncryptNotThere:
		if wants == tdsEncryptNotSup || wants == tdsEncryptOff || wants == tdsEncryptNotThere {
			return no()
		}
		return decided(Refused)
	case wants == tdsEncryptNotSup || wants == tdsEncryptNotThere:
		return decided(Offered)
	}
	return inTDS(c, s)
}

func inTDS(c, s int) found {
	f := started(c, s)
	f.Wrapped = TDS
	return f
}

// cutTDS reads the header of the packet at the start of b.
func cutTDS(b []byte, typ byte) (size int, last bool, ans tlsparse.Answer) {
	if len(b) > 0 && b[0] != typ || len(b) > 1 && b[1] > 0x1f {
		return 0, false, tlsparse.No
	}
	if len(b) < tdsHeaderLen {
		return 0, false, tlsparse.Maybe
	}
	size = int(binary.BigEndian.Uint16(b[2:]))
	if size <= tdsHeaderLen || b[7] != 0 {
		return 0, false, tlsparse.No
	}
	return size, b[1]&tdsLast != 0, tlsparse.Yes
}

// cutPrelogin returns the length of a PRELOGIN message and what it says about
// encryption. All servers send VERSION first; the option is looked for in the
// first packet.
func cutPrelogin(b []byte, typ byte) (n int, encryption byte, ans tlsparse.Answer) {
	encryption = tdsEncryptNotThere
	for i := range maxPrelogin {
		size, last, ans := cutTDS(b[n:], typ)
		if ans != tlsparse.Yes {
			return 0, 0, ans
		}
		body := b[n+tdsHeaderLen : min(n+size, len(b))]
		if i == 0 {
			if encryption, ans = encryptionTDS(body); ans == tlsparse.No {
				return 0, 0, ans
			}
		}
		if n+size > len(b) {
			return 0, 0, tlsparse.Maybe
		}
		if i == 0 && ans == tlsparse.Maybe {
			return 0, 0, tlsparse.No // an option points behind the packet
		}
		if n += size; last {
			return n, encryption, tlsparse.Yes
		}
	}
	return 0, 0, tlsparse.No
}

// encryptionTDS looks the option up: each has a token, an offset and a length.
func encryptionTDS(body []byte) (value byte, ans tlsparse.Answer) {
	for i := 0; i < len(body); i += 5 {
		if body[i] == tdsTerminator {
			return tdsEncryptNotThere, yes(i > 0)
		}
		if i == 0 && body[0] != 0 || body[i] > 0x1f {
			return 0, tlsparse.No
		}
		if i+5 > len(body) {
			break
		}
		at := int(binary.BigEndian.Uint16(body[i+1:]))
		if body[i] != tdsEncryption {
			continue
		}
		if at >= len(body) {
			break
		}
		return body[at], tlsparse.Yes
	}
	return 0, tlsparse.Maybe
}

// probeTDS says whether a packet at the start of b holds TLS.
func probeTDS(b []byte, typ byte) tlsparse.Answer {
	if _, _, ans := cutTDS(b, typ); ans != tlsparse.Yes {
		return ans
	}
	r, ans := tlsparse.ParseRecordHeader(b[tdsHeaderLen:])
	if ans == tlsparse.Yes && r.Type != tlsparse.RecordHandshake && r.Type != tlsparse.RecordAlert {
		return tlsparse.No
	}
	return ans
}
