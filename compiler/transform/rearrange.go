package transform

import (
	"math"
	"slices"

	"github.com/npusim/npusim/compiler/graph"
)

// mergeRearrangements joins consecutive Reshapes and Transposes and drops
// those that change nothing.
func mergeRearrangements(n *Network) error {
	return n.rewrite(func(e *editor, node graph.Node) error {
		switch node.Op {
		case graph.Transpose:
			permutation := node.Attributes.(*graph.TransposeAttributes).Permutation
			x := node.Inputs[0]
			if before := e.emitted(x); before != nil && before.Op == graph.Transpose {
				first := before.Attributes.(*graph.TransposeAttributes).Permutation
				merged := make([]int, len(permutation))
				for i, axis := range permutation {
					merged[i] = first[axis]
				}
				permutation, x = merged, before.Inputs[0]
				e.adoptBefore(node.Name, before.Name)
			}
			if keepsOrder(permutation, e.shape(x)) {
				node.Inputs = []graph.ValueID{x}
				return e.mergeReshape(node)
			}
			node.Inputs, node.Attributes = []graph.ValueID{x}, &graph.TransposeAttributes{Permutation: permutation}
			e.emit(node)
			return nil
		case graph.Reshape:
			return e.mergeReshape(node)
		}
		e.emit(node)
		return nil
	})
}

func (e *editor) mergeReshape(node graph.Node) error {
	x := node.Inputs[0]
	for {
		before := e.emitted(x)
		if before == nil || before.Op != graph.Reshape {
			break
		}
		x = before.Inputs[0]
	}
	if slices.Equal(e.shape(x), e.shape(node.Outputs[0])) {
		e.replace(node.Outputs[0], x)
		return nil
	}
	e.emit(graph.Node{Name: node.Name, Op: graph.Reshape, Inputs: []graph.ValueID{x}, Outputs: node.Outputs})
	return nil
}

// keepsOrder tells whether a permutation leaves the axes longer than 1 in
// order, so that it is a mere Reshape.
func keepsOrder(permutation, shape []int) bool {
	last := -1
	for _, axis := range permutation {
		if shape[axis] > 1 {
			if axis < last {
				return false
			}
			last = axis
		}
	}
	return true
}

// isActivation tells operators of one activation that work element by element.
func isActivation(op graph.Op) bool {
	switch op {
	case graph.Relu, graph.LeakyRelu, graph.Clip, graph.Sigmoid, graph.HardSigmoid, graph.HardSwish, graph.Tanh:
		return true
	}
	return false
}

// FusesClamp tells operators that requantize and can clamp while they do, so
// that a Relu or Clip after them costs nothing.
func FusesClamp(op graph.Op) bool {
	switch op {
	case graph.Conv, graph.Add, graph.Sub, graph.Mul, graph.Div, graph.AveragePool:
		return true
	}
	return false
}

// activationsFirst moves activations before the rearrangement, or clamps
// before the maximum, whose result only they read, so that they fuse with
// whatever computes it.
func activationsFirst(n *Network) error {
	return n.rewrite(func(e *editor, node graph.Node) error {
		chain := []*graph.Node{} // from the activation upwards
		v := node.Inputs[0]
		clamp := node.Op == graph.Relu || node.Op == graph.Clip
		for isActivation(node.Op) {
			before := e.emitted(v)
			if before == nil || e.uses[v] != min(len(chain), 1) {
				break
			}
			if before.Op != graph.Reshape && before.Op != graph.Transpose && !(before.Op == graph.MaxPool && clamp && len(before.Outputs) == 1) {
				break
			}
			chain = append(chain, before)
			v = before.Inputs[0]
		}
		// A maximum at the top stays where it is unless the activation can fuse above it.
		for len(chain) > 0 && chain[len(chain)-1].Op == graph.MaxPool {
			if top := e.emitted(v); top != nil && e.uses[v] == 1 && (FusesClamp(top.Op) || top.Op == graph.Relu || top.Op == graph.Clip) {
				break
			}
			chain = chain[:len(chain)-1]
			if len(chain) > 0 {
				v = chain[len(chain)-1].Inputs[0]
			}
		}
		if len(chain) == 0 {
			e.emit(node)
			return nil
		}
		movers := make([]graph.Node, len(chain))
		for i, m := range chain {
			movers[i] = *m
		}
		for _, m := range chain {
			e.drop(m)
		}
		final := node.Outputs[0]
		node.Inputs = []graph.ValueID{v}
		node.Outputs = []graph.ValueID{e.value(e.name(final)+"/early", e.shape(v))}
		x := e.emit(node)
		for i, m := range slices.Backward(movers) {
			m.Inputs = []graph.ValueID{x}
			m.Outputs = []graph.ValueID{final}
			if i > 0 {
				m.Outputs = []graph.ValueID{e.value(e.name(final)+"/moved", e.shape(movers[i].Outputs[0]))}
			}
			x = e.emit(m)
		}
		return nil
	})
}

// ClampBounds reads the bounds of Relu and Clip.
func ClampBounds(node *graph.Node) (low, high float32, ok bool) {
	switch node.Op {
	case graph.Relu:
		return 0, float32(math.Inf(1)), true
	case graph.Clip:
		a := node.Attributes.(*graph.ClipAttributes)
		return a.Min, a.Max, true
	}
	return 0, 0, false
}

// mergeClamps makes one Clip of Relu and Clip in sequence. ONNX clips as
// min(max(x, low), high), so low > high gives high everywhere.
func mergeClamps(n *Network) error {
	return n.rewrite(func(e *editor, node graph.Node) error {
		low, high, ok := ClampBounds(&node)
		before := e.emitted(node.Inputs[0])
		if !ok || before == nil || !e.only(node.Inputs[0]) {
			e.emit(node)
			return nil
		}
		firstLow, firstHigh, ok := ClampBounds(before)
		if !ok {
			e.emit(node)
			return nil
		}
		clip := func(x float32) float32 { return min(max(x, low), high) }
		merged := &graph.ClipAttributes{Min: clip(min(firstLow, firstHigh)), Max: clip(firstHigh)}
		e.adoptBefore(node.Name, before.Name)
		x := before.Inputs[0]
		e.drop(before)
		e.emit(graph.Node{Name: node.Name, Op: graph.Clip, Inputs: []graph.ValueID{x}, Outputs: node.Outputs, Attributes: merged})
		return nil
	})
}

// flattenToKernels replaces a 1x1 convolution of a flattened image by a
// convolution whose kernel is the image: the same sum without moving data.
func flattenToKernels(n *Network) error {
	return n.rewrite(func(e *editor, node graph.Node) error {
		if node.Op != graph.Conv || e.floats(node.Inputs[1]) == nil {
			e.emit(node)
			return nil
		}
		before := e.emitted(node.Inputs[0])
		flat := e.shape(node.Inputs[0])
		a := node.Attributes.(*graph.ConvAttributes)
		if before == nil || before.Op != graph.Reshape || a.Groups != 1 || flat[2] != 1 || flat[3] != 1 ||
			!slices.Equal(a.Kernel, []int{1, 1}) || !nothing(a.PadBegin) || !nothing(a.PadEnd) {
			e.emit(node)
			return nil
		}
		x := before.Inputs[0]
		image := e.shape(x)
		if len(image) != 4 || image[0] != 1 || image[2]*image[3] == 1 {
			e.emit(node)
			return nil
		}
		w := node.Inputs[1]
		b := pointwise(1)
		b.Kernel = []int{image[2], image[3]}
		inputs := append([]graph.ValueID{x, e.constant(e.name(w), []int{e.shape(w)[0], image[1], image[2], image[3]}, e.floats(w))}, node.Inputs[2:]...)
		e.emit(graph.Node{Name: node.Name, Op: graph.Conv, Inputs: inputs, Outputs: node.Outputs, Attributes: b})
		return nil
	})
}
