// Package graph is the float intermediate representation: an immutable-shape,
// topologically ordered list of operators over named values.
//
// Every shape is static (a symbolic batch becomes 1 at import) and tensors are
// in ONNX axis order (NCHW for images). Nodes carry typed attributes, one
// struct an operator, so no later stage looks at ONNX attributes again.
package graph

import (
	"fmt"
	"strings"
)

// ValueID indexes Graph.Values. None marks an absent optional operand.
type ValueID int

// None is the absent operand.
const None ValueID = -1

// ElementType is the type of the elements of a value.
type ElementType uint8

// Element types of the float graph. Integer values exist only where a graph
// computes shapes; they must fold to constants before lowering.
const (
	InvalidType ElementType = iota
	Float32
	Int64
	Bool
)

var elementTypeNames = [...]string{InvalidType: "invalid", Float32: "float32", Int64: "int64", Bool: "bool"}

func (t ElementType) String() string {
	if int(t) < len(elementTypeNames) {
		return elementTypeNames[t]
	}
	return fmt.Sprintf("type(%d)", uint8(t))
}

// Tensor is a dense constant in row-major order. Float32 tensors use Floats;
// Int64 and Bool tensors use Ints (Bool as 0 or 1).
type Tensor struct {
	Shape  []int
	Type   ElementType
	Floats []float32
	Ints   []int64
}

// Elements is the product of a shape; 1 for a scalar.
func Elements(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// Value is an edge of the graph: a constant, a graph input or a node output.
type Value struct {
	Name     string
	Shape    []int
	Type     ElementType
	Constant *Tensor // nil unless the value is known at compile time
}

// Node is one operator application. Name is unique within its graph and is
// the ONNX node name where there was one.
type Node struct {
	Name       string
	Op         Op
	Inputs     []ValueID
	Outputs    []ValueID
	Attributes any // the operator's attribute struct of attributes.go, or nil
}

// Graph is a whole network. Nodes stand in a topological order.
type Graph struct {
	Name    string
	Opset   int
	Values  []Value
	Nodes   []Node
	Inputs  []ValueID // fed at run time, constants excluded
	Outputs []ValueID
}

// Value returns the value of an id. It must not be None.
func (g *Graph) Value(id ValueID) *Value { return &g.Values[id] }

// AddValue appends a value and returns its id.
func (g *Graph) AddValue(v Value) ValueID {
	g.Values = append(g.Values, v)
	return ValueID(len(g.Values) - 1)
}

// Producer maps every value to the index of the node that makes it, or -1.
func (g *Graph) Producer() []int {
	producer := make([]int, len(g.Values))
	for i := range producer {
		producer[i] = -1
	}
	for n := range g.Nodes {
		for _, out := range g.Nodes[n].Outputs {
			if out != None {
				producer[out] = n
			}
		}
	}
	return producer
}

// Consumers maps every value to the indices of the nodes that read it, in
// order. A node that reads a value twice is listed twice.
func (g *Graph) Consumers() [][]int {
	consumers := make([][]int, len(g.Values))
	for n := range g.Nodes {
		for _, in := range g.Nodes[n].Inputs {
			if in != None {
				consumers[in] = append(consumers[in], n)
			}
		}
	}
	return consumers
}

// Parameters counts the elements of all float constants that nodes read.
func (g *Graph) Parameters() int64 {
	seen := make([]bool, len(g.Values))
	var total int64
	for n := range g.Nodes {
		for _, in := range g.Nodes[n].Inputs {
			if in == None || seen[in] || g.Values[in].Constant == nil || g.Values[in].Type != Float32 {
				continue
			}
			seen[in] = true
			total += int64(Elements(g.Values[in].Shape))
		}
	}
	return total
}

// MACs counts multiply-accumulates of convolutions and matrix products for
// one inference, padding positions included, which is the usual convention.
func (g *Graph) MACs() int64 {
	var total int64
	for n := range g.Nodes {
		total += g.NodeMACs(n)
	}
	return total
}

// NodeMACs is MACs for the n-th node.
func (g *Graph) NodeMACs(n int) int64 {
	node := &g.Nodes[n]
	out := int64(Elements(g.Values[node.Outputs[0]].Shape))
	switch node.Op {
	case Conv:
		w := g.Values[node.Inputs[1]].Shape
		return out * int64(Elements(w[1:]))
	case Gemm:
		a := g.Values[node.Inputs[0]].Shape
		if node.Attributes.(*GemmAttributes).TransposeA {
			return out * int64(a[0])
		}
		return out * int64(a[1])
	case MatMul:
		a := g.Values[node.Inputs[0]].Shape
		return out * int64(a[len(a)-1])
	}
	return 0
}

// String is the stable text form of the graph that tests compare.
func (g *Graph) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "graph %s opset %d\n", g.Name, g.Opset)
	for _, id := range g.Inputs {
		fmt.Fprintf(&b, "input %s\n", g.operand(id))
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		outs := make([]string, len(n.Outputs))
		for k, id := range n.Outputs {
			outs[k] = g.operand(id)
		}
		ins := make([]string, len(n.Inputs))
		for k, id := range n.Inputs {
			ins[k] = g.operand(id)
		}
		fmt.Fprintf(&b, "%s = %s(%s)", strings.Join(outs, ", "), n.Op, strings.Join(ins, ", "))
		if n.Attributes != nil {
			fmt.Fprintf(&b, " %s", strings.TrimPrefix(fmt.Sprintf("%+v", n.Attributes), "&"))
		}
		fmt.Fprintf(&b, " # %s\n", n.Name)
	}
	for _, id := range g.Outputs {
		fmt.Fprintf(&b, "output %s\n", g.operand(id))
	}
	return b.String()
}

func (g *Graph) operand(id ValueID) string {
	if id == None {
		return "_"
	}
	v := &g.Values[id]
	kind := "%"
	if v.Constant != nil {
		kind = "@"
	}
	return fmt.Sprintf("%s%s<%s%v>", kind, v.Name, v.Type, v.Shape)
}
