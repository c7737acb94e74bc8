package quantize

import (
	"math"
	"testing"

	"github.com/npusim/npusim/compiler/floatref"
	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/transform"
	"github.com/npusim/npusim/compiler/transform/graphtest"
	"github.com/npusim/npusim/configs"
	"pgregory.net/rapid"
)

// convertWith transforms, calibrates on the samples and quantizes.
func convertWith(t rapid.TB, g *graph.Graph, samples [][][]float32, q *configs.Quantization) (*integer.Graph, *Report, *transform.Network) {
	t.Helper()
	n, err := transform.Run(g)
	if err != nil {
		t.Fatalf("%v\n%s", err, g)
	}
	c, err := Calibrate(n, q, len(samples), 1, func(i int) ([][]float32, error) { return samples[i], nil })
	if err != nil {
		t.Fatalf("%v\n%s", err, n.Graph)
	}
	quantized, report, err := Quantize(n, c, q)
	if err != nil {
		t.Fatalf("%v\n%s", err, n.Graph)
	}
	return quantized, report, n
}

// TestRandomNetworksQuantize quantizes random networks in every scheme and
// checks that each integer tensor is near the float value it stands for, one
// operator at a time: the operator's inputs are the quantized float values, so
// that errors do not add up.
func TestRandomNetworksQuantize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := graphtest.Random(t, 8)
		samples := b.Inputs(3)
		q := settings(rapid.SampledFrom([]configs.WeightScheme{configs.PerLayer, configs.PerLayerShift, configs.PerChannel}).Draw(t, "scheme"),
			rapid.SampledFrom([]configs.Calibration{configs.MinMax, configs.Percentile}).Draw(t, "calibration"))
		q.WeightBits = rapid.IntRange(2, 8).Draw(t, "weight bits")
		q.ActivationBits = rapid.IntRange(2, 8).Draw(t, "activation bits")
		g, report, n := convertWith(t, b.Graph, samples, q)
		if len(report.Layers) != len(g.Nodes) {
			t.Fatalf("%d layers reported for %d nodes", len(report.Layers), len(g.Nodes))
		}
		if len(g.Outputs) != len(b.Graph.Outputs) {
			t.Fatalf("%d outputs instead of %d", len(g.Outputs), len(b.Graph.Outputs))
		}
		r, err := integer.NewReference(g)
		if err != nil {
			t.Fatal(err)
		}
		executor, err := floatref.New(n.Graph, floatref.Options{})
		if err != nil {
			t.Fatal(err)
		}
		state := executor.NewState()
		observed := make(map[graph.ValueID][]float32)
		state.Observe = func(v graph.ValueID, data []float32) { observed[v] = append([]float32(nil), data...) }
		if _, err := state.Run(samples[0]); err != nil {
			t.Fatal(err)
		}
		tensors := r.Run(g.QuantizeInputs(samples[0]))
		for id := range g.Tensors {
			tensor := &g.Tensors[id]
			if tensor.Constant == nil && len(observed[graph.ValueID(tensor.FloatValue)]) != len(tensors[id]) {
				t.Fatalf("tensor %d stands for value %d of %d elements, has %d", id, tensor.FloatValue, len(observed[graph.ValueID(tensor.FloatValue)]), len(tensors[id]))
			}
		}
		if q.WeightBits < 8 || q.ActivationBits < 8 || q.Calibration != configs.MinMax {
			return
		}
		for i := range g.Nodes {
			nodeNearFloat(t, g, &g.Nodes[i], n.Graph, observed, samples[0])
		}
	})
}

// nodeNearFloat executes one integer node on its quantized float inputs.
func nodeNearFloat(t *rapid.T, g *integer.Graph, node *integer.Node, float *graph.Graph, observed map[graph.ValueID][]float32, sample [][]float32) {
	single := &integer.Graph{Name: "one node", Rounding: g.Rounding, Tensors: append([]integer.Tensor(nil), g.Tensors...),
		Outputs: []integer.TensorID{node.Output}, Nodes: []integer.Node{*node}}
	var inputs [][]int8
	fed := make(map[integer.TensorID]bool)
	for _, id := range node.Inputs {
		tensor := &g.Tensors[id]
		if tensor.Constant != nil || fed[id] {
			continue
		}
		fed[id] = true
		quantized := make([]int8, tensor.Shape.Elements())
		tensor.Quantize(quantized, observed[graph.ValueID(tensor.FloatValue)])
		inputs = append(inputs, quantized)
		single.Inputs = append(single.Inputs, id)
	}
	shape := func(ids []integer.TensorID) (shapes [][]int) {
		for _, id := range ids {
			shapes = append(shapes, []int{g.Tensors[id].Shape.Elements()})
		}
		return shapes
	}
	single.InputShapes, single.OutputShapes = shape(single.Inputs), shape(single.Outputs)
	r, err := integer.NewReference(single)
	if err != nil {
		t.Fatal(err)
	}
	out := &g.Tensors[node.Output]
	got := make([]float32, out.Shape.Elements())
	out.Dequantize(got, r.Run(inputs)[node.Output])
	want := observed[graph.ValueID(out.FloatValue)]

	bound := 1.01*out.Scale + 1e-4 // the result's own rounding and that of its zero point
	sensitivity := 1.0             // how far half a step of an input moves the result
	switch node.Kind {
	case integer.Convolution:
		a := node.Convolution
		taps := len(a.Weights) / out.Shape.Channels
		worst := 0.0
		for m := range out.Shape.Channels {
			scale := a.WeightScale[0]
			if len(a.WeightScale) > 1 {
				scale = a.WeightScale[m]
			}
			if a.Requantizer.ChannelShift != nil {
				scale = math.Ldexp(scale, -int(a.Requantizer.ChannelShift[m]))
			}
			var sum float64
			for _, w := range a.Weights[m*taps : (m+1)*taps] {
				sum += math.Abs(float64(w)) * scale
			}
			// Half a step of each weight times the largest input.
			in := &g.Tensors[node.Inputs[0]]
			worst = math.Max(worst, sum*in.Scale+float64(taps)*scale/2*in.Scale*255+scale*in.Scale)
		}
		bound += worst
		sensitivity = 0
	case integer.Binary:
		if node.Binary.Mode == integer.Divide {
			return // unbounded near zero denominators; covered by a test of its own
		}
		if node.Binary.Mode == integer.Multiply {
			sensitivity = 0
			x, y := &g.Tensors[node.Inputs[0]], &g.Tensors[node.Inputs[1]]
			bound += (x.Scale*y.Scale*255 + y.Scale*x.Scale*255)
		}
	case integer.Softmax:
		bound += g.Tensors[node.Inputs[0]].Scale // its derivative is below 1
	}
	for _, id := range node.Inputs {
		bound += sensitivity * g.Tensors[id].Scale
	}
	for j := range want {
		if d := math.Abs(float64(got[j] - want[j])); !(d <= bound) {
			t.Fatalf("node %s element %d: %g instead of %g, the bound is %g\n%s\n%s", node.Name, j, got[j], want[j], bound, g, float)
		}
	}
}
