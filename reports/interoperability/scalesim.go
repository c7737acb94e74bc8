package interoperability

import (
	"bufio"
	"io"
	"strconv"

	"github.com/npusim/npusim/npu/evaluate"
)

// ScaleSimFiles are the reports of SCALE-Sim with what writes them.
var ScaleSimFiles = []File{
	{Name: "COMPUTE_REPORT.csv", Write: WriteCompute},
	{Name: "BANDWIDTH_REPORT.csv", Write: WriteBandwidth},
	{Name: "DETAILED_ACCESS_REPORT.csv", Write: WriteDetailedAccess},
}

// File is a report: its name, and what writes it.
type File struct {
	Name  string
	Write func(io.Writer, *evaluate.Result) error
	// Pattern is what the names of this report have in common for all networks
	// and configurations, as filepath.Match has it; empty if there is one name.
	Pattern string
}

// Headers of SCALE-Sim v3; its rows end with a comma too.
const (
	computeHeader   = "LayerID, Total Cycles (incl. prefetch), Total Cycles, Stall Cycles, Overall Util %, Mapping Efficiency %, Compute Util %,"
	bandwidthHeader = "LayerID, Avg IFMAP SRAM BW, Avg FILTER SRAM BW, Avg OFMAP SRAM BW, Avg IFMAP DRAM BW, Avg FILTER DRAM BW, Avg OFMAP DRAM BW,"
	accessHeader    = "LayerID," +
		" SRAM IFMAP Start Cycle, SRAM IFMAP Stop Cycle, SRAM IFMAP Reads," +
		" SRAM Filter Start Cycle, SRAM Filter Stop Cycle, SRAM Filter Reads," +
		" SRAM OFMAP Start Cycle, SRAM OFMAP Stop Cycle, SRAM OFMAP Writes," +
		" DRAM IFMAP Start Cycle, DRAM IFMAP Stop Cycle, DRAM IFMAP Reads," +
		" DRAM Filter Start Cycle, DRAM Filter Stop Cycle, DRAM Filter Reads," +
		" DRAM OFMAP Start Cycle, DRAM OFMAP Stop Cycle, DRAM OFMAP Writes,"
)

// WriteCompute writes COMPUTE_REPORT.csv.
//
//   - LayerID: the row of layers.csv, from 0. All layers stand here, not only
//     convolutions and matrix products.
//   - Total Cycles (incl. prefetch): the layer's window, from the end of the
//     layer before to the completion of its last operation; they sum to the run.
//   - Total Cycles: from the first computing operation of the layer to the end
//     of the last. Layers overlap, so that this may exceed the window.
//   - Stall Cycles: of those, the ones in which nothing computes for the layer.
//   - Overall Util %: multiply-accumulates over what the array could do in Total
//     Cycles.
//   - Mapping Efficiency %: the same over the cycles in which operands stream:
//     the share of cells in use, weighted by time. Empty if the array is not used.
//   - Compute Util %: the same over the cycles in which the array is occupied,
//     filling and draining included. Empty if the array is not used.
func WriteCompute(w io.Writer, r *evaluate.Result) error {
	return writeScaleSim(w, r, computeHeader, func(l *layer, row *row) {
		all := l.computed()
		total := all.stop - all.start
		macs, cells := float64(l.macs), float64(r.Recording.MACsPerCycle)
		row.count(l.end - l.start)
		row.count(total)
		row.count(total - covered(l.computing))
		row.real(percent(macs, cells*float64(total)))
		if l.array == 0 {
			row.empty(2)
			return
		}
		row.real(percent(macs, cells*float64(l.streaming)))
		row.real(percent(macs, cells*float64(l.array)))
	})
}

// WriteBandwidth writes BANDWIDTH_REPORT.csv: bytes a cycle, each the count of
// DETAILED_ACCESS_REPORT.csv over its time from start to stop, 0 if nothing
// moves.
func WriteBandwidth(w io.Writer, r *evaluate.Result) error {
	return writeScaleSim(w, r, bandwidthHeader, func(l *layer, row *row) {
		for _, u := range l.operands() {
			if u.stop == u.start {
				row.real(0)
			} else {
				row.real(float64(u.bytes) / float64(u.stop-u.start))
			}
		}
	})
}

// WriteDetailedAccess writes DETAILED_ACCESS_REPORT.csv. Cycles count from the
// first computing operation of the layer, so that those of a prefetch are
// negative, as in SCALE-Sim; a stop cycle is the last one. They are empty where
// nothing moves.
//
// SRAM counts are bytes through the ports of the activation buffer (IFMAP,
// OFMAP) and the weight buffer (Filter: weights, parameters, tables), from and
// to all computing units. DRAM counts are bytes on the bus in whole bursts;
// Filter has everything that is loaded and is no feature map. Partial sums stay
// in the accumulator buffer and do not count.
func WriteDetailedAccess(w io.Writer, r *evaluate.Result) error {
	return writeScaleSim(w, r, accessHeader, func(l *layer, row *row) {
		zero := l.computed().start
		for _, u := range l.operands() {
			if u.bytes == 0 {
				row.empty(2)
			} else {
				row.count(u.start - zero)
				row.count(u.stop - 1 - zero)
			}
			row.count(u.bytes)
		}
	})
}

// operands in the order of SCALE-Sim's columns.
func (l *layer) operands() [6]use {
	return [6]use{l.inputs, l.weights, l.outputs, l.loadedInputs, l.loadedWeights, l.storedOutputs}
}

// row is a line of a table, its cells separated by commas and blanks.
type row struct{ line []byte }

func (r *row) count(n int64)  { r.line = append(strconv.AppendInt(append(r.line, ' '), n, 10), ',') }
func (r *row) real(x float64) { r.line = append(appendReal(append(r.line, ' '), x), ',') }

// empty adds cells without a value.
func (r *row) empty(n int) {
	for range n {
		r.line = append(r.line, " ,"...)
	}
}

// appendReal writes a number as Python does: with a point, for scripts that
// tell integers from others by it.
func appendReal(b []byte, x float64) []byte {
	before := len(b)
	b = strconv.AppendFloat(b, x, 'f', -1, 64)
	for _, c := range b[before:] {
		if c == '.' {
			return b
		}
	}
	return append(b, ".0"...)
}

// writeScaleSim writes a report with a row a layer.
func writeScaleSim(w io.Writer, r *evaluate.Result, header string, fill func(*layer, *row)) error {
	layers, err := digest(r)
	if err != nil {
		return err
	}
	b := bufio.NewWriter(w)
	b.WriteString(header + "\n") // errors stay in b until it is flushed
	var line row
	for i := range layers {
		line.line = append(strconv.AppendInt(line.line[:0], int64(i), 10), ',')
		fill(&layers[i], &line)
		b.Write(line.line)
		b.WriteByte('\n')
	}
	return b.Flush()
}
