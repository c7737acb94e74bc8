// Package quantize turns a float graph into an integer graph: it calibrates
// activation ranges, chooses scales, quantizes weights and replaces every
// operator by its integer formula.
//
// Activations are asymmetric signed integers of 2 to 8 bits, one scale and
// zero point a tensor. Weights are symmetric, with one scale a layer, one scale
// a layer and a 4-bit shift a channel, or one scale a channel; or they are binary
// codes (package compiler/binarycode). Ranges and
// rounding are plain: nothing corrects biases, equalizes layers or searches
// roundings, so the weight schemes compare by themselves.
//
// The order of work: transform.Run on the imported graph, Calibrate on its
// result, Quantize.
package quantize

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/transform"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa/fixed"
)

// Quantize converts a transformed, calibrated network. Tensor.FloatValue of
// the result refers to values of n.Graph. An error names the node, its
// operator and the supported forms.
func Quantize(n *transform.Network, c *Calibration, q *configs.Quantization) (*integer.Graph, *Report, error) {
	return QuantizeCoded(context.Background(), n, c, q, Coding{})
}

// QuantizeCoded is Quantize with what binary codes take into account. Layers
// that are to have binary codes and cannot get scheme per-layer-shift; their
// entries in the report say why.
func QuantizeCoded(ctx context.Context, n *transform.Network, c *Calibration, q *configs.Quantization, coding Coding) (*integer.Graph, *Report, error) {
	if err := checkSettings(q.WeightBits, q.ActivationBits, q.Rounding); err != nil {
		return nil, nil, err
	}
	if err := c.Err(); err != nil {
		return nil, nil, err
	}
	g := n.Graph
	k := &converter{
		network: n, float: g, plan: newPlan(g), calibration: c, settings: q,
		result:  &integer.Graph{Name: g.Name, Rounding: q.Rounding.String()},
		tensors: make(map[graph.ValueID]integer.TensorID),
		views:   make(map[graph.ValueID]*view),
		report:  &Report{Name: g.Name},
		ctx:     ctx, coding: coding,
	}
	if err := k.allocate(); err != nil {
		return nil, nil, err
	}
	if err := k.inputs(); err != nil {
		return nil, nil, err
	}
	for i := range g.Nodes {
		if k.plan.absorbed[i] {
			continue
		}
		if err := k.node(i); err != nil {
			node := &g.Nodes[i]
			return nil, nil, fmt.Errorf("node %q (%v): %w", node.Name, node.Op, err)
		}
	}
	if err := k.outputs(); err != nil {
		return nil, nil, err
	}
	if err := k.result.Validate(); err != nil {
		return nil, nil, fmt.Errorf("quantized graph is not valid: %w", err)
	}
	return k.result, k.report, nil
}

func checkSettings(weightBits, activationBits int, rounding configs.Rounding) error {
	if weightBits < 2 || weightBits > 8 {
		return fmt.Errorf("weight_bits = %d: must be 2 to 8", weightBits)
	}
	if activationBits < 2 || activationBits > 8 {
		return fmt.Errorf("activation_bits = %d: must be 2 to 8", activationBits)
	}
	if rounding != configs.HalfUpShift {
		return fmt.Errorf("rounding %v: supported is half-up-shift", rounding)
	}
	return nil
}

// converter is the state of one conversion.
type converter struct {
	network     *transform.Network
	float       *graph.Graph
	plan        *plan
	calibration *Calibration
	settings    *configs.Quantization
	result      *integer.Graph
	tensors     map[graph.ValueID]integer.TensorID // values that have a tensor
	views       map[graph.ValueID]*view            // rearranged values that have none yet
	report      *Report
	ctx         context.Context // of solving binary codes
	coding      Coding
	planes      map[string]int // of layers with binary codes, if they are shared out
}

func (k *converter) tensor(id integer.TensorID) *integer.Tensor { return &k.result.Tensors[id] }

func (k *converter) addTensor(t integer.Tensor) integer.TensorID {
	k.result.Tensors = append(k.result.Tensors, t)
	return integer.TensorID(len(k.result.Tensors) - 1)
}

// activation starts the tensor of a float value; scale and zero point are
// still open.
func (k *converter) activation(v graph.ValueID, bits uint8) (integer.Tensor, error) {
	value := k.float.Value(v)
	channels, rows, columns, err := transform.Layout(value.Shape)
	if err != nil {
		return integer.Tensor{}, fmt.Errorf("value %q: %w", value.Name, err)
	}
	return integer.Tensor{Name: value.Name, Shape: integer.Shape{Channels: channels, Rows: rows, Columns: columns}, Bits: bits, FloatValue: int(v)}, nil
}

// ranged starts a tensor with calibrated parameters; its scale is at least
// minimum.
func (k *converter) ranged(v graph.ValueID, bits uint8, minimum float64) (integer.Tensor, error) {
	t, err := k.activation(v, bits)
	if err != nil {
		return t, err
	}
	r, ok := k.calibration.Range(v, k.settings)
	if !ok {
		return t, fmt.Errorf("value %q has no calibrated range", t.Name)
	}
	t.Scale, t.Zero = parameters(r, bits, minimum)
	return t, nil
}

// same starts a tensor with the parameters of another.
func (k *converter) same(v graph.ValueID, in *integer.Tensor) (integer.Tensor, error) {
	t, err := k.activation(v, in.Bits)
	t.Scale, t.Zero = in.Scale, in.Zero
	return t, err
}

func (k *converter) inputs() error {
	for _, v := range k.float.Inputs {
		value := k.float.Value(v)
		if value.Type != graph.Float32 {
			return fmt.Errorf("graph input %q is %v; supported are float32 inputs", value.Name, value.Type)
		}
		t, err := k.ranged(v, uint8(k.settings.ActivationBits), 0)
		if err != nil {
			return err
		}
		id := k.addTensor(t)
		k.tensors[v] = id
		k.result.Inputs = append(k.result.Inputs, id)
		k.result.InputShapes = append(k.result.InputShapes, value.Shape)
	}
	return nil
}

// outputs lists the graph outputs. One that no node computes, or that is
// listed twice, is copied, so that every output is a result of its own.
func (k *converter) outputs() error {
	taken := make(map[integer.TensorID]bool)
	for _, id := range k.result.Inputs {
		taken[id] = true
	}
	for _, v := range k.float.Outputs {
		value := k.float.Value(v)
		id, err := k.operand(v)
		if err != nil {
			return fmt.Errorf("graph output %q: %w", value.Name, err)
		}
		if taken[id] || k.tensor(id).Constant != nil {
			t := *k.tensor(id)
			t.Constant, t.FloatValue = nil, int(v)
			copied := k.addTensor(t)
			k.result.Nodes = append(k.result.Nodes, integer.Node{Name: value.Name + "/copy", Op: "Identity", Kind: integer.Window,
				Inputs: []integer.TensorID{id}, Output: copied, Window: &integer.WindowAttributes{Step: [3]int{1, 1, 1}, Fill: t.Zero}})
			k.describe(&k.result.Nodes[len(k.result.Nodes)-1])
			id = copied
		}
		taken[id] = true
		k.result.Outputs = append(k.result.Outputs, id)
		k.result.OutputShapes = append(k.result.OutputShapes, value.Shape)
	}
	return nil
}

// operand is the tensor of a value: computed already, a constant, or a
// rearrangement that is carried out now.
func (k *converter) operand(v graph.ValueID) (integer.TensorID, error) {
	if id, ok := k.tensors[v]; ok {
		return id, nil
	}
	if k.float.Value(v).Constant != nil {
		return k.constant(v)
	}
	if w := k.views[v]; w != nil {
		return k.materialize(v, w)
	}
	return 0, fmt.Errorf("value %q has no integer form", k.float.Value(v).Name)
}

// constant quantizes a constant operand to its own range.
func (k *converter) constant(v graph.ValueID) (integer.TensorID, error) {
	t, err := k.activation(v, uint8(k.settings.ActivationBits))
	if err != nil {
		return 0, err
	}
	data := k.float.Value(v).Constant.Floats
	var r Range
	for _, x := range data {
		r = r.including(float64(x))
	}
	t.Scale, t.Zero = parameters(r, t.Bits, 0)
	t.FloatValue = -1 // no node computes it
	t.Constant = make([]int8, len(data))
	t.Quantize(t.Constant, data)
	id := k.addTensor(t)
	k.tensors[v] = id
	return id, nil
}

// finish adds a node that computes tensor t from inputs. i is the float node;
// the clamp that fuses into it is included.
func (k *converter) finish(i int, node integer.Node, t integer.Tensor) {
	covered := []int{i}
	if slice := k.plan.slice[i]; slice >= 0 {
		covered = []int{slice, i}
	}
	if clamp := k.plan.clamp[i]; clamp >= 0 {
		covered = append(covered, clamp)
	}
	node.Name = k.float.Nodes[i].Name
	k.cover(&node, covered)
	v := graph.ValueID(t.FloatValue)
	node.Output = k.addTensor(t)
	k.tensors[v] = node.Output
	k.result.Nodes = append(k.result.Nodes, node)
	k.describe(&k.result.Nodes[len(k.result.Nodes)-1])
}

// cover fills in which imported nodes an integer node computes.
func (k *converter) cover(node *integer.Node, covered []int) {
	var ops []string
	for _, i := range covered {
		for _, origin := range k.network.Origins[k.float.Nodes[i].Name] {
			node.Sources = append(node.Sources, origin.Name)
			ops = append(ops, origin.Op.String())
			node.MACs += origin.MACs
		}
	}
	if len(ops) == 0 {
		ops = append(ops, k.float.Nodes[covered[0]].Op.String())
	}
	node.Op = strings.Join(ops, "+")
}

// target is the value a node's integer form computes, with the bounds of a
// fused clamp.
func (k *converter) target(i int) (v graph.ValueID, low, high float64) {
	low, high = math.Inf(-1), math.Inf(1)
	node := &k.float.Nodes[i]
	if clamp := k.plan.clamp[i]; clamp >= 0 {
		node = &k.float.Nodes[clamp]
		l, h, _ := transform.ClampBounds(node)
		low, high = float64(min(l, h)), float64(h) // ONNX: an empty interval gives its upper bound
	}
	return node.Outputs[0], low, high
}

// clampSteps are the bounds of a fused clamp in steps of the output.
func clampSteps(t *integer.Tensor, low, high float64) (first, last int8) {
	first, last = fixed.Range(t.Bits)
	if !math.IsInf(low, 0) {
		first = step(low, t)
	}
	if !math.IsInf(high, 0) {
		last = step(high, t)
	}
	return first, last
}

// layerBits are the activation bits of the output of node i.
func (k *converter) layerBits(i int) (uint8, error) {
	layer := k.settings.ForLayer(k.float.Nodes[i].Name)
	return uint8(layer.ActivationBits), checkSettings(layer.WeightBits, layer.ActivationBits, k.settings.Rounding)
}
