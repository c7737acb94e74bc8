package reports

import (
	"fmt"
	"strings"
	"testing"

	"github.com/npusim/npusim/npu/evaluate"
)

// diagnosed is a result of one layer on a 16x16 array at 500 MHz with 17.1
// bytes of DRAM bandwidth a cycle.
func diagnosed(l evaluate.Layer) *evaluate.Result {
	for _, cycles := range l.CyclesByBound {
		l.Cycles += cycles
	}
	r := &evaluate.Result{
		Config: evaluate.Config{TOML: "[mac_array]\nrows = 16\ncolumns = 16\noverlap_weight_load = true\n[npu]\nactivation_bytes_per_cycle = 32\n"},
		Timing: evaluate.Timing{Cycles: l.Cycles, LatencyMS: float64(l.Cycles) / 500e3},
		DRAM:   evaluate.DRAM{PeakGBPerS: 8.53, CompulsoryBytes: 1000},
		Model:  evaluate.Model{Name: "one", MACs: l.MACs},
		Scratchpad: evaluate.Scratchpad{CapacityBytes: map[string]int64{
			"activation_buffer": 128 << 10, "weight_buffer": 64 << 10}},
		Layers: []evaluate.Layer{{Name: "before"}, l},
	}
	return r
}

// TestDiagnosis: each cause is told from the counters, with the figures that
// prove it.
func TestDiagnosis(t *testing.T) {
	for _, c := range []struct {
		loss  Loss
		layer evaluate.Layer
		words []string
	}{
		{SpillWaits, evaluate.Layer{Name: "conv_8", MACs: 256_000, CyclesByBound: map[string]int64{"mac": 1000, "dram": 9000}, DRAMReadBytes: 100_000, DRAMWriteBytes: 40_000,
			BytesByClass: map[string]int64{"weights": 2_000, "activations": 138_000}, Reuse: &evaluate.LayerReuse{WeightBytes: 2_000, SpillReadBytes: 98_000, SpillWriteBytes: 40_000}},
			[]string{"conv_8 waits 90.0 % of its 10,000 cycles for DRAM: it reads back 98.0 kB and writes 40.0 kB", "134.8 KiB, the activation buffer holds 128.0 KiB", "the bus is nearly full", "npu.activation_buffer_kib"}},
		// Weights come twice, which is less than half of the bytes, but not "to be moved".
		{StreamWaits, evaluate.Layer{Name: "fc", MACs: 256_000, CyclesByBound: map[string]int64{"mac": 1000, "dram": 9000}, DRAMReadBytes: 145_000,
			BytesByClass: map[string]int64{"weights": 140_000, "activations": 5_000}, Reuse: &evaluate.LayerReuse{WeightBytes: 70_000, InputBytes: 5_000}},
			[]string{"145 kB that it moves", "70.0 kB are moved more than once"}},
		// Inputs come six times, weights twice.
		{ReloadWaits, evaluate.Layer{Name: "conv_9", MACs: 256_000, CyclesByBound: map[string]int64{"mac": 1000, "dram": 9000}, DRAMReadBytes: 145_000,
			BytesByClass: map[string]int64{"weights": 20_000, "activations": 125_000}, Reuse: &evaluate.LayerReuse{WeightBytes: 10_000, InputBytes: 20_000}},
			[]string{"conv_9 waits 90.0 % of its 10,000 cycles for DRAM: its activations are moved 6.2 times", "125 kB of activations, of which 20.0 kB are distinct", "npu.activation_buffer_kib"}},
		// A byte of each burst is needed, and each burst comes once.
		{StreamWaits, evaluate.Layer{Name: "dot", MACs: 1, CyclesByBound: map[string]int64{"mac": 1, "dram": 100}, DRAMReadBytes: 96,
			BytesByClass: map[string]int64{"weights": 64, "activations": 32}, Reuse: &evaluate.LayerReuse{WeightBytes: 5, InputBytes: 1, WeightBurstBytes: 64, ActivationBurstBytes: 32}},
			[]string{"96 B that it has to move"}},
		// Codes arrive in 585 cycles and take 9,000 to decode.
		{DecodeWaits, evaluate.Layer{Name: "fc", MACs: 256_000, CyclesByBound: map[string]int64{"mac": 1000, "dram": 9000}, DRAMReadBytes: 10_000,
			BytesByClass: map[string]int64{"weights": 10_000}, Reuse: &evaluate.LayerReuse{WeightBytes: 10_000, DecodeCycles: 9_000}},
			[]string{"fc waits 90.0 % of its 10,000 cycles for coded weights to be decoded", "busy for 9,000 cycles", "10.0 kB come in 587", "xor.units"}},
		{ReloadWaits, evaluate.Layer{Name: "conv_12", MACs: 256_000, CyclesByBound: map[string]int64{"mac": 1000, "dram": 9000}, DRAMReadBytes: 145_000,
			BytesByClass: map[string]int64{"weights": 140_000, "activations": 5_000}, Reuse: &evaluate.LayerReuse{WeightBytes: 67_000, InputBytes: 5_000}},
			[]string{"conv_12 waits 90.0 % of its 10,000 cycles for DRAM: its weights are streamed 2.1 times", "140 kB of weights, of which 67.0 kB are distinct", "do not fit the weight buffer (65.4 KiB of 64.0 KiB)"}},
		{StreamWaits, evaluate.Layer{Name: "fc", MACs: 70_000, CyclesByBound: map[string]int64{"mac": 1000, "dram": 9000}, DRAMReadBytes: 145_000,
			BytesByClass: map[string]int64{"weights": 140_000, "activations": 5_000}, Reuse: &evaluate.LayerReuse{WeightBytes: 140_000, InputBytes: 5_000}},
			[]string{"fc waits 90.0 % of its 10,000 cycles for DRAM: 145 kB", "0.483 MACs a byte; this machine needs 15.0", "quantization.weight_bits"}},
		{FillAndDrain, evaluate.Layer{Name: "fc", MACs: 25_600, CyclesByBound: map[string]int64{"mac": 100, "pipeline": 1700}, DRAMReadBytes: 25_600,
			BytesByClass: map[string]int64{"weights": 25_600}, Reuse: &evaluate.LayerReuse{WeightBytes: 25_600, Tiles: 4, StreamCycles: 100, FillCycles: 1600, DrainCycles: 100}},
			[]string{"fc spends 94.4 % of its cycles with the array only filling or draining", "4 tile operations operands stream for 100 cycles, 1,600 more", "Every weight is used about once", "save at most about 299 cycles (16.6 %)", "25.6 kB of fc take 1,501 of its 1,800 cycles"}},
		{NarrowPort, evaluate.Layer{Name: "dw", MACs: 256, CyclesByBound: map[string]int64{"mac": 1, "pipeline": 1700},
			Reuse: &evaluate.LayerReuse{Depthwise: true, NarrowPort: "activation", StreamCycles: 1, PortCycles: 1700}},
			[]string{"1,700 more for the bytes to pass the activation port", "npu.activation_bytes_per_cycle is 32"}},
		{IdleCells, evaluate.Layer{Name: "dw", MACs: 2560, CyclesByBound: map[string]int64{"mac": 100}, Reuse: &evaluate.LayerReuse{Depthwise: true}},
			[]string{"dw leaves 90.0 % of the array idle", "depthwise"}},
		{FullRate, evaluate.Layer{Name: "conv", MACs: 25600, CyclesByBound: map[string]int64{"mac": 100}},
			[]string{"25,600 MACs on the 16x16 array need 100 cycles", "Twice as many cells, equally busy, would save at most about 50 cycles (50.0 %)"}},
		{VectorWork, evaluate.Layer{Name: "pool", Op: "MaxPool", CyclesByBound: map[string]int64{"vector": 70}}, []string{"pool spends 100.0 % of its cycles with only the vector unit", "vector.lanes"}},
		{LookupWork, evaluate.Layer{Name: "fc", CyclesByBound: map[string]int64{"lookup": 70}}, []string{"lut_gemm.lanes"}},
		{LookupOverhead, evaluate.Layer{Name: "fc", CyclesByBound: map[string]int64{"lookup": 5, "pipeline": 70}, Reuse: &evaluate.LayerReuse{}}, []string{"fc spends 93.3 % of its cycles with the LUT-GEMM unit building tables", "lut_gemm.adders"}},
		{SetUp, evaluate.Layer{Name: "x", CyclesByBound: map[string]int64{"latency": 70}}, []string{"dma.setup_cycles"}},
	} {
		r := diagnosed(c.layer)
		f := Diagnose(r)[0]
		if f.Loss != c.loss || f.Layer != 1 {
			t.Errorf("%s of layer %d is found, want %s", f.Loss, f.Layer, c.loss)
		}
		text := f.Title + "\n" + strings.Join(f.Proof, "\n") + "\n" + f.Change
		for _, words := range c.words {
			if !strings.Contains(text, words) {
				t.Errorf("%s: no %q in\n%s", c.loss, words, text)
			}
		}
	}
}

// TestDiagnosisSums: findings share the cycles out, in the stated order.
func TestDiagnosisSums(t *testing.T) {
	for _, layers := range []int{0, 1, 5, 60} {
		r := synthetic(layers)
		var cycles int64
		for i, f := range Diagnose(r) {
			cycles += f.Cycles
			if f.Gain > f.Cycles || f.Lost > f.Cycles || f.Title == "" || len(f.Proof) == 0 || f.Change == "" || f.Loss.Bound() == "" {
				t.Errorf("finding %d of %d layers: %+v", i, layers, f)
			}
		}
		if cycles != r.Timing.Cycles {
			t.Errorf("%d layers: findings explain %d of %d cycles", layers, cycles, r.Timing.Cycles)
		}
	}
}

func ExampleDiagnose() {
	for _, f := range Diagnose(synthetic(5)) {
		fmt.Printf("%4.1f %% %s\n", 100*f.Share, f.Loss)
	}
	// Output:
	// 52.2 % DRAM: weights, inputs, outputs
	// 38.6 % multiplying at the array's peak rate
	//  5.5 % array fill and drain
	//  2.6 % vector unit alone
	//  1.1 % set-up and synchronization
}

// TestBoundIsNotBlamedOnOthers: the headline does not call waits for decoding
// the memory's, nor cycles in which tables are built the array's.
func TestBoundIsNotBlamedOnOthers(t *testing.T) {
	for _, c := range []struct {
		layer        evaluate.Layer
		name, phrase string
	}{
		{evaluate.Layer{Name: "fc", CyclesByBound: map[string]int64{"mac": 1000, "dram": 9000}, DRAMReadBytes: 10_000, Reuse: &evaluate.LayerReuse{DecodeCycles: 9000}},
			"decoding of coded weights", "waiting for DRAM, with nothing computing, mostly while coded weights are decoded"},
		{evaluate.Layer{Name: "fc", CyclesByBound: map[string]int64{"mac": 1000, "dram": 9000}, DRAMReadBytes: 150_000, Reuse: &evaluate.LayerReuse{DecodeCycles: 900}},
			"DRAM", "waiting for DRAM, with nothing computing; the largest"},
		{evaluate.Layer{Name: "fc", CyclesByBound: map[string]int64{"lookup": 5, "pipeline": 70}, Reuse: &evaluate.LayerReuse{}},
			"LUT-GEMM unit", "building tables or waiting for a scratchpad port"},
		{evaluate.Layer{Name: "fc", CyclesByBound: map[string]int64{"mac": 5, "pipeline": 70}, Reuse: &evaluate.LayerReuse{Tiles: 1}},
			"pipeline of the MAC array", "with the MAC array only filling"},
	} {
		name, sentences := boundSentences(diagnosed(c.layer))
		if name != c.name || !strings.Contains(sentences[0], c.phrase) {
			t.Errorf("the bound is %q: %s\nwant %q, %q", name, sentences[0], c.name, c.phrase)
		}
	}
}
