// Command blindspot reads TLS from captures, records every hostname and every
// certificate in use, and reports what monitoring does not check.
package main

import "os"

func main() { os.Exit(run(os.Args[1:])) }
