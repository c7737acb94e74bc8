package lower

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/npusim/npusim/isa"
)

// unroll is the executed instructions of a section, addresses applied.
func unroll(t interface{ Fatal(...any) }, code []isa.Instruction) []isa.Instruction {
	stream, err := isa.NewStream(append(slices.Clone(code), isa.Instruction{Op: isa.Halt}))
	if err != nil {
		t.Fatal(err)
	}
	var flat []isa.Instruction
	cursor := stream.Cursor()
	var d isa.Dynamic
	for cursor.Next(&d) {
		in := *d.Instruction
		for k := range in.Operands {
			in.Operands[k].Offset, in.Operands[k].InnerStep, in.Operands[k].OuterStep = d.Offsets[k], 0, 0
		}
		flat = append(flat, in)
	}
	return flat
}

// drawFlat draws straight-line code with repetition in it: nested rounds of a
// few instructions whose addresses move, with strays in between.
func drawFlat(t *rapid.T) []isa.Instruction {
	n := func(what string, low, high int) int { return rapid.IntRange(low, high).Draw(t, what) }
	draw := func() isa.Instruction {
		switch n("kind", 0, 3) {
		case 0:
			return isa.Instruction{Op: isa.Wait, Count: uint32(n("semaphore", 0, 2))}
		case 1:
			return isa.Instruction{Op: isa.Signal, Count: uint32(n("semaphore", 0, 2))}
		}
		in := isa.Instruction{Op: isa.Load, Descriptor: uint32(n("descriptor", 0, 2))}
		in.Operands[0] = at(isa.Input, uint64(1<<39+n("from", 0, 3)*64))
		in.Operands[1] = at(isa.ActivationBuffer, uint64(1<<39+n("to", 0, 3)*64))
		return in
	}
	var flat []isa.Instruction
	for range n("pieces", 1, 5) {
		body := make([]isa.Instruction, n("body", 1, 5))
		for i := range body {
			body[i] = draw()
		}
		// Steps a round: none, small, negative, or too long for a step field.
		step := func() [2]int64 {
			choices := []int64{0, 0, 64, -64, 1 << 20, 1 << 33}
			return [2]int64{rapid.SampledFrom(choices).Draw(t, "step from"), rapid.SampledFrom(choices).Draw(t, "step to")}
		}
		inner, outer := make([][2]int64, len(body)), make([][2]int64, len(body))
		for i := range body {
			inner[i], outer[i] = step(), step()
		}
		rounds, times := n("outer rounds", 1, 6), n("inner rounds", 1, 6)
		for j := range rounds {
			for k := range times {
				for i, in := range body {
					for o := range 2 {
						if in.Operands[o].Space != isa.InvalidSpace {
							in.Operands[o].Offset += uint64(int64(k)*inner[i][o] + int64(j)*outer[i][o])
						}
					}
					flat = append(flat, in)
				}
			}
			if n("stray", 0, 3) == 0 {
				flat = append(flat, draw())
			}
		}
	}
	return flat
}

// TestCompressUnrollsToTheSame instructions, never to more of them.
func TestCompressUnrollsToTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		flat := drawFlat(t)
		code, _ := compress(nil, flat, nil)
		if got := unroll(t, code); !slices.Equal(got, flat) {
			t.Fatalf("compressed code runs %d instructions, %d went in, or they differ", len(got), len(flat))
		}
		if len(code) > len(flat) {
			t.Fatalf("%d instructions become %d", len(flat), len(code))
		}
	})
}

// TestCompressFindsNests: two levels with constant steps become two loops.
func TestCompressFindsNests(t *testing.T) {
	var flat []isa.Instruction
	for j := range 5 {
		for k := range 7 {
			load := isa.Instruction{Op: isa.Load, Operands: [isa.MaxOperands]isa.Address{at(isa.Input, uint64(4096*j+64*k)), at(isa.ActivationBuffer, uint64(64*k))}}
			flat = append(flat, load, isa.Instruction{Op: isa.Signal, Count: 1})
		}
		flat = append(flat, isa.Instruction{Op: isa.Wait, Count: 2})
	}
	code, _ := compress(nil, flat, nil)
	if len(code) != 7 || code[0].Op != isa.Loop || code[0].Count != 5 || code[1].Op != isa.Loop || code[1].Count != 7 {
		t.Fatalf("got %d instructions: %+v", len(code), code)
	}
	if a := code[2].Operands[0]; a.InnerStep != 64 || a.OuterStep != 4096 {
		t.Errorf("steps %d and %d", a.InnerStep, a.OuterStep)
	}
}
