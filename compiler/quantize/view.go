package quantize

import (
	"fmt"
	"slices"

	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/integer"
)

// view is a value that is a tensor read in another order: its elements in
// row-major order are the nest of dims over the tensor with strides.
type view struct {
	base          integer.TensorID
	dims, strides []int
	nodes         []int // the Reshape and Transpose nodes on the way
}

// rowMajor are the strides of a dense shape.
func rowMajor(shape []int) []int {
	strides := make([]int, len(shape))
	stride := 1
	for axis := len(shape) - 1; axis >= 0; axis-- {
		strides[axis] = stride
		stride *= shape[axis]
	}
	return strides
}

// rearrange extends the view of a value without moving data yet.
func (k *converter) rearrange(i int) error {
	node := &k.float.Nodes[i]
	x, out := node.Inputs[0], node.Outputs[0]
	source := k.views[x]
	if _, ok := k.tensors[x]; ok || source == nil {
		id, err := k.operand(x)
		if err != nil {
			return err
		}
		shape := k.float.Value(x).Shape
		source = &view{base: id, dims: shape, strides: rowMajor(shape)}
	}
	next := &view{base: source.base, nodes: append(slices.Clone(source.nodes), i)}
	if a, ok := node.Attributes.(*graph.TransposeAttributes); ok {
		for _, axis := range a.Permutation {
			next.dims = append(next.dims, source.dims[axis])
			next.strides = append(next.strides, source.strides[axis])
		}
	} else {
		shape := k.float.Value(out).Shape
		strides, ok := reshapeStrides(source, shape)
		if !ok { // the order so far must become real before it is split differently
			id, err := k.materialize(x, source)
			if err != nil {
				return err
			}
			next.base, next.nodes = id, []int{i}
			strides = rowMajor(shape)
		}
		next.dims, next.strides = shape, strides
	}
	k.views[out] = next
	return nil
}

// coalesced merges axes that are walked contiguously and drops those of 1.
func (w *view) coalesced() (dims, strides []int) {
	for axis, extent := range w.dims {
		if extent == 1 {
			continue
		}
		if last := len(dims) - 1; last >= 0 && strides[last] == extent*w.strides[axis] {
			dims[last] *= extent
			strides[last] = w.strides[axis]
			continue
		}
		dims, strides = append(dims, extent), append(strides, w.strides[axis])
	}
	if len(dims) == 0 {
		return []int{1}, []int{1}
	}
	return dims, strides
}

// reshapeStrides are the strides of a view under a new shape, if there are.
func reshapeStrides(w *view, shape []int) ([]int, bool) {
	dims, strides := w.coalesced()
	result := make([]int, len(shape))
	rest, axis := 1, len(dims) // elements of dims[axis] not yet split up
	stride := 1
	for i := len(shape) - 1; i >= 0; i-- {
		if shape[i] == 1 {
			result[i] = stride
			continue
		}
		if rest == 1 {
			axis--
			rest, stride = dims[axis], strides[axis]
		}
		if rest%shape[i] != 0 {
			return nil, false
		}
		result[i] = stride
		stride *= shape[i]
		rest /= shape[i]
	}
	return result, true
}

// materialize makes a view real: nothing if it is the tensor itself, else a
// Rearrange node.
func (k *converter) materialize(v graph.ValueID, w *view) (integer.TensorID, error) {
	if id, ok := k.tensors[v]; ok {
		return id, nil
	}
	in := *k.tensor(w.base)
	out, err := k.same(v, &in)
	if err != nil { // more than four axes: any shape of these elements in this order
		shape := k.float.Value(v).Shape
		n := len(shape)
		out.Name, out.Bits, out.FloatValue = k.float.Value(v).Name, in.Bits, int(v)
		out.Shape = integer.Shape{Channels: graph.Elements(shape[:n-2]), Rows: shape[n-2], Columns: shape[n-1]}
	}
	dims, strides := w.coalesced()
	if out.Shape == in.Shape && len(dims) == 1 && strides[0] == 1 {
		k.tensors[v] = w.base
		return w.base, nil
	}
	if len(dims) > integer.MaxRearrangeDims {
		return 0, fmt.Errorf("the order of value %q needs %d loops: supported are %d", out.Name, len(dims), integer.MaxRearrangeDims)
	}
	last := w.nodes[len(w.nodes)-1]
	node := integer.Node{Name: k.float.Nodes[last].Name, Kind: integer.Rearrange, Inputs: []integer.TensorID{w.base},
		Rearrange: &integer.RearrangeAttributes{Dims: dims, InputStrides: strides}}
	k.cover(&node, w.nodes)
	node.Output = k.addTensor(out)
	k.tensors[v] = node.Output
	k.result.Nodes = append(k.result.Nodes, node)
	k.describe(&k.result.Nodes[len(k.result.Nodes)-1])
	return node.Output, nil
}
