package integer

import (
	"fmt"
	"hash/crc32"
	"strings"

	"github.com/npusim/npusim/isa/fixed"
)

// String is the stable text form of the graph that tests compare. Long arrays
// stand as their length and CRC-32.
func (g *Graph) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "integer graph %s rounding %s\n", g.Name, g.Rounding)
	for i, id := range g.Inputs {
		fmt.Fprintf(&b, "input %s %v\n", g.operand(id), g.InputShapes[i])
	}
	for i := range g.Tensors {
		if t := &g.Tensors[i]; t.Constant != nil {
			fmt.Fprintf(&b, "constant %s %s\n", g.operand(TensorID(i)), digest(t.Constant))
		}
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		operands := make([]string, len(n.Inputs))
		for k, id := range n.Inputs {
			operands[k] = fmt.Sprintf("%%%d", id)
		}
		fmt.Fprintf(&b, "%s = %s(%s)%s # %s: %s\n", g.operand(n.Output), n.Kind, strings.Join(operands, ", "), n.attributes(), n.Name, n.Op)
	}
	for i, id := range g.Outputs {
		fmt.Fprintf(&b, "output %%%d %v\n", id, g.OutputShapes[i])
	}
	return b.String()
}

func (g *Graph) operand(id TensorID) string {
	t := &g.Tensors[id]
	return fmt.Sprintf("%%%d<%dx%dx%d i%d %.6g*(q%+d)>", id, t.Shape.Channels, t.Shape.Rows, t.Shape.Columns, t.Bits, t.Scale, -int(t.Zero))
}

func digest(data []int8) string {
	bytes := make([]byte, len(data))
	for i, q := range data {
		bytes[i] = byte(q)
	}
	return fmt.Sprintf("[%d:%08x]", len(data), crc32.ChecksumIEEE(bytes))
}

func (g *Geometry) text() string {
	return fmt.Sprintf("kernel %v stride %v dilation %v pads %v %v", g.Kernel, g.Stride, g.Dilation, g.PadBegin, g.PadEnd)
}

// attributes is the text form of the attributes, with a leading space.
func (n *Node) attributes() string {
	switch n.Kind {
	case Convolution:
		a := n.Convolution
		if a.Codes != nil {
			return fmt.Sprintf(" %s codes %s bias %v %s clamp [%d, %d]",
				a.text(), codesText(a.Codes), short(a.Bias), a.Requantizer.text(), a.Low, a.High)
		}
		return fmt.Sprintf(" %s groups %d weights i%d %s bias %v %s clamp [%d, %d]",
			a.text(), a.Groups, a.WeightBits, digest(a.Weights), short(a.Bias), a.Requantizer.text(), a.Low, a.High)
	case Pool:
		a := n.Pool
		if !a.Average {
			return fmt.Sprintf(" maximum %s", a.text())
		}
		return fmt.Sprintf(" average %s multipliers %v", a.text(), short(a.Multipliers))
	case Binary:
		a := n.Binary
		switch a.Mode {
		case Add:
			return fmt.Sprintf(" add %+v clamp [%d, %d]", a.Factors, a.Low, a.High)
		case Multiply:
			return fmt.Sprintf(" multiply %v clamp [%d, %d]", a.Multiplier, a.Low, a.High)
		case Divide:
			return fmt.Sprintf(" divide %v clamp [%d, %d]", a.Multiplier, a.Low, a.High)
		}
	case Table:
		return " " + digest(n.Table[:])
	case Softmax:
		return fmt.Sprintf(" output shift %d", n.Softmax.OutputShift)
	case Concat:
		var b strings.Builder
		fmt.Fprintf(&b, " axis %d", n.Concat.Axis)
		for i, table := range n.Concat.Tables {
			if table != nil {
				fmt.Fprintf(&b, " table %d %s", i, digest(table[:]))
			}
		}
		return b.String()
	case Window:
		a := n.Window
		table := ""
		if a.Table != nil {
			table = " table " + digest(a.Table[:])
		}
		return fmt.Sprintf(" start %v step %v fill %d%s", a.Start, a.Step, a.Fill, table)
	case Rearrange:
		return fmt.Sprintf(" dims %v strides %v", n.Rearrange.Dims, n.Rearrange.InputStrides)
	}
	return ""
}

func (r *Requantizer) text() string {
	switch {
	case r.PerChannel != nil:
		return fmt.Sprintf("multipliers %v", short(r.PerChannel))
	case r.ChannelShift != nil:
		return fmt.Sprintf("multiplier %v shifts %v", r.PerLayer, short(r.ChannelShift))
	}
	return fmt.Sprintf("multiplier %v", r.PerLayer)
}

// short keeps the text readable: at most 8 elements, then how many more.
func short[E int32 | uint16 | uint8 | fixed.Multiplier](list []E) string {
	if len(list) <= 8 {
		return fmt.Sprint(list)
	}
	return fmt.Sprintf("%s +%d]", strings.TrimSuffix(fmt.Sprint(list[:8]), "]"), len(list)-8)
}
