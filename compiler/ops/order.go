package ops

import (
	"fmt"

	"github.com/npusim/npusim/compiler/onnx"
)

// checkNames indexes initializers and producers; every value has one origin.
func (im *importer) checkNames() error {
	g := &im.model.Graph
	if im.model.Opset() == 0 {
		return im.invalid("", "imports no operator set of the standard domain")
	}
	for i := range g.Initializers {
		t := &g.Initializers[i]
		if t.Name == "" {
			return im.invalid(fmt.Sprintf("initializer %d", i), "has no name")
		}
		if im.initializers[t.Name] != nil {
			return im.invalid("initializer "+quote(t.Name), "is defined twice")
		}
		im.initializers[t.Name] = t
		im.valueNames[t.Name] = 1
	}
	inputs := map[string]bool{}
	for i := range g.Inputs {
		name := g.Inputs[i].Name
		if name == "" {
			return im.invalid(fmt.Sprintf("input %d", i), "has no name")
		}
		if inputs[name] {
			return im.invalid("input "+quote(name), "is declared twice")
		}
		inputs[name] = true
		im.valueNames[name] = 1
	}
	im.producers = make(map[string]int, len(g.Nodes))
	for i := range g.Nodes {
		for _, name := range g.Nodes[i].Outputs {
			if name == "" {
				continue
			}
			if other, ok := im.producers[name]; ok {
				return im.invalid(place(&g.Nodes[i]), "its output %s is an output of %s too", quote(name), place(&g.Nodes[other]))
			}
			if inputs[name] || im.initializers[name] != nil {
				return im.invalid(place(&g.Nodes[i]), "its output %s is a graph input or initializer too", quote(name))
			}
			im.producers[name] = i
			im.valueNames[name] = 1
		}
	}
	for i := range g.Nodes {
		for k, name := range g.Nodes[i].Inputs {
			if _, ok := im.producers[name]; name != "" && !ok && !inputs[name] && im.initializers[name] == nil {
				return im.invalid(place(&g.Nodes[i]), "its input %d, %s, is not defined: no initializer, graph input or node output has that name", k, quote(name))
			}
		}
	}
	for i := range g.Outputs {
		name := g.Outputs[i].Name
		if _, ok := im.producers[name]; !ok && !inputs[name] && im.initializers[name] == nil {
			return im.invalid("output "+quote(name), "is not defined: no initializer, graph input or node output has that name")
		}
	}
	return nil
}

// place names a node by its name, or by its first output.
func place(n *onnx.Node) string {
	name := n.Name
	for _, output := range n.Outputs {
		if name == "" {
			name = output
		}
	}
	return fmt.Sprintf("node %s (%s)", quote(name), n.OpType)
}

// sortNodes puts the nodes in a topological order: each after the nodes it
// reads from, else in file order. A cycle is an error that names its nodes.
func (im *importer) sortNodes() error {
	nodes := im.model.Graph.Nodes
	const (
		unseen = iota
		open   // on the stack
		done
	)
	type frame struct{ node, input int } // input: the next one to follow
	state := make([]uint8, len(nodes))
	im.order = make([]int, 0, len(nodes))
	var stack []frame
	for root := range nodes {
		if state[root] != unseen {
			continue
		}
		state[root] = open
		stack = append(stack[:0], frame{root, 0})
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			if top.input == len(nodes[top.node].Inputs) {
				state[top.node] = done
				im.order = append(im.order, top.node)
				stack = stack[:len(stack)-1]
				continue
			}
			from, ok := im.producers[nodes[top.node].Inputs[top.input]]
			top.input++
			if !ok || state[from] == done {
				continue
			}
			if state[from] == open {
				var cycle []string
				for i := len(stack) - 1; i >= 0; i-- {
					n := &nodes[stack[i].node]
					name := n.Name
					if name == "" && len(n.Outputs) > 0 {
						name = n.Outputs[0]
					}
					cycle = append(cycle, name)
					if stack[i].node == from {
						break
					}
				}
				return im.invalid("", "the graph has a cycle: each of the nodes %s reads from the next, the last from the first", quoteAll(cycle))
			}
			state[from] = open
			stack = append(stack, frame{from, 0})
		}
	}
	return nil
}

// markLive finds the values that the graph outputs depend on.
func (im *importer) markLive() error {
	g := &im.model.Graph
	for i := range g.Outputs {
		im.live[g.Outputs[i].Name] = true
	}
	for i := len(im.order) - 1; i >= 0; i-- {
		n := &g.Nodes[im.order[i]]
		if !im.isLive(n) {
			continue
		}
		for _, name := range n.Inputs {
			im.live[name] = true
		}
	}
	return nil
}

func (im *importer) isLive(n *onnx.Node) bool {
	for _, name := range n.Outputs {
		if name != "" && im.live[name] {
			return true
		}
	}
	return false
}
