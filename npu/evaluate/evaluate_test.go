package evaluate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/npu/evaluate"
)

const (
	glyphModel = "../../testdata/glyphs/glyphs.onnx"
	glyphData  = "../../testdata/glyphs/glyphs.toml"
)

func load(t testing.TB, preset string, sets ...string) *configs.Spec {
	t.Helper()
	spec, err := configs.Load(preset, sets)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// inMode loads a preset with a weight mode.
func inMode(t *testing.T, preset, mode string, sets ...string) *configs.Spec {
	t.Helper()
	sets = append(sets, "quantization.weights="+mode)
	if mode == "per-channel" {
		sets = append(sets, "mac_array.per_channel_multiplier=true")
	}
	return load(t, preset, sets...)
}

func run(t *testing.T, o evaluate.Options) *evaluate.Result {
	t.Helper()
	r, err := evaluate.Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func samples(full int) int {
	if testing.Short() || raceEnabled {
		return min(full, 40)
	}
	return full
}

// TestGlyphsCollapseAndRecover: with one weight scale a layer the network of
// this repository collapses; a shift a channel recovers it.
func TestGlyphsCollapseAndRecover(t *testing.T) {
	bounds := []struct {
		mode      string
		low, high float64 // of npu_top1 - float_top1
	}{
		{"per-layer", -1, -0.6},
		{"per-layer-shift", -0.03, 0.03},
		{"per-channel", -0.03, 0.03},
	}
	var cache evaluate.FloatCache
	for _, b := range bounds {
		r := run(t, evaluate.Options{Model: glyphModel, Data: glyphData, Spec: inMode(t, "edge", b.mode), Samples: samples(400), Float: &cache})
		a := r.Accuracy
		if !*a.BitExact {
			t.Errorf("%s: not bit-exact: %s", b.mode, a.Divergence)
		}
		if *a.FloatTop1 < 0.95 {
			t.Errorf("%s: float top-1 %.3f, want at least 0.95", b.mode, *a.FloatTop1)
		}
		if d := *a.Top1Difference; d < b.low || d > b.high {
			t.Errorf("%s: NPU - float = %.3f, want within [%.2f, %.2f]", b.mode, d, b.low, b.high)
		}
		if i := a.Top1DifferenceInterval; i.Low > *a.Top1Difference || i.High < *a.Top1Difference {
			t.Errorf("%s: interval %v does not hold %v", b.mode, *i, *a.Top1Difference)
		}
	}
}

// TestWeightRanges: of the layers with weights, and of no others, the ranges of
// all channels are known; equalization brings them together.
func TestWeightRanges(t *testing.T) {
	for _, mode := range []string{"per-layer", "per-layer-shift", "per-channel"} {
		r := run(t, evaluate.Options{Model: glyphModel, Data: glyphData, Spec: inMode(t, "edge", mode), TimingOnly: true})
		with, wide := 0, 0
		for i := range r.Layers {
			l := &r.Layers[i]
			if (l.WeightRanges != nil) != (l.WeightBits > 0) {
				t.Errorf("%s: layer %s of %d weight bits has ranges %v", mode, l.Name, l.WeightBits, l.WeightRanges)
			}
			if l.WeightRanges == nil {
				continue
			}
			with++
			if len(l.WeightRanges.Before) > 9 {
				wide++
			}
			if after := l.WeightRanges.After; (after != nil) != (mode == "per-layer-shift") || len(after) > 4 {
				t.Errorf("%s: layer %s has ranges %v after shifts", mode, l.Name, after)
			}
		}
		if with < 5 || wide < 3 {
			t.Errorf("%s: %d layers have ranges, %d spread over more than 4 octaves", mode, with, wide)
		}
	}
}

// TestSums: parts sum to totals, and no traffic is below the compulsory.
func TestSums(t *testing.T) {
	for _, preset := range []string{"edge", "mobile"} {
		r := run(t, evaluate.Options{Model: glyphModel, Data: glyphData, Spec: load(t, preset), Samples: 2})
		checkSums(t, preset, r)
	}
}

func checkSums(t *testing.T, name string, r *evaluate.Result) {
	t.Helper()
	var cycles, reads, writes, macs int64
	var energy float64
	classes := map[string]int64{}
	for _, l := range r.Layers {
		cycles, reads, writes, macs, energy = cycles+l.Cycles, reads+l.DRAMReadBytes, writes+l.DRAMWriteBytes, macs+l.MACs, energy+l.EnergyUJ
		var bounds, bytes int64
		for _, c := range l.CyclesByBound {
			bounds += c
		}
		for class, b := range l.BytesByClass {
			bytes += b
			classes[class] += b
		}
		if bounds != l.Cycles || bytes != l.DRAMReadBytes+l.DRAMWriteBytes {
			t.Errorf("%s, layer %s: bounds sum to %d of %d cycles, classes to %d of %d bytes", name, l.Name, bounds, l.Cycles, bytes, l.DRAMReadBytes+l.DRAMWriteBytes)
		}
	}
	if cycles != r.Timing.Cycles || reads != r.DRAM.ReadBytes || writes != r.DRAM.WriteBytes || macs != r.Model.MACs {
		t.Errorf("%s: layers sum to %d cycles, %d + %d bytes, %d MACs; totals are %d, %d + %d, %d", name, cycles, reads, writes, macs,
			r.Timing.Cycles, r.DRAM.ReadBytes, r.DRAM.WriteBytes, r.Model.MACs)
	}
	if d := energy - r.EnergyUJ.Total; d > 1e-9*energy || d < -1e-9*energy {
		t.Errorf("%s: layers sum to %g uJ, the total is %g", name, energy, r.EnergyUJ.Total)
	}
	if diff := cmp.Diff(r.DRAM.BytesByClass, classes); diff != "" {
		t.Errorf("%s: bytes by class: %s", name, diff)
	}
	if moved := r.DRAM.ReadBytes + r.DRAM.WriteBytes; moved < r.DRAM.CompulsoryBytes {
		t.Errorf("%s: %d bytes moved, %d are compulsory", name, moved, r.DRAM.CompulsoryBytes)
	}
	if r.DRAM.AchievedGBPerS > r.DRAM.PeakGBPerS {
		t.Errorf("%s: achieved %g GB/s of %g", name, r.DRAM.AchievedGBPerS, r.DRAM.PeakGBPerS)
	}
	for unit, s := range r.Stalls {
		if sum := s.Busy + s.Fill + s.Drain + s.Bank + s.DRAM + s.Semaphore + s.Finished; sum != r.Timing.Cycles {
			t.Errorf("%s: unit %s accounts for %d of %d cycles", name, unit, sum, r.Timing.Cycles)
		}
		var active int64
		for i, n := range r.Occupancy.ActiveCycles[unit] {
			if active += n; n < 0 || n > r.Occupancy.IntervalCycles {
				t.Errorf("%s: unit %s is active for %d of %d cycles in stretch %d", name, unit, n, r.Occupancy.IntervalCycles, i)
			}
		}
		if want := s.Busy + s.Fill + s.Drain + s.Bank; active != want {
			t.Errorf("%s: unit %s is active for %d cycles over time, for %d by cause", name, unit, active, want)
		}
	}
	if u := r.Timing.MACUtilization; u <= 0 || u > 1 {
		t.Errorf("%s: utilization %g", name, u)
	}
}

// TestSameSeedSameBytes: results do not depend on workers, on repetition or on
// what is timed beside them.
func TestSameSeedSameBytes(t *testing.T) {
	var texts []string
	for _, workers := range []int{1, 2, 3} {
		r := run(t, evaluate.Options{Model: glyphModel, Spec: load(t, "edge"), Samples: 24, Seed: 7, Workers: workers})
		r.Host = evaluate.Host{}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	for _, text := range texts[1:] {
		if diff := cmp.Diff(texts[0], text); diff != "" {
			t.Fatal(diff)
		}
	}
	other := run(t, evaluate.Options{Model: glyphModel, Spec: load(t, "edge"), Samples: 24, Seed: 8})
	if first := run(t, evaluate.Options{Model: glyphModel, Spec: load(t, "edge"), Samples: 24, Seed: 7}); *first.Accuracy.SQNRDB == *other.Accuracy.SQNRDB {
		t.Error("another seed gave the same outputs")
	}
}

// TestLowBits: every width of weights and activations stays bit-exact, and
// narrower weights take less room.
func TestLowBits(t *testing.T) {
	previous := int64(0)
	for bits := 2; bits <= 8; bits++ {
		spec := load(t, "edge", fmt.Sprintf("quantization.weight_bits=%d", bits), fmt.Sprintf("quantization.activation_bits=%d", 10-bits))
		r := run(t, evaluate.Options{Model: glyphModel, Data: glyphData, Spec: spec, Samples: 3, CheckAll: true})
		if !*r.Accuracy.BitExact || r.Accuracy.BitExactSamples != 3 {
			t.Errorf("%d-bit weights: %d samples bit-exact=%v: %s", bits, r.Accuracy.BitExactSamples, *r.Accuracy.BitExact, r.Accuracy.Divergence)
		}
		if w := r.DRAM.BytesByClass["weights"]; w <= previous {
			t.Errorf("%d-bit weights take %d bytes, %d-bit ones %d", bits, w, bits-1, previous)
		} else {
			previous = w
		}
	}
}

// TestLayerOverrides: rules by layer name change that layer alone.
func TestLayerOverrides(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "mixed.toml")
	text := "inherit = \"edge\"\n[[quantization.layer]]\nmatch = \"block*/pointwise\"\nweight_bits = 4\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	r := run(t, evaluate.Options{Model: glyphModel, Data: glyphData, Spec: load(t, path), Samples: 3})
	for _, l := range r.Layers {
		want := 8
		if strings.HasSuffix(l.Name, "/pointwise") {
			want = 4
		}
		if l.WeightBits != 0 && l.WeightBits != want {
			t.Errorf("layer %s has %d-bit weights, want %d", l.Name, l.WeightBits, want)
		}
	}
}

// TestProgramAlone: a compiled program runs without its model, with the same
// figures; with the model the float figures come back.
func TestProgramAlone(t *testing.T) {
	spec := load(t, "edge")
	c, err := evaluate.Compile(context.Background(), evaluate.Options{Model: glyphModel, Data: glyphData, Spec: spec})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "glyphs.npu")
	if err := c.Program.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	n := samples(100)
	whole := run(t, evaluate.Options{Model: glyphModel, Data: glyphData, Spec: spec, Samples: n})
	alone := run(t, evaluate.Options{Model: path, Data: glyphData, Samples: n})
	if alone.Accuracy.FloatTop1 != nil || alone.Accuracy.BitExact != nil || alone.Accuracy.SQNRDB != nil {
		t.Error("a program without its model has float figures")
	}
	if *alone.Accuracy.NPUTop1 != *whole.Accuracy.NPUTop1 {
		t.Errorf("top-1 of the program alone is %g, of the model %g", *alone.Accuracy.NPUTop1, *whole.Accuracy.NPUTop1)
	}
	if alone.Model.Parameters != whole.Model.Parameters {
		t.Errorf("the program alone has %d parameters, the model %d", alone.Model.Parameters, whole.Model.Parameters)
	}
	if diff := cmp.Diff(whole.Timing, alone.Timing); diff != "" {
		t.Error(diff)
	}
	both := run(t, evaluate.Options{Model: path, FloatModel: glyphModel, Data: glyphData, Samples: n})
	if *both.Accuracy.FloatTop1 != *whole.Accuracy.FloatTop1 || *both.Accuracy.SQNRDB != *whole.Accuracy.SQNRDB {
		t.Error("the float model of a program gives other float figures")
	}
	// Another memory re-times the same program; another machine is refused.
	slow := run(t, evaluate.Options{Model: path, Spec: load(t, "edge", "dram.tier=linear", "dram.bandwidth_gb_per_s=1"), TimingOnly: true})
	if slow.Timing.Cycles <= whole.Timing.Cycles {
		t.Errorf("at 1 GB/s the program takes %d cycles, at the preset's bandwidth %d", slow.Timing.Cycles, whole.Timing.Cycles)
	}
	_, err = evaluate.Run(context.Background(), evaluate.Options{Model: path, Spec: load(t, "edge", "mac_array.rows=8"), TimingOnly: true})
	var usage *evaluate.UsageError
	if !errors.As(err, &usage) || !strings.Contains(err.Error(), "another machine") {
		t.Errorf("running on another machine: %v", err)
	}
}

// TestUsageErrors: faults of the input name their place and are usage errors.
func TestUsageErrors(t *testing.T) {
	spec := load(t, "edge")
	cases := []struct {
		name    string
		options evaluate.Options
		want    string
	}{
		{"no such model", evaluate.Options{Model: "absent.onnx", Spec: spec}, "absent.onnx"},
		{"unknown kind", evaluate.Options{Model: "model.tflite", Spec: spec}, "must be an .onnx, .npu or layer-shape .csv"},
		{"no such layer shapes", evaluate.Options{Model: "absent.csv", Spec: spec}, "absent.csv"},
		{"no such data", evaluate.Options{Model: glyphModel, Spec: spec, Data: "absent.toml"}, "absent.toml"},
		{"too many samples", evaluate.Options{Model: glyphModel, Spec: spec, Data: glyphData, Samples: 5000}, "1000 evaluation samples"},
		{"negative samples", evaluate.Options{Model: glyphModel, Spec: spec, Samples: -1}, "must be 0 to"},
		{"a model is no program's reference", evaluate.Options{Model: glyphModel, FloatModel: glyphModel, Spec: spec}, "--model"},
		{"scratchpad too small", evaluate.Options{Model: glyphModel, Spec: load(t, "edge", "npu.activation_buffer_kib=1", "npu.channel_block=64")}, "needs at least npu.activation_buffer_kib = "},
	}
	for _, c := range cases {
		_, err := evaluate.Run(context.Background(), c.options)
		var usage *evaluate.UsageError
		if !errors.As(err, &usage) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want a usage error with %q", c.name, err, c.want)
		}
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := evaluate.Run(cancelled, evaluate.Options{Model: glyphModel, Spec: spec}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled run: %v", err)
	}
}
