package evaluate

import (
	"cmp"
	"slices"

	"github.com/npusim/npusim/isa"
)

// compulsoryBytes is the traffic no schedule avoids: every byte of weights,
// parameters, tables and input that the program reads, once, and its outputs.
// Gaps of alignment do not count.
func compulsoryBytes(p *isa.Program) int64 {
	type interval struct{ from, to uint64 }
	var read [isa.NumSpaces][]interval
	seen := map[[3]uint64]bool{} // transfers repeat
	stream, err := isa.NewStream(p.Code[isa.LoadDMA])
	if err != nil {
		return 0
	}
	cursor := stream.Cursor()
	var d isa.Dynamic
	var accesses []isa.Access
	for cursor.Next(&d) {
		if op := d.Instruction.Op; op != isa.Load && op != isa.LoadEncoded {
			continue
		}
		key := [3]uint64{uint64(d.Instruction.Operands[0].Space), d.Offsets[0], uint64(d.Instruction.Descriptor)}
		if seen[key] {
			continue
		}
		seen[key] = true
		accesses = isa.Accesses(accesses[:0], &d, p.Descriptors[d.Instruction.Descriptor])
		for _, a := range accesses {
			if a.Space != isa.Weights && a.Space != isa.Input {
				continue
			}
			for i := range uint64(a.Set.Count) {
				from := a.Set.Base + i*a.Set.Stride
				read[a.Space] = append(read[a.Space], interval{from, from + a.Set.Length})
			}
		}
	}
	var total int64
	for _, list := range read {
		slices.SortFunc(list, func(a, b interval) int { return cmp.Compare(a.from, b.from) })
		var end uint64
		for _, i := range list {
			if i.to > end {
				total += int64(i.to - max(i.from, end))
				end = i.to
			}
		}
	}
	for i := range p.Outputs {
		t := &p.Tensors[p.Outputs[i].Tensor]
		pixels := int64(t.Rows) * int64(t.Columns)
		blocks := (int64(t.Channels) + int64(p.Outputs[i].Block) - 1) / int64(p.Outputs[i].Block)
		total += pixels * blocks * int64(p.Outputs[i].PixelBytes)
	}
	return total
}
