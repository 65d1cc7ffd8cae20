package ring

import "blindspot/capture"

// Info describes a ring.
type Info struct {
	Interface string
	Index     int // of the interface, which tells it from a later one of the same name
	Link      capture.LinkType
	BlockSize int
	Blocks    int
}
