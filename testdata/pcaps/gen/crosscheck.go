//go:build linux

package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// crossCheck holds the truth against tshark, without keys for what is visible
// and with keys for what is not, and takes over the client randoms.
func (l *lab) crossCheck(file string) error {
	if l.checked == notAsked {
		return nil
	}
	clear, err := tsharkRead(file, "", l.decodeAs)
	if err != nil {
		return err
	}
	opened := clear
	if _, err := os.Stat(l.base() + ".keys"); err == nil && !l.mixed {
		if opened, err = tsharkRead(file, l.base()+".keys", l.decodeAs); err != nil {
			return err
		}
	}
	var faults, missed []string
	hellos, hiddenChains, visible, seen, used := 0, 0, 0, 0, map[*witness]bool{}
	for _, h := range l.truth.Handshakes {
		n := h.among(clear[h.Client], used)
		if n < 0 {
			missed = append(missed, h.Client)
			continue
		}
		if clear[h.Client][n].random != "" {
			hellos++
		}
		if h.Visible && len(h.sent()) > 0 {
			visible++
			if len(clear[h.Client][n].serverChains) > 0 {
				seen++
			}
		}
		as := *h
		as.Visible = h.Visible || l.opened
		faults = append(faults, as.compare(clear[h.Client][n], l.lenient)...)
		h.ClientRandom, h.Alert = as.ClientRandom, as.Alert
		if n >= len(opened[h.Client]) {
			faults = append(faults, h.Client+": with keys tshark sees less than without")
			continue
		}
		o := opened[h.Client][n]
		faults = append(faults, h.compareOpenedAlerts(o)...)
		if !h.Visible && len(o.serverChains) > 0 {
			hiddenChains++
			if !slices.Equal(o.serverChains[0], h.sent()) {
				faults = append(faults, fmt.Sprintf("%s: with keys tshark sees the chain %v, the server has %v", h.Client, o.serverChains[0], h.Certs))
			}
		}
	}
	for c, list := range clear {
		for _, w := range list {
			if !used[w] && (w.answered || !l.again) {
				faults = append(faults, fmt.Sprintf("%s: a handshake with %s that the truth does not have", c, w.server))
			}
		}
	}
	if len(missed) > 0 && !l.lenient {
		faults = append(faults, fmt.Sprintf("tshark does not see %v", missed))
	}
	l.checked = fmt.Sprintf("%d of %d hellos, %d of %d visible chains, %d hidden", hellos, len(l.truth.Handshakes), seen, visible, hiddenChains)
	if len(faults) > 0 {
		return fmt.Errorf("tshark and the truth disagree:\n  %s", strings.Join(faults, "\n  "))
	}
	return nil
}

// among returns the number of the first connection of the client that is not
// taken yet, of one with its random or this server where there is one, and takes
// it; -1 for none. A port can be used again.
func (h *handshake) among(list []*witness, used map[*witness]bool) int {
	free := func(w *witness) bool { return !used[w] }
	n := -1
	if h.ClientRandom != "" {
		n = slices.IndexFunc(list, func(w *witness) bool { return free(w) && w.random == h.ClientRandom })
	}
	if n < 0 {
		n = slices.IndexFunc(list, func(w *witness) bool { return free(w) && w.server == h.Server })
	}
	if n < 0 {
		n = slices.IndexFunc(list, free)
	}
	if n >= 0 {
		used[list[n]] = true
	}
	return n
}

// tsharkEscapes writes a name as tshark writes it into its fields.
var tsharkEscapes = strings.NewReplacer("\t", `\t`, "\n", `\n`)

// compare returns what does not fit. Where a capture was damaged on purpose
// tshark may see less, but nothing else.
func (h *handshake) compare(w *witness, lenient bool) (faults []string) {
	differ := func(what, seen, want string) {
		if seen != want && want != "" && (!lenient || seen != "") {
			faults = append(faults, fmt.Sprintf("%s: %s: tshark sees %q, the truth is %q", h.Client, what, seen, want))
		}
	}
	if h.ClientRandom == "" {
		h.ClientRandom = w.random
	}
	differ("client random", w.random, h.ClientRandom)
	differ("server", w.server, h.Server)
	differ("server name", w.sni, tsharkEscapes.Replace(h.sentName()))
	if h.NoSNI && w.sni != "" {
		faults = append(faults, h.Client+": tshark sees the name "+w.sni+" where none was sent")
	}
	if w.answered || h.Outcome == established {
		differ("cipher", w.cipher, h.Cipher)
		differ("version", w.version, h.Version)
	}
	if h.HelloRetry != nil && *h.HelloRetry != w.helloRetry && !lenient {
		differ("hello retry", fmt.Sprint(w.helloRetry), fmt.Sprint(*h.HelloRetry))
	}
	var chain, client []string
	if len(w.serverChains) > 0 {
		chain = w.serverChains[0]
	}
	if len(w.clientChains) > 0 {
		client = w.clientChains[0]
	}
	want, wantClient := h.sent(), h.ClientCerts
	if !h.Visible {
		want, wantClient = nil, nil
	}
	if !slices.Equal(chain, want) && (!lenient || chain != nil) {
		faults = append(faults, fmt.Sprintf("%s: chain: tshark sees %v, the truth is %v", h.Client, chain, want))
	}
	if !slices.Equal(client, wantClient) && (!lenient || client != nil && !slices.Equal(client, h.ClientCerts)) {
		faults = append(faults, fmt.Sprintf("%s: client chain: tshark sees %v, the truth is %v", h.Client, client, wantClient))
	}
	return append(faults, h.compareAlerts(w, lenient)...)
}

// sent is what the Certificate message holds.
func (h *handshake) sent() []string {
	if h.RawPublicKey != "" {
		return []string{h.RawPublicKey}
	}
	return h.Certs
}

// compareAlerts wants every alert in the clear to be the truth's, and marks the
// truth's as protected where none is.
func (h *handshake) compareAlerts(w *witness, lenient bool) (faults []string) {
	clear := false
	for _, a := range w.alerts {
		if a.Description == "" || a.Description == "close_notify" {
			continue // an encrypted one that tshark guesses at, or a farewell
		}
		switch {
		case h.Alert == nil:
			faults = append(faults, fmt.Sprintf("%s: alert %s from the %s that the truth does not have", h.Client, a.Description, a.From))
		case a.From != h.Alert.From || h.Alert.Description != "" && h.Alert.Description != a.Description:
			faults = append(faults, fmt.Sprintf("%s: alert %s from the %s, the truth is %s from the %s", h.Client, a.Description, a.From, h.Alert.Description, h.Alert.From))
		default:
			clear = true
		}
	}
	if h.Alert != nil && !lenient {
		h.Alert.Protected = !clear
	}
	return faults
}

// compareOpenedAlerts does the same with keys, and fills in a reason that the
// program itself did not tell.
func (h *handshake) compareOpenedAlerts(w *witness) (faults []string) {
	if h.Alert == nil || h.Outcome == established {
		return nil
	}
	for _, a := range w.alerts {
		if a.From != h.Alert.From || a.Description == "" || a.Description == "close_notify" {
			continue
		}
		if h.Alert.Description == "" {
			h.Alert.Description = a.Description
		}
		if a.Description != h.Alert.Description {
			faults = append(faults, fmt.Sprintf("%s: with keys tshark sees the alert %s, the truth is %s", h.Client, a.Description, h.Alert.Description))
		}
	}
	return faults
}
