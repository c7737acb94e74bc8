package reports

import (
	"fmt"
	"math"
	"strconv"

	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/reports/page"
)

// pageColumn is a column of the layer table with what fills it.
type pageColumn struct {
	page.Column
	cell func(t *pageRowWriter) page.Cell
}

// pageRowWriter is the layer whose row is being written.
type pageRowWriter struct {
	r       *evaluate.Result
	l       *evaluate.Layer
	index   int
	longest int64 // cycles of the longest layer
}

func number(text string, value float64) page.Cell {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return page.Cell{Empty: true}
	}
	return page.Cell{Text: text, Sort: value}
}

var pageColumns = []pageColumn{
	{page.Column{Key: "index", Name: "#", Number: true, Help: "Place in the network"}, func(t *pageRowWriter) page.Cell {
		return number(strconv.Itoa(t.index+1), float64(t.index+1))
	}},
	{page.Column{Key: "name", Name: "Layer", Help: "Name of the ONNX node"}, func(t *pageRowWriter) page.Cell {
		return page.Cell{Text: printable(t.l.Name)}
	}},
	{page.Column{Key: "op", Name: "Operator", Help: "ONNX operator with what is fused into it"}, func(t *pageRowWriter) page.Cell {
		return page.Cell{Text: Shorten(shortOperator(printable(t.l.Op)), 24)}
	}},
	{page.Column{Key: "cycles", Name: "Cycles", Number: true, Help: "Cycles of the layer's window"}, func(t *pageRowWriter) page.Cell {
		return number(Count(t.l.Cycles), float64(t.l.Cycles))
	}},
	{page.Column{Key: "share", Name: "Share", Unit: "%", Number: true, Help: "Of all cycles"}, func(t *pageRowWriter) page.Cell {
		return number(percent(float64(t.l.Cycles), float64(t.r.Timing.Cycles)), float64(t.l.Cycles))
	}},
	{page.Column{Key: "split", Name: "Cycles by cause", Number: true, Help: "Cycles by what works or is waited for; the longest bar is the longest layer"}, splitCell},
	{page.Column{Key: "bound", Name: "Bound", Help: "What most cycles go to"}, func(t *pageRowWriter) page.Cell {
		return page.Cell{Text: boundShort(t.l.Bound), Color: pageColor(t.l.Bound)}
	}},
	{page.Column{Key: "macs", Name: "MACs", Number: true, Help: "Multiply-accumulates"}, func(t *pageRowWriter) page.Cell {
		return number(Count(t.l.MACs), float64(t.l.MACs))
	}},
	{page.Column{Key: "utilization", Name: "Util.", Unit: "%", Number: true, Help: "MACs done of those the array could do in the window"}, func(t *pageRowWriter) page.Cell {
		if t.l.MACs == 0 {
			return page.Cell{Empty: true}
		}
		return number(decimal(100*t.l.Utilization, 1), t.l.Utilization)
	}},
	{page.Column{Key: "read", Name: "Read", Unit: "B", Number: true, Help: "From DRAM"}, func(t *pageRowWriter) page.Cell {
		return number(Count(t.l.DRAMReadBytes), float64(t.l.DRAMReadBytes))
	}},
	{page.Column{Key: "written", Name: "Written", Unit: "B", Number: true, Help: "To DRAM"}, func(t *pageRowWriter) page.Cell {
		return number(Count(t.l.DRAMWriteBytes), float64(t.l.DRAMWriteBytes))
	}},
	{page.Column{Key: "again", Name: "Moved", Unit: "times", Number: true, Help: "Bytes moved over bytes touched: above 1 the layer moves the same bytes more than once, or parts of bursts it does not need"}, func(t *pageRowWriter) page.Cell {
		u := t.l.Reuse
		if u == nil {
			return page.Cell{Empty: true}
		}
		touched := u.WeightBytes + u.InputBytes + u.SpillReadBytes + u.OutputBytes + u.SpillWriteBytes
		if touched == 0 {
			return page.Cell{Empty: true}
		}
		times := float64(t.l.DRAMReadBytes+t.l.DRAMWriteBytes) / float64(touched)
		return number(decimal(times, 2), times)
	}},
	{page.Column{Key: "spilled", Name: "Spilled", Unit: "B", Number: true, Help: "Intermediate tensors that cross the DRAM bus, each byte once"}, func(t *pageRowWriter) page.Cell {
		if t.l.Reuse == nil {
			return page.Cell{Empty: true}
		}
		spilled := t.l.Reuse.SpillReadBytes + t.l.Reuse.SpillWriteBytes
		return number(Count(spilled), float64(spilled))
	}},
	{page.Column{Key: "energy", Name: "Energy", Unit: "µJ", Number: true, Help: "Estimated"}, func(t *pageRowWriter) page.Cell {
		return number(microjoules(t.l.EnergyUJ), t.l.EnergyUJ)
	}},
	{page.Column{Key: "bits", Name: "Wts.", Unit: "bits", Number: true, Help: "Bits of a weight"}, func(t *pageRowWriter) page.Cell {
		if t.l.WeightBits == 0 {
			return page.Cell{Empty: true}
		}
		return number(strconv.Itoa(t.l.WeightBits), float64(t.l.WeightBits))
	}},
	{page.Column{Key: "sqnr", Name: "SQNR", Unit: "dB", Number: true, Help: "Signal to quantization noise of the layer's output against float"}, func(t *pageRowWriter) page.Cell {
		if t.l.SQNRDB == nil {
			return page.Cell{Empty: true}
		}
		return number(decimal(*t.l.SQNRDB, 1), *t.l.SQNRDB)
	}},
}

// splitCell is the bar of a layer's cycles by bound.
func splitCell(t *pageRowWriter) page.Cell {
	cell := page.Cell{Sort: float64(t.l.Cycles)}
	split := cyclesByBound(t.l)
	for _, bound := range keys(boundKeys(), split) {
		cycles := split[bound]
		if cycles == 0 {
			continue
		}
		part := page.Part{Name: boundName(bound), Color: pageColor(bound), Percent: 100 * float64(cycles) / float64(max(t.longest, 1)), Text: percent(float64(cycles), float64(t.l.Cycles))}
		cell.Parts = append(cell.Parts, part)
		if cell.Text != "" {
			cell.Text += ", "
		}
		cell.Text += fmt.Sprintf("%s %s %%", part.Name, part.Text)
	}
	return cell
}

// pageTable is the layer table; columns without any figure are left out.
func pageTable(r *evaluate.Result) ([]page.Column, []page.Row) {
	cycles := make([]float64, len(r.Layers))
	t := pageRowWriter{r: r}
	for i := range r.Layers {
		cycles[i] = float64(r.Layers[i].Cycles)
		t.longest = max(t.longest, r.Layers[i].Cycles)
	}
	chosen := largestLayers(cycles, pageRows)
	all := make([]page.Row, len(chosen))
	used := make([]bool, len(pageColumns))
	for k, i := range chosen {
		t.l, t.index = &r.Layers[i], i
		all[k].Layer = i
		for c := range pageColumns {
			cell := pageColumns[c].cell(&t)
			used[c] = used[c] || !cell.Empty
			all[k].Cells = append(all[k].Cells, cell)
		}
	}
	var columns []page.Column
	for c := range pageColumns {
		if used[c] {
			columns = append(columns, pageColumns[c].Column)
		}
	}
	for k := range all {
		kept := all[k].Cells[:0]
		for c := range pageColumns {
			if used[c] {
				kept = append(kept, all[k].Cells[c])
			}
		}
		all[k].Cells = kept
	}
	return columns, all
}
