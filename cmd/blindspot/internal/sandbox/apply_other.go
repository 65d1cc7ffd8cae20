//go:build !linux

package sandbox

// Apply confines nothing here.
func Apply(Policy) (Applied, error) {
	return Applied{Missing: []string{"this system has no Landlock and no seccomp: the process is not confined"}}, nil
}
