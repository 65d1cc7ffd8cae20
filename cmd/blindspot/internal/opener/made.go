package opener

import (
	"encoding/json"
	"os"
)

// Made is what the opener made of a request for a ring.
type Made struct {
	// Files are what passes to the reader: the ring's socket, and behind it the
	// maps of its programs, in an order that both sides know. Who has them
	// closes them.
	Files []*os.File
	// Info is JSON that both sides know, nil for none.
	Info json.RawMessage
}

// Close closes the files.
func (m *Made) Close() {
	for _, f := range m.Files {
		_ = f.Close()
	}
	m.Files = nil
}
