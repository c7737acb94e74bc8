package ops

import (
	"slices"

	"github.com/npusim/npusim/compiler/graph"
)

// reduction reads the axes of a reduction, an attribute until opset
// inputSince-1 and an input from then on. None given means all, or none of
// them if noop_with_empty_axes is set.
func (n *node) reduction(inputSince int) (*graph.ReduceAttributes, error) {
	most := 1
	if n.opset >= inputSince {
		most = 2
	}
	if err := n.arity(1, most); err != nil {
		return nil, err
	}
	var list []int64
	noop := false
	if n.opset >= inputSince {
		noop = n.boolAttribute("noop_with_empty_axes", false)
		if n.has(1) {
			list = n.constantInts(1, "axes")
		}
	} else {
		list = n.intsAttribute("axes")
	}
	rank := len(n.shape(0))
	a := &graph.ReduceAttributes{Axes: n.axes(list, rank), KeepDims: n.boolAttribute("keepdims", true)}
	if n.err != nil {
		return nil, n.err
	}
	slices.Sort(a.Axes)
	if len(a.Axes) == 0 && !noop {
		for i := range rank {
			a.Axes = append(a.Axes, i)
		}
	}
	return a, nil
}

// reducedShape is the shape after a reduction.
func reducedShape(shape []int, a *graph.ReduceAttributes) []int {
	out := []int{}
	for i, d := range shape {
		switch {
		case !slices.Contains(a.Axes, i):
			out = append(out, d)
		case a.KeepDims:
			out = append(out, 1)
		}
	}
	return out
}

func importReduceMean(n *node) error {
	a, err := n.reduction(18)
	if err != nil {
		return err
	}
	if err := n.nonEmpty(0); err != nil {
		return err
	}
	if len(a.Axes) == 0 { // noop_with_empty_axes, or a scalar
		return n.emit(graph.Identity, nil, []graph.ValueID{n.input(0)}, n.shape(0))
	}
	return n.emit(graph.ReduceMean, a, []graph.ValueID{n.input(0)}, reducedShape(n.shape(0), a))
}

// planReduction splits the axes of a tensor into the walk over the kept ones
// and the walk over the reduced ones.
func planReduction(shape []int, axes []int) (kept, reduced walk) {
	steps := rowMajor(shape)
	var keptSize, keptSteps, size, reducedSteps []int
	for i, d := range shape {
		if slices.Contains(axes, i) {
			size, reducedSteps = append(size, d), append(reducedSteps, steps[i])
		} else {
			keptSize, keptSteps = append(keptSize, d), append(keptSteps, steps[i])
		}
	}
	return planWalk(keptSize, keptSteps, 0), planWalk(size, reducedSteps, 0)
}

func bindReduceMean(g *graph.Graph, n *graph.Node) Kernel {
	x := shapeOf(g, n, 0)
	kept, reduced := planReduction(x, n.Attributes.(*graph.ReduceAttributes).Axes)
	count := graph.Elements(x) / graph.Elements(resultShape(g, n, 0))
	return Kernel{Run: func(out, in [][]float32, _ []float32) {
		o := 0
		kept.each(func(from int) {
			sum := 0.0
			reduced.each(func(at int) { sum += float64(in[0][from+at]) })
			out[0][o] = float32(sum / float64(count))
			o++
		})
	}}
}

// importReduceProd folds the product of constants (sizes of a shape, say).
func importReduceProd(n *node) error {
	a, err := n.reduction(18)
	if err != nil {
		return err
	}
	c := n.constant(0, "data")
	if n.err != nil {
		return n.err
	}
	if c.Type == graph.Bool {
		return n.invalid("computes with booleans")
	}
	out := &graph.Tensor{Shape: reducedShape(c.Shape, a), Type: c.Type}
	if err := n.im.chargeFold(0, int64(len(c.Ints)+len(c.Floats))); err != nil {
		return n.invalid("%v", err)
	}
	if _, err := checkConstantShape(out.Shape); err != nil {
		return n.invalid("output: %v", err)
	}
	kept, reduced := planReduction(c.Shape, a.Axes)
	kept.each(func(from int) {
		if c.Type == graph.Float32 {
			product := float32(1)
			reduced.each(func(at int) { product *= c.Floats[from+at] })
			out.Floats = append(out.Floats, product)
		} else {
			product := int64(1)
			reduced.each(func(at int) { product *= c.Ints[from+at] })
			out.Ints = append(out.Ints, product)
		}
	})
	return n.emitConstant(out)
}
