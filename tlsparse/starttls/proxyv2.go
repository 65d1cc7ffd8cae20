package starttls

import (
	"encoding/binary"
	"net/netip"

	"blindspot/tlsparse"
)

// PROXY protocol, version 2: a binary header in front of the client's bytes
// (the protocol's specification by HAProxy, §2.2). LOCAL is the proxy's own
// connection, a health check, and names no source that counts.
func init() {
	register(Preface{
		Name: "proxy-v2", What: "PROXY header, binary; client_origin says whose",
		KnownBy: "signature of 12 bytes", Source: "PROXY protocol, section 2.2",
		tunnel: true, client: "\r", server: bytesFrom(0, 255), find: findProxyV2,
	})
}

const (
	proxySignature = "\r\n\r\n\x00\r\nQUIT\n"
	proxyHeaderLen = len(proxySignature) + 4
	proxyLocal     = 0x20
	proxyProxy     = 0x21
	proxyInet      = 1
	proxyInet6     = 2
)

func findProxyV2(client, server []byte) found {
	if ans := fits(client, proxySignature); ans != tlsparse.Yes {
		return found{Found: Found{Answer: ans}}
	}
	const at = len(proxySignature)
	if len(client) > at && client[at] != proxyLocal && client[at] != proxyProxy ||
		len(client) > at+1 && client[at+1]>>4 > 3 {
		return no()
	}
	if len(client) < proxyHeaderLen {
		return maybe(Silent)
	}
	n := proxyHeaderLen + int(binary.BigEndian.Uint16(client[at+2:]))
	if n > maxLook {
		return no()
	}
	if n > len(client) {
		return maybe(Silent)
	}
	f := open(n, 0)
	if client[at] == proxyProxy {
		f.Origin = originV2(client[at+1], client[proxyHeaderLen:n])
	}
	return f
}

// originV2 reads the source out of the address block: both addresses, then both
// ports.
func originV2(family byte, b []byte) netip.AddrPort {
	size := 0
	switch family >> 4 {
	case proxyInet:
		size = 4
	case proxyInet6:
		size = 16
	}
	if size == 0 || len(b) < 2*size+4 {
		return netip.AddrPort{}
	}
	addr, _ := netip.AddrFromSlice(b[:size])
	return netip.AddrPortFrom(addr, binary.BigEndian.Uint16(b[2*size:]))
}
