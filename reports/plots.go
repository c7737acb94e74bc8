package reports

import (
	"fmt"

	"gonum.org/v1/plot/vg"

	"github.com/npusim/npusim/npu/evaluate"
)

// chartLayers bounds the rows of a plot; the layers beyond the largest ones
// share a last row, and the CSV files have them all.
const chartLayers = 150

// DRAMByLayer plots the bytes that each layer moves over the DRAM bus, stacked
// by class.
func DRAMByLayer(r *evaluate.Result) *Chart {
	total := r.DRAM.ReadBytes + r.DRAM.WriteBytes
	subtitle := fmt.Sprintf("%s an inference: %s read, %s written", Bytes(total), Bytes(r.DRAM.ReadBytes), Bytes(r.DRAM.WriteBytes))
	if r.DRAM.CompulsoryBytes > 0 && total > 0 {
		subtitle += fmt.Sprintf("; %s times the compulsory traffic", decimal(float64(total)/float64(r.DRAM.CompulsoryBytes), 2))
	}
	c := &Chart{head: head{title: chartTitle("DRAM traffic by layer", r), subtitle: changedConfig(r) + subtitle}, axis: "DRAM traffic", unit: "B"}
	c.stack(r, layerClasses(r), trafficClasses, func(class string) string { return class }, func(x float64) string { return quantity(x, "B") })
	return c
}

// CyclesByLayer plots the cycles of each layer, stacked by what bounds them.
func CyclesByLayer(r *evaluate.Result) *Chart {
	splits := make([]map[string]int64, len(r.Layers))
	for i := range r.Layers {
		splits[i] = cyclesByBound(&r.Layers[i])
	}
	subtitle := fmt.Sprintf("%s cycles, %s an inference; MAC array %s %% used", Count(r.Timing.Cycles),
		latency(r.Timing.LatencyMS), decimal(100*r.Timing.MACUtilization, 1))
	c := &Chart{head: head{title: chartTitle("Cycles by layer", r), subtitle: changedConfig(r) + subtitle}, axis: "Time", unit: "cycles"}
	legend := boundLegend
	if r.Operations.LUTQueries > 0 {
		legend = func(key string) string { // the unit builds tables and waits in these cycles too
			if key == "pipeline" {
				return "fills, drains, builds tables or waits for a port"
			}
			return boundLegend(key)
		}
	}
	c.stack(r, splits, boundKeys(), legend, nil)
	return c
}

func chartTitle(what string, r *evaluate.Result) string {
	return fmt.Sprintf("%s: %s on %s", what, printable(r.Model.Name), printable(r.Config.Name))
}

// changedConfig begins the subtitle of a run with settings of its own.
func changedConfig(r *evaluate.Result) string {
	n := changedKeys(&r.Config)
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%s, %d %s changed; ", Shorten(printable(r.Config.Name), 30), n, plural(n, "key"))
}

// boundLegend says in the legend what a bound means.
func boundLegend(key string) string {
	for _, b := range bounds {
		if b.key == key {
			return b.legend
		}
	}
	return key
}

// stack fills in series and rows: one series a key that has any value, with
// its share in the legend (and its sum if amount writes one).
func (c *Chart) stack(r *evaluate.Result, splits []map[string]int64, order []string, name func(string) string, amount func(float64) string) {
	all := keys(order, splits...)
	sums := make([]float64, len(all))
	totals := make([]float64, len(splits))
	for s, key := range all {
		for i := range splits {
			sums[s] += float64(splits[i][key])
			totals[i] += float64(splits[i][key])
		}
	}
	used, series := coloured(all, sums, name, amount)
	c.series = append(c.series, series...)

	chosen := largestLayers(totals, chartLayers)
	rest := chartRow{name: fmt.Sprintf("%d other layers", len(splits)-len(chosen)), values: make([]float64, len(used))}
	for i := range splits {
		row := &rest
		if next := len(c.rows); next < len(chosen) && chosen[next] == i {
			c.rows = append(c.rows, chartRow{name: r.Layers[i].Name, values: make([]float64, len(used))})
			row = &c.rows[next]
		}
		for s, key := range used {
			row.values[s] += float64(splits[i][key])
		}
	}
	if len(chosen) < len(splits) {
		c.rows = append(c.rows, rest)
	}
}

// coloured returns the keys of a sum above 0 with their colours and legends:
// name, sum (if amount writes one) and share.
func coloured(all []string, sums []float64, name func(string) string, amount func(float64) string) (used []string, series []chartSeries) {
	shares := percentages(sums)
	style := sans(legendSize, false, ink)
	spare := 0
	for s, key := range all {
		if sums[s] == 0 {
			continue
		}
		used = append(used, key)
		color, known := seriesColors[key]
		if !known {
			color = spareColors[spare%len(spareColors)]
			spare++
		}
		legend := name(key) + "  " + shares[s] + " %"
		if amount != nil {
			legend = name(key) + "  " + amount(sums[s]) + ", " + shares[s] + " %"
		}
		series = append(series, chartSeries{name: fit(style, legend, innerWidth-vg.Points(legendSwatch+4)), color: color})
	}
	return used, series
}
