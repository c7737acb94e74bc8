package transform

import (
	"slices"

	"github.com/npusim/npusim/compiler/graph"
)

// product is Y[m,n] = sum over k of Weights[m][k]*X[k,n] + Bias[m] + ..., the
// common form of Gemm and MatMul with one constant operand.
type product struct {
	outputs, inputs int // m and k extents
	weights         []float32
	bias            []float32 // nil if none
}

// productsToConvolutions rewrites Gemm and MatMul with constant weights as a
// 1x1 convolution over [1, k, 1, n]. An affine map of the outputs that follows
// directly is folded in, since transposes would hide it later.
func productsToConvolutions(n *Network) error {
	return n.rewrite(func(e *editor, node graph.Node) error {
		switch node.Op {
		case graph.MatMul:
			return e.matMul(node)
		case graph.Gemm:
			return e.gemm(node)
		}
		e.emit(node)
		return nil
	})
}

const productForms = "supported are products of an activation and a constant matrix of two axes"

// matrixExtents are the row and column extents of a constant operand, whose
// further axes must be 1.
func matrixExtents(shape []int) (rows, columns int, ok bool) {
	if len(shape) < 2 || graph.Elements(shape[:len(shape)-2]) != 1 {
		return 0, 0, false
	}
	return shape[len(shape)-2], shape[len(shape)-1], true
}

func (e *editor) matMul(node graph.Node) error {
	a, b := node.Inputs[0], node.Inputs[1]
	out := e.shape(node.Outputs[0])
	switch {
	case !e.isConstant(a) && e.isConstant(b):
		shape := e.shape(b)
		if len(shape) == 1 {
			shape = []int{shape[0], 1}
		}
		k, m, ok := matrixExtents(shape)
		if !ok {
			return nodeError(&node, "constant of shape %v: %s", shape, productForms)
		}
		p := product{outputs: m, inputs: k, weights: transposed(e.floats(b), k, m)}
		rows := graph.Elements(e.shape(a)) / k
		x := e.rowsToColumns(node.Name, a, rows, k)
		return e.finishProduct(node, &p, x, rows, true, out)
	case e.isConstant(a) && !e.isConstant(b):
		shape := e.shape(a)
		if len(shape) == 1 {
			shape = []int{1, shape[0]}
		}
		m, k, ok := matrixExtents(shape)
		if !ok || len(e.shape(b)) > 2 && graph.Elements(e.shape(b)[:len(e.shape(b))-2]) != 1 {
			return nodeError(&node, "constant of shape %v with an activation of shape %v: %s", shape, e.shape(b), productForms)
		}
		p := product{outputs: m, inputs: k, weights: e.floats(a)}
		columns := graph.Elements(e.shape(b)) / k
		x := e.reshape(node.Name, b, []int{1, k, 1, columns})
		return e.finishProduct(node, &p, x, columns, false, out)
	}
	return nodeError(&node, "both operands, %q and %q, are computed at run time: weights have to be constants; %s", e.name(a), e.name(b), productForms)
}

func (e *editor) gemm(node graph.Node) error {
	attributes := node.Attributes.(*graph.GemmAttributes)
	a, b := node.Inputs[0], node.Inputs[1]
	out := e.shape(node.Outputs[0])
	rows, columns := out[0], out[1]
	switch {
	case e.isConstant(a):
		return nodeError(&node, "the first operand, %q, is a constant; %s, in this order", e.name(a), productForms)
	case !e.isConstant(b):
		return nodeError(&node, "the second operand, %q, is computed at run time: weights have to be constants; %s", e.name(b), productForms)
	}
	k := e.shape(b)[0]
	weights := e.floats(b)
	if attributes.TransposeB {
		k = e.shape(b)[1]
		weights = slices.Clone(weights)
	} else {
		weights = transposed(weights, k, columns)
	}
	for i := range weights {
		weights[i] *= attributes.Alpha
	}
	p := product{outputs: columns, inputs: k, weights: weights}

	var rest graph.ValueID = graph.None // the third operand where it is no bias
	if len(node.Inputs) > 2 && node.Inputs[2] != graph.None && attributes.Beta != 0 {
		c := node.Inputs[2]
		if row := lastAxis(e.shape(c), columns); e.isConstant(c) && row {
			p.bias = spread(e.floats(c), columns)
			for m := range p.bias {
				p.bias[m] *= attributes.Beta
			}
		} else {
			rest = c
		}
	}
	var x graph.ValueID
	if attributes.TransposeA {
		x = e.reshape(node.Name, a, []int{1, k, 1, rows})
	} else {
		x = e.rowsToColumns(node.Name, a, rows, k)
	}
	if rest == graph.None {
		return e.finishProduct(node, &p, x, rows, true, out)
	}
	y := e.emitProduct(node, &p, x, rows, true, out, graph.None)
	if data := e.floats(rest); data != nil && attributes.Beta != 1 {
		data = slices.Clone(data)
		for i := range data {
			data[i] *= attributes.Beta
		}
		rest = e.constant(e.name(rest), e.shape(rest), data)
	} else if attributes.Beta != 1 {
		beta := e.constant(node.Name+"/beta", nil, []float32{attributes.Beta})
		scaled := e.value(e.name(rest)+"/beta", e.shape(rest))
		rest = e.emit(graph.Node{Name: e.unique(node.Name + "/beta"), Op: graph.Mul, Inputs: []graph.ValueID{rest, beta}, Outputs: []graph.ValueID{scaled}})
	}
	e.emit(graph.Node{Name: e.unique(node.Name + "/add"), Op: graph.Add, Inputs: []graph.ValueID{y, rest}, Outputs: node.Outputs})
	return nil
}

// rowsToColumns turns [..., rows, k] into [1, k, 1, rows].
func (e *editor) rowsToColumns(owner string, x graph.ValueID, rows, k int) graph.ValueID {
	if rows == 1 {
		return e.reshape(owner, x, []int{1, k, 1, 1})
	}
	return e.transpose(owner, e.reshape(owner, x, []int{1, rows, 1, k}), 0, 3, 2, 1)
}

// finishProduct folds affine successors and emits the convolution. The last
// axis of out is that of the outputs if outputsLast, else the one before.
func (e *editor) finishProduct(node graph.Node, p *product, x graph.ValueID, columns int, outputsLast bool, out []int) error {
	target := node.Outputs[0]
	for outputsLast && e.uses[target] == 1 && len(e.readers[target]) == 1 {
		i := e.readers[target][0]
		next := e.source[i]
		scale, shift, ok := e.lastAxisAffine(&next, target, p.outputs)
		if !ok {
			break
		}
		p.weights, p.bias = scaleOutputs(p.weights, p.bias, scale, shift)
		e.adopt(node.Name, next.Name)
		e.skip[i] = true
		target = next.Outputs[0]
	}
	e.emitProduct(node, p, x, columns, outputsLast, out, target)
	return nil
}

// emitProduct emits the convolution and brings the result into shape out, as
// value target or, if None, as a new one.
func (e *editor) emitProduct(node graph.Node, p *product, x graph.ValueID, columns int, outputsLast bool, out []int, target graph.ValueID) graph.ValueID {
	if target == graph.None {
		target = e.value(e.name(node.Outputs[0])+"/product", out)
	}
	inputs := []graph.ValueID{x, e.constant(node.Name+"/weights", []int{p.outputs, p.inputs, 1, 1}, p.weights)}
	if p.bias != nil {
		inputs = append(inputs, e.constant(node.Name+"/bias", []int{p.outputs}, p.bias))
	}
	y := e.emit(graph.Node{Name: node.Name, Op: graph.Conv, Inputs: inputs, Attributes: pointwise(1),
		Outputs: []graph.ValueID{e.value(e.name(target)+"/product", []int{1, p.outputs, 1, columns})}})
	if outputsLast && columns > 1 {
		y = e.transpose(node.Name, y, 0, 3, 2, 1)
	}
	return e.emit(graph.Node{Name: e.unique(node.Name + "/reshape"), Op: graph.Reshape, Inputs: []graph.ValueID{y}, Outputs: []graph.ValueID{target}})
}

// pointwise are the attributes of a 1x1 convolution.
func pointwise(groups int) *graph.ConvAttributes {
	return &graph.ConvAttributes{Kernel: []int{1, 1}, Strides: []int{1, 1}, Dilations: []int{1, 1},
		PadBegin: []int{0, 0}, PadEnd: []int{0, 0}, Groups: groups}
}

// transposed is the transpose of a rows x columns matrix.
func transposed(data []float32, rows, columns int) []float32 {
	t := make([]float32, len(data))
	for r := range rows {
		for c := range columns {
			t[c*rows+r] = data[r*columns+c]
		}
	}
	return t
}

// lastAxis tells whether a shape broadcasts over all but a last axis of some
// extent.
func lastAxis(shape []int, extent int) bool {
	if len(shape) == 0 {
		return true
	}
	last := shape[len(shape)-1]
	return graph.Elements(shape) == last && (last == extent || last == 1)
}

// spread repeats a single element, or copies.
func spread(data []float32, extent int) []float32 {
	if len(data) == 1 {
		return slices.Repeat(data, extent)
	}
	return slices.Clone(data)
}
