package trust

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"
	"strings"
	"time"
)

// fault is one thing that is wrong with a path.
type fault struct {
	reason  Reason
	culprit *node
	detail  string
}

func faultf(r Reason, culprit *node, format string, args ...any) fault {
	return fault{r, culprit, fmt.Sprintf(format, args...)}
}

// oidPoison marks a precertificate (RFC 6962 §3.1).
var oidPoison = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 3}

// leafFaults are independent of the path.
func (q *question) leafFaults() []fault {
	x := q.leaf.parsed()
	var list []fault
	if slices.ContainsFunc(x.UnhandledCriticalExtensions, oidPoison.Equal) {
		list = append(list, faultf(Precertificate, q.leaf, "it is a precertificate, which no client accepts"))
	} else if f, bad := unhandled(q.leaf, "the certificate"); bad {
		list = append(list, f)
	}
	if domain := q.store.TrustDomain; domain != "" {
		list = append(list, q.spiffeFaults(domain)...)
	}
	return list
}

// spiffeFaults holds the leaf against the trust domain of the store (SPIFFE
// X509-SVID §2 and §5).
func (q *question) spiffeFaults(domain string) []fault {
	switch got := trustDomainOf(q.leaf.cert()); got {
	case domain:
		return nil
	case "":
		return []fault{faultf(ForeignTrustDomain, q.leaf, "it has no SPIFFE ID, and the store is of trust domain %q", domain)}
	default:
		return []fault{faultf(ForeignTrustDomain, q.leaf, "its SPIFFE ID is of trust domain %s, the store of %q", quoteName(got, ""), domain)}
	}
}

// unhandled: a critical extension that crypto/x509 does not know. Clients
// differ in what they know, so this is no verdict.
func unhandled(n *node, what string) (fault, bool) {
	x := n.parsed()
	if x == nil || len(x.UnhandledCriticalExtensions) == 0 {
		return fault{}, false
	}
	oid := x.UnhandledCriticalExtensions[0].String()
	if name := extensionNames[oid]; name != "" {
		oid = name + " (" + oid + ")"
	}
	return faultf(CannotJudge, n, "%s has a critical extension that not every client understands: %s", what, oid), true
}

var extensionNames = map[string]string{
	"2.5.29.17":               "subject alternative name without a name that TLS uses",
	"2.5.29.30":               "name constraints of an unusual kind",
	"2.16.840.1.113730.1.1":   "Netscape certificate type",
	"1.3.6.1.5.5.7.1.24":      "TLS feature",
	"1.3.6.1.5.5.7.1.14":      "proxy certificate",
	"1.3.6.1.4.1.311.21.10":   "Microsoft application policies",
	"1.3.6.1.4.1.11129.2.4.2": "signed certificate timestamps",
}

// faultsOf judges c as the issuer of path's last certificate.
func (q *question) faultsOf(path []*node, c candidate, e edge) []fault {
	child := path[len(path)-1]
	var list []fault
	if f, bad := edgeFault(child, c.node, e); bad {
		list = append(list, f)
	}
	if c.spelled {
		list = append(list, faultf(CannotJudge, child, "the issuer's name in %s is encoded in another way than in %s: some clients take it, some do not", child.name(), c.name()))
	}
	x := c.parsed()
	if x == nil {
		return append(list, faultf(CannotJudge, c.node, "%s cannot be parsed: %s", c.name(), c.problem()))
	}
	if f, bad := unhandled(c.node, c.name()); bad {
		list = append(list, f)
	}
	list = append(list, q.validity(c, x)...)
	list = append(list, authority(path, c, x)...)
	if c.limit != nil {
		list = append(list, limited(path, c)...)
	}
	return list
}

func edgeFault(child, parent *node, e edge) (fault, bool) {
	switch e {
	case edgeSHA1, edgeInsecure:
		return faultf(SignatureAlgorithm, child, "%s is signed with %s", child.name(), child.cert().Signature), true
	case edgeWeakKey:
		return faultf(WeakKey, parent, "the key of %s has %d bits", parent.name(), parent.cert().KeyBits), true
	case edgeUnchecked:
		if child.parsed() == nil || parent.parsed() == nil {
			return fault{}, false // is a fault of its own
		}
		return faultf(CannotJudge, child, "the signature of %s cannot be checked: %s by a key of type %s", child.name(), child.cert().Signature, parent.cert().KeyType), true
	}
	return fault{}, false
}

func (q *question) validity(c candidate, x *x509.Certificate) []fault {
	early, late, what := NotYetValidIntermediate, ExpiredIntermediate, "intermediate"
	if c.anchor {
		early, late, what = NotYetValidRoot, ExpiredRoot, "root"
	}
	switch {
	case q.when.Before(x.NotBefore):
		return []fault{faultf(early, c.node, "%s %s is valid from %s", what, c.name(), stamp(x.NotBefore))}
	case q.when.After(x.NotAfter):
		return []fault{faultf(late, c.node, "%s %s expired %s", what, c.name(), stamp(x.NotAfter))}
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// authority: may it sign certificates (RFC 5280 §6.1.4 (k) to (n))?
func authority(path []*node, c candidate, x *x509.Certificate) []fault {
	old := c.anchor && x.Version < 3 // had no extensions to say so
	switch {
	case x.BasicConstraintsValid && !x.IsCA, !x.BasicConstraintsValid && !old:
		return []fault{faultf(NotCA, c.node, "%s is not a CA", c.name())}
	case x.KeyUsage != 0 && x.KeyUsage&x509.KeyUsageCertSign == 0:
		return []fault{faultf(NotCA, c.node, "%s may not sign certificates by its key usage", c.name())}
	}
	if !x.BasicConstraintsValid || x.MaxPathLen < 0 {
		return nil
	}
	below := 0
	for _, n := range path[1:] {
		if !n.selfIssued() {
			below++
		}
	}
	if below > x.MaxPathLen {
		return []fault{faultf(PathLength, c.node, "%s allows %d intermediates below it, and there are %d", c.name(), x.MaxPathLen, below)}
	}
	return nil
}

// limited asks the store's own condition on a root.
func limited(path []*node, c candidate) []fault {
	chain, whole := certificates(path)
	if !whole {
		return nil // is unjudged already
	}
	if err := c.limit(chain); err != nil {
		return []fault{faultf(Distrusted, c.node, "root %s is trusted with a limit: %v", c.name(), err)}
	}
	return nil
}

func certificates(path []*node) (list []*x509.Certificate, whole bool) {
	for _, n := range path {
		x := n.parsed()
		if x == nil {
			return nil, false
		}
		list = append(list, x)
	}
	return list, true
}

// forged: the key identifiers say that parent signed child, and it did not.
func forged(child, parent *node) fault {
	return faultf(BadSignature, child, "the signature of %s does not check against the key of %s, which it names as its issuer", child.name(), parent.name())
}

// nobody: no issuer of path's last certificate was found, or above it
// authorities sign each other in a circle.
func (q *question) nobody(path []*node, above bool) fault {
	top := path[len(path)-1]
	where := "was presented or is in the store"
	if q.known != nil {
		where = "was presented, is known or is in the store"
	}
	switch {
	case above:
		return faultf(UnknownAuthority, top, "no authority above %s is in the store", top.name())
	case len(path) == 1 && top.cert().SignedItself():
		return faultf(SelfSigned, top, "it is self-signed, and not in the store")
	case top.selfIssued():
		return faultf(UnknownAuthority, top, "root %s is not in the store", top.name())
	}
	return faultf(UnknownAuthority, top, "no certificate of %s, the issuer of %s, %s", top.issuerName(), top.name(), where)
}

// sameName compares a subject with child's issuer in the way of RFC 5280 §7.1,
// roughly: case and spaces say nothing, nor does the type of the string.
func sameName(n, child *node) bool {
	return !bytes.Equal(n.subject, child.issuer) && fold(n.cert().Subject) == fold(child.cert().Issuer)
}

func fold(s string) string { return strings.Join(strings.Fields(strings.ToLower(s)), " ") }
