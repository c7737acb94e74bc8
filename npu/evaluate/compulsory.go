package evaluate

import "github.com/npusim/npusim/isa"

// compulsoryBytes is the traffic no schedule avoids: every byte of weights,
// parameters, tables and input that the program reads, once, and its outputs.
// Gaps of alignment do not count.
func compulsoryBytes(p *isa.Program) int64 {
	var weights, inputs []interval
	dramAccesses(p, func(_ int, a *isa.Access) {
		switch {
		case a.Write:
		case a.Space == isa.Weights:
			weights = appendSet(weights, &a.Set)
		case a.Space == isa.Input:
			inputs = appendSet(inputs, &a.Set)
		}
	})
	total := union(weights) + union(inputs)
	for i := range p.Outputs {
		t := &p.Tensors[p.Outputs[i].Tensor]
		pixels := int64(t.Rows) * int64(t.Columns)
		blocks := (int64(t.Channels) + int64(p.Outputs[i].Block) - 1) / int64(p.Outputs[i].Block)
		total += pixels * blocks * int64(p.Outputs[i].PixelBytes)
	}
	return total
}
