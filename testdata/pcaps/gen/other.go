//go:build !linux

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "gen: needs Linux: network namespaces, tcpdump")
	os.Exit(1)
}
