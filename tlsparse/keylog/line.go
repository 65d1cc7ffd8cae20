package keylog

import (
	"bytes"
	"encoding/hex"
	"errors"
)

// maxLine bounds a line of a key log. The longest one that is of use has a
// label, 32 bytes and 48 in hex; those of post-quantum ECH secrets are passed
// over even where they are longer.
const maxLine = 4 << 10

// What is wrong with a line.
var (
	errFields = errors.New("want a label, the client random and the secret, with one space between them")
	errRandom = errors.New("the client random is not 64 hex digits")
	errSecret = errors.New("the secret is not of 32 or 48 bytes in hex digits")
	errMaster = errors.New("the master secret is not 96 hex digits")
	errLong   = errors.New("the line is too long")
)

// slot says which secret a label stands for.
type slot uint8

const (
	slotNone slot = iota // known, and not wanted; or not known
	slotClient
	slotServer
	slotMaster
)

// slotOf returns what a label stands for. The labels are those of RFC 9850 §2,
// with the names that early QUIC stacks gave the same secrets.
func slotOf(label []byte) slot {
	switch string(label) {
	case "CLIENT_HANDSHAKE_TRAFFIC_SECRET", "QUIC_CLIENT_HANDSHAKE_TRAFFIC_SECRET":
		return slotClient
	case "SERVER_HANDSHAKE_TRAFFIC_SECRET", "QUIC_SERVER_HANDSHAKE_TRAFFIC_SECRET":
		return slotServer
	case "CLIENT_RANDOM":
		return slotMaster
	}
	return slotNone
}

// entry is what a line says.
type entry struct {
	slot   slot
	random [RandomLen]byte
	secret secret
}

// parseLine reads one line without its end. An empty line, a comment, and a
// label that is not wanted give slotNone without an error; the secret behind
// such a label is not even decoded.
func parseLine(line []byte, e *entry) error {
	e.slot = slotNone
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] == '#' {
		return nil
	}
	label, rest, ok := bytes.Cut(line, []byte(" "))
	if !ok || !isLabel(label) {
		return errFields
	}
	s := slotOf(label)
	if s == slotNone {
		return nil
	}
	random, digits, ok := bytes.Cut(rest, []byte(" "))
	if !ok {
		return errFields
	}
	if !unhex(e.random[:], random) {
		return errRandom
	}
	n := len(digits) / 2
	if s == slotMaster && n != 48 {
		return errMaster
	}
	if n != 32 && n != 48 || !unhex(e.secret.b[:n], digits) {
		e.secret = secret{}
		return errSecret
	}
	e.secret.n = uint8(n)
	e.slot = s
	return nil
}

// unhex decodes digits into dst, which it must fill.
func unhex(dst, digits []byte) bool {
	if len(digits) != 2*len(dst) {
		return false
	}
	_, err := hex.Decode(dst, digits)
	return err == nil
}

// isLabel reports whether b can be a label: capitals, digits, underscores.
func isLabel(b []byte) bool {
	for _, c := range b {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return len(b) > 0
}
