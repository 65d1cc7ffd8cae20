// Package trust reads named trust stores and judges chains by them, twice: as
// presented, and with every intermediate that is known. Only so can a missing
// intermediate be told from a distrusted authority.
//
// Whether the leaf itself is in its validity and carries the name asked for is
// judged elsewhere, revocation nowhere. What crypto/x509 cannot read or check
// is never called untrusted: such a verdict is unknown and says why.
package trust
