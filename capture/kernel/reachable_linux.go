package kernel

import "github.com/cilium/ebpf/asm"

// reachable leaves out what is never executed, as the steps into a tunnel that
// is turned off: the kernel takes no program with such code.
func reachable(ins asm.Instructions) asm.Instructions {
	at := make(map[string]int)
	for i, in := range ins {
		if s := in.Symbol(); s != "" {
			at[s] = i
		}
	}
	seen := make([]bool, len(ins))
	for todo := []int{0}; len(todo) > 0; {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if i >= len(ins) || seen[i] {
			continue
		}
		seen[i] = true
		op := ins[i].OpCode
		jump := op.Class().IsJump() && op.JumpOp() != asm.Call && op.JumpOp() != asm.Exit
		if jump {
			todo = append(todo, at[ins[i].Reference()])
		}
		if !op.Class().IsJump() || op.JumpOp() != asm.Ja && op.JumpOp() != asm.Exit {
			todo = append(todo, i+1)
		}
	}
	var kept asm.Instructions
	for i, in := range ins {
		if seen[i] {
			kept = append(kept, in)
		}
	}
	return kept
}
