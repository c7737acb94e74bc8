package reports

import (
	"fmt"
	"sort"
	"strconv"

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
	phrase string // how the cycles are spent
}{
	{"mac", "MAC array", "with the MAC array at work"},
	{"vector", "vector unit", "with the vector unit at work and the MAC array idle"},
	{"dram", "DRAM", "waiting for DRAM, with nothing computing"},
	{"latency", "latency", "on set-up and synchronization, with nothing moving"},
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

func (s *layerSum) row(name, share string) []string {
	return []string{"", name, "", Count(s.cycles), share, Count(s.macs), "", "", Count(s.readBytes), Count(s.writes), decimal(s.energy, 2)}
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
	share := func(cycles int64) string { return percent(float64(cycles), float64(total.cycles)) }

	hasWeightBits, hasSQNR := false, false
	for i := range r.Layers {
		hasWeightBits = hasWeightBits || r.Layers[i].WeightBits > 0
		hasSQNR = hasSQNR || r.Layers[i].SQNRDB != nil
	}
	columns := []Column{{"#", "", true}, {"Layer", "", false}, {"Operator", "", false}, {"Cycles", "", true}, {"Share", "%", true}, {"MACs", "", true},
		{"Util.", "%", true}, {"Bound", "", false}, {"Read", "B", true}, {"Written", "B", true}, {"Energy", "µJ", true}}
	if hasWeightBits {
		columns = append(columns, Column{"Weights", "bits", true})
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
		row := []string{strconv.Itoa(i + 1), Shorten(printable(l.Name), 32), Shorten(printable(l.Op), 18), Count(l.Cycles), share(l.Cycles), Count(l.MACs), utilization,
			boundName(l.Bound), Count(l.DRAMReadBytes), Count(l.DRAMWriteBytes), decimal(l.EnergyUJ, 2)}
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
		rows = append(rows, others.row(fmt.Sprintf("%d others", others.count), share(others.cycles)))
	}
	t.table(columns, rows, total.row("total", share(total.cycles)))
}

// bound says in words where most cycles go, with the layer that shows it best.
func (t *textWriter) bound(r *evaluate.Result) {
	name, sentences := boundSentences(r)
	if len(sentences) == 0 {
		return
	}
	t.section("Bound by: " + name)
	for _, sentence := range sentences {
		t.paragraph("", sentence)
	}
}

// boundSentences returns the name of the bound of most cycles and the evidence;
// nothing for a result without cycles.
func boundSentences(r *evaluate.Result) (name string, sentences []string) {
	sums := map[string]int64{}
	var total int64
	for i := range r.Layers {
		for bound, cycles := range cyclesByBound(&r.Layers[i]) { // sums do not depend on the order
			sums[bound] += cycles
			total += cycles
		}
	}
	if total <= 0 {
		return "", nil
	}
	names := keys(boundKeys(), sums)
	best := names[0]
	for _, name := range names {
		if sums[name] > sums[best] {
			best = name
		}
	}
	worst := 0
	for i := range r.Layers {
		if cyclesByBound(&r.Layers[i])[best] > cyclesByBound(&r.Layers[worst])[best] {
			worst = i
		}
	}
	l := &r.Layers[worst]
	evidence := fmt.Sprintf("%s of its %s cycles", Count(cyclesByBound(l)[best]), Count(l.Cycles))
	switch best {
	case "dram":
		evidence += fmt.Sprintf(", %s moved", Bytes(l.DRAMReadBytes+l.DRAMWriteBytes))
	case "mac":
		evidence += fmt.Sprintf(", %s MACs, array %s %% used", Count(l.MACs), decimal(100*l.Utilization, 1))
	}
	sentences = []string{fmt.Sprintf("%s spends %s %% of its cycles %s; the largest such layer is %s (%s): %s.",
		r.Model.Name, percent(float64(sums[best]), float64(total)), boundPhrase(best), l.Name, l.Op, evidence)}

	rest := ""
	for _, name := range names {
		if name == best || sums[name] == 0 {
			continue
		}
		if rest != "" {
			rest += ", "
		}
		rest += fmt.Sprintf("%s %s %%", boundName(name), percent(float64(sums[name]), float64(total)))
	}
	if rest != "" {
		sentences = append(sentences, "The other cycles: "+rest+".")
	}
	return boundName(best), sentences
}
