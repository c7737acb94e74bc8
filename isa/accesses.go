package isa

// StridedSet is a set of bytes of one space: Count intervals of Length bytes,
// Stride apart. It is a superset of what an instruction touches: columns left
// out between the rows of a tile count as touched.
type StridedSet struct {
	Base, Length, Stride uint64
	Count                int
}

// NewStridedSet merges intervals that touch or overlap.
func NewStridedSet(base, length, stride uint64, count int) StridedSet {
	if count > 1 && stride <= length {
		length, count = length+uint64(count-1)*stride, 1
	}
	if count <= 1 {
		stride = 0
	}
	return StridedSet{Base: base, Length: length, Stride: stride, Count: count}
}

// End is the first byte beyond the set.
func (s *StridedSet) End() uint64 {
	if s.Count < 1 {
		return s.Base
	}
	return s.Base + uint64(s.Count-1)*s.Stride + s.Length
}

// Overlaps tells whether two sets of the same space share a byte.
func (s *StridedSet) Overlaps(t *StridedSet) bool {
	if s.Count < 1 || t.Count < 1 || s.Length == 0 || t.Length == 0 || s.Base >= t.End() || t.Base >= s.End() {
		return false
	}
	if s.Count > t.Count {
		s, t = t, s
	}
	for i := range s.Count {
		low := s.Base + uint64(i)*s.Stride
		if t.hits(low, low+s.Length) {
			return true
		}
	}
	return false
}

// hits tells whether an interval of the set meets [low, high).
func (s *StridedSet) hits(low, high uint64) bool {
	if high <= s.Base || low >= s.End() {
		return false
	}
	if s.Count == 1 || low <= s.Base {
		return true
	}
	// The last interval that starts at or before low, and the one after it.
	k := (low - s.Base) / s.Stride
	if k >= uint64(s.Count) {
		k = uint64(s.Count) - 1
	}
	if s.Base+k*s.Stride+s.Length > low {
		return true
	}
	return k+1 < uint64(s.Count) && s.Base+(k+1)*s.Stride < high
}

// Access is what an instruction reads or writes through one operand.
type Access struct {
	Operand int
	Space   Space
	Write   bool
	Set     StridedSet
}

// bytes is the set of a tile in the channel-blocked layout of a view.
func (v *View) bytes(base uint64, channels, rows, columns int) StridedSet {
	span := uint64(rows-1)*uint64(v.RowStride) + uint64(columns-1)*uint64(v.PixelStride)
	end := int(v.ChannelOffset) + channels
	if end <= int(v.Block) {
		return NewStridedSet(base+uint64(v.ChannelOffset), span+uint64(channels), 0, 1)
	}
	blocks := (end + int(v.Block) - 1) / int(v.Block)
	return NewStridedSet(base, span+uint64(v.Block), uint64(v.BlockStride), blocks)
}

// Accesses appends what a dynamic instruction touches to list and returns it.
// The descriptor must be of the kind the instruction table states and valid.
func Accesses(list []Access, d *Dynamic, descriptor Descriptor) []Access {
	add := func(operand int, write bool, set StridedSet) {
		list = append(list, Access{operand, d.Instruction.Operands[operand].Space, write, set})
	}
	linear := func(operand, length int) StridedSet {
		return NewStridedSet(d.Offsets[operand], uint64(length), 0, 1)
	}
	switch t := descriptor.(type) {
	case *Transfer:
		dram, buffer := 0, 1
		if d.Instruction.Op == Store {
			dram, buffer = 1, 0
		}
		span := uint64(t.Rows-1)*uint64(t.DRAMRowStride) + uint64(t.RunBytes())
		add(dram, dram == 1, NewStridedSet(d.Offsets[dram], span, uint64(t.DRAMBlockStride), int(t.Blocks)))
		span = uint64(t.Rows-1)*uint64(t.BufferRowStride) + uint64(t.Run)
		add(buffer, buffer == 1, NewStridedSet(d.Offsets[buffer], span, uint64(t.BufferBlockStride), int(t.Blocks)))
	case *EncodedWeights:
		add(0, false, linear(0, t.StreamBytes()))
		add(1, true, linear(1, int(t.Elements)))
	case *SealedKeys:
		add(0, false, linear(0, int(t.CodeBytes)))
		add(1, true, linear(1, t.KeyBytes()))
	case *ConvolutionTile:
		n := int(t.OutputChannels)
		add(0, false, t.Input.bytes(d.Offsets[0], int(t.InputChannels), int(t.InputRows), int(t.InputColumns)))
		taps := int(t.KernelRows) * int(t.KernelColumns)
		output := 4
		if d.Instruction.Op == Depthwise {
			add(1, false, linear(1, taps*n))
			output = 3
		} else {
			add(1, false, linear(1, taps*n*int(t.InputChannels)))
			sums := 4 * n * int(t.OutputRows) * int(t.OutputColumns)
			if !t.First {
				add(3, false, linear(3, sums))
			}
			if !t.Last {
				add(3, true, linear(3, sums))
			}
		}
		if t.First || t.Last {
			add(2, false, linear(2, ParameterBytes(n, t.Mode)))
		}
		if t.Last {
			add(output, true, t.Output.bytes(d.Offsets[output], n, int(t.OutputRows), int(t.OutputColumns)))
		}
	case *LookupTile:
		n := int(t.OutputChannels)
		sums := 4 * n * int(t.OutputRows) * int(t.OutputColumns)
		if d.Instruction.Op == QueryTables {
			add(0, false, linear(0, t.Tables()))
		} else {
			add(0, false, t.Input.bytes(d.Offsets[0], int(t.InputChannels), int(t.InputRows), int(t.InputColumns)))
		}
		if d.Instruction.Op == BuildTables {
			add(1, true, linear(1, t.Tables()))
			break
		}
		add(1, false, linear(1, t.KeyBytes()))
		add(5, false, linear(5, t.ScaleBytes()))
		if t.First || t.Last {
			add(2, false, linear(2, ParameterBytes(n, t.Mode)))
		}
		if !t.First {
			add(3, false, linear(3, sums))
		}
		if !t.Last {
			add(3, true, linear(3, sums))
		} else {
			add(4, true, t.Output.bytes(d.Offsets[4], n, int(t.OutputRows), int(t.OutputColumns)))
		}
	case *PoolTile:
		add(0, false, t.Input.bytes(d.Offsets[0], int(t.Channels), int(t.InputRows), int(t.InputColumns)))
		if t.Mode == AveragePoolCounted {
			add(1, false, linear(1, PoolRecordBytes*int(t.KernelRows)*int(t.KernelColumns)))
		}
		add(2, true, t.Output.bytes(d.Offsets[2], int(t.Channels), int(t.OutputRows), int(t.OutputColumns)))
	case *BinaryTile:
		channels := [2]int{int(t.Channels), int(t.Channels)}
		if t.RepeatAChannels {
			channels[0] = 1
		}
		if t.RepeatBChannels {
			channels[1] = 1
		}
		add(0, false, t.A.bytes(d.Offsets[0], channels[0], int(t.Rows), int(t.Columns)))
		add(1, false, t.B.bytes(d.Offsets[1], channels[1], int(t.Rows), int(t.Columns)))
		add(2, true, t.Output.bytes(d.Offsets[2], int(t.Channels), int(t.Rows), int(t.Columns)))
	case *ElementwiseTile:
		size := TableBytes
		if d.Instruction.Op == Softmax {
			size = SoftmaxTableBytes
		}
		add(0, false, t.Input.bytes(d.Offsets[0], int(t.Channels), int(t.Rows), int(t.Columns)))
		add(1, false, linear(1, size))
		add(2, true, t.Output.bytes(d.Offsets[2], int(t.Channels), int(t.Rows), int(t.Columns)))
	case *CopyTile:
		add(0, false, t.Input.bytes(d.Offsets[0], int(t.InputChannels), int(t.InputRows), int(t.InputColumns)))
		if t.UseTable {
			add(1, false, linear(1, TableBytes))
		}
		add(2, true, t.Output.bytes(d.Offsets[2], int(t.Channels), int(t.Rows), int(t.Columns)))
	case *RearrangeTile:
		add(0, false, t.Input.bytes(d.Offsets[0], int(t.InputChannels), int(t.InputRows), int(t.InputColumns)))
		add(1, true, t.Output.bytes(d.Offsets[1], int(t.OutputChannels), int(t.OutputRows), int(t.OutputColumns)))
	}
	return list
}

// Sizes of the tables that vector instructions read from the weight buffer.
const (
	TableBytes        = 256     // int8 entries of Table and Copy
	SoftmaxTableBytes = 256 * 4 // uint32 exponentials
	PoolRecordBytes   = 8       // one count of AveragePoolCounted
)
