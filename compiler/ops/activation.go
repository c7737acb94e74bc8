package ops

import (
	"math"

	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/onnx"
)

// importUnary translates an operator of one input that keeps the shape.
func importUnary(n *node, op graph.Op, attributes any) error {
	return n.emit(op, attributes, []graph.ValueID{n.input(0)}, n.shape(0))
}

func importRelu(n *node) error {
	if err := n.arity(1, 1); err != nil {
		return err
	}
	return importUnary(n, graph.Relu, nil)
}

func importLeakyRelu(n *node) error {
	if err := n.arity(1, 1); err != nil {
		return err
	}
	return importUnary(n, graph.LeakyRelu, &graph.LeakyReluAttributes{Alpha: n.floatAttribute("alpha", 0.01)})
}

func importSigmoid(n *node) error {
	if err := n.arity(1, 1); err != nil {
		return err
	}
	return importUnary(n, graph.Sigmoid, nil)
}

func importTanh(n *node) error {
	if err := n.arity(1, 1); err != nil {
		return err
	}
	return importUnary(n, graph.Tanh, nil)
}

func importHardSigmoid(n *node) error {
	if err := n.arity(1, 1); err != nil {
		return err
	}
	return importUnary(n, graph.HardSigmoid, &graph.HardSigmoidAttributes{Alpha: n.floatAttribute("alpha", 0.2), Beta: n.floatAttribute("beta", 0.5)})
}

func importHardSwish(n *node) error {
	if err := n.arity(1, 1); err != nil {
		return err
	}
	return importUnary(n, graph.HardSwish, nil)
}

// importClip translates Clip: bounds are attributes until opset 10 and inputs
// from 11 on. A lower bound above the upper one gives the upper one everywhere.
func importClip(n *node) error {
	most := 3
	if n.opset < 11 {
		most = 1
	}
	if err := n.arity(1, most); err != nil {
		return err
	}
	a := &graph.ClipAttributes{Min: float32(math.Inf(-1)), Max: float32(math.Inf(1))}
	bounds := [2]*float32{&a.Min, &a.Max}
	for i, name := range []string{"min", "max"} {
		if n.opset < 11 {
			if bound := n.attribute(name, onnx.FloatAttribute); bound != nil {
				*bounds[i] = bound.F
			}
		} else if n.has(1 + i) {
			*bounds[i] = n.constantFloat(1+i, name)
		}
		if math.IsNaN(float64(*bounds[i])) {
			return n.invalid("the bound %s is NaN", name)
		}
	}
	if n.err != nil {
		return n.err
	}
	return importUnary(n, graph.Clip, a)
}

// elementwise makes a kernel that may work in place.
func elementwise(f func(out, in []float32)) Kernel {
	return Kernel{InPlace: true, Run: func(out, in [][]float32, _ []float32) { f(out[0], in[0]) }}
}

func bindRelu(*graph.Graph, *graph.Node) Kernel {
	return elementwise(func(out, in []float32) {
		in = in[:len(out)]
		for i, v := range in {
			out[i] = max(v, 0)
		}
	})
}

func bindLeakyRelu(_ *graph.Graph, n *graph.Node) Kernel {
	alpha := n.Attributes.(*graph.LeakyReluAttributes).Alpha
	return elementwise(func(out, in []float32) {
		in = in[:len(out)]
		for i, v := range in {
			if v < 0 {
				v *= alpha
			}
			out[i] = v
		}
	})
}

func bindClip(_ *graph.Graph, n *graph.Node) Kernel {
	a := n.Attributes.(*graph.ClipAttributes)
	low, high := a.Min, a.Max
	return elementwise(func(out, in []float32) {
		in = in[:len(out)]
		for i, v := range in {
			out[i] = min(max(v, low), high)
		}
	})
}

func bindSigmoid(*graph.Graph, *graph.Node) Kernel {
	return elementwise(func(out, in []float32) {
		for i, v := range in {
			out[i] = float32(1 / (1 + math.Exp(-float64(v))))
		}
	})
}

func bindTanh(*graph.Graph, *graph.Node) Kernel {
	return elementwise(func(out, in []float32) {
		for i, v := range in {
			out[i] = float32(math.Tanh(float64(v)))
		}
	})
}

func bindHardSigmoid(_ *graph.Graph, n *graph.Node) Kernel {
	a := n.Attributes.(*graph.HardSigmoidAttributes)
	return elementwise(func(out, in []float32) {
		for i, v := range in {
			out[i] = max(0, min(1, float32(a.Alpha*v)+a.Beta))
		}
	})
}

// bindHardSwish computes x * max(0, min(1, x/6 + 1/2)).
func bindHardSwish(*graph.Graph, *graph.Node) Kernel {
	return elementwise(func(out, in []float32) {
		for i, v := range in {
			out[i] = v * max(0, min(1, float32(v*(1.0/6))+0.5))
		}
	})
}
