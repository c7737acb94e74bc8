package evaluate

import (
	"unsafe"

	"github.com/npusim/npusim/compiler"
	"github.com/npusim/npusim/compiler/integer"
)

// compilationBytes is about the memory that a compilation holds on to, what the
// import made left out.
func compilationBytes(c *compiler.Compilation) int64 {
	const perTensor = 512
	n := int64(perTensor)
	if c.Pruned != c.Network {
		n += 4 * c.Graph.Parameters()
	}
	if c.Calibration != nil {
		n += c.Calibration.Bytes()
	}
	if c.Quantized != nil {
		n += graphBytes(c.Quantized)
	}
	if c.Plans != nil {
		n += c.Plans.Bytes()
	}
	if p := c.Program; p != nil && !p.ShapeOnly {
		n += int64(len(p.Constants)) + perTensor*int64(len(p.Descriptors))
		for u := range p.Code {
			n += perTensor / 2 * int64(len(p.Code[u]))
		}
	}
	return n
}

// graphBytes is about the memory of an integer network.
func graphBytes(g *integer.Graph) int64 {
	var n int64
	for i := range g.Tensors {
		n += int64(unsafe.Sizeof(g.Tensors[i])) + int64(len(g.Tensors[i].Constant))
	}
	for i := range g.Nodes {
		n += int64(unsafe.Sizeof(g.Nodes[i])) + 256 // with a table
		if a := g.Nodes[i].Convolution; a != nil {
			n += int64(unsafe.Sizeof(*a)) + int64(len(a.Weights)) + 16*int64(len(a.Bias))
			if a.Codes != nil {
				n += a.WeightElements(g.Tensors[g.Nodes[i].Inputs[0]].Shape.Channels, g.Tensors[g.Nodes[i].Output].Shape.Channels)
			}
		}
	}
	return n
}
