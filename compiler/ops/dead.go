package ops

import "github.com/npusim/npusim/compiler/graph"

// removeDead drops nodes that no output needs (those that only served shape
// arithmetic) and values that nothing names any more.
func (im *importer) removeDead() {
	g := im.graph
	used := make([]bool, len(g.Values))
	for _, id := range g.Outputs {
		used[id] = true
	}
	kept := make([]graph.Node, 0, len(g.Nodes))
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		n := g.Nodes[i]
		needed := false
		for _, id := range n.Outputs {
			needed = needed || id != graph.None && used[id]
		}
		if !needed {
			continue
		}
		kept = append(kept, n)
		for _, list := range [][]graph.ValueID{n.Inputs, n.Outputs} {
			for _, id := range list {
				if id != graph.None {
					used[id] = true
				}
			}
		}
	}
	for _, id := range g.Inputs {
		used[id] = true
	}
	g.Nodes = g.Nodes[:0]
	for i := len(kept) - 1; i >= 0; i-- {
		g.Nodes = append(g.Nodes, kept[i])
	}
	renumber(g, used)
}

// renumber closes the gaps that unused values leave.
func renumber(g *graph.Graph, used []bool) {
	number := make([]graph.ValueID, len(g.Values))
	var values []graph.Value
	for id, v := range g.Values {
		number[id] = graph.None
		if used[id] {
			number[id] = graph.ValueID(len(values))
			values = append(values, v)
		}
	}
	g.Values = values
	change := func(ids []graph.ValueID) {
		for i, id := range ids {
			if id != graph.None {
				ids[i] = number[id]
			}
		}
	}
	for i := range g.Nodes {
		change(g.Nodes[i].Inputs)
		change(g.Nodes[i].Outputs)
	}
	change(g.Inputs)
	change(g.Outputs)
}
