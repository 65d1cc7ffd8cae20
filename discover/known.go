package discover

// Words of Key.Known that only other sensors' logs give rise to.
const (
	// FromLeaf says that the leaf was seen, and not which further certificates
	// came with it: the chain as presented cannot be judged.
	FromLeaf = "wire-leaf"
	// HiddenNotLogged says that a certificate was sent, and that the log does
	// not tell which.
	HiddenNotLogged = "not-logged"
)
