package starttls

import "blindspot/tlsparse"

// AMQP 1.0: a protocol header with id 2 asks for TLS, and the same header is
// the consent (OASIS AMQP 1.0, part 5, §5.2.1). AMQP 0-9-1 has only TLS from
// the first byte, which is no preface.
func init() {
	register(Preface{
		Name: "amqp", What: "AMQP 1.0",
		KnownBy: "the header AMQP with protocol id 2 from both sides", Source: "OASIS AMQP 1.0, part 5",
		client: "A", server: "A", find: findAMQP,
	})
}

const (
	amqpHeader    = "AMQP"
	amqpTLS       = "AMQP\x02\x01\x00\x00"
	amqpHeaderLen = len(amqpTLS)
)

func findAMQP(client, server []byte) found {
	asked, told := fits(client, amqpTLS), fits(server, amqpTLS)
	if asked == tlsparse.No {
		return no()
	}
	var ch, sh tlsparse.Answer
	if len(client) >= amqpHeaderLen {
		ch, _ = probe(client[amqpHeaderLen:], nil)
	}
	if len(server) >= amqpHeaderLen {
		_, sh = probe(nil, server[amqpHeaderLen:])
	}
	switch {
	case asked == tlsparse.Yes && told == tlsparse.Yes:
		return started(amqpHeaderLen, amqpHeaderLen)
	case asked == tlsparse.Yes && told == tlsparse.Maybe && ch == tlsparse.Yes:
		return started(amqpHeaderLen, -1)
	case told == tlsparse.Yes && asked == tlsparse.Maybe && sh == tlsparse.Yes:
		return started(-1, amqpHeaderLen)
	case fits(server, amqpHeader) == tlsparse.No:
		return no()
	case told == tlsparse.No && asked == tlsparse.Yes && len(server) >= amqpHeaderLen:
		return decided(Refused) // the server names what it speaks instead
	}
	return maybe(Silent)
}

// fits says whether b begins with text, or may yet.
func fits(b []byte, text string) tlsparse.Answer {
	n := min(len(b), len(text))
	if string(b[:n]) != text[:n] {
		return tlsparse.No
	}
	if n < len(text) {
		return tlsparse.Maybe
	}
	return tlsparse.Yes
}
