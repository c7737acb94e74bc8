// Package ops knows the ONNX operators: for each one a row with its opset
// range and where it runs, the translation of its ONNX form into typed graph
// attributes with a shape rule, and the float kernel that defines its values.
//
// [Import] turns a decoded model into a [graph.Graph] with static shapes:
// nodes sorted, symbolic batches set to 1, constants folded, dead nodes
// removed. [Bind] gives the float kernel of a graph node, with which constants
// are folded and the float reference executes.
//
// Supported are dense float32 tensors of up to 8 axes, with one or two spatial
// axes where an operator has any. Integers and booleans exist as constants
// only: whatever computes shapes must fold away. Everything else, be it an
// operator, an attribute or a type, is an [*UnsupportedError] that says what
// is supported; a model that breaks ONNX's own rules is an [*InvalidError].
// No attribute is skipped in silence: one that a row does not read is an error.
//
// Opsets 7 to 21 are promised. A row goes back further where its operator was
// the same, and up to 26 because opsets 22 to 26 changed none of these
// operators for float32: 22 admitted bfloat16, 23 to 25 admitted 4-bit and
// 2-bit types, 24 and 26 added other operators.
//
// Sources: github.com/onnx/onnx docs/Operators.md, docs/Changelog.md,
// docs/Broadcasting.md.
package ops

import "sort"

// Unit says where an operator runs.
type Unit uint8

// Units.
const (
	InvalidUnit  Unit = iota
	MACArray          // matrix products
	VectorUnit        // element by element, pooling, reduction
	DataMovement      // a copy with another arrangement, no arithmetic
	ViewOnly          // its result is its input under another shape
	FoldedOnly        // only with constant inputs, computed at import
	unitEnd
)

var unitNames = [unitEnd]string{
	InvalidUnit: "invalid", MACArray: "MAC array", VectorUnit: "vector unit",
	DataMovement: "data movement", ViewOnly: "no work (view)", FoldedOnly: "folded at import",
}

func (u Unit) String() string {
	if u < unitEnd {
		return unitNames[u]
	}
	return "invalid"
}

// newestOpset is the newest operator set whose changes were reviewed.
const newestOpset = 26

// Row describes one ONNX operator of the standard domain.
type Row struct {
	Operator           string
	MinOpset, MaxOpset int // of the model, both included
	RunsOn             Unit
	Limits             string // what is supported of it, empty: all of it for float32

	constantOperands []int // operands that must be known at import
	translate        func(*node) error
}

// Rows lists the supported operators by name. The caller owns the slice.
func Rows() []Row {
	rows := append([]Row(nil), table...)
	sort.Slice(rows, func(i, j int) bool { return rows[i].Operator < rows[j].Operator })
	return rows
}

// rowByOperator indexes table.
var rowByOperator = func() map[string]*Row {
	index := make(map[string]*Row, len(table))
	for i := range table {
		index[table[i].Operator] = &table[i]
	}
	return index
}()
