package evaluate

import (
	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/isa"
)

// layerNodes are the names of the imported nodes that each layer computes: its
// own and those fused into it. The layer's tensor is where the last of them
// ends; from there the way goes back over tensors that never leave the
// scratchpads to the node that the layer is named after.
func layerNodes(p *isa.Program, g *integer.Graph) [][]string {
	maker := make([]*integer.Node, len(g.Tensors))
	for i := range g.Nodes {
		maker[g.Nodes[i].Output] = &g.Nodes[i]
	}
	result := map[integer.TensorID]bool{}
	for i := range p.Layers {
		result[integer.TensorID(p.Layers[i].Tensor)] = true
	}
	list := make([][]string, len(p.Layers))
	for i := range p.Layers {
		l := &p.Layers[i]
		n := maker[l.Tensor]
		for n != nil {
			list[i] = append(append([]string{}, n.Sources...), list[i]...)
			if n.Name == l.Name {
				break
			}
			var before *integer.Node
			for _, in := range n.Inputs {
				if !result[in] && maker[in] != nil {
					before = maker[in]
				}
			}
			n = before
		}
	}
	return list
}
