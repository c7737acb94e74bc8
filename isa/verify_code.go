package isa

// code checks the code of one unit, instruction by instruction, and prepares
// it for walking.
func (v *verifier) code(u Unit) {
	code := v.p.Code[u]
	before := len(v.faults)
	if len(code) == 0 {
		if len(v.p.Trace[u]) > 0 {
			v.fail(u, -1, "a trace of %d records without code", len(v.p.Trace[u]))
		}
		return
	}
	v.touched[u] = make([][]Access, len(code))
	for i := range code {
		in := &code[i]
		if err := checkForm(u, in); err != nil {
			v.fail(u, i, "%v", err)
			continue
		}
		switch in.Op {
		case Halt:
			if i != len(code)-1 {
				v.fail(u, i, "halt must be the last instruction")
			}
		case Loop:
			if i+1 < len(code) && code[i+1].Op == EndLoop {
				v.fail(u, i, "a loop must contain an instruction")
			}
		case Wait, Signal:
			v.semaphore(u, i)
		}
		if Instructions[in.Op].Descriptor != NoDescriptor {
			v.operands(u, i)
		}
	}
	if code[len(code)-1].Op != Halt {
		v.fail(u, len(code)-1, "code must end with halt")
	}
	stream, err := NewStream(code)
	if err != nil {
		v.fail(u, -1, "%v", err)
		return
	}
	if n := dynamicCount(code, func(Opcode) bool { return true }); n > MaxDynamicInstructions {
		v.fail(u, -1, "more than %d instructions execute", MaxDynamicInstructions)
	} else if len(v.p.Trace[u]) > 0 {
		v.trace(u)
	}
	if len(v.faults) == before {
		v.streams[u] = stream
	}
}

// semaphore checks that a wait or signal stands with the right unit.
func (v *verifier) semaphore(u Unit, i int) {
	in := &v.p.Code[u][i]
	if int(in.Count) >= len(v.p.Semaphores) {
		v.fail(u, i, "%s names s%d, the program has %d semaphores", in.Op, in.Count, len(v.p.Semaphores))
		return
	}
	owner := v.p.Semaphores[in.Count].Signaller
	if in.Op == Wait {
		owner = v.p.Semaphores[in.Count].Waiter
	}
	if owner != u {
		v.fail(u, i, "%s on s%d belongs to unit %s", in.Op, in.Count, owner)
	}
}

// operands checks an instruction against its descriptor: the kind, the
// operands present and what only one of two instructions sharing a kind asks.
func (v *verifier) operands(u Unit, i int) {
	in := &v.p.Code[u][i]
	row := &Instructions[in.Op]
	if int(in.Descriptor) >= len(v.p.Descriptors) {
		v.fail(u, i, "%s names d%d, the program has %d descriptors", row.Name, in.Descriptor, len(v.p.Descriptors))
		return
	}
	d := v.p.Descriptors[in.Descriptor]
	if d == nil || d.Validate() != nil {
		return // reported with the descriptor
	}
	if d.Kind() != row.Descriptor {
		v.fail(u, i, "%s needs a descriptor of kind %s, d%d is a %s", row.Name, row.Descriptor, in.Descriptor, d.Kind())
		return
	}
	if t, is := d.(*ConvolutionTile); is && in.Op == Depthwise {
		if t.InputChannels != t.OutputChannels {
			v.fail(u, i, "depthwise needs as many input channels as output channels, d%d has %d and %d", in.Descriptor, t.InputChannels, t.OutputChannels)
		}
		if !t.First || !t.Last {
			v.fail(u, i, "depthwise needs first and last, d%d does not set both", in.Descriptor)
		}
	}
	if t, is := d.(*Transfer); is && !t.distinct(in.Op) {
		v.fail(u, i, "%s writes bytes more than once: the runs of d%d overlap where they arrive", in.Op, in.Descriptor)
		return
	}
	touched := Accesses(nil, &Dynamic{Index: i, Instruction: in}, d)
	var used [MaxOperands]bool
	for k := range touched {
		used[touched[k].Operand] = true
	}
	for k := range row.Operands {
		switch present := in.Operands[k].Space != InvalidSpace; {
		case used[k] && !present:
			v.fail(u, i, "%s lacks operand %s, which d%d makes use of", row.Name, row.Operands[k].Name, in.Descriptor)
		case present && !used[k]:
			v.fail(u, i, "%s has operand %s, which d%d makes no use of", row.Name, row.Operands[k].Name, in.Descriptor)
		}
	}
	for k := range in.Operands {
		if a := &in.Operands[k]; a.Space == AccumulatorBuffer && (a.Offset%4 != 0 || a.InnerStep%4 != 0 || a.OuterStep%4 != 0) {
			v.fail(u, i, "%s operand %s: sums are int32, offset and steps must be multiples of 4", row.Name, row.Operands[k].Name)
		}
	}
	v.touched[u][i] = touched
}

// isCompute tells the instructions that have a trace record.
func isCompute(op Opcode) bool {
	return op >= Convolution && op < opcodeEnd && op != LoadEncoded && op != LoadSealed
}

func (v *verifier) trace(u Unit) {
	records := v.p.Trace[u]
	if n := dynamicCount(v.p.Code[u], isCompute); n != len(records) {
		v.fail(u, -1, "the trace has %d records, %d compute instructions execute", len(records), n)
	}
	for i := range records {
		r := &records[i]
		if r.Tensor == NoTensor {
			continue
		}
		if int(r.Tensor) >= len(v.p.Tensors) {
			v.fail(u, -1, "trace record %d: tensor is %d, the tensor table has %d rows", i, r.Tensor, len(v.p.Tensors))
			return
		}
		t := &v.p.Tensors[r.Tensor]
		if r.Channel >= t.Channels || r.Row >= t.Rows || r.Column >= t.Columns {
			v.fail(u, -1, "trace record %d: element (%d, %d, %d) lies outside tensor %s of %dx%dx%d",
				i, r.Channel, r.Row, r.Column, t.Name, t.Channels, t.Rows, t.Columns)
			return
		}
	}
}

// dynamicCount counts the executed instructions that count says, loops
// unrolled and their brackets left out. It stops growing above
// MaxDynamicInstructions. Loops must be balanced.
func dynamicCount(code []Instruction, count func(Opcode) bool) int {
	const limit = MaxDynamicInstructions + 1
	times := []int{1} // how often the code at each open level executes
	total := 0
	for i := range code {
		repeat := times[len(times)-1]
		switch op := code[i].Op; {
		case op == Loop:
			times = append(times, int(min(uint64(repeat)*uint64(code[i].Count), limit)))
		case op == EndLoop:
			times = times[:len(times)-1]
		case count(op):
			total = min(total+repeat, limit)
		}
	}
	return total
}

// distinct tells whether the runs of a transfer share no byte where it writes,
// which bounds its work by the room it writes to.
func (t *Transfer) distinct(op Opcode) bool {
	length, row, block := uint64(t.Run), uint64(t.BufferRowStride), uint64(t.BufferBlockStride)
	if op == Store {
		length, row, block = uint64(t.RunBytes()), uint64(t.DRAMRowStride), uint64(t.DRAMBlockStride)
	}
	rows, blocks := uint64(t.Rows), uint64(t.Blocks)
	apart := func(inner, innerStep, outer, outerStep uint64) bool { // each outer step passes all inner ones
		return (inner == 1 || innerStep >= length) && (outer == 1 || outerStep >= (inner-1)*innerStep+length)
	}
	return apart(rows, row, blocks, block) || apart(blocks, block, rows, row)
}
