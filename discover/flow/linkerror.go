package flow

import (
	"fmt"
	"slices"
	"strings"

	"blindspot/capture"
)

// LinkError says that packets were passed over because their link type is not
// understood.
type LinkError struct{ Links []capture.LinkType }

// Error names the link types.
func (e *LinkError) Error() string {
	names := make([]string, len(e.Links))
	for i, l := range e.Links {
		names[i] = l.String()
	}
	return fmt.Sprintf("link type %s is not understood: packets of it were passed over; capture on an Ethernet, IP or \"any\" interface, or convert the file with editcap -T", strings.Join(names, ", "))
}

func sortedLinks(set map[capture.LinkType]bool) []capture.LinkType {
	var links []capture.LinkType
	for l := range set {
		links = append(links, l)
	}
	slices.Sort(links)
	return links
}
