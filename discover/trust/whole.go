package trust

import (
	"crypto/x509"
	"errors"
	"slices"
)

// wholeFaults judges a path that ends in a root: what it may be used for, and
// names and policies, which crypto/x509 judges. It is asked only where a
// certificate of the path has such constraints: it checks every signature
// again. clean says that the path has no fault so far.
func (q *question) wholeFaults(path []*node, clean bool) []fault {
	chain, whole := certificates(path)
	if !whole {
		return nil // is unjudged already
	}
	var list []fault
	if i := wrongUsage(chain, q.usage); i >= 0 {
		list = append(list, usageFault(path, i, q.usage))
	}
	if clean && slices.ContainsFunc(chain[1:], constrained) {
		list = append(list, q.verify(path, chain)...)
	}
	return list
}

// wrongUsage returns the certificate that forbids the usage, -1 where none
// does. Extended key usages nest: what an authority lists, its leaves may at
// most have.
func wrongUsage(chain []*x509.Certificate, usage Usage) int {
	want := x509.ExtKeyUsageServerAuth
	if usage == Client {
		want = x509.ExtKeyUsageClientAuth
	}
	for i, c := range chain {
		limits := len(c.ExtKeyUsage) > 0 || len(c.UnknownExtKeyUsage) > 0
		if limits && !slices.Contains(c.ExtKeyUsage, want) && !slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny) {
			return i
		}
	}
	return -1
}

func usageFault(path []*node, i int, usage Usage) fault {
	who := "server"
	if usage == Client {
		who = "client"
	}
	if i == 0 {
		return faultf(KeyUsage, path[0], "it is not made for a TLS %s: its extended key usage does not say so", who)
	}
	return faultf(KeyUsage, path[i], "%s may not sign for a TLS %s: its extended key usage does not say so", path[i].name(), who)
}

// constrained reports that an authority limits names or policies.
func constrained(c *x509.Certificate) bool {
	return len(c.PermittedDNSDomains)+len(c.ExcludedDNSDomains)+
		len(c.PermittedIPRanges)+len(c.ExcludedIPRanges)+
		len(c.PermittedEmailAddresses)+len(c.ExcludedEmailAddresses)+
		len(c.PermittedURIDomains)+len(c.ExcludedURIDomains) > 0 ||
		c.RequireExplicitPolicy > 0 || c.RequireExplicitPolicyZero ||
		c.InhibitPolicyMapping > 0 || c.InhibitPolicyMappingZero ||
		c.InhibitAnyPolicy > 0 || c.InhibitAnyPolicyZero ||
		len(c.PolicyMappings) > 0
}

// verify asks crypto/x509 about this very path.
func (q *question) verify(path []*node, chain []*x509.Certificate) []fault {
	last := len(chain) - 1
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(chain[last])
	for _, c := range chain[1:last] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: q.when,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err == nil {
		return nil
	}
	culprit := path[1]
	if i := slices.IndexFunc(chain[1:], constrained); i >= 0 {
		culprit = path[1+i]
	}
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) {
		switch invalid.Reason {
		case x509.CANotAuthorizedForThisName, x509.TooManyConstraints, x509.NameConstraintsWithoutSANs, x509.UnconstrainedName:
			return []fault{faultf(NameConstraint, culprit, "%s does not allow the names of the certificate: %s", culprit.name(), invalid.Detail)}
		case x509.NoValidChains:
			return []fault{faultf(Policy, culprit, "%s asks for a certificate policy that the path does not have", culprit.name())}
		}
	}
	return []fault{faultf(CannotJudge, culprit, "crypto/x509 refuses the path: %v", err)}
}
