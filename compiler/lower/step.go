package lower

import (
	"fmt"
	"slices"

	"github.com/npusim/npusim/compiler/integer"
)

// step is what the machine does in one go for a layer: an anchor node that
// computes output tiles, and followers applied to each tile while it is in
// the scratchpad. A step is a row of the layer table.
type step struct {
	index     int
	anchor    *integer.Node
	followers []*integer.Node
	// reads are the tensors it reads: the anchor's inputs, then the extra
	// operand of each follower that has one.
	reads  []integer.TensorID
	extra  []int // of each follower, its index in reads, or -1
	output integer.TensorID
	tables [][]byte // as listTables says
}

// name is the layer name: that of the anchor, whose weights it holds.
func (s *step) name() string { return s.anchor.Name }

func (s *step) operators() string {
	op := s.anchor.Op
	for _, f := range s.followers {
		op += "+" + f.Op
	}
	return op
}

// fuse groups the nodes of a graph into steps. A Binary or Table follows the
// step that makes its input if nobody else reads that input and every other
// operand exists by then; such intermediates never leave the scratchpad.
func fuse(g *integer.Graph) ([]*step, error) {
	readers := make([]int, len(g.Tensors))
	for i := range g.Nodes {
		for _, in := range g.Nodes[i].Inputs {
			readers[in]++
		}
	}
	for _, out := range g.Outputs {
		readers[out]++
	}
	// Nodes whose result nobody reads compute nothing.
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		if n := &g.Nodes[i]; readers[n.Output] == 0 {
			for _, in := range n.Inputs {
				readers[in]--
			}
		}
	}
	maker := make([]*step, len(g.Tensors)) // the step that produces a tensor
	var steps []*step
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if readers[n.Output] == 0 {
			continue
		}
		if s := followed(g, n, maker, readers); s != nil {
			extra := -1
			if n.Kind == integer.Binary {
				other := n.Inputs[0]
				if other == s.output {
					other = n.Inputs[1]
				}
				extra = len(s.reads)
				s.reads = append(s.reads, other)
			}
			s.followers = append(s.followers, n)
			s.extra = append(s.extra, extra)
			maker[s.output] = nil
			s.output = n.Output
			maker[n.Output] = s
			continue
		}
		s := &step{index: len(steps), anchor: n, reads: slices.Clone(n.Inputs), output: n.Output}
		steps = append(steps, s)
		maker[n.Output] = s
	}
	for _, s := range steps {
		s.tables = s.listTables()
	}
	if len(steps) > 1<<16-1 {
		return nil, fmt.Errorf("the network has %d layers, the layer table holds %d", len(steps), 1<<16-1)
	}
	return steps, nil
}

// maxFollowers bounds what one tile goes through before it is stored, and with
// it the tables that must lie in the weight buffer at the same time.
const maxFollowers = 8

// followed returns the step that node n can follow, or nil.
func followed(g *integer.Graph, n *integer.Node, maker []*step, readers []int) *step {
	switch n.Kind {
	case integer.Table:
		if s := maker[n.Inputs[0]]; s != nil && readers[n.Inputs[0]] == 1 && len(s.followers) < maxFollowers {
			return s
		}
	case integer.Binary:
		a, b := n.Inputs[0], n.Inputs[1]
		if a == b {
			return nil
		}
		// The later maker is the only candidate: the other operand exists then.
		candidate, other := a, b
		if maker[a] == nil || (maker[b] != nil && maker[b].index > maker[a].index) {
			candidate, other = b, a
		}
		s := maker[candidate]
		if s == nil || maker[other] == s || readers[candidate] != 1 || len(s.followers) == maxFollowers {
			return nil
		}
		if g.Tensors[candidate].Shape != g.Tensors[n.Output].Shape {
			return nil // the tile would have to grow
		}
		return s
	}
	return nil
}
