//go:build linux

package main

import "fmt"

// Captures that tcpdump itself makes in another way.
var linkScenarios = []scenario{
	{"link-sll2.pcap", goStack + "; tcpdump 4.99.3 -i any", "Linux cooked capture v2", func(l *lab) error {
		return goBase(l, "", "10.77.0.10", "10.77.0.11", false, "-i", "any")
	}},
	{"link-sll.pcap", goStack + "; tcpdump 4.99.3 -i any -y LINUX_SLL", "Linux cooked capture v1", func(l *lab) error {
		return goBase(l, "", "10.77.0.10", "10.77.0.11", false, "-i", "any", "-y", "LINUX_SLL")
	}},
	{"link-loopback.pcap", goStack + "; tcpdump 4.99.3 -i lo", "the loopback interface: frames above the usual MTU", linkLoopback},
	{"link-offload.pcap", goStack + "; tcpdump 4.99.3", "segmentation offload left on: frames of many kilobytes, checksums not filled in", linkOffload},
	{"link-snaplen-96.pcap", goStack + "; tcpdump 4.99.3 -s 96", "every hello is cut before the name", func(l *lab) error { return linkSnaplen(l, 96) }},
	{"link-snaplen-256.pcap", goStack + "; tcpdump 4.99.3 -s 256", "hellos are cut behind the name, certificates in the middle", func(l *lab) error { return linkSnaplen(l, 256) }},
}

// truncated marks the certificates as not to be seen, and lets tshark see less.
func (l *lab) truncated(note string) {
	l.lenient = true
	for _, h := range l.truth.Handshakes {
		h.Visible, h.Note = false, note
	}
}

func linkSnaplen(l *lab, n int) error {
	if err := goBase(l, "", "10.77.0.10", "10.77.0.11", false, "-i", "wire0", "-s", fmt.Sprint(n)); err != nil {
		return err
	}
	l.truncated(fmt.Sprintf("packets are cut after %d bytes", n))
	return nil
}

func linkOffload(l *lab) error {
	if err := l.network(true); err != nil {
		return err
	}
	id := l.pki.get("ecdsa").with(l.pki.get("ca"), l.pki.get("huge-00"), l.pki.get("huge-01"), l.pki.get("huge-02"))
	return goBaseOn(l, "", "10.77.0.10", "10.77.0.11", id)
}

func linkLoopback(l *lab) error {
	if err := l.network(false); err != nil {
		return err
	}
	l.cli = l.srv // both sides in one namespace
	return goBaseOn(l, clientIP, "10.77.0.10", "10.77.0.11", l.pki.get("ecdsa"), "-i", "lo")
}
