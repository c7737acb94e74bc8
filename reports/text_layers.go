package reports

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/npusim/npusim/npu/evaluate"
)

// A table of at most allLayers layers shows all of them, a longer one the
// topLayers with most cycles.
const (
	allLayers = 40
	topLayers = 30
)

// bounds are the known keys of cycles by bound, in the order of tables and
// plots, with the words for them.
var bounds = []struct {
	key    string
	name   string // of what works or is waited for
	short  string // in the layer table
	phrase string // how the cycles are spent
	legend string // of plots
}{
	{"mac", "MAC array", "MAC", "with operands streaming through the MAC array", "MAC array streams"},
	{"lookup", "LUT-GEMM unit", "look-up", "with tables of the LUT-GEMM unit being queried", "LUT-GEMM unit queries tables"},
	{"pipeline", "pipeline of the MAC array", "pipeline", "with the MAC array only filling, draining or waiting for a scratchpad port", "array fills, drains or waits for a port"},
	{"vector", "vector unit", "vector", "with the vector unit at work and the MAC array idle", "only vector unit works"},
	{"dram", "DRAM", "DRAM", "waiting for DRAM, with nothing computing", "waits for DRAM"},
	{"latency", "latency", "latency", "on set-up and synchronization, with nothing moving", "set-up, synchronization"},
}

func boundKeys() []string {
	names := make([]string, len(bounds))
	for i, b := range bounds {
		names[i] = b.key
	}
	return names
}

// boundName is the name of a bound, the key itself if it is not known.
func boundName(key string) string {
	for _, b := range bounds {
		if b.key == key {
			return b.name
		}
	}
	return key
}

func boundShort(key string) string {
	for _, b := range bounds {
		if b.key == key {
			return b.short
		}
	}
	return Shorten(printable(key), 12)
}

func boundPhrase(key string) string {
	for _, b := range bounds {
		if b.key == key {
			return b.phrase
		}
	}
	return "bound by " + key
}

// cyclesByBound is the layer's split of cycles. Without one, all cycles count
// for what bounds the layer.
func cyclesByBound(l *evaluate.Layer) map[string]int64 {
	if len(l.CyclesByBound) > 0 {
		return l.CyclesByBound
	}
	bound := l.Bound
	if bound == "" {
		bound = "unknown"
	}
	return map[string]int64{bound: l.Cycles}
}

// largestLayers returns the indexes of the count layers with the largest
// values, in the order of the network; the earlier layer on a tie.
func largestLayers(values []float64, count int) []int {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	if len(order) > count {
		sort.SliceStable(order, func(a, b int) bool { return values[order[a]] > values[order[b]] })
		order = order[:count]
		sort.Ints(order)
	}
	return order
}

// layerSum adds up rows of the layer table.
type layerSum struct {
	count                           int
	cycles, macs, readBytes, writes int64
	energy                          float64
}

func (s *layerSum) add(l *evaluate.Layer) {
	s.count++
	s.cycles += l.Cycles
	s.macs += l.MACs
	s.readBytes += l.DRAMReadBytes
	s.writes += l.DRAMWriteBytes
	s.energy += l.EnergyUJ
}

func (s *layerSum) row(name string) []string {
	return []string{"", name, "", Count(s.cycles), Count(s.macs), "", "", Count(s.readBytes), Count(s.writes), microjoules(s.energy)}
}

func (t *textWriter) layers(r *evaluate.Result) {
	if len(r.Layers) == 0 {
		return
	}
	cycles := make([]float64, len(r.Layers))
	var total layerSum
	for i := range r.Layers {
		cycles[i] = float64(r.Layers[i].Cycles)
		total.add(&r.Layers[i])
	}
	shown := len(r.Layers)
	heading := fmt.Sprintf("Layers: all %d", shown)
	if shown > allLayers {
		shown = topLayers
		heading = fmt.Sprintf("Layers: the %d of %d with most cycles, in the order of the network", shown, len(r.Layers))
	}
	chosen := largestLayers(cycles, shown)
	t.section(heading)

	var others layerSum
	next := 0
	for i := range r.Layers {
		if next < len(chosen) && chosen[next] == i {
			next++
		} else {
			others.add(&r.Layers[i])
		}
	}
	hasWeightBits, hasSQNR := false, false
	for i := range r.Layers {
		hasWeightBits = hasWeightBits || r.Layers[i].WeightBits > 0
		hasSQNR = hasSQNR || r.Layers[i].SQNRDB != nil
	}
	columns := []Column{{"#", "", true}, {"Layer", "", false}, {"Operator", "", false}, {"Cycles", "", true}, {"MACs", "", true},
		{"Util.", "%", true}, {"Bound", "", false}, {"Read", "B", true}, {"Written", "B", true}, {"Energy", "µJ", true}}
	if hasWeightBits {
		columns = append(columns, Column{"Wts.", "bits", true})
	}
	if hasSQNR {
		columns = append(columns, Column{"SQNR", "dB", true})
	}

	var rows [][]string
	for _, i := range chosen {
		l := &r.Layers[i]
		utilization := ""
		if l.MACs > 0 {
			utilization = decimal(100*l.Utilization, 1)
		}
		row := []string{strconv.Itoa(i + 1), Shorten(printable(l.Name), 22), Shorten(shortOperator(printable(l.Op)), 16), Count(l.Cycles), Count(l.MACs), utilization,
			boundShort(l.Bound), Count(l.DRAMReadBytes), Count(l.DRAMWriteBytes), microjoules(l.EnergyUJ)}
		if hasWeightBits {
			bits := ""
			if l.WeightBits > 0 {
				bits = strconv.Itoa(l.WeightBits)
			}
			row = append(row, bits)
		}
		if hasSQNR {
			sqnr := ""
			if l.SQNRDB != nil {
				sqnr = decimal(*l.SQNRDB, 1)
			}
			row = append(row, sqnr)
		}
		rows = append(rows, row)
	}
	if others.count > 0 {
		rows = append(rows, others.row(fmt.Sprintf("%d others", others.count)))
	}
	t.table(columns, rows, total.row("total"))
}

// shortOperator abbreviates what a fused operator is called most often for.
func shortOperator(op string) string { return strings.ReplaceAll(op, "BatchNormalization", "BN") }
