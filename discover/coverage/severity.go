package coverage

import "blindspot/discover"

// Severity weighs use. The table:
//
//	kind                         critical                     warning                        notice
//	unmonitored-hostname         certificate out of validity  otherwise                      slight use, or the same
//	                                                                                            certificate checked by another name
//	unmonitored-endpoint         certificate out of validity  other port, another chain      same chain, address not dialled
//	weak-check                   certificate out of validity  clients use the name           the name has another check
//	unused-check                                                                             always
//	expired, not yet valid       material, or not monitored   otherwise, issuer of the leaf  only checks saw it, farther issuer
//	                             and more than slight
//	expired-certificate (client)                              always
//	expiring-certificate                                      always
//	name-mismatch                                             material                       otherwise
//	key-mismatch                 clients met it               only checks saw it
//	untrusted-certificate        material, and clients refuse a server's otherwise    only a load balancer's far side
//	incomplete-chain                                          material, or clients refuse    otherwise
//	split-deployment                                          otherwise                      the newest is hardly a day old;
//	                                                                                            public servers without a surface;
//	                                                                                            known by record lengths alone
//	stale-certificate            expired, and material        otherwise
//	unknown-certificate                                       material                       otherwise
//	undelivered-certificate                                   its names get another one      nobody uses its names
//	client-rejects               material, two clients or     several, or one again and      once, suspicion
//	                             more, and none goes on       again
//	weak-tls                                                  material                       otherwise
//	unnamed-endpoint,                                                                        always
//	hidden-certificate,
//	cleartext-after-offer
//
// Material use is 1 % of the traffic, or five clients; slight use is one
// client with under 0.1 %.
const (
	materialShare   = 0.01
	materialClients = 5
	slightShare     = 0.001
	again           = 3 // handshakes of one client that are no accident
)

func material(f *discover.Finding) bool {
	return f.Share >= materialShare || f.Clients >= materialClients
}

// slight is use that may be anybody's: one client, hardly ever.
func slight(f *discover.Finding) bool { return f.Clients <= 1 && f.Share < slightShare }

// pick returns the first severity whose condition holds, notice for none.
func pick(critical, warning bool) discover.Severity {
	switch {
	case critical:
		return discover.Critical
	case warning:
		return discover.Warning
	}
	return discover.Notice
}

// outOfValidity reports whether clients met a leaf outside its validity.
func outOfValidity(cells []*cell) bool {
	for _, c := range cells {
		if c.real() && (c.phase == phaseExpired || c.phase == phaseNotYet) {
			return true
		}
	}
	return false
}
