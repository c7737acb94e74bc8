package lower

import (
	"slices"

	"github.com/npusim/npusim/isa"
)

// maxBody is the longest loop body looked for, in instructions.
const maxBody = 160

// compress appends code to out with repeated instruction sequences rolled into
// loops: two sequences repeat if they differ only in address operands, each by
// a constant step. The bodies of outer loops are rolled again into inner loops;
// a loop that stands alone is an inner one. Marks is room for those of the code.
func compress(out, code []isa.Instruction, marks []uint64) ([]isa.Instruction, []uint64) {
	return roll(out, code, marks, func(first, second []isa.Instruction) []isa.Instruction {
		body := withSteps(first, second, true)
		rolled, _ := roll(make([]isa.Instruction, 0, len(body)), body, nil, func(a, b []isa.Instruction) []isa.Instruction {
			return withSteps(a, b, false)
		})
		if hasLoop(rolled) {
			return rolled
		}
		return withSteps(first, second, false)
	})
}

// roll replaces the repetition that saves most at each position by a loop
// around what body makes of its first two rounds.
func roll(out, code []isa.Instruction, marks []uint64, body func(first, second []isa.Instruction) []isa.Instruction) ([]isa.Instruction, []uint64) {
	marks = slices.Grow(marks[:0], len(code))[:len(code)]
	for i := range code {
		marks[i] = mark(&code[i])
	}
	for i := 0; i < len(code); {
		period, count := bestRepeat(code[i:], marks[i:])
		if count == 0 {
			out = append(out, code[i])
			i++
			continue
		}
		out = append(out, isa.Instruction{Op: isa.Loop, Count: uint32(count)})
		out = append(out, body(code[i:i+period], code[i+period:i+2*period])...)
		out = append(out, isa.Instruction{Op: isa.EndLoop})
		i += period * count
	}
	return out, marks
}

func hasLoop(code []isa.Instruction) bool {
	for i := range code {
		if code[i].Op == isa.Loop {
			return true
		}
	}
	return false
}

// bestRepeat finds the body length and count at the start of code that save
// the most instructions; count 0 if nothing does.
func bestRepeat(code []isa.Instruction, marks []uint64) (period, count int) {
	best := 0
	for p := 1; p <= maxBody && 2*p <= len(code); p++ {
		if marks[0] != marks[p] || len(code)/p*p-p-2 <= best { // the most that p can save
			continue
		}
		n := repeats(code, marks, p)
		if saved := p*(n-1) - 2; saved > best {
			period, count, best = p, n, saved
		}
	}
	return period, count
}

// repeats counts how often the first p instructions repeat with constant
// address steps.
func repeats(code []isa.Instruction, marks []uint64, p int) int {
	n := 1
	for ; (n+1)*p <= len(code); n++ {
		for k := range p {
			if marks[(n-1)*p+k] != marks[n*p+k] {
				return n
			}
			a, b := &code[(n-1)*p+k], &code[n*p+k]
			if !similar(a, b) || !sameStep(&code[k], &code[p+k], a, b) {
				return n
			}
		}
	}
	return n
}

// mark is equal for similar instructions, and hardly ever for others.
func mark(in *isa.Instruction) uint64 {
	h := uint64(in.Op)
	mix := func(v uint64) { h = (h ^ v) * 0x9e3779b97f4a7c15; h ^= h >> 29 }
	mix(uint64(in.Count)<<32 | uint64(in.Descriptor))
	for k := range in.Operands {
		o := &in.Operands[k]
		mix(uint64(o.Space)<<56 ^ uint64(uint32(o.OuterStep))<<32 ^ uint64(uint32(o.InnerStep)))
	}
	return h
}

// similar tells instructions that differ at most in address offsets. Loops
// never repeat: rolling is done level by level.
func similar(a, b *isa.Instruction) bool {
	if a.Op != b.Op || a.Count != b.Count || a.Descriptor != b.Descriptor || a.Op == isa.Loop || a.Op == isa.EndLoop || a.Op == isa.Halt {
		return false
	}
	for k := range a.Operands {
		x, y := &a.Operands[k], &b.Operands[k]
		if x.Space != y.Space || x.OuterStep != y.OuterStep || x.InnerStep != y.InnerStep {
			return false
		}
	}
	return true
}

// sameStep tells whether offsets grow from a to b as from first to second.
func sameStep(first, second, a, b *isa.Instruction) bool {
	for k := range a.Operands {
		step := int64(second.Operands[k].Offset) - int64(first.Operands[k].Offset)
		if step != int64(int32(step)) || int64(b.Operands[k].Offset)-int64(a.Operands[k].Offset) != step {
			return false
		}
	}
	return true
}

// withSteps is the body of a loop: the first repetition, with the steps to
// the second.
func withSteps(first, second []isa.Instruction, outer bool) []isa.Instruction {
	body := make([]isa.Instruction, len(first))
	copy(body, first)
	for i := range body {
		for k := range body[i].Operands {
			step := int32(int64(second[i].Operands[k].Offset) - int64(first[i].Operands[k].Offset))
			if outer {
				body[i].Operands[k].OuterStep = step
			} else {
				body[i].Operands[k].InnerStep = step
			}
		}
	}
	return body
}
