package interoperability

import (
	"encoding/csv"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/npusim/npusim/npu/evaluate"
)

// VelaFiles are the tables of Vela, named after the network and the
// configuration as it names them, with what writes them.
func VelaFiles(r *evaluate.Result) []File {
	network := fileName(r.Model.Name)
	return []File{
		{network + "_summary_" + fileName(r.Config.Name) + ".csv", WriteVelaSummary, "*_summary_*.csv"},
		{network + "_per-layer.csv", WriteVelaLayers, "*_per-layer.csv"},
	}
}

// fileName makes a name part of a file name on any system.
func fileName(name string) string {
	safe := strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || strings.ContainsRune(`/\:*?"<>|`, c) {
			return '_'
		}
		return c
	}, strings.ToValidUTF8(name, "_"))
	if len(safe) > 100 {
		safe = strings.ToValidUTF8(safe[:100], "")
	}
	if strings.Trim(safe, ". ") == "" {
		return "network"
	}
	return safe
}

// area is a memory of Vela.
type area struct {
	name string // in column names
	// Figures of a run. What is absent is empty in the table; flash there is
	// none, so nothing moves to or from it.
	peak                  string // GB/s
	used                  string // KiB
	featureRead, written  int64
	weightRead, weightPut int64
}

// WriteVelaSummary writes a table of one row.
//
//   - accelerator_configuration, system_config: the configuration's name;
//     memory_mode has no meaning here and is empty.
//   - core_clock in Hz, arena_cache_size the activation buffer in KiB.
//   - <area>_bandwidth: the peak in GB/s; that of sram is empty, for each port
//     has its own. There is no flash.
//   - inference_time in seconds of one cold inference, its reciprocal
//     inferences_per_second.
//   - passes_before_fusing counts operators, passes_after_fusing layers.
//   - sram_memory_used: peak of all scratchpads in KiB; dram_memory_used is
//     empty.
//   - total_original_weights: bytes of the weights at 8 bits;
//     total_npu_encoded_weights: bytes of the weights region, with parameters
//     and tables.
//   - <area>_..._bytes: of sram, through the ports of activation and weight
//     buffer; of dram, on the bus, where weights are all but feature maps.
//   - nn_macs of the network without padding; nn_tops two operations each.
//   - cycles_npu: at least one computing unit works; cycles_dram_access: at
//     least one DMA unit moves data; they overlap. cycles_sram_access is empty:
//     scratchpads are not timed apart. cycles_total is the run.
func WriteVelaSummary(w io.Writer, r *evaluate.Result) error {
	layers, err := digest(r)
	if err != nil {
		return err
	}
	var computing, moving []interval
	sram := area{name: "sram", used: decimal(float64(sum(r.Scratchpad.PeakBytes)) / 1024)}
	dram := area{name: "dram", peak: decimal(r.DRAM.PeakGBPerS)}
	for i := range layers {
		l := &layers[i]
		computing = append(computing, l.computing...)
		moving = append(moving, l.moving...)
		dram.featureRead += l.loadedInputs.bytes
		dram.written += l.storedOutputs.bytes
		dram.weightRead += l.loadedWeights.bytes
	}
	for i := range r.Recording.Tracks {
		for k := range r.Recording.Tracks[i].Spans {
			p := &r.Recording.Tracks[i].Spans[k].Ports
			sram.featureRead += p.ActivationRead
			sram.written += p.ActivationWritten
			sram.weightRead += p.WeightRead
			sram.weightPut += p.WeightWritten
		}
	}
	none := decimal(0)
	areas := []area{sram, dram, {name: "on_chip_flash", peak: none, used: none}, {name: "off_chip_flash", peak: none, used: none}}

	var names, values []string
	add := func(name, value string) { names, values = append(names, name), append(values, value) }
	add("experiment", "npusim")
	add("network", r.Model.Name)
	add("accelerator_configuration", r.Config.Name)
	add("system_config", r.Config.Name)
	add("memory_mode", "")
	add("core_clock", decimal(float64(r.Recording.ClockMHz)*1e6))
	add("arena_cache_size", decimal(float64(r.Scratchpad.CapacityBytes["activation_buffer"])/1024))
	for _, a := range areas {
		add(a.name+"_bandwidth", a.peak)
	}
	add("weights_storage_area", "Dram")
	add("feature_map_storage_area", "Dram")
	add("inferences_per_second", decimal(r.Timing.InferencesPerSecond))
	add("batch_size", "1")
	add("inference_time", decimal(r.Timing.LatencyMS/1e3))
	operators := 0
	for i := range r.Layers {
		operators += 1 + strings.Count(r.Layers[i].Op, "+")
	}
	add("passes_before_fusing", strconv.Itoa(operators))
	add("passes_after_fusing", strconv.Itoa(len(r.Layers)))
	for _, a := range areas {
		add(a.name+"_memory_used", a.used)
	}
	add("total_original_weights", strconv.FormatInt(weights(&r.Program), 10))
	add("total_npu_encoded_weights", strconv.FormatInt(r.Program.WeightBytes, 10))
	for _, a := range areas {
		add(a.name+"_feature_map_read_bytes", decimal(float64(a.featureRead)))
		add(a.name+"_feature_map_write_bytes", decimal(float64(a.written)))
		add(a.name+"_weight_read_bytes", decimal(float64(a.weightRead)))
		add(a.name+"_weight_write_bytes", decimal(float64(a.weightPut)))
		add(a.name+"_total_bytes", decimal(float64(a.featureRead+a.written+a.weightRead+a.weightPut)))
	}
	add("nn_macs", strconv.FormatInt(r.Model.MACs, 10))
	add("nn_tops", decimal(2*float64(r.Model.MACs)*r.Timing.InferencesPerSecond/1e12))
	add("cycles_npu", decimal(float64(covered(computing))))
	add("cycles_sram_access", "")
	add("cycles_dram_access", decimal(float64(covered(moving))))
	add("cycles_on_chip_flash_access", none)
	add("cycles_off_chip_flash_access", none)
	add("cycles_total", decimal(float64(r.Timing.Cycles)))
	return writeCSV(w, [][]string{names, values})
}

// WriteVelaLayers writes a row a layer.
//
//   - TFLite_operator: the layer's first ONNX operator; NNG Operator: all that
//     it covers, joined by +.
//   - SRAM Usage: most bytes that hold data in all scratchpads together in the
//     layer's window; Peak%: of the highest of them.
//   - Op Cycles: the layer's window, which sum to the run; the first Network%:
//     of the run.
//   - NPU: cycles in which a computing unit works for the layer; DRAM AC: cycles
//     in which a DMA unit moves its data. They overlap with one another and with
//     other layers. SRAM AC is empty; there is no flash.
//   - MAC Count: of the network, without padding; the second Network%: of all.
//   - Util%: multiply-accumulates done over what the array could do in the
//     window.
func WriteVelaLayers(w io.Writer, r *evaluate.Result) error {
	layers, err := digest(r)
	if err != nil {
		return err
	}
	var peak, macs int64
	for i := range layers {
		peak, macs = max(peak, layers[i].peak), macs+r.Layers[i].MACs
	}
	rows := [][]string{{"TFLite_operator", "NNG Operator", "SRAM Usage", "Peak%", "Op Cycles", "Network%", "NPU", "SRAM AC", "DRAM AC", "OnFlash AC", "OffFlash AC",
		"MAC Count", "Network%", "Util%", "Name"}}
	none := decimal(0)
	for i := range layers {
		l, t := &layers[i], &r.Layers[i]
		first, _, _ := strings.Cut(t.Op, "+")
		rows = append(rows, []string{first, t.Op, strconv.FormatInt(l.peak, 10), decimal(percent(float64(l.peak), float64(peak))),
			decimal(float64(t.Cycles)), decimal(percent(float64(t.Cycles), float64(r.Timing.Cycles))),
			decimal(float64(covered(l.computing))), "", decimal(float64(covered(l.moving))), none, none,
			strconv.FormatInt(t.MACs, 10), decimal(percent(float64(t.MACs), float64(macs))), decimal(100 * t.Utilization), t.Name})
	}
	return writeCSV(w, rows)
}

// weights is the number of weight elements.
func weights(p *evaluate.Program) int64 {
	if p.WeightBitsPerWeight == 0 {
		return 0
	}
	return int64(math.Round(8 * float64(p.WeightBytes) / p.WeightBitsPerWeight))
}

// sum of all values, in whatever order.
func sum(m map[string]int64) int64 {
	var total int64
	for _, n := range m {
		total += n
	}
	return total
}

// decimal is a number with a point.
func decimal(x float64) string { return string(appendReal(nil, x)) }

func writeCSV(w io.Writer, rows [][]string) error {
	c := csv.NewWriter(w)
	if err := c.WriteAll(rows); err != nil {
		return err
	}
	c.Flush()
	return c.Error()
}
