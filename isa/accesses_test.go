package isa

import (
	"testing"

	"pgregory.net/rapid"
)

func (s *StridedSet) holds(address uint64) bool {
	for i := range s.Count {
		if low := s.Base + uint64(i)*s.Stride; address >= low && address < low+s.Length {
			return true
		}
	}
	return false
}

func drawSet(t *rapid.T, label string) StridedSet {
	return NewStridedSet(rapid.Uint64Range(0, 60).Draw(t, label+" base"), rapid.Uint64Range(0, 12).Draw(t, label+" length"),
		rapid.Uint64Range(0, 20).Draw(t, label+" stride"), rapid.IntRange(0, 5).Draw(t, label+" count"))
}

func TestStridedSetsAgainstBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawSet(t, "a"), drawSet(t, "b")
		share := false
		for address := range uint64(250) {
			share = share || a.holds(address) && b.holds(address)
			if a.holds(address) && address >= a.End() {
				t.Fatalf("%+v holds %d beyond its end %d", a, address, a.End())
			}
		}
		if a.Overlaps(&b) != share || b.Overlaps(&a) != share {
			t.Fatalf("%+v and %+v: overlap %v and %v, want %v", a, b, a.Overlaps(&b), b.Overlaps(&a), share)
		}
	})
}

// TestViewBytesCoverTheTile: the set of a view holds every element.
func TestViewBytesCoverTheTile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		small := func(label string) uint32 { return rapid.Uint32Range(0, 40).Draw(t, label) }
		v := View{Block: uint16(rapid.IntRange(1, 9).Draw(t, "block")), PixelStride: small("pixel"), RowStride: small("row"), BlockStride: small("stride")}
		v.ChannelOffset = rapid.Uint16Range(0, v.Block-1).Draw(t, "offset")
		channels, rows, columns := rapid.IntRange(1, 20).Draw(t, "channels"), rapid.IntRange(1, 4).Draw(t, "rows"), rapid.IntRange(1, 4).Draw(t, "columns")
		set := v.bytes(100, channels, rows, columns)
		for c := range channels {
			for h := range rows {
				for w := range columns {
					if address := 100 + uint64(v.Offset(c, h, w)); !set.holds(address) {
						t.Fatalf("%+v of %dx%dx%d at %d misses (%d, %d, %d) at %d", set, channels, rows, columns, 100, c, h, w, address)
					}
				}
			}
		}
	})
}

// TestTransferAccessesCoverTheRuns: both sides of a transfer hold every byte.
func TestTransferAccessesCoverTheRuns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		few := func(label string) uint32 { return rapid.Uint32Range(1, 4).Draw(t, label) }
		stride := func(label string) uint32 { return rapid.Uint32Range(0, 40).Draw(t, label) }
		d := &Transfer{Class: WeightClass, Bits: uint8(rapid.IntRange(2, 8).Draw(t, "bits")), Group: few("group"), Rows: few("rows"), Blocks: few("blocks"),
			DRAMRowStride: stride("row"), DRAMBlockStride: stride("block"), BufferRowStride: stride("row"), BufferBlockStride: stride("block")}
		d.Run = d.Group * few("groups")
		for _, op := range []Opcode{Load, Store} {
			in := operate(op, 0, at(Scratch, 0), at(ActivationBuffer, 0))
			dram, buffer := 0, 1
			if op == Store {
				in, dram, buffer = operate(op, 0, at(ActivationBuffer, 0), at(Scratch, 0)), 1, 0
			}
			list := Accesses(nil, &Dynamic{Instruction: &in}, d)
			for _, a := range list {
				run, row, block := uint64(d.RunBytes()), uint64(d.DRAMRowStride), uint64(d.DRAMBlockStride)
				if a.Operand == buffer {
					run, row, block = uint64(d.Run), uint64(d.BufferRowStride), uint64(d.BufferBlockStride)
				}
				if a.Write != (a.Operand == 1) || (a.Space == Scratch) != (a.Operand == dram) {
					t.Fatalf("%s: access %+v", op, a)
				}
				for b := range uint64(d.Blocks) {
					for r := range uint64(d.Rows) {
						for i := range run {
							if !a.Set.holds(b*block + r*row + i) {
								t.Fatalf("%s of %+v: %+v misses byte %d of row %d of block %d", op, d, a, i, r, b)
							}
						}
					}
				}
			}
			if len(list) != 2 {
				t.Fatalf("%s has %d accesses", op, len(list))
			}
		}
	})
}

// expand is loop unrolling the plain way.
func expand(code []Instruction, inner, outer uint64, visit func(in *Instruction, inner, outer uint64)) {
	for i := 0; i < len(code) && code[i].Op != Halt; i++ {
		if code[i].Op != Loop {
			visit(&code[i], inner, outer)
			continue
		}
		end, depth, nested := i+1, 1, false
		for ; depth > 0; end++ {
			switch code[end].Op {
			case Loop:
				depth++
				nested = true
			case EndLoop:
				depth--
			}
		}
		for n := range uint64(code[i].Count) {
			if nested {
				expand(code[i+1:end-1], 0, n, visit)
			} else {
				expand(code[i+1:end-1], n, outer, visit)
			}
		}
		i = end - 1
	}
}

func TestCursorAgainstPlainUnrolling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		label := uint32(0)
		var body func(depth int) []Instruction
		body = func(depth int) (code []Instruction) {
			for range rapid.IntRange(1, 3).Draw(t, "statements") {
				if depth < 2 && rapid.Bool().Draw(t, "loop") {
					code = append(code, loop(rapid.Uint32Range(1, 3).Draw(t, "count"), body(depth+1)...)...)
					continue
				}
				label++
				in := operate(Load, label, Address{Weights, 1000, 10, 100}, at(WeightBuffer, 5))
				code = append(code, in)
			}
			return code
		}
		code := append(body(0), Instruction{Op: Halt})
		stream, err := NewStream(code)
		if err != nil {
			t.Fatal(err)
		}
		cursor := stream.Cursor()
		var d Dynamic
		executed := 0
		expand(code, 0, 0, func(in *Instruction, inner, outer uint64) {
			executed++
			if !cursor.Next(&d) || *d.Instruction != *in || code[d.Index] != *in {
				t.Fatalf("step %d: got %+v, want d%d", executed, d, in.Descriptor)
			}
			if want := 1000 + 10*inner + 100*outer; d.Offsets[0] != want || d.Offsets[1] != 5 {
				t.Fatalf("step %d: offsets %v, want %d and 5", executed, d.Offsets, want)
			}
		})
		if cursor.Next(&d) {
			t.Fatalf("the walk goes on with %+v", d)
		}
		// Halt counts as executed.
		if n := dynamicCount(code, func(Opcode) bool { return true }); n != executed+1 || stream.DynamicLength() != n {
			t.Fatalf("%d instructions execute, counted %d and %d", executed+1, n, stream.DynamicLength())
		}
	})
}
