package front

import (
	"fmt"
	"math"
	"strconv"
)

// space returns a design space like that of an NPU, a grid of at most a number
// of points: cycles, energy and accuracy follow from array, bits, buffer and
// weight mode. Some points miss a constraint, some fail, the front is right.
func space(most int) *Exploration {
	e := &Exploration{Name: "glyphs on edge", Facts: []string{"strategy grid", "base edge", "1,000 samples"}, Base: "inherit = \"edge\"\n\n[dram]\ntier = \"linear\"\n\n[[quantization.layer]]\nmatch = \"stem*\"\n",
		Command:    "npusim run testdata/glyphs/glyphs.onnx --data testdata/glyphs/glyphs.toml --config CONFIG",
		Objectives: []Objective{{"timing.cycles", false}, {"energy_uj.total", false}, {"accuracy.npu_top1", true}}}
	numbers := func(name string, keys []string, values ...int) {
		a := Axis{Name: name, Keys: keys, Ordered: true}
		for _, v := range values {
			text := strconv.Itoa(v)
			literals := make([]string, len(keys))
			for i := range literals {
				literals[i] = text
			}
			a.Values = append(a.Values, AxisValue{text, literals})
		}
		e.Axes = append(e.Axes, a)
	}
	numbers("mac_array.size", []string{"mac_array.rows", "mac_array.columns"}, 4, 8, 16, 32, 64)
	numbers("npu.weight_buffer_kib", []string{"npu.weight_buffer_kib"}, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
	numbers("quantization.weight_bits", []string{"quantization.weight_bits"}, 2, 3, 4, 5, 6, 7, 8)
	modes := Axis{Name: "quantization.weights", Keys: []string{"quantization.weights"}}
	for _, mode := range []string{"per-layer", "per-layer-shift", "per-channel"} {
		modes.Values = append(modes.Values, AxisValue{mode, []string{strconv.Quote(mode)}})
	}
	e.Axes = append(e.Axes, modes)
	numbers("dram.channels", []string{"dram.channels"}, 1, 2, 4, 8)
	numbers("npu.clock_mhz", []string{"npu.clock_mhz"}, 200, 500)
	sizes := 1
	for i := range e.Axes {
		sizes *= len(e.Axes[i].Values)
	}
	const stride = 6101 // without a factor in common with the sizes
	for k := range min(most, sizes) {
		id := k * stride % sizes
		p := Point{ID: int64(id), Status: Feasible}
		rest := id
		for i := range e.Axes {
			p.Values = append(p.Values, rest%len(e.Axes[i].Values))
			rest /= len(e.Axes[i].Values)
		}
		size, buffer, bits, mode, channels := float64(uint(4)<<p.Values[0]), float64(p.Values[1]), float64(p.Values[2]+2), p.Values[3], float64(p.Values[4])
		cycles := math.Round(6000*(256/size/size+2/(1+channels)+1/(1+buffer)) + 40*bits)
		energy := 1.5 + size/40 + bits*0.11 + channels*0.2 + cycles/30000 + float64(p.Values[5])*0.1
		accuracy := 0.97 / (1 + math.Exp(4.2-1.4*bits*(0.6+0.2*float64(mode))))
		if mode == 0 {
			accuracy = 0.04
		}
		p.Objectives = []float64{cycles, energy, accuracy}
		switch {
		case p.Values[0] == 4 && p.Values[1] == 0:
			p.Status, p.Objectives, p.Reason = Failed, nil, fmt.Sprintf("the weight buffer of 8 KiB is below one array load of %d B", 64*64)
		case accuracy < 0.1:
			p.Status, p.Reason = Infeasible, "accuracy.npu_top1 >= 0.1"
		}
		e.Points = append(e.Points, p)
	}
	markFront(e)
	return e
}

// markFront compares every point with every other.
func markFront(e *Exploration) {
	for i := range e.Points {
		p := &e.Points[i]
		p.OnFront = p.Status == Feasible
		for j := range e.Points {
			if q := &e.Points[j]; p.OnFront && q.Status == Feasible && dominates(e, q, p) {
				p.OnFront = false
			}
		}
	}
}

func dominates(e *Exploration, p, q *Point) bool {
	some := false
	for o := range e.Objectives {
		x, y := p.Objectives[o], q.Objectives[o]
		if e.Objectives[o].Maximize {
			x, y = y, x
		}
		if x > y {
			return false
		}
		some = some || x < y
	}
	return some
}
