package decode

import (
	"fmt"
	"slices"
	"strings"

	"blindspot/capture"
)

// Encapsulation is something around packets that a Decoder takes off, or that
// it knows and leaves closed: a link type, a tag, a tunnel. Each file of this
// package registers its own.
type Encapsulation struct {
	Name   string // the word of Segment.Tunnel where it stays there; several are joined by ", "
	What   string // in a few words
	Source string // what specifies it

	// What it is known by. Something within another protocol may have none of
	// these, and Within says where it is looked for.
	Links      []capture.LinkType
	EtherTypes []uint16
	Protocols  []uint8  // of IP
	UDPPorts   []uint16 // by default; Config.UDPPorts changes them under Name
	Within     string
}

// encapsulations is what register was told.
var encapsulations []*Encapsulation

// Encapsulations lists all that is understood, by name. It is a copy.
func Encapsulations() []Encapsulation {
	list := make([]Encapsulation, len(encapsulations))
	for i, e := range encapsulations {
		list[i] = *e
		list[i].Links = slices.Clone(e.Links)
		list[i].EtherTypes = slices.Clone(e.EtherTypes)
		list[i].Protocols = slices.Clone(e.Protocols)
		list[i].UDPPorts = slices.Clone(e.UDPPorts)
	}
	slices.SortFunc(list, func(a, b Encapsulation) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Link reports whether it is a link type and nothing else.
func (e *Encapsulation) Link() bool {
	return len(e.Links) > 0 && len(e.EtherTypes)+len(e.Protocols)+len(e.UDPPorts) == 0 && e.Within == ""
}

// KnownBy says in words what it is known by: "EtherType 0x8847, 0x8848; IP
// protocol 137; UDP port 6635".
func (e *Encapsulation) KnownBy() string {
	var parts []string
	add := func(text string) {
		if text != "" {
			parts = append(parts, text)
		}
	}
	add(numbers("link type", e.Links, func(l capture.LinkType) string { return fmt.Sprintf("%d (%v)", uint16(l), l) }))
	add(numbers("EtherType", e.EtherTypes, func(n uint16) string { return fmt.Sprintf("0x%04x", n) }))
	add(numbers("IP protocol", e.Protocols, func(n uint8) string { return fmt.Sprint(n) }))
	add(numbers("UDP port", e.UDPPorts, func(n uint16) string { return fmt.Sprint(n) }))
	add(e.Within)
	return strings.Join(parts, "; ")
}

// numbers is "what 1, 2", or nothing.
func numbers[T any](what string, list []T, text func(T) string) string {
	if len(list) == 0 {
		return ""
	}
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = text(n)
	}
	return what + " " + strings.Join(words, ", ")
}
