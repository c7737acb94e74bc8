package onnx

import (
	"google.golang.org/protobuf/encoding/protowire"
)

// single decodes a message that occurs at most once, at its place in the path.
// Protobuf would merge a second occurrence, or let the last of several kinds
// win; no writer does that, damaged files do, so it is refused.
func (d *decoder) single(f *field, name string, seen *bool, decode func(message) error) error {
	if err := d.want(f, name, protowire.BytesType); err != nil {
		return err
	}
	if *seen {
		return d.fault(f.offset, "%s (field %d) occurs twice, or beside another of its kind", name, f.number)
	}
	*seen = true
	d.enter(name, -1)
	if err := decode(f.message()); err != nil {
		return err // the path stays where the fault is
	}
	d.leave()
	return nil
}

// element decodes one entry of a repeated message at its place in the path.
func element[T any](d *decoder, f *field, name string, list *[]T, decode func(message, *T) error) error {
	if err := d.want(f, name, protowire.BytesType); err != nil {
		return err
	}
	if err := d.count(f.offset); err != nil {
		return err
	}
	d.enter(name, len(*list))
	*list = append(*list, *new(T))
	if err := decode(f.message(), &(*list)[len(*list)-1]); err != nil {
		return err
	}
	d.leave()
	return nil
}

// functionName identifies a function of the model.
type functionName struct{ domain, name string }

func (d *decoder) model(data []byte, to *Model) error {
	d.enter("model", -1)
	m := message{data: data}
	counts := d.occurrences(m)
	to.Opsets = room[Opset](counts[8], len(data), leastOpset)
	functions := room[functionName](counts[25], len(data), leastNamed)
	hasGraph := false
	err := d.fields(m, func(f field) error {
		switch f.number {
		case 1:
			return d.integer(&f, "ir_version", &to.IRVersion)
		case 2:
			return d.text(&f, "producer_name", &to.Producer)
		case 7:
			return d.single(&f, "graph", &hasGraph, func(m message) error { return d.graph(m, &to.Graph) })
		case 8:
			return element(d, &f, "opset_import", &to.Opsets, d.opset)
		case 25:
			return element(d, &f, "functions", &functions, d.function)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !hasGraph {
		return d.fault(noOffset, "no graph (field 7): not an ONNX model")
	}
	return d.localCalls(&to.Graph, functions)
}

// localCalls refuses nodes that call a function of the model. Functions that
// nobody calls do no harm.
func (d *decoder) localCalls(g *Graph, functions []functionName) error {
	if len(functions) == 0 {
		return nil
	}
	defined := make(map[functionName]bool, len(functions))
	for _, f := range functions {
		defined[f] = true
	}
	d.enter("graph", -1)
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if defined[functionName{standardDomain(n.Domain), n.OpType}] {
			d.enter("node", i)
			return d.fault(noOffset, "%s calls the function %s.%s of the model; functions are not supported, inline them first",
				quote(n.Name), quote(n.Domain), quote(n.OpType))
		}
	}
	d.leave()
	return nil
}

func (d *decoder) function(m message, to *functionName) error {
	err := d.fields(m, func(f field) error {
		switch f.number {
		case 1:
			return d.text(&f, "name", &to.name)
		case 10:
			return d.text(&f, "domain", &to.domain)
		}
		return nil
	})
	if err == nil && to.name == "" {
		err = d.fault(m.start, "function without a name")
	}
	to.domain = standardDomain(to.domain)
	return err
}

// fields calls use for every field of m.
func (d *decoder) fields(m message, use func(field) error) error {
	for {
		f, ok, err := d.read(&m)
		if err != nil || !ok {
			return err
		}
		if err := use(f); err != nil {
			return err
		}
	}
}

func (d *decoder) opset(m message, to *Opset) error {
	return d.fields(m, func(f field) error {
		switch f.number {
		case 1:
			return d.text(&f, "domain", &to.Domain)
		case 2:
			return d.integer(&f, "version", &to.Version)
		}
		return nil
	})
}

func (d *decoder) graph(m message, to *Graph) error {
	counts, size := d.occurrences(m), len(m.data)
	to.Nodes = room[Node](counts[1], size, leastNode)
	to.Initializers = room[Tensor](counts[5], size, leastTensor)
	to.Inputs = room[ValueInfo](counts[11], size, leastNamed)
	to.Outputs = room[ValueInfo](counts[12], size, leastNamed)
	to.ValueInfos = room[ValueInfo](counts[13], size, leastNamed)
	return d.fields(m, func(f field) error {
		switch f.number {
		case 1:
			return element(d, &f, "node", &to.Nodes, d.node)
		case 2:
			return d.text(&f, "name", &to.Name)
		case 5:
			return element(d, &f, "initializer", &to.Initializers, d.initializer)
		case 11:
			return element(d, &f, "input", &to.Inputs, d.valueInfo)
		case 12:
			return element(d, &f, "output", &to.Outputs, d.valueInfo)
		case 13:
			return element(d, &f, "value_info", &to.ValueInfos, d.valueInfo)
		case 15:
			return d.fault(f.offset, "sparse_initializer (field 15): sparse weights are not supported, store them as dense initializers")
		}
		return nil
	})
}

// Lengths of the shortest valid messages with their tag and length, see room.
const (
	leastNode      = 5 // op_type of one letter
	leastNamed     = 5 // name of one letter
	leastTensor    = 9 // name, data_type, a dimension of 0
	leastAttribute = 7 // name and i
	leastOpset     = 2 // nothing
	leastDimension = 2 // nothing: an unknown size
	leastString    = 2 // the empty string
)

func (d *decoder) node(m message, to *Node) error {
	counts, size := d.occurrences(m), len(m.data)
	to.Inputs = room[string](counts[1], size, leastString)
	to.Outputs = room[string](counts[2], size, leastString)
	to.Attributes = room[Attribute](counts[5], size, leastAttribute)
	err := d.fields(m, func(f field) error {
		switch f.number {
		case 1:
			return d.texts(&f, "input", &to.Inputs)
		case 2:
			return d.texts(&f, "output", &to.Outputs)
		case 3:
			return d.text(&f, "name", &to.Name)
		case 4:
			return d.text(&f, "op_type", &to.OpType)
		case 5:
			return element(d, &f, "attribute", &to.Attributes, d.attribute)
		case 7:
			return d.text(&f, "domain", &to.Domain)
		}
		return nil
	})
	if err == nil && to.OpType == "" {
		err = d.fault(m.start, "node %s has no op_type", quote(to.Name))
	}
	return err
}

func (d *decoder) valueInfo(m message, to *ValueInfo) error {
	typed := false
	err := d.fields(m, func(f field) error {
		switch f.number {
		case 1:
			return d.text(&f, "name", &to.Name)
		case 2:
			return d.single(&f, "type", &typed, func(m message) error { return d.valueType(m, to) })
		}
		return nil
	})
	if err == nil && to.Name == "" {
		err = d.fault(m.start, "value without a name")
	}
	return err
}

// valueKinds gives the kind that a field of TypeProto stands for.
var valueKinds = [...]ValueKind{4: SequenceValue, 5: MapValue, 7: OpaqueValue, 8: SparseTensorValue, 9: OptionalValue}

func (d *decoder) valueType(m message, to *ValueInfo) error {
	stated := false
	return d.fields(m, func(f field) error {
		switch f.number {
		case 1:
			return d.single(&f, "tensor_type", &stated, func(m message) error { return d.tensorType(m, to) })
		case 4, 5, 7, 8, 9:
			to.Kind = valueKinds[f.number]
			return d.single(&f, to.Kind.String(), &stated, func(message) error { return nil })
		}
		return nil
	})
}

func (d *decoder) tensorType(m message, to *ValueInfo) error {
	return d.fields(m, func(f field) error {
		switch f.number {
		case 1:
			return d.enum(&f, "elem_type", &to.Type)
		case 2:
			return d.single(&f, "shape", &to.HasShape, func(m message) error { return d.shape(m, &to.Shape) })
		}
		return nil
	})
}

func (d *decoder) shape(m message, to *[]Dimension) error {
	*to = room[Dimension](min(d.occurrences(m)[1], maxRank), len(m.data), leastDimension)
	return d.fields(m, func(f field) error {
		if f.number != 1 {
			return nil
		}
		if len(*to) == maxRank {
			return d.fault(f.offset, "more than %d dimensions", maxRank)
		}
		return element(d, &f, "dim", to, d.dimension)
	})
}

func (d *decoder) dimension(m message, to *Dimension) error {
	return d.fields(m, func(f field) error {
		switch f.number {
		case 1: // dim_value and dim_param exclude each other; the last one counts
			if err := d.integer(&f, "dim_value", &to.Value); err != nil {
				return err
			}
			if to.Value < 0 {
				return d.fault(f.offset, "dim_value is %d, must not be negative; an unknown size has a dim_param or nothing", to.Value)
			}
			to.Parameter, to.Empty = "", to.Value == 0
		case 2:
			*to = Dimension{}
			return d.text(&f, "dim_param", &to.Parameter)
		}
		return nil
	})
}
