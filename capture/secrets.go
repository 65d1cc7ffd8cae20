package capture

import (
	"bytes"
	"strconv"
)

const (
	secretsTLSKeyLog = 0x544c534b // "TLSK"

	// maxSecretBytes bounds the key logs kept of one file: some 60,000
	// connections.
	maxSecretBytes = 16 << 20
)

// secrets reads a Decryption Secrets Block: type, length, data. TLS key logs
// are kept.
func (p *pcapng) secrets(f *File, body []byte) (fault string) {
	if len(body) < 8 {
		return "secrets block of " + strconv.Itoa(len(body)) + " bytes"
	}
	typ, size := p.u32(body), p.u32(body[4:])
	if uint(size) > uint(len(body)-8) {
		return "secrets of " + strconv.Itoa(int(size)) + " bytes in a block that has room for " + strconv.Itoa(len(body)-8)
	}
	if typ != secretsTLSKeyLog {
		f.stats.BlocksSkipped++
		return ""
	}
	if int(size) > maxSecretBytes-f.secretBytes {
		f.stats.SecretsLost++
		return ""
	}
	f.secretBytes += int(size)
	f.secrets = append(f.secrets, bytes.Clone(body[8:8+size]))
	return ""
}

// Secrets returns the TLS key logs that the capture carries, as far as it was
// read and they were not taken: texts in the NSS key log format, one for each
// block.
func (f *File) Secrets() [][]byte { return f.secrets }

// TakeSecrets returns what Secrets does and forgets it: the texts are the
// caller's, to be overwritten once they are used. It costs next to nothing where
// there is none, so that it can be called after every batch.
func (f *File) TakeSecrets() [][]byte {
	taken := f.secrets
	f.secrets, f.secretBytes = nil, 0
	return taken
}
