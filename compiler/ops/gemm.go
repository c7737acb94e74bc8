package ops

import (
	"github.com/npusim/npusim/compiler/floatref/gemm"
	"github.com/npusim/npusim/compiler/graph"
)

// importGemm translates Gemm. C became optional at opset 11; before opset 7 a
// broadcast of C had to be announced by an attribute.
func importGemm(n *node) error {
	least := 2
	if n.opset < 11 {
		least = 3
	}
	if err := n.arity(least, 3); err != nil {
		return err
	}
	a := &graph.GemmAttributes{
		Alpha:      n.floatAttribute("alpha", 1),
		Beta:       n.floatAttribute("beta", 1),
		TransposeA: n.boolAttribute("transA", false),
		TransposeB: n.boolAttribute("transB", false),
	}
	announced := n.opset >= 7 || n.boolAttribute("broadcast", false)
	if len(n.shape(0)) != 2 || len(n.shape(1)) != 2 {
		return n.invalid("multiplies shapes %v and %v, must be matrices", n.shape(0), n.shape(1))
	}
	if err := n.nonEmpty(0, 1); err != nil {
		return err
	}
	m, k, k2, columns := n.shape(0)[0], n.shape(0)[1], n.shape(1)[0], n.shape(1)[1]
	if a.TransposeA {
		m, k = k, m
	}
	if a.TransposeB {
		k2, columns = columns, k2
	}
	if k != k2 {
		return n.invalid("multiplies %dx%d by %dx%d", m, k, k2, columns)
	}
	y := []int{m, columns}
	if n.has(2) {
		c := n.shape(2)
		if !broadcastsTo(c, y) || !announced && (len(c) != 2 || c[0] != m || c[1] != columns) {
			return n.invalid("C of shape %v does not broadcast to %v", c, y)
		}
	}
	return n.emit(graph.Gemm, a, []graph.ValueID{n.input(0), n.input(1), n.input(2)}, y)
}

func bindGemm(g *graph.Graph, n *graph.Node) Kernel {
	a := n.Attributes.(*graph.GemmAttributes)
	y := resultShape(g, n, 0)
	m, columns := y[0], y[1]
	depth := shapeOf(g, n, 0)[1]
	if a.TransposeA {
		depth = shapeOf(g, n, 0)[0]
	}
	// A constant B is turned once, any other turned operand at every run.
	var turned []float32
	if b := constantFloats(g, n, 1); b != nil && a.TransposeB {
		turned = make([]float32, len(b))
		transposeMatrix(turned, b, columns, depth)
	}
	scratchA, scratchB := 0, 0
	if a.TransposeA {
		scratchA = m * depth
	}
	if a.TransposeB && turned == nil {
		scratchB = depth * columns
	}
	var c broadcast
	hasC := len(n.Inputs) > 2 && n.Inputs[2] != graph.None
	if hasC {
		c = planBroadcast(y, y, shapeOf(g, n, 2))
	}
	return Kernel{Scratch: scratchA + scratchB, Run: func(out, in [][]float32, scratch []float32) {
		left, right := in[0], in[1]
		if a.TransposeA {
			left = scratch[:scratchA]
			transposeMatrix(left, in[0], depth, m)
		}
		if turned != nil {
			right = turned
		} else if a.TransposeB {
			right = scratch[scratchA:]
			transposeMatrix(right, in[1], columns, depth)
		}
		gemm.Multiply(m, columns, depth, left, depth, right, columns, out[0], columns)
		if a.Alpha != 1 {
			for i, v := range out[0] {
				out[0][i] = a.Alpha * v
			}
		}
		if hasC {
			c.each(func(o, _, i, count, _, step int) {
				line, operand := out[0][o:][:count], in[2]
				for k := range line {
					line[k] += float32(a.Beta * operand[i+k*step])
				}
			})
		}
	}}
}

// transposeMatrix turns in, of rows x columns, into out of columns x rows. It
// goes in blocks so that both stay in cache.
func transposeMatrix(out, in []float32, rows, columns int) {
	const block = 32
	for r0 := 0; r0 < rows; r0 += block {
		for c0 := 0; c0 < columns; c0 += block {
			for r := r0; r < min(r0+block, rows); r++ {
				for c := c0; c < min(c0+block, columns); c++ {
					out[c*rows+r] = in[r*columns+c]
				}
			}
		}
	}
}
