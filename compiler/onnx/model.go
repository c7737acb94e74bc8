package onnx

import "fmt"

// Model is a ModelProto.
type Model struct {
	Path      string   // file it was read from, or the name given to Decode
	SHA256    [32]byte // of the model file alone, without external data
	IRVersion int64
	Producer  string  // producer_name
	Opsets    []Opset // in file order
	Graph     Graph
}

// Opset is one imported operator set. Domain "" and "ai.onnx" both mean the
// standard operators.
type Opset struct {
	Domain  string
	Version int64
}

// Opset gives the version of the standard operator set, the highest if it is
// imported twice, and 0 if it is not imported.
func (m *Model) Opset() int {
	version := 0
	for _, o := range m.Opsets {
		if standardDomain(o.Domain) == "" && int(o.Version) > version {
			version = int(o.Version)
		}
	}
	return version
}

// standardDomain maps the two names of the standard domain to one.
func standardDomain(domain string) string {
	if domain == "ai.onnx" {
		return ""
	}
	return domain
}

// Graph is a GraphProto. All lists are in file order.
type Graph struct {
	Name         string
	Nodes        []Node
	Initializers []Tensor
	Inputs       []ValueInfo
	Outputs      []ValueInfo
	ValueInfos   []ValueInfo // of inner values, as far as the writer knew them
}

// Node is a NodeProto. An empty name among the inputs is an optional input
// left out; among the outputs, one that nobody wants.
type Node struct {
	Name       string // may be empty
	OpType     string
	Domain     string
	Inputs     []string
	Outputs    []string
	Attributes []Attribute
}

// Attribute gives the first attribute of that name, nil if absent.
func (n *Node) Attribute(name string) *Attribute {
	for i := range n.Attributes {
		if n.Attributes[i].Name == name {
			return &n.Attributes[i]
		}
	}
	return nil
}

// AttributeType says which field of an Attribute holds its value; the numbers
// are those of AttributeProto.AttributeType.
type AttributeType uint8

// Attribute types. Those marked are recognised, but their values are not
// decoded.
const (
	InvalidAttribute       AttributeType = 0
	FloatAttribute         AttributeType = 1
	IntAttribute           AttributeType = 2
	StringAttribute        AttributeType = 3
	TensorAttribute        AttributeType = 4
	GraphAttribute         AttributeType = 5 // not decoded
	FloatsAttribute        AttributeType = 6
	IntsAttribute          AttributeType = 7
	StringsAttribute       AttributeType = 8
	TensorsAttribute       AttributeType = 9  // not decoded
	GraphsAttribute        AttributeType = 10 // not decoded
	SparseTensorAttribute  AttributeType = 11 // not decoded
	SparseTensorsAttribute AttributeType = 12 // not decoded
	TypeAttribute          AttributeType = 13 // not decoded
	TypesAttribute         AttributeType = 14 // not decoded

	attributeTypeEnd AttributeType = 15
)

// attributeTypes gives for each type its name in onnx.proto and whether its
// value is decoded.
var attributeTypes = [attributeTypeEnd]struct {
	name    string
	decoded bool
}{
	InvalidAttribute:       {"UNDEFINED", false},
	FloatAttribute:         {"FLOAT", true},
	IntAttribute:           {"INT", true},
	StringAttribute:        {"STRING", true},
	TensorAttribute:        {"TENSOR", true},
	GraphAttribute:         {"GRAPH", false},
	FloatsAttribute:        {"FLOATS", true},
	IntsAttribute:          {"INTS", true},
	StringsAttribute:       {"STRINGS", true},
	TensorsAttribute:       {"TENSORS", false},
	GraphsAttribute:        {"GRAPHS", false},
	SparseTensorAttribute:  {"SPARSE_TENSOR", false},
	SparseTensorsAttribute: {"SPARSE_TENSORS", false},
	TypeAttribute:          {"TYPE_PROTO", false},
	TypesAttribute:         {"TYPE_PROTOS", false},
}

// String gives the name in onnx.proto, such as INTS.
func (t AttributeType) String() string {
	if t < attributeTypeEnd {
		return attributeTypes[t].name
	}
	return fmt.Sprintf("AttributeType(%d)", uint8(t))
}

// Attribute is an AttributeProto. Only the field that Type names is set, and
// none where Type is a kind that is not decoded.
type Attribute struct {
	Name    string
	Type    AttributeType
	F       float32
	I       int64
	S       []byte // by convention UTF-8, not checked
	T       *Tensor
	Floats  []float32
	Ints    []int64
	Strings [][]byte
}

// ValueKind says what a value is when it is not a dense tensor.
type ValueKind uint8

// Value kinds. The zero value is a dense tensor, or a value whose type the
// file does not state (then its Type is Undefined).
const (
	TensorValue ValueKind = iota
	SequenceValue
	MapValue
	OptionalValue
	SparseTensorValue
	OpaqueValue
)

var valueKindNames = [...]string{
	TensorValue: "tensor", SequenceValue: "sequence", MapValue: "map",
	OptionalValue: "optional", SparseTensorValue: "sparse tensor", OpaqueValue: "opaque",
}

func (k ValueKind) String() string {
	if int(k) < len(valueKindNames) {
		return valueKindNames[k]
	}
	return fmt.Sprintf("ValueKind(%d)", uint8(k))
}

// ValueInfo is the name and type of a value. Kinds other than TensorValue
// carry nothing else.
type ValueInfo struct {
	Name     string
	Kind     ValueKind
	Type     ElementType // Undefined if the file does not state it
	Shape    []Dimension
	HasShape bool // false: the rank is unknown; true with no Shape: a scalar
}

// Dimension is one entry of a shape: a size, a named unknown (Parameter), or
// an unnamed unknown (the zero Dimension).
type Dimension struct {
	Value     int64
	Parameter string
	Empty     bool // the size is stated to be 0, which the zero Value alone does not say
}

// Known tells whether the size is stated; it is Value then.
func (d Dimension) Known() bool { return d.Value != 0 || d.Empty }
