package ops

import (
	"fmt"
	"sort"

	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/onnx"
)

// addInputs makes the graph inputs that no initializer and no option settles.
func (im *importer) addInputs() error {
	batch, err := im.checkOptions()
	if err != nil {
		return err
	}
	for i := range im.model.Graph.Inputs {
		info := &im.model.Graph.Inputs[i]
		if im.initializers[info.Name] != nil {
			continue
		}
		where := "input " + quote(info.Name)
		if t := im.options.Constants[info.Name]; t != nil {
			if err := checkTensor(t); err != nil {
				return im.invalid(where, "the constant given for it: %v", err)
			}
			im.ids[info.Name] = im.graph.AddValue(graph.Value{Name: info.Name, Shape: t.Shape, Type: t.Type, Constant: t})
			continue
		}
		kind, err := im.inputType(info)
		if err != nil {
			return err
		}
		shape, err := im.inputShape(info, batch)
		if err != nil {
			return im.invalid(where, "%v", err)
		}
		elements, err := checkShape(shape)
		if err == nil {
			err = im.charge(elements)
		}
		if err != nil {
			return im.invalid(where, "%v", err)
		}
		id := im.graph.AddValue(graph.Value{Name: info.Name, Shape: shape, Type: kind})
		im.ids[info.Name] = id
		im.graph.Inputs = append(im.graph.Inputs, id)
	}
	return nil
}

// inputType maps the type of a graph input.
func (im *importer) inputType(info *onnx.ValueInfo) (graph.ElementType, error) {
	unsupported := func(reason, supported string) error {
		return &UnsupportedError{Model: im.model.Path, Opset: im.graph.Opset,
			Reason: fmt.Sprintf("input %s %s", quote(info.Name), reason), Supported: supported}
	}
	if info.Kind != onnx.TensorValue {
		return graph.InvalidType, unsupported(fmt.Sprintf("has the kind %v", info.Kind), "dense tensors")
	}
	kind, err := elementType(info.Type)
	if err != nil {
		return kind, unsupported(fmt.Sprintf("has %v", err), "FLOAT, and integers in shape arithmetic that folds")
	}
	return kind, nil
}

// checkOptions refuses options about inputs that do not exist, and gives the
// names of the batch dimensions.
func (im *importer) checkOptions() (map[string]bool, error) {
	inputs, batch, symbols := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for i := range im.model.Graph.Inputs {
		info := &im.model.Graph.Inputs[i]
		inputs[info.Name] = im.initializers[info.Name] == nil
		for axis, d := range info.Shape {
			if d.Known() || d.Parameter == "" {
				continue
			}
			symbols[d.Parameter] = true
			if axis == 0 {
				batch[d.Parameter] = true
			}
		}
	}
	for _, name := range sortedKeys(im.options.Shapes) {
		if !inputs[name] {
			return nil, im.invalid("", "a shape is given for %s, which is not an input of the graph", quote(name))
		}
	}
	for _, name := range sortedKeys(im.options.Constants) {
		if !inputs[name] {
			return nil, im.invalid("", "a constant is given for %s, which is not an input of the graph", quote(name))
		}
	}
	for _, name := range sortedKeys(im.options.Dimensions) {
		if !symbols[name] {
			return nil, im.invalid("", "a size is given for dimension %s, which no input of the graph has", quote(name))
		}
	}
	return batch, nil
}

// inputShape settles every dimension of an input.
func (im *importer) inputShape(info *onnx.ValueInfo, batch map[string]bool) ([]int, error) {
	given, fixed := im.options.Shapes[info.Name]
	if !info.HasShape {
		if !fixed {
			return nil, fmt.Errorf("the model states no shape, so one must be given")
		}
		return append([]int{}, given...), nil
	}
	if fixed && len(given) != len(info.Shape) {
		return nil, fmt.Errorf("the shape %v given for it has %d axes, the model states %d", given, len(given), len(info.Shape))
	}
	shape := make([]int, len(info.Shape))
	for axis, d := range info.Shape {
		size, named := im.options.Dimensions[d.Parameter]
		switch {
		case d.Known():
			if d.Value < 0 || d.Value > maxAttribute {
				return nil, fmt.Errorf("axis %d has size %d, must be 0 to %d", axis, d.Value, maxAttribute)
			}
			shape[axis] = int(d.Value)
			if fixed && given[axis] != shape[axis] {
				return nil, fmt.Errorf("the shape %v given for it differs from the model's size %d on axis %d", given, d.Value, axis)
			}
		case fixed:
			shape[axis] = given[axis]
		case named && d.Parameter != "":
			shape[axis] = size
		case axis == 0 || batch[d.Parameter]:
			shape[axis] = 1
		case d.Parameter != "":
			return nil, fmt.Errorf("axis %d has the symbolic size %s, which must be given", axis, quote(d.Parameter))
		default:
			return nil, fmt.Errorf("axis %d has no stated size, so the shape must be given", axis)
		}
	}
	return shape, nil
}

// checkTensor checks that a tensor has the elements of its shape.
func checkTensor(t *graph.Tensor) error {
	elements, err := checkConstantShape(t.Shape)
	if err != nil {
		return err
	}
	have := len(t.Ints)
	switch t.Type {
	case graph.Float32:
		have = len(t.Floats)
	case graph.Int64, graph.Bool:
	default:
		return fmt.Errorf("element type %v", t.Type)
	}
	if have != elements {
		return fmt.Errorf("%d elements where shape %v takes %d", have, t.Shape, elements)
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
