package ops

import (
	"fmt"

	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/onnx"
)

// node is an ONNX node under translation. Readers keep the first fault in err
// and go on with a harmless value; emit and finish report it, so that a row
// reads its attributes without a check after each.
type node struct {
	im     *importer
	row    *Row
	source *onnx.Node
	name   string          // unique name in the graph
	opset  int             // of the model
	inputs []graph.ValueID // None where absent
	read   map[string]bool // attributes that the row has looked at
	err    error
}

func (n *node) fail(err error) {
	if n.err == nil {
		n.err = err
	}
}

// unsupported makes an error out of what the node asks for and what would do.
func (n *node) unsupported(supported, format string, args ...any) error {
	return &UnsupportedError{Model: n.im.model.Path, Node: n.name, Operator: n.source.OpType, Opset: n.opset,
		Reason: fmt.Sprintf(format, args...), Supported: supported}
}

// invalid makes an error out of a broken rule.
func (n *node) invalid(format string, args ...any) error {
	return &InvalidError{Model: n.im.model.Path,
		Place: fmt.Sprintf("node %s (%s, opset %d)", quote(n.name), n.source.OpType, n.opset), Rule: fmt.Sprintf(format, args...)}
}

// arity checks the number of inputs: the first min must be there, and no more
// than max (-1: any number).
func (n *node) arity(min, max int) error {
	for i := range n.inputs {
		if i < min && n.inputs[i] == graph.None {
			return n.invalid("input %d is missing", i)
		}
	}
	if len(n.inputs) < min {
		return n.invalid("has %d inputs, needs at least %d", len(n.inputs), min)
	}
	if max >= 0 && len(n.inputs) > max {
		return n.invalid("has %d inputs, takes at most %d at this opset", len(n.inputs), max)
	}
	if len(n.source.Outputs) == 0 {
		return n.invalid("has no output")
	}
	return nil
}

// has tells whether the i-th input is there.
func (n *node) has(i int) bool { return i < len(n.inputs) && n.inputs[i] != graph.None }

// input is the i-th input, None if absent.
func (n *node) input(i int) graph.ValueID {
	if !n.has(i) {
		return graph.None
	}
	return n.inputs[i]
}

func (n *node) value(i int) *graph.Value { return &n.im.graph.Values[n.inputs[i]] }

func (n *node) shape(i int) []int { return n.value(i).Shape }

// constant is the constant value of the i-th input; a value known only at run
// time is an unsupported error.
func (n *node) constant(i int, what string) *graph.Tensor {
	v := n.value(i)
	if v.Constant == nil {
		n.fail(n.unsupported("constants, initializers and shape arithmetic that folds", "input %d (%s), %s, is not constant", i, what, quote(v.Name)))
	}
	return v.Constant
}

// constantInts reads the i-th input as a list of integers (or one).
func (n *node) constantInts(i int, what string) []int64 {
	c := n.constant(i, what)
	if c == nil {
		return nil
	}
	if c.Type != graph.Int64 || len(c.Shape) > 1 {
		n.fail(n.invalid("input %d (%s) is a %v tensor of shape %v, must be a list of integers", i, what, c.Type, c.Shape))
		return nil
	}
	return c.Ints
}

// constantFloat reads the i-th input as one float.
func (n *node) constantFloat(i int, what string) float32 {
	c := n.constant(i, what)
	if c == nil {
		return 0
	}
	if c.Type != graph.Float32 || len(c.Floats) != 1 {
		n.fail(n.invalid("input %d (%s) is a %v tensor of shape %v, must be one float32", i, what, c.Type, c.Shape))
		return 0
	}
	return c.Floats[0]
}

// wanted tells whether somebody reads the i-th output.
func (n *node) wanted(i int) bool {
	return i < len(n.source.Outputs) && n.source.Outputs[i] != "" && n.im.live[n.source.Outputs[i]]
}

// onlyOutputs refuses wanted outputs from the i-th on.
func (n *node) onlyOutputs(i int, supported string) {
	for k := i; k < len(n.source.Outputs); k++ {
		if n.wanted(k) {
			n.fail(n.unsupported(supported, "output %d, %s, is in use", k, quote(n.source.Outputs[k])))
		}
	}
}

// emit adds the graph node, or its constant results if all inputs are
// constant. shapes has one entry an output; a nil entry is an unwanted one.
func (n *node) emit(op graph.Op, attributes any, inputs []graph.ValueID, shapes ...[]int) error {
	n.onlyOutputs(len(shapes), fmt.Sprintf("%d outputs", len(shapes)))
	if err := n.finish(); err != nil {
		return err
	}
	g := n.im.graph
	elementType, constant := graph.InvalidType, true
	for _, id := range inputs {
		if id == graph.None {
			continue
		}
		v := &g.Values[id]
		constant = constant && v.Constant != nil
		if elementType == graph.InvalidType {
			elementType = v.Type
		} else if v.Type != elementType {
			return n.invalid("mixes inputs of type %v and %v (%s)", elementType, v.Type, quote(v.Name))
		}
	}
	if elementType != graph.Float32 {
		if !constant {
			return n.unsupported("float32; integers and booleans only in shape arithmetic that folds", "computes with type %v at run time", elementType)
		}
		if kernels[op].integer == nil {
			return n.unsupported("float32", "computes with type %v", elementType)
		}
	}
	for len(inputs) > 0 && inputs[len(inputs)-1] == graph.None {
		inputs = inputs[:len(inputs)-1]
	}
	check := checkShape
	if constant {
		check = checkConstantShape
	}
	out := graph.Node{Name: n.name, Op: op, Inputs: inputs, Attributes: attributes}
	for i, shape := range shapes {
		if shape == nil || !n.wanted(i) && i > 0 {
			out.Outputs = append(out.Outputs, graph.None)
			continue
		}
		elements, err := check(shape)
		if err != nil {
			return n.invalid("output %s: %v", quote(n.source.Outputs[i]), err)
		}
		if err := n.im.charge(elements); err != nil {
			return n.invalid("%v", err)
		}
		name := n.source.Outputs[i]
		if name == "" {
			name = n.im.uniqueValue(n.name + "_unused")
		}
		id := g.AddValue(graph.Value{Name: name, Shape: shape, Type: elementType})
		n.im.ids[name] = id
		out.Outputs = append(out.Outputs, id)
	}
	if constant {
		return n.fold(&out, elementType)
	}
	g.Nodes = append(g.Nodes, out)
	return nil
}

// emitConstant makes the first output a constant.
func (n *node) emitConstant(t *graph.Tensor) error {
	n.onlyOutputs(1, "one output")
	if err := n.finish(); err != nil {
		return err
	}
	elements, err := checkConstantShape(t.Shape)
	if err == nil {
		err = n.im.charge(elements)
	}
	if err == nil {
		err = n.im.chargeFold(elements, int64(elements))
	}
	if err != nil {
		return n.invalid("output %s: %v", quote(n.source.Outputs[0]), err)
	}
	name := n.source.Outputs[0]
	n.im.ids[name] = n.im.graph.AddValue(graph.Value{Name: name, Shape: t.Shape, Type: t.Type, Constant: t})
	return nil
}

// finish reports the first fault, or else an attribute that nobody has read.
func (n *node) finish() error {
	if n.err != nil {
		return n.err
	}
	for i := range n.source.Attributes {
		if name := n.source.Attributes[i].Name; !n.read[name] {
			return n.unsupported("", "attribute %s of this operator at this opset", quote(name))
		}
	}
	return nil
}

// view gives a value the elements of id under another shape, by a constant if
// id is one, else by a Reshape node before this node.
func (n *node) view(id graph.ValueID, shape []int) graph.ValueID {
	g := n.im.graph
	v := g.Values[id] // a copy: AddValue moves the array
	name := n.im.uniqueValue(v.Name + "_reshaped")
	if c := v.Constant; c != nil {
		t := &graph.Tensor{Shape: shape, Type: c.Type, Floats: c.Floats, Ints: c.Ints}
		return g.AddValue(graph.Value{Name: name, Shape: shape, Type: v.Type, Constant: t})
	}
	out := g.AddValue(graph.Value{Name: name, Shape: shape, Type: v.Type})
	g.Nodes = append(g.Nodes, graph.Node{Name: n.im.uniqueNode(n.name + "_reshape"), Op: graph.Reshape,
		Inputs: []graph.ValueID{id}, Outputs: []graph.ValueID{out}})
	return out
}
