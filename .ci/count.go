// Command count reads the output of "go test -json", prints what failed, and
// ends with the number of tests that passed, failed and were skipped. The
// argument is how many failures other steps add.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
)

type event struct{ Action, Package, Test, Output string }

func main() {
	failed, _ := strconv.Atoi(strings.Join(os.Args[1:], ""))
	passed, skipped := 0, 0
	output := map[string][]string{}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 16<<20)
	for in.Scan() {
		var e event
		if json.Unmarshal(in.Bytes(), &e) != nil {
			fmt.Println(in.Text()) // a compiler's message
			continue
		}
		key := e.Package + " " + e.Test
		switch e.Action {
		case "output", "build-output":
			output[key] = append(output[key], e.Output)
		case "pass":
			if e.Test != "" {
				passed++
			}
			delete(output, key)
		case "skip":
			if e.Test != "" {
				skipped++
				fmt.Println("skipped:", key)
			}
			delete(output, key)
		case "fail", "build-fail":
			failed++
			fmt.Printf("FAILED %s\n%s", key, strings.Join(output[key], ""))
		}
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped)
	if failed > 0 || passed == 0 || in.Err() != nil {
		os.Exit(1)
	}
}
