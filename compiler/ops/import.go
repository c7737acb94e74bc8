package ops

import (
	"errors"
	"fmt"
	"sort"

	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/onnx"
)

// Options settle what a model leaves open.
type Options struct {
	// Dimensions gives sizes to symbolic dimensions. Without an entry, axis 0
	// of an input, the batch, is 1 and so is every dimension of that name;
	// any other symbolic dimension is an error.
	Dimensions map[string]int
	// Shapes gives the whole shape of a graph input, which must agree with
	// what the model states.
	Shapes map[string][]int
	// Constants gives values to graph inputs, which cease to be inputs then.
	Constants map[string]*graph.Tensor
}

// Import translates a model with no options.
func Import(m *onnx.Model) (*graph.Graph, error) { return ImportWith(m, Options{}) }

// ImportWith translates a model into a graph. The result has static shapes,
// nodes in topological order (the file's order where that is one), unique node
// names, neither dead nodes nor dead constants, no node whose inputs are all
// constant, and no NaN or infinity among the weights. Graph inputs are kept in
// the model's order even if nothing reads them; those that have an initializer
// are constants instead. An output may be a constant or an input.
//
// Errors are *UnsupportedError and *InvalidError. Memory and time are bounded
// by the model's size and the limits of this package, whatever the model says.
func ImportWith(m *onnx.Model, options Options) (*graph.Graph, error) {
	im := newImporter(m, options)
	for _, step := range []func() error{im.checkNames, im.sortNodes, im.markLive, im.addInputs, im.addNodes, im.addOutputs} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	im.removeDead()
	if err := im.checkConstants(); err != nil {
		return nil, err
	}
	return im.graph, nil
}

// Check tells, from operators, domains, opsets and the types of graph inputs
// alone, whether a model is outside of what is supported. Passing says little:
// attributes, shapes and constants are judged by the import.
func Check(m *onnx.Model) error {
	im := newImporter(m, Options{})
	for _, step := range []func() error{im.checkNames, im.sortNodes, im.markLive} {
		if err := step(); err != nil {
			return err
		}
	}
	for i := range m.Graph.Inputs {
		if info := &m.Graph.Inputs[i]; im.initializers[info.Name] == nil {
			if _, err := im.inputType(info); err != nil {
				return err
			}
		}
	}
	for _, index := range im.order {
		if source := &m.Graph.Nodes[index]; im.isLive(source) {
			if _, err := im.rowOf(&node{im: im, source: source, opset: im.graph.Opset, name: im.nodeName(source)}); err != nil {
				return err
			}
		}
	}
	return nil
}

func newImporter(m *onnx.Model, options Options) *importer {
	return &importer{
		model: m, options: options,
		graph:        &graph.Graph{Name: m.Graph.Name, Opset: m.Opset()},
		ids:          map[string]graph.ValueID{},
		initializers: map[string]*onnx.Tensor{},
		live:         map[string]bool{},
		foldLimit:    foldLimit(m),
		nodeNames:    map[string]int{},
		valueNames:   map[string]int{},
	}
}

// importer is the state of one translation.
type importer struct {
	model        *onnx.Model
	options      Options
	graph        *graph.Graph
	ids          map[string]graph.ValueID // ONNX value name to graph value
	initializers map[string]*onnx.Tensor
	producers    map[string]int  // ONNX value name to node index
	order        []int           // node indices, sorted
	live         map[string]bool // ONNX value names that a live node or the outputs read
	nodeNames    map[string]int
	valueNames   map[string]int
	elements     int64 // of all values so far
	foldElements int64 // made by folding so far
	foldLimit    int64
	foldWork     int64 // operations of folding so far
}

func (im *importer) invalid(place, format string, args ...any) error {
	return &InvalidError{Model: im.model.Path, Place: place, Rule: fmt.Sprintf(format, args...)}
}

// charge counts elements of a new value against the limit of the graph.
func (im *importer) charge(elements int) error {
	im.elements += int64(elements)
	if im.elements > MaxGraphElements {
		return fmt.Errorf("the tensors of the graph have more than %d elements in sum, which is the limit", int64(MaxGraphElements))
	}
	return nil
}

// chargeFold counts elements and work of constant folding.
func (im *importer) chargeFold(elements int, work int64) error {
	im.foldElements += int64(elements)
	im.foldWork += work
	if im.foldElements > im.foldLimit || im.foldWork > maxFoldWork {
		return fmt.Errorf("constant folding takes more than %d elements or %d operations, which is the limit for this model", im.foldLimit, int64(maxFoldWork))
	}
	return nil
}

// foldLimit is what folding may make of a model: in proportion to its
// constants, so that a small file cannot ask for much memory.
func foldLimit(m *onnx.Model) int64 {
	limit := int64(minFoldElements)
	add := func(t *onnx.Tensor) {
		if elements, err := t.Elements(); err == nil {
			limit += foldRatio * int64(elements)
		}
	}
	for i := range m.Graph.Initializers {
		add(&m.Graph.Initializers[i])
	}
	for i := range m.Graph.Nodes {
		for k := range m.Graph.Nodes[i].Attributes {
			if t := m.Graph.Nodes[i].Attributes[k].T; t != nil {
				add(t)
			}
		}
	}
	return limit
}

// addNodes translates the live nodes in order.
func (im *importer) addNodes() error {
	for _, index := range im.order {
		source := &im.model.Graph.Nodes[index]
		if !im.isLive(source) {
			continue
		}
		n := &node{im: im, source: source, opset: im.graph.Opset, name: im.nodeName(source), read: map[string]bool{}}
		row, err := im.rowOf(n)
		if err != nil {
			return err
		}
		n.row = row
		for i, name := range source.Inputs {
			id := graph.None
			if name != "" {
				if id, err = im.resolve(name); err != nil {
					return n.tensorFault(fmt.Sprintf("input %d, %s", i, quote(name)), err)
				}
			}
			n.inputs = append(n.inputs, id)
		}
		if err := row.translate(n); err != nil {
			return err
		}
	}
	return nil
}

// rowOf finds the row of a node, or says what of the operator is unsupported.
func (im *importer) rowOf(n *node) (*Row, error) {
	if domain := n.source.Domain; domain != "" && domain != "ai.onnx" {
		return nil, n.unsupported("the standard domain ai.onnx", "operator domain %s", quote(domain))
	}
	row := rowByOperator[n.source.OpType]
	if row == nil {
		return nil, n.unsupported("the operators that `npusim ops` lists", "operator %s", quote(n.source.OpType))
	}
	if n.opset < row.MinOpset || n.opset > row.MaxOpset {
		return nil, n.unsupported(fmt.Sprintf("opsets %d to %d", row.MinOpset, row.MaxOpset), "%s at opset %d", row.Operator, n.opset)
	}
	return row, nil
}

// nodeName is the ONNX name, or that of the first output, made unique.
func (im *importer) nodeName(source *onnx.Node) string {
	name := source.Name
	for _, output := range source.Outputs {
		if name == "" {
			name = output
		}
	}
	return im.uniqueNode(name)
}

func (im *importer) uniqueNode(name string) string { return unique(name, im.nodeNames) }

func (im *importer) uniqueValue(name string) string { return unique(name, im.valueNames) }

// unique takes a name, with _2, _3, ... if it is taken. taken holds the names
// in use, each with the number it was last tried with, so that a million nodes
// of one name take a million steps.
func unique(name string, taken map[string]int) string {
	result := name
	for i := taken[name]; taken[result] > 0; {
		i++
		taken[name] = i
		result = fmt.Sprintf("%s_%d", name, i)
	}
	taken[result] = max(taken[result], 1)
	return result
}

// resolve gives the graph value of an ONNX name, decoding an initializer when
// it is first read.
func (im *importer) resolve(name string) (graph.ValueID, error) {
	if id, ok := im.ids[name]; ok {
		return id, nil
	}
	source := im.initializers[name]
	if source == nil {
		return graph.None, fmt.Errorf("the node that makes %s gives no such output", quote(name))
	}
	t, err := constantTensor(source)
	if err != nil {
		return graph.None, err
	}
	if err := im.charge(len(t.Floats) + len(t.Ints)); err != nil {
		return graph.None, err
	}
	id := im.graph.AddValue(graph.Value{Name: name, Shape: t.Shape, Type: t.Type, Constant: t})
	im.ids[name] = id
	return id, nil
}

// addOutputs resolves the graph outputs.
func (im *importer) addOutputs() error {
	if len(im.model.Graph.Outputs) == 0 {
		return im.invalid("", "the graph has no output")
	}
	for _, output := range im.model.Graph.Outputs {
		id, err := im.resolve(output.Name)
		if errors.As(err, new(typeError)) {
			return &UnsupportedError{Model: im.model.Path, Opset: im.graph.Opset,
				Reason: fmt.Sprintf("output %s: %v", quote(output.Name), err), Supported: supportedTypes}
		}
		if err != nil {
			return im.invalid("output "+quote(output.Name), "%v", err)
		}
		im.graph.Outputs = append(im.graph.Outputs, id)
	}
	return nil
}

// ConstantOperands lists, sorted, the graph inputs that some node takes as an
// operand that must be known at import, such as the shape of a Reshape. Give
// them in Options.Constants.
func ConstantOperands(m *onnx.Model) []string {
	wanted := map[string]bool{}
	for i := range m.Graph.Nodes {
		n := &m.Graph.Nodes[i]
		if row := rowByOperator[n.OpType]; row != nil {
			for _, k := range row.constantOperands {
				if k < len(n.Inputs) {
					wanted[n.Inputs[k]] = true
				}
			}
		}
	}
	var names []string
	for i := range m.Graph.Inputs {
		if name := m.Graph.Inputs[i].Name; wanted[name] {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}
