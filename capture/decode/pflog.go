package decode

import "blindspot/capture"

const pflogHeader = 28 // the shortest that was ever in use

func init() {
	register("pflog", "log of BSD's packet filter", "LINKTYPE_PFLOG").link(pflog, capture.LinkPFLog)
}

// pflog decodes the log of BSD's packet filter: length of the header, family,
// action and what matched; padded to four bytes; then IP.
func pflog(d *Decoder, b []byte, missing int) bool {
	if len(b) == 0 {
		return d.short(missing, &d.stats.MalformedLink)
	}
	size := (int(b[0]) + 3) &^ 3
	if size < pflogHeader {
		d.stats.MalformedLink++
		return false
	}
	if size > len(b) {
		return d.short(missing, &d.stats.MalformedLink)
	}
	return raw(d, b[size:], missing)
}
