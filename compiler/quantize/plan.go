package quantize

import (
	"math"

	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/transform"
)

// plan says which float nodes become one integer node.
type plan struct {
	// clamp is, by node, the Relu or Clip that fuses into it, or -1.
	clamp []int
	// slice is, by Pad node, the Slice before it that the same window walk
	// covers, or -1.
	slice []int
	// absorbed tells the nodes that fuse into another.
	absorbed []bool
	// ranged lists the values that need a calibrated range: graph inputs and
	// results that choose their own parameters.
	ranged []graph.ValueID
}

func newPlan(g *graph.Graph) *plan {
	p := &plan{clamp: make([]int, len(g.Nodes)), slice: make([]int, len(g.Nodes)), absorbed: make([]bool, len(g.Nodes))}
	consumers, producer := g.Consumers(), g.Producer()
	output := make([]bool, len(g.Values))
	for _, v := range g.Outputs {
		output[v] = true
	}
	p.ranged = append(p.ranged, g.Inputs...)
	for i := range g.Nodes {
		node := &g.Nodes[i]
		p.clamp[i], p.slice[i] = -1, -1
		if p.absorbed[i] {
			continue
		}
		result := node.Outputs[0]
		if readers := consumers[result]; transform.FusesClamp(node.Op) && !output[result] && len(readers) == 1 {
			next := &g.Nodes[readers[0]]
			if low, high, ok := transform.ClampBounds(next); ok && (node.Op != graph.AveragePool || low <= 0 && high >= 0) {
				// An average pool has no clamp of its own; saturation does it
				// when the interval, and so the calibrated range, includes 0.
				p.clamp[i] = readers[0]
				p.absorbed[readers[0]] = true
				result = next.Outputs[0]
			}
		}
		if before := producer[node.Inputs[0]]; before >= 0 && len(consumers[node.Inputs[0]]) == 1 && !output[node.Inputs[0]] &&
			node.Op == graph.Pad && g.Nodes[before].Op == graph.Slice && padsOutside(g, &g.Nodes[before], node) {
			p.slice[i], p.absorbed[before] = before, true
		}
		if choosesParameters(node.Op) {
			p.ranged = append(p.ranged, result)
		}
	}
	return p
}

// padsOutside tells whether a Pad after a Slice only adds cells that the walk
// of the Slice, continued, finds outside the input. Then one walk does both.
func padsOutside(g *graph.Graph, slice, pad *graph.Node) bool {
	s, p := slice.Attributes.(*graph.SliceAttributes), pad.Attributes.(*graph.PadAttributes)
	in, out := g.Value(slice.Inputs[0]).Shape, g.Value(slice.Outputs[0]).Shape
	for axis := range in {
		inside := func(i int) bool {
			at := s.Starts[axis] + i*s.Steps[axis]
			return at >= 0 && at < in[axis]
		}
		if p.Begin[axis] > 0 && inside(-1) || p.End[axis] > 0 && inside(out[axis]) {
			return false
		}
	}
	return true
}

// choosesParameters tells operators whose output has a calibrated range from
// those that keep their input's or have a fixed one.
func choosesParameters(op graph.Op) bool {
	switch op {
	case graph.MaxPool, graph.Slice, graph.Pad, graph.Concat, graph.Reshape, graph.Transpose,
		graph.Sigmoid, graph.HardSigmoid:
		return false
	}
	return true
}

// activationFunction is the real function of an element-wise activation, or
// nil.
func activationFunction(node *graph.Node) func(float64) float64 {
	switch a := node.Attributes.(type) {
	case *graph.LeakyReluAttributes:
		alpha := float64(a.Alpha)
		return func(x float64) float64 {
			if x < 0 {
				return alpha * x
			}
			return x
		}
	case *graph.ClipAttributes:
		low, high := float64(a.Min), float64(a.Max)
		return func(x float64) float64 { return math.Min(math.Max(x, low), high) }
	case *graph.HardSigmoidAttributes:
		alpha, beta := float64(a.Alpha), float64(a.Beta)
		return func(x float64) float64 { return math.Max(0, math.Min(1, alpha*x+beta)) }
	}
	switch node.Op {
	case graph.Relu:
		return func(x float64) float64 { return math.Max(x, 0) }
	case graph.Sigmoid:
		return func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	case graph.Tanh:
		return math.Tanh
	case graph.HardSwish:
		return func(x float64) float64 { return x * math.Max(0, math.Min(1, x/6+0.5)) }
	}
	return nil
}
