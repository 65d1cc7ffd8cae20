package dtls

// Strip takes off what stands around a DTLS record in a datagram and says what
// it was: "turn-channel", "turn-send" or "turn-data" (ParseTURN tells the peer),
// or "rdp-udp". Where there is no DTLS record inside, it returns the datagram
// and "". The channel's numbers are also first bytes of QUIC's, and RDP-UDP has
// no mark of its own: the record's header is what decides.
func Strip(datagram []byte) (inner []byte, word string) {
	if len(datagram) < channelHeaderLen || datagram[0] >= 20 && datagram[0] <= 63 && isRecordStart(datagram) {
		return datagram, ""
	}
	if f, ok := ParseTURN(datagram); ok {
		if !isRecordStart(f.Data) {
			return datagram, ""
		}
		return f.Data, f.word()
	}
	if b, ok := parseRDPUDP(datagram); ok {
		if r, ok := parseRecord(b); ok && r.length == len(r.payload) {
			return b, "rdp-udp"
		}
	}
	return datagram, ""
}

func (f *Frame) word() string {
	switch {
	case f.Channel != 0:
		return "turn-channel"
	case f.Send:
		return "turn-send"
	}
	return "turn-data"
}

// isRecordStart reports whether b begins with a record in any form that fits
// into it.
func isRecordStart(b []byte) bool {
	if r, ok := parseRecord(b); ok {
		return r.typ == RecordCID || r.length == len(r.payload)
	}
	r, ok := parseCiphertext(b, -1)
	return ok && r.size <= len(b)
}
