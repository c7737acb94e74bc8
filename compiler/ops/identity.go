package ops

import "github.com/npusim/npusim/compiler/graph"

func importIdentity(n *node) error {
	if err := n.arity(1, 1); err != nil {
		return err
	}
	return n.emit(graph.Identity, nil, []graph.ValueID{n.input(0)}, n.shape(0))
}

// importDropout translates the inference form, which passes its input on.
// Training is chosen by is_test until opset 6 (0 is the default there) and by
// an input from 12 on; between them the operator is inference only.
func importDropout(n *node) error {
	most := 1
	if n.opset >= 12 {
		most = 3
	}
	if err := n.arity(1, most); err != nil {
		return err
	}
	const supported = "inference form without mask"
	if n.opset < 7 && !n.boolAttribute("is_test", false) {
		return n.unsupported(supported, "attribute is_test 0, which is training")
	}
	if n.opset < 12 {
		n.inert("ratio") // share of zeroed elements in training
	} else {
		n.inert("seed") // of the random generator in training
	}
	if n.has(2) {
		if c := n.constant(2, "training_mode"); c != nil {
			if c.Type != graph.Bool || len(c.Ints) != 1 {
				return n.invalid("input 2 (training_mode) is a %v tensor of shape %v, must be one bool", c.Type, c.Shape)
			}
			if c.Ints[0] != 0 {
				return n.unsupported(supported, "input training_mode is true")
			}
		}
	}
	n.onlyOutputs(1, supported)
	return n.emit(graph.Identity, nil, []graph.ValueID{n.input(0)}, n.shape(0))
}
