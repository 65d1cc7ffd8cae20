package quic

import (
	"encoding/binary"
	"testing"

	"blindspot/tlsparse"
)

// maker makes Initial packets, with the keys that TestKeys checks.
type maker struct {
	version uint32
	scheme  schemeID // 0: the version's
	keyed   string   // the id from which keys come
	side    Side
	dcid    string
	scid    string
	token   string
	number  uint16
}

// packet returns the next Initial packet with these frames.
func (m *maker) packet(frames ...[]byte) []byte {
	if m.scheme == 0 {
		m.scheme = schemeOf(m.version)
	}
	s := &schemes[m.scheme]
	var payload []byte
	for _, f := range frames {
		payload = append(payload, f...)
	}
	for len(payload) < 4 {
		payload = append(payload, framePadding)
	}
	first := byte(longForm | fixedBit | 1) // two bytes of packet number
	if s.v2Types {
		first |= 1 << 4
	}
	b := m.ids(first)
	b = append(b, byte(len(m.token)))
	b = append(b, m.token...)
	b = binary.BigEndian.AppendUint16(b, 0x4000|uint16(2+len(payload)+tagLen))
	number := len(b)
	b = binary.BigEndian.AppendUint16(b, m.number)
	k := deriveKeys(s, []byte(m.keyed), m.side)
	nonce := k.iv
	nonce[10] ^= byte(m.number >> 8)
	nonce[11] ^= byte(m.number)
	m.number++
	b = k.aead.Seal(b, nonce[:], payload, b)
	var mask [sampleLen]byte
	k.hp.Encrypt(mask[:], b[number+4:number+4+sampleLen])
	b[0] ^= mask[0] & 0x0f
	b[number] ^= mask[1]
	b[number+1] ^= mask[2]
	return b
}

// ids returns a long header up to the connection ids.
func (m *maker) ids(first byte) []byte {
	b := binary.BigEndian.AppendUint32([]byte{first}, m.version)
	b = append(append(b, byte(len(m.dcid))), m.dcid...)
	return append(append(b, byte(len(m.scid))), m.scid...)
}

// protected returns a packet of another type whose content nobody can read.
func (m *maker) protected(typ byte, n int) []byte {
	b := binary.BigEndian.AppendUint16(m.ids(longForm|fixedBit|typ<<4), 0x4000|uint16(n))
	for i := range n {
		b = append(b, byte(i*7+3))
	}
	return b
}

// retry returns a Retry packet without a valid tag, for versions that have none.
func (m *maker) retry(token string) []byte {
	return append(append(m.ids(longForm|fixedBit|3<<4), token...), make([]byte, retryTagLen)...)
}

func newClient(version uint32) *maker {
	return &maker{version: version, keyed: rfcID, side: Client, dcid: rfcID, scid: "client"}
}

func newServer(version uint32) *maker {
	return &maker{version: version, keyed: rfcID, side: Server, dcid: "client", scid: "server"}
}

// cryptoFrame returns the part of a stream from off to end.
func cryptoFrame(stream []byte, off, end int) []byte {
	b := []byte{frameCrypto}
	b = binary.BigEndian.AppendUint32(b, 0x80000000|uint32(off))
	b = binary.BigEndian.AppendUint16(b, 0x4000|uint16(end-off))
	return append(b, stream[off:end]...)
}

func whole(stream []byte) []byte { return cryptoFrame(stream, 0, len(stream)) }

// rfcHello and rfcAnswer are the messages of RFC 9001 §A.2 and §A.3.
func rfcHello(t testing.TB) []byte  { return vectors(t)["9001 A.2 payload"][4:] }
func rfcAnswer(t testing.TB) []byte { return vectors(t)["9001 A.3 payload"][9:] }

// messages returns the types of what is ready.
func messages(r *Reader, c *Conn) (types []uint8) {
	for {
		m, ok := r.Next(c)
		if !ok {
			return types
		}
		types = append(types, m.Type)
	}
}

var (
	ping   = []byte{framePing}
	ack    = []byte{frameACK, 0x05, 0x00, 0x01, 0x01, 0x00, 0x00}
	ackECN = []byte{frameACKECN, 0x05, 0x00, 0x00, 0x01, 0x01, 0x02, 0x03}
	pad    = make([]byte, 40)
)

const (
	ch = tlsparse.TypeClientHello
	sh = tlsparse.TypeServerHello
)
