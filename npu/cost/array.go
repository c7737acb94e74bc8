package cost

import "github.com/npusim/npusim/isa"

// Convolution is the time of a tile on the MAC array. With K = kernel cells x
// input channels, F output channels, T output pixels and an R x C array:
//
//	weight-stationary: ceil(K/R)*ceil(F/C) folds
//	    of 2R + C + T - 2 cycles (load R, skew R-1, stream T, drain C-1), or
//	    R + (folds-1)*max(T, R) + T + R + C - 2 in all when weight loading
//	    overlaps: the last fold has no next weights to wait for
//	output-stationary: ceil(T/R)*ceil(F/C) folds
//	    of 2R + C + K - 2 cycles, or R + C + K - 2 when draining overlaps
//
// Edge folds cost as much as full ones.
func (m *Machine) Convolution(t *isa.ConvolutionTile) Operation {
	k := int64(t.KernelRows) * int64(t.KernelColumns) * int64(t.InputChannels)
	f := int64(t.OutputChannels)
	pixels := int64(t.OutputRows) * int64(t.OutputColumns)
	o := m.Product(k, f, pixels)
	sums := 4 * f * pixels
	if !t.First {
		o.AccumulatorRead += sums
	}
	if t.Last {
		o.Requantizations = f * pixels
		o.ActivationWritten = f * pixels
	} else if m.OutputStationary {
		o.AccumulatorWrite += sums
	}
	if t.First || t.Last {
		o.WeightRead += int64(isa.ParameterBytes(int(f), t.Mode))
	}
	if !m.OutputStationary && t.Last {
		// The last fold's sums go straight to the requantizer.
		o.AccumulatorWrite -= sums
	}
	m.stretch(&o)
	return o
}

// Product is the array part of a K x F x T matrix product, without the write
// of results and without port limits.
func (m *Machine) Product(k, f, pixels int64) Operation {
	o := Operation{MACs: k * f * pixels}
	columnFolds := ceilDivide(f, m.Columns)
	if m.OutputStationary {
		rowFolds := ceilDivide(pixels, m.Rows)
		folds := rowFolds * columnFolds
		o.Compute = folds * k
		o.Fill = folds * (m.Rows + m.Columns - 2)
		if !m.OverlapDrain {
			o.Drain = folds * m.Rows
		}
		o.ActivationRead = columnFolds * pixels * k
		o.WeightRead = rowFolds * k * f
		return o
	}
	rowFolds := ceilDivide(k, m.Rows)
	folds := rowFolds * columnFolds
	m.stationary(&o, folds, pixels)
	o.ActivationRead = columnFolds * pixels * k
	o.WeightRead = k * f
	o.AccumulatorWrite = 4 * rowFolds * f * pixels
	o.AccumulatorRead = 4 * (rowFolds - 1) * f * pixels
	return o
}

// stationary charges weight-stationary folds of stream cycles each.
func (m *Machine) stationary(o *Operation, folds, stream int64) {
	o.Compute = folds * stream
	if m.OverlapWeightLoad {
		o.Fill = m.Rows + (folds-1)*max(0, m.Rows-stream) + m.Rows - 1
		o.Drain = m.Columns - 1
		return
	}
	o.Fill = folds * (2*m.Rows - 1)
	o.Drain = folds * (m.Columns - 1)
}

// Depthwise is the time of a depthwise tile. Each column of the array serves
// one channel: its R rows hold the kernel cells, so floor(R/cells) pixels a
// cycle leave a column, or one pixel in ceil(cells/R) cycles where the kernel
// has more cells than the column rows. The fold costs are those of the
// weight-stationary array in either dataflow. A window buffer beside each
// column keeps the kernel's columns, so a pixel costs kernel rows x
// min(kernel columns, stride) bytes a channel.
func (m *Machine) Depthwise(t *isa.ConvolutionTile) Operation {
	cells := int64(t.KernelRows) * int64(t.KernelColumns)
	channels := int64(t.OutputChannels)
	pixels := int64(t.OutputRows) * int64(t.OutputColumns)
	o := Operation{MACs: cells * channels * pixels, Requantizations: channels * pixels}
	stream := pixels * ceilDivide(cells, m.Rows)
	if cells <= m.Rows {
		stream = ceilDivide(pixels, m.Rows/cells)
	}
	m.stationary(&o, ceilDivide(channels, m.Columns), stream)
	o.ActivationRead = channels * pixels * int64(t.KernelRows) * int64(min(t.KernelColumns, t.StrideColumns))
	o.ActivationWritten = channels * pixels
	o.WeightRead = cells*channels + int64(isa.ParameterBytes(int(channels), t.Mode))
	m.stretch(&o)
	return o
}
