// Package shapes reads networks of which only the layer shapes are known, and
// machines, in the forms of SCALE-Sim (Samajdar et al., ISPASS 2020): topology
// CSV files and .cfg files. A topology becomes a network of independent layers
// whose weights are counted, never stored, so that its time on a machine can
// be found without weights and in little memory.
//
// Every layer has its own input and output in DRAM. Output extents follow
// SCALE-Sim, ceil((H - f + s) / s) without padding: where the stride does not
// divide H - f it counts one output more than a valid convolution has, and the
// layer here is padded at its end to have it too. A matrix product M x K by
// K x N becomes a 1x1 convolution of M pixels from K to N channels.
//
// As in SCALE-Sim, a convolution with DP in its name is depthwise: each
// channel is convolved alone. The machine then uses its depthwise mode, or
// goes group by group if there are several filters a channel. Not modelled:
// sparse weights, batched products, custom scratchpad layouts.
package shapes

import "fmt"

// Error is a fault of a file: where it lies and the rule it breaks.
type Error struct {
	File   string
	Line   int    // from 1; 0 if the fault is not of one line
	Column int    // number of the field, from 1; 0 if it is not of one field
	Field  string // what stands there, or the key
	Rule   string
}

func (e *Error) Error() string {
	place := e.File
	if e.Line > 0 {
		place += fmt.Sprintf(":%d", e.Line)
	}
	switch {
	case e.Column > 0 && e.Field != "":
		place += fmt.Sprintf(": column %d (%s)", e.Column, e.Field)
	case e.Column > 0:
		place += fmt.Sprintf(": column %d", e.Column)
	case e.Field != "":
		place += ": " + e.Field
	}
	return place + ": " + e.Rule
}

// Layer is a row of a topology. Extents are elements.
type Layer struct {
	Name                      string
	Line                      int  // in the file
	Product                   bool // a matrix product; else a convolution
	Depthwise                 bool // each channel is convolved alone, with Filters filters
	Rows, Columns             int  // of the input; of a product: M = Rows x Columns
	KernelRows, KernelColumns int  // 1 for a product
	Channels                  int  // of the input; K of a product
	Filters                   int  // N of a product
	Stride                    int  // down and across
}

// Topology is a network of layer shapes.
type Topology struct {
	Name   string // file name without its ending
	SHA256 [32]byte
	Layers []Layer
}

// output is SCALE-Sim's output extent of an axis and the padding at the end
// that gives a valid convolution as many.
func output(extent, kernel, stride int) (size, pad int) {
	size = (extent-kernel+stride-1)/stride + 1
	return size, max(0, (size-1)*stride+kernel-extent)
}

// OutputChannels is the number of channels of the output.
func (l *Layer) OutputChannels() int {
	if l.Depthwise {
		return l.Channels * l.Filters
	}
	return l.Filters
}

// groups is the number of parts into which the channels are cut.
func (l *Layer) groups() int {
	if l.Depthwise {
		return l.Channels
	}
	return 1
}

// taps is the number of weights of one output channel.
func (l *Layer) taps() int64 {
	return int64(l.KernelRows) * int64(l.KernelColumns) * int64(l.Channels/l.groups())
}

// Weights is the number of weights of the layer.
func (l *Layer) Weights() int64 { return l.taps() * int64(l.OutputChannels()) }

// MACs is the number of multiply-accumulates of the layer, padding included.
func (l *Layer) MACs() int64 {
	rows, _ := output(l.Rows, l.KernelRows, l.Stride)
	columns, _ := output(l.Columns, l.KernelColumns, l.Stride)
	return l.Weights() * int64(rows) * int64(columns)
}
