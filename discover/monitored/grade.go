package monitored

import "fmt"

// Grade says how far a check covers what it touches. A higher grade covers
// more; the zero value is no grade.
type Grade uint8

const (
	// GradeReachability is a check that proves no certificate: ICMP, plain TCP
	// or HTTP, DNS, or TLS without verification.
	GradeReachability Grade = iota + 1
	// GradeDefaultCertificate is a check that verifies what a server presents
	// to a client that sends no name.
	GradeDefaultCertificate
	// GradeName is a check of a name on a port that is not known.
	GradeName
	// GradeExact is a check that asks for a name on a port and verifies.
	GradeExact
)

var gradeNames = [...]string{"", "reachability", "default-certificate", "name", "exact"}

// String returns the grade's word in the report.
func (g Grade) String() string {
	if int(g) < len(gradeNames) {
		return gradeNames[g]
	}
	return fmt.Sprintf("grade(%d)", uint8(g))
}

// MarshalText returns the grade's word in the report.
func (g Grade) MarshalText() ([]byte, error) { return []byte(g.String()), nil }
