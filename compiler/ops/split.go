package ops

import (
	"slices"

	"github.com/npusim/npusim/compiler/graph"
)

// importSplit translates Split: sizes are an attribute until opset 12 and an
// input from 13 on; without them the axis is divided evenly into as many parts
// as there are outputs, or into num_outputs from 18 on, where the last part
// may be smaller.
func importSplit(n *node) error {
	most := 1
	if n.opset >= 13 {
		most = 2
	}
	if err := n.arity(1, most); err != nil {
		return err
	}
	x := n.shape(0)
	parts := len(n.source.Outputs)
	a := &graph.SplitAttributes{Axis: n.axis(n.intAttribute("axis", 0), len(x))}
	var list []int64
	stated := false
	if n.opset >= 13 && n.has(1) {
		list, stated = n.constantInts(1, "split"), true
	} else if n.opset < 13 {
		list = n.intsAttribute("split")
		stated = list != nil
	}
	uneven := false
	if n.opset >= 18 && n.source.Attribute("num_outputs") != nil {
		if count := n.intAttribute("num_outputs", 0); count != int64(parts) {
			return n.invalid("attribute num_outputs is %d, the node has %d outputs", count, parts)
		}
		if stated {
			return n.invalid("input split and attribute num_outputs exclude each other")
		}
		uneven = true
	}
	if n.err != nil {
		return n.err
	}
	size := x[a.Axis]
	if stated {
		if len(list) != parts {
			return n.invalid("%d sizes for %d outputs", len(list), parts)
		}
		left := int64(size)
		for _, s := range list {
			if s < 0 || s > left {
				return n.invalid("sizes %v do not divide axis %d of %d", list, a.Axis, size)
			}
			left -= s
			a.Sizes = append(a.Sizes, int(s))
		}
		if left != 0 {
			return n.invalid("sizes %v do not add up to axis %d of %d", list, a.Axis, size)
		}
	} else {
		part := (size + parts - 1) / parts
		if size%parts != 0 && !uneven {
			return n.invalid("axis %d of %d does not divide into %d equal parts", a.Axis, size, parts)
		}
		for i := range parts {
			a.Sizes = append(a.Sizes, max(0, min(part, size-i*part)))
		}
	}
	shapes := make([][]int, parts)
	for i := range shapes {
		shapes[i] = slices.Clone(x)
		shapes[i][a.Axis] = a.Sizes[i]
	}
	return n.emit(graph.Split, a, []graph.ValueID{n.input(0)}, shapes...)
}

func bindSplit[T number](g *graph.Graph, n *graph.Node) KernelOf[T] {
	a := n.Attributes.(*graph.SplitAttributes)
	x := shapeOf(g, n, 0)
	outer, length, inner := graph.Elements(x[:a.Axis]), graph.Elements(x[a.Axis:]), graph.Elements(x[a.Axis+1:])
	return KernelOf[T]{Run: func(out, in [][]T, _ []T) {
		for o := range outer {
			line := in[0][o*length:]
			for i, size := range a.Sizes {
				count := size * inner
				if out[i] != nil {
					copy(out[i][o*count:][:count], line)
				}
				line = line[count:]
			}
		}
	}}
}
