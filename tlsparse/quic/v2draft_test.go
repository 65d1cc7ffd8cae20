package quic

import (
	"testing"

	"blindspot/tlsparse"
)

// What a gtlsserver of ngtcp2 0.12.1 sent to a client that began with version
// 0x709a50c4: a Retry, and then its first Initial packet.
const (
	v2DraftFirst = "fc80f9617bb39380333a67716929e5740258" // the client's first destination
	v2DraftRetry = "c0709a50c411a89936e9614d03b78309dcc2745475291712be3583ff126670b73a86ff167a6283330a55b6ff8e22c8a950cc679839362b8494c31174" +
		"b577ab5f4bea454739847dc97c65795c0a594fc134c6a003857d21ff1cfc5d80a7ad7a2bd0492534509d610f22b7b3f5cc4ab8f5e661096d6eacf52d" +
		"2f2c1964cc2faa63aa56d8f1058002d6"
	v2DraftAgain = "be3583ff126670b73a86ff167a6283330a55" // the destination after the Retry
	v2DraftHello = "98709a50c411a89936e9614d03b78309dcc2745475291712405509780dd2b17f6df0d974ab453f1cb0460080000077154f6736b79b635af461aeba2d" +
		"513fc62d9f2d39d6f5dacdf86a863d418dc0f0aec7e1cf6fdc4bce4644626d564b608795db50a630cb21ed8da3b11d7d5bf1c9adb7796936368df6b9" +
		"a6165c3dc60c167c5e56d03a35082ef3a9c3667c85d9c9c11d3723087420efb3bc1adb41007c23af13f958b82741"
)

// TestV2Draft opens what was recorded: the draft of version 2 that compatible
// version negotiation (RFC 9368) was deployed with has a salt and a Retry key of
// its own.
func TestV2Draft(t *testing.T) {
	if genuine, known := verifyRetry(unhex(v2DraftRetry), unhex(v2DraftFirst)); !genuine || !known {
		t.Errorf("Retry: genuine %v, known %v", genuine, known)
	}
	b := unhex(v2DraftHello)
	h, ok := ParseHeader(b)
	if !ok || h.Type != Initial || h.End != len(b) {
		t.Fatalf("got %+v, %v; want one Initial packet", h, ok)
	}
	var o opener
	k := deriveKeys(&schemes[schemeV2Draft], unhex(v2DraftAgain), Server)
	if _, ok := o.open(k, b, h.Number, h.End, -1); !ok {
		t.Fatal("the packet does not open")
	}
	for rest := o.plain; len(rest) > 0; {
		f, next, ok := nextFrame(rest, false)
		if !ok {
			t.Fatal("malformed frames")
		}
		if f.typ == frameCrypto && f.offset == 0 && f.data[0] == tlsparse.TypeServerHello {
			return
		}
		rest = next
	}
	t.Error("no ServerHello in the packet")
}
