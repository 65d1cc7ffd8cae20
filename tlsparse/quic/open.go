package quic

import "crypto/subtle"

// opener takes the protection off packets. Its buffers hold the last packet.
type opener struct {
	header []byte // with the protection off
	plain  []byte // payload of the packet opened last
	nonce  [ivLen]byte
	mask   [sampleLen]byte
	ctr    [sampleLen]byte
}

// open opens a packet with k. number and end are where its packet number begins
// and where it ends; largest is the largest packet number seen from that side,
// -1 for none. Where the packet is cut before its end, its tag is not there, and
// nothing proves that what comes out is right.
func (o *opener) open(k *keys, packet []byte, number, end int, largest int64) (pn int64, ok bool) {
	if len(packet) < number+minProtected {
		return 0, false
	}
	cut := len(packet) < end
	copy(o.mask[:], packet[number+4:number+minProtected])
	k.hp.Encrypt(o.mask[:], o.mask[:]) // RFC 9001 §5.4.3
	first := packet[0] ^ o.mask[0]&0x0f
	pnLen := int(first&3) + 1
	if cut && first&0x0c != 0 { // reserved bits (RFC 9000 §17.2): all that can be checked
		return 0, false
	}
	o.header = append(o.header[:0], packet[:number+pnLen]...)
	o.header[0] = first
	subtle.XORBytes(o.header[number:], o.header[number:], o.mask[1:1+pnLen])
	pn = packetNumber(o.header[number:], largest)
	o.nonce = k.iv
	for i := range 8 {
		o.nonce[ivLen-1-i] ^= byte(pn >> (8 * i))
	}
	if cut {
		o.keystream(k, packet[number+pnLen:min(len(packet), end-tagLen)])
		return pn, true
	}
	plain, err := k.aead.Open(o.plain[:0], o.nonce[:], packet[number+pnLen:], o.header)
	if err != nil {
		return 0, false
	}
	o.plain = plain
	return pn, true
}

// keystream decrypts without a tag: GCM is counter mode that starts at 2 (NIST
// SP 800-38D §7.1).
func (o *opener) keystream(k *keys, payload []byte) {
	o.plain = append(o.plain[:0], payload...)
	copy(o.ctr[:], o.nonce[:])
	for i, n := 0, uint32(2); i < len(o.plain); i, n = i+sampleLen, n+1 {
		o.ctr[12], o.ctr[13], o.ctr[14], o.ctr[15] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
		k.block.Encrypt(o.mask[:], o.ctr[:])
		subtle.XORBytes(o.plain[i:], o.plain[i:], o.mask[:])
	}
}

// packetNumber restores a packet number of which the last bytes are sent
// (RFC 9000 §A.3).
func packetNumber(b []byte, largest int64) int64 {
	var sent int64
	for _, x := range b {
		sent = sent<<8 | int64(x)
	}
	window := int64(1) << (8 * len(b))
	expected := largest + 1
	n := expected&^(window-1) | sent
	switch {
	case n <= expected-window/2 && n < 1<<62-window:
		return n + window
	case n > expected+window/2 && n >= window:
		return n - window
	}
	return n
}
