package decode_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"blindspot/capture"
	"blindspot/capture/decode"
)

const corpus = "../../../shared/corpus/pcaps"

// TestCorpus decodes every capture of the corpus: no crash, every packet is
// counted once, and what gopacket decodes as plain TCP or UDP is the same here.
func TestCorpus(t *testing.T) {
	entries, err := os.ReadDir(corpus)
	if err != nil {
		t.Skip("the shared corpus is not here: ", err)
	}
	compared, differ := 0, 0
	for _, e := range entries {
		f, err := capture.Open(filepath.Join(corpus, e.Name()), capture.Config{})
		if err != nil {
			continue // TestCorpus of capture decides
		}
		d, batch := decode.New(decode.Config{}), make([]capture.Packet, 64)
		for {
			n, err := f.Next(batch)
			if err != nil {
				break
			}
			for i := range batch[:n] {
				var s decode.Segment
				got := ""
				if d.Decode(&batch[i], &s) {
					if !tagged(s.Tunnel) {
						continue // TestTsharkCorpus compares these
					}
					s.Tunnel = decode.Tunnel{}
					got = show(&s)
				}
				want, ok := witness(&batch[i])
				if !ok {
					continue
				}
				compared++
				if s.Missing > 0 {
					got = fmt.Sprint(show(&s)[:40])
					want = want[:min(40, len(want))]
				}
				if got != want {
					if differ++; differ < 20 {
						t.Errorf("%s packet %d:\ngot  %.200s\nwant %.200s", e.Name(), batch[i].Number, got, want)
					}
				}
			}
		}
		f.Close()
		checkStats(t, e.Name(), d.Stats())
	}
	t.Logf("%d packets compared with gopacket", compared)
}

// tagged reports whether there is no encapsulation but what gopacket is asked
// about.
func tagged(t decode.Tunnel) bool {
	for _, h := range t.Headers[:t.Count] {
		if h.Kind.String() != "vlan" {
			return false
		}
	}
	return true
}

// tunnelPorts are the ports on which tunnels are looked for.
var tunnelPorts = []int{1701, 2152, 3544, 4341, 4789, 4790, 5246, 5247, 6081, 6635, 8472, 37008}

// plain are the layers around a segment that gopacket is asked about.
var plain = []gopacket.LayerType{
	layers.LayerTypeEthernet, layers.LayerTypeDot1Q, layers.LayerTypeLinuxSLL, layers.LayerTypeLoopback,
	layers.LayerTypeIPv4, layers.LayerTypeIPv6, layers.LayerTypeIPv6HopByHop, layers.LayerTypeIPv6Destination,
	layers.LayerTypeIPv6Routing,
}

// witness decodes a packet with gopacket. It is not asked about tunnels,
// fragments and what it cannot decode.
func witness(p *capture.Packet) (string, bool) {
	first := map[capture.LinkType]gopacket.Decoder{
		capture.LinkEthernet: layers.LayerTypeEthernet, capture.LinkRaw: layers.LinkTypeRaw,
		capture.LinkNull: layers.LayerTypeLoopback, capture.LinkLinuxSLL: layers.LayerTypeLinuxSLL,
	}[p.Link]
	if first == nil {
		return "", false
	}
	q := gopacket.NewPacket(p.Data, first, gopacket.DecodeOptions{NoCopy: true})
	var s decode.Segment
	for _, l := range q.Layers() {
		if s.Src != [16]byte{} && (l.LayerType() == layers.LayerTypeIPv4 || l.LayerType() == layers.LayerTypeIPv6) {
			return "", false // IP in IP
		}
		switch l := l.(type) {
		case *layers.IPv4:
			if l.Version != 4 || l.FragOffset != 0 || l.Flags&layers.IPv4MoreFragments != 0 {
				return "", false
			}
			copy(s.Src[:], l.SrcIP.To16())
			copy(s.Dst[:], l.DstIP.To16())
		case *layers.IPv6:
			if l.Version != 6 {
				return "", false
			}
			copy(s.Src[:], l.SrcIP)
			copy(s.Dst[:], l.DstIP)
		case *layers.TCP:
			if len(l.Contents) < 20 || int(l.DataOffset)*4 > len(l.Contents) { // malformed, which gopacket finds too late
				return "", false
			}
			s.Proto, s.SrcPort, s.DstPort, s.Seq, s.Ack = decode.TCP, uint16(l.SrcPort), uint16(l.DstPort), l.Seq, l.Ack
			s.Flags, s.Payload = l.Contents[13], l.Payload
			return show(&s), true
		case *layers.UDP:
			if len(l.Contents) < 8 || slices.Contains(tunnelPorts, int(l.SrcPort)) || slices.Contains(tunnelPorts, int(l.DstPort)) {
				return "", false
			}
			s.Proto, s.SrcPort, s.DstPort, s.Payload = decode.UDP, uint16(l.SrcPort), uint16(l.DstPort), l.Payload
			return show(&s), true
		default:
			if !slices.Contains(plain, l.LayerType()) {
				return "", false
			}
		}
	}
	return "", false
}
