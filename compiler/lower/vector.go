package lower

import (
	"encoding/binary"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/fixed"
)

// listTables lists the tables of a step, an entry (perhaps empty) for each
// input of a Concat anchor or one for any other anchor, then one a follower.
func (s *step) listTables() [][]byte {
	var list [][]byte
	switch n := s.anchor; n.Kind {
	case integer.Concat:
		for _, t := range n.Concat.Tables {
			list = append(list, tableBytes(t))
		}
	case integer.Window:
		list = append(list, tableBytes(n.Window.Table))
	case integer.Table:
		list = append(list, tableBytes(n.Table))
	case integer.Softmax:
		var b []byte
		for _, e := range n.Softmax.Exponentials {
			b = binary.LittleEndian.AppendUint32(b, e)
		}
		list = append(list, b)
	case integer.Pool:
		list = append(list, poolRecords(n.Pool))
	default:
		list = append(list, nil)
	}
	for _, f := range s.followers {
		list = append(list, tableBytes(f.Table))
	}
	return list
}

func tableBytes(t *[256]int8) []byte {
	if t == nil {
		return nil
	}
	b := make([]byte, len(t))
	for i, v := range t {
		b[i] = byte(v)
	}
	return b
}

func poolMode(a *integer.PoolAttributes) isa.PoolMode {
	switch {
	case !a.Average:
		return isa.MaximumPool
	case len(a.Multipliers) == 1:
		return isa.AveragePool
	}
	return isa.AveragePoolCounted
}

func poolRecords(a *integer.PoolAttributes) []byte {
	if poolMode(a) != isa.AveragePoolCounted {
		return nil
	}
	var b []byte
	for _, m := range a.Multipliers {
		b = binary.LittleEndian.AppendUint32(b, uint32(m.M0))
		b = append(b, m.Shift, 0, 0, 0)
	}
	return b
}

func binaryMode(m integer.BinaryMode) isa.BinaryMode {
	switch m {
	case integer.Multiply:
		return isa.MultiplyMode
	case integer.Divide:
		return isa.DivideMode
	}
	return isa.AddMode
}

// tiles walks the output tiles of a step on the vector unit.
func (x *stepEmission) tiles() error {
	for _, c := range split(x.p.output.Channels, x.v.channels) {
		for _, h := range split(x.p.output.Rows, x.v.rows) {
			for _, w := range split(x.p.output.Columns, x.v.columns) {
				b := box{c.start, c.size, h.start, h.size, w.start, w.size}
				p := x.targetPlace(b)
				if err := x.compute(b, p); err != nil {
					return err
				}
				if err := x.finish(b, p); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// compute computes an output tile of the anchor on the vector unit.
func (x *stepEmission) compute(b box, p place) error {
	n := x.s.anchor
	switch n.Kind {
	case integer.Concat:
		for i := range n.Inputs {
			if err := x.concat(i, b, p); err != nil {
				return err
			}
		}
		return nil
	case integer.Binary:
		first, err := x.fetch(0, inputBox(x.l.graph, n, 0, b))
		if err != nil {
			return err
		}
		second, err := x.fetch(1, inputBox(x.l.graph, n, 1, b))
		if err != nil {
			return err
		}
		return x.binary(n, b, first, second, p)
	}
	from := inputBox(x.l.graph, n, 0, b)
	source, err := x.fetch(0, from)
	if err != nil {
		return err
	}
	switch n.Kind {
	case integer.Pool:
		return x.pool(b, from, source, p)
	case integer.Window:
		return x.window(b, from, source, p)
	case integer.Rearrange:
		return x.rearrange(b, source, p)
	case integer.Softmax:
		out := &x.l.graph.Tensors[n.Output]
		low, high := fixed.Range(out.Bits)
		d := isa.ElementwiseTile{Layer: uint16(x.s.index), Channels: uint32(b.c), Rows: uint16(b.h), Columns: uint16(b.w),
			Input: source.view(), Output: p.view(), Shift: n.Softmax.OutputShift, Zero: out.Zero, Low: low, High: high}
		return x.emit(isa.VectorUnit, isa.Softmax, &d, done(n.Output, b),
			at(isa.ActivationBuffer, source.offset), at(isa.WeightBuffer, x.tables[0]), at(isa.ActivationBuffer, p.offset))
	}
	return x.table(n, x.tables[0], b, source, p)
}

// follow applies a follower in place.
func (x *stepEmission) follow(i int, f *integer.Node, b box, p place) error {
	if f.Kind == integer.Table {
		return x.table(f, x.tables[len(x.tables)-len(x.s.followers)+i], b, p, p)
	}
	operand := x.s.extra[i]
	l := &x.p.layouts[operand]
	other, err := x.fetch(operand, broadcast(b, l.shape(), x.p.output))
	if err != nil {
		return err
	}
	first, second := p, other
	if f.Inputs[0] == x.s.reads[operand] {
		first, second = other, p
	}
	return x.binary(f, b, first, second, p)
}

func (x *stepEmission) table(n *integer.Node, table uint64, b box, source, p place) error {
	d := isa.ElementwiseTile{Layer: uint16(x.s.index), Channels: uint32(b.c), Rows: uint16(b.h), Columns: uint16(b.w),
		Input: source.view(), Output: p.view()}
	return x.emit(isa.VectorUnit, isa.Table, &d, done(n.Output, b),
		at(isa.ActivationBuffer, source.offset), at(isa.WeightBuffer, table), at(isa.ActivationBuffer, p.offset))
}

func (x *stepEmission) binary(n *integer.Node, b box, first, second, p place) error {
	g := x.l.graph
	out := &g.Tensors[n.Output]
	one, two := &g.Tensors[n.Inputs[0]], &g.Tensors[n.Inputs[1]]
	d := isa.BinaryTile{
		Layer: uint16(x.s.index), Mode: binaryMode(n.Binary.Mode), Channels: uint32(b.c), Rows: uint16(b.h), Columns: uint16(b.w),
		A: repeated(first, one.Shape, out.Shape), B: repeated(second, two.Shape, out.Shape), Output: p.view(),
		RepeatAChannels: one.Shape.Channels == 1 && out.Shape.Channels != 1,
		RepeatBChannels: two.Shape.Channels == 1 && out.Shape.Channels != 1,
		ZeroA:           one.Zero, ZeroB: two.Zero, Zero: out.Zero, Low: n.Binary.Low, High: n.Binary.High,
	}
	if n.Binary.Mode == integer.Add {
		d.MultiplierA, d.MultiplierB, d.Shift = n.Binary.Factors.A, n.Binary.Factors.B, n.Binary.Factors.Shift
	} else {
		d.MultiplierA, d.Shift = n.Binary.Multiplier.M0, n.Binary.Multiplier.Shift
	}
	return x.emit(isa.VectorUnit, isa.Binary, &d, done(n.Output, b),
		at(isa.ActivationBuffer, first.offset), at(isa.ActivationBuffer, second.offset), at(isa.ActivationBuffer, p.offset))
}

// repeated is the view of an operand whose extents of 1 repeat.
func repeated(p place, in, out integer.Shape) isa.View {
	if in.Rows == 1 && out.Rows != 1 {
		p.rowStride = 0
	}
	if in.Columns == 1 && out.Columns != 1 {
		p.pixelStride = 0
	}
	return p.view()
}

func (x *stepEmission) pool(b, from box, source, p place) error {
	n := x.s.anchor
	a := n.Pool
	in, out := &x.l.graph.Tensors[n.Inputs[0]], &x.l.graph.Tensors[n.Output]
	_, originRow := window(span{b.h0, b.h}, a.Kernel[0], a.Stride[0], a.Dilation[0], a.PadBegin[0], in.Shape.Rows)
	_, originColumn := window(span{b.w0, b.w}, a.Kernel[1], a.Stride[1], a.Dilation[1], a.PadBegin[1], in.Shape.Columns)
	low, high := fixed.Range(out.Bits)
	d := isa.PoolTile{
		Layer: uint16(x.s.index), Mode: poolMode(a), Channels: uint32(b.c), OutputRows: uint16(b.h), OutputColumns: uint16(b.w),
		InputRows: uint16(from.h), InputColumns: uint16(from.w), OriginRow: int16(originRow), OriginColumn: int16(originColumn),
		KernelRows: uint16(a.Kernel[0]), KernelColumns: uint16(a.Kernel[1]), StrideRows: uint16(a.Stride[0]), StrideColumns: uint16(a.Stride[1]),
		DilateRows: uint16(a.Dilation[0]), DilateColumns: uint16(a.Dilation[1]),
		Input: source.view(), Output: p.view(), InputZero: in.Zero, Zero: out.Zero, Low: low, High: high,
	}
	operands := [isa.MaxOperands]isa.Address{0: at(isa.ActivationBuffer, source.offset), 2: at(isa.ActivationBuffer, p.offset)}
	switch d.Mode {
	case isa.AveragePool:
		d.Multiplier, d.Shift = a.Multipliers[0].M0, a.Multipliers[0].Shift
	case isa.AveragePoolCounted:
		operands[1] = at(isa.WeightBuffer, x.tables[0])
	}
	return x.emit(isa.VectorUnit, isa.Pool, &d, done(n.Output, b), operands[:]...)
}

func (x *stepEmission) window(b, from box, source, p place) error {
	n := x.s.anchor
	a := n.Window
	d := isa.CopyTile{
		Layer: uint16(x.s.index), Channels: uint32(b.c), Rows: uint16(b.h), Columns: uint16(b.w),
		InputChannels: uint32(from.c), InputRows: uint16(from.h), InputColumns: uint16(from.w),
		StartChannel: int32(a.Start[0] + b.c0*a.Step[0] - from.c0), StepChannel: int32(a.Step[0]),
		StartRow: int32(a.Start[1] + b.h0*a.Step[1] - from.h0), StepRow: int32(a.Step[1]),
		StartColumn: int32(a.Start[2] + b.w0*a.Step[2] - from.w0), StepColumn: int32(a.Step[2]),
		Input: source.view(), Output: p.view(), Fill: a.Fill,
	}
	return x.copy(&d, a.Table != nil, x.tables[0], done(n.Output, b), source, p)
}

// concat copies the part of an output tile that one input fills.
func (x *stepEmission) concat(input int, b box, p place) error {
	n := x.s.anchor
	from := inputBox(x.l.graph, n, input, b)
	if from.empty() {
		return nil
	}
	source, err := x.fetch(input, from)
	if err != nil {
		return err
	}
	part := b
	origin, extent := part.axis(n.Concat.Axis)
	first, size := from.axis(n.Concat.Axis)
	for _, earlier := range n.Inputs[:input] {
		*first += axisExtent(x.l.graph.Tensors[earlier].Shape, n.Concat.Axis)
	}
	*origin, *extent = *first, *size
	to := p.within(b, part)
	d := isa.CopyTile{
		Layer: uint16(x.s.index), Channels: uint32(from.c), Rows: uint16(from.h), Columns: uint16(from.w),
		InputChannels: uint32(from.c), InputRows: uint16(from.h), InputColumns: uint16(from.w),
		StepChannel: 1, StepRow: 1, StepColumn: 1, Input: source.view(), Output: to.view(),
	}
	return x.copy(&d, n.Concat.Tables[input] != nil, x.tables[input], done(n.Output, part), source, to)
}

func (x *stepEmission) copy(d *isa.CopyTile, useTable bool, table uint64, record isa.TraceRecord, source, p place) error {
	operands := [isa.MaxOperands]isa.Address{0: at(isa.ActivationBuffer, source.offset), 2: at(isa.ActivationBuffer, p.offset)}
	if useTable {
		d.UseTable = true
		operands[1] = at(isa.WeightBuffer, table)
	}
	return x.emit(isa.VectorUnit, isa.Copy, d, record, operands[:]...)
}

func (x *stepEmission) rearrange(b box, source, p place) error {
	d := x.p.nest.tile(b)
	d.Layer, d.Input, d.Output = uint16(x.s.index), source.view(), p.view()
	return x.emit(isa.VectorUnit, isa.Rearrange, &d, done(x.s.anchor.Output, b),
		at(isa.ActivationBuffer, source.offset), at(isa.ActivationBuffer, p.offset))
}
