package coverage

import (
	"slices"

	"blindspot/discover"
)

// maxClientSurfaces bounds the surfaces that are told apart by client networks;
// the others match where every known client of a sighting is in them.
const maxClientSurfaces = 64

// part is what of a sighting falls to the same surfaces by its clients.
type part struct {
	*discover.Sighting
	class       uint64 // a bit for each surface whose client networks it is in
	use, checks uint64
}

// parts cuts a sighting by the client networks of surfaces, where there are
// any. What is no use, and clients that are not known one by one, make a part
// without a class, in which all other figures stay.
func (a *analysis) parts(s *discover.Sighting, use, checks uint64) []part {
	rest := part{s, 0, use, checks}
	if len(a.byClient) == 0 || use == 0 {
		return append(a.partsBuf[:0], rest)
	}
	var out []part
	for _, c := range s.Clients.Exact {
		if a.monitor(c.Addr) || c.Count > rest.use {
			continue
		}
		class := a.classOf(c)
		if class == 0 {
			continue
		}
		i := slices.IndexFunc(out, func(p part) bool { return p.class == class })
		if i < 0 {
			one := *s
			one.Clients, one.Count, one.Forwarded, one.ECH, one.KeyMismatch = discover.Clients{}, 0, 0, 0, 0
			i, out = len(out), append(out, part{&one, class, 0, 0})
		}
		p := &out[i]
		p.Clients.Exact = append(p.Clients.Exact, c)
		p.Count, p.use = p.Count+c.Count, p.use+c.Count
		rest.use -= c.Count
	}
	switch {
	case len(out) == 0:
		return append(out, rest)
	case len(out) == 1 && rest.use == 0 && rest.checks == 0:
		return append(out[:0], part{s, out[0].class, use, checks})
	case rest.use > 0 || rest.checks > 0 || s.Forwarded > 0:
		others := *s
		others.Clients = a.without(&s.Clients, out)
		rest.Sighting = &others
		out = append(out, rest)
	}
	return out
}

// classOf tells which surfaces' client networks a client is in.
func (a *analysis) classOf(c discover.ClientCount) (class uint64) {
	for i, s := range a.byClient {
		if contains(s.Clients, c.Addr.Addr()) {
			class |= 1 << i
		}
	}
	return class
}

// without leaves out the clients of parts.
func (a *analysis) without(all *discover.Clients, parts []part) discover.Clients {
	out := all.Clone()
	out.Exact = slices.DeleteFunc(out.Exact, func(c discover.ClientCount) bool {
		return slices.ContainsFunc(parts, func(p part) bool { return slices.Contains(p.Clients.Exact, c) })
	})
	return out
}
