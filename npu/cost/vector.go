package cost

import "github.com/npusim/npusim/isa"

// Pool is one comparison or addition a lane, cycle and window cell, plus a
// requantization of each average in the same pass.
func (m *Machine) Pool(t *isa.PoolTile) Operation {
	elements := int64(t.Channels) * int64(t.OutputRows) * int64(t.OutputColumns)
	cells := int64(t.KernelRows) * int64(t.KernelColumns)
	o := Operation{
		Compute:           ceilDivide(elements, m.Lanes) * cells,
		VectorOperations:  elements * cells,
		ActivationRead:    elements * cells,
		ActivationWritten: elements,
	}
	if t.Mode != isa.MaximumPool {
		o.Requantizations = elements
	}
	if t.Mode == isa.AveragePoolCounted {
		o.WeightRead = isa.PoolRecordBytes * cells
	}
	m.stretch(&o)
	return o
}

// Binary is one element a lane and cycle; divisions take DivideCycles.
func (m *Machine) Binary(t *isa.BinaryTile) Operation {
	elements := int64(t.Channels) * int64(t.Rows) * int64(t.Columns)
	o := Operation{
		Compute:           ceilDivide(elements, m.Lanes),
		VectorOperations:  elements,
		Requantizations:   elements,
		ActivationRead:    2 * elements,
		ActivationWritten: elements,
	}
	if t.Mode == isa.DivideMode {
		o.Compute *= m.DivideCycles
	}
	m.stretch(&o)
	return o
}

// Table is one look-up a table lane and cycle.
func (m *Machine) Table(t *isa.ElementwiseTile) Operation {
	elements := int64(t.Channels) * int64(t.Rows) * int64(t.Columns)
	o := Operation{
		Compute:           ceilDivide(elements, m.TableLanes),
		TableLookups:      elements,
		ActivationRead:    elements,
		ActivationWritten: elements,
		WeightRead:        isa.TableBytes,
	}
	m.stretch(&o)
	return o
}

// Softmax is three passes: the maximum, the exponentials with their sum, and
// the division.
func (m *Machine) Softmax(t *isa.ElementwiseTile) Operation {
	elements := int64(t.Channels) * int64(t.Rows) * int64(t.Columns)
	o := Operation{
		Compute:           ceilDivide(elements, m.Lanes) + ceilDivide(elements, m.TableLanes) + ceilDivide(elements, m.Lanes)*m.DivideCycles,
		VectorOperations:  3 * elements,
		TableLookups:      elements,
		ActivationRead:    3 * elements,
		ActivationWritten: elements,
		WeightRead:        isa.SoftmaxTableBytes,
	}
	m.stretch(&o)
	return o
}

// Copy moves one element a lane and cycle, or a table lane and cycle.
func (m *Machine) Copy(t *isa.CopyTile) Operation {
	elements := int64(t.Channels) * int64(t.Rows) * int64(t.Columns)
	o := Operation{ActivationRead: elements, ActivationWritten: elements}
	if t.UseTable {
		o.Compute = ceilDivide(elements, m.TableLanes)
		o.TableLookups = elements
		o.WeightRead = isa.TableBytes
	} else {
		o.Compute = ceilDivide(elements, m.Lanes)
		o.VectorOperations = elements
	}
	m.stretch(&o)
	return o
}

// Rearrange moves one element a cycle: its addresses follow no lane order.
func (m *Machine) Rearrange(t *isa.RearrangeTile) Operation {
	elements := int64(t.OutputChannels) * int64(t.OutputRows) * int64(t.OutputColumns)
	o := Operation{Compute: elements, VectorOperations: elements, ActivationRead: elements, ActivationWritten: elements}
	m.stretch(&o)
	return o
}

// Of dispatches on the instruction; transfers and control cost nothing here
// (their time is the memory system's).
func (m *Machine) Of(op isa.Opcode, d isa.Descriptor) Operation {
	switch t := d.(type) {
	case *isa.ConvolutionTile:
		if op == isa.Depthwise {
			return m.Depthwise(t)
		}
		return m.Convolution(t)
	case *isa.LookupTile:
		switch op {
		case isa.BuildTables:
			return m.BuildTables(t)
		case isa.QueryTables:
			return m.QueryTables(t)
		}
		return m.Lookup(t)
	case *isa.PoolTile:
		return m.Pool(t)
	case *isa.BinaryTile:
		return m.Binary(t)
	case *isa.ElementwiseTile:
		if op == isa.Softmax {
			return m.Softmax(t)
		}
		return m.Table(t)
	case *isa.CopyTile:
		return m.Copy(t)
	case *isa.RearrangeTile:
		return m.Rearrange(t)
	}
	return Operation{}
}
