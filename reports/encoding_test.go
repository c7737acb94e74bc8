package reports

import (
	"bytes"
	"encoding/json"
	"errors"
	"image/color"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/npusim/npusim/npu/evaluate/codecstudy"
)

// study is a result with figures like those of a random plane.
func study(codec codecstudy.Codec, sparsity float64) *codecstudy.Result {
	care := 1 - sparsity
	r := &codecstudy.Result{Codec: codec.String(), Weights: 1_000_000, CareBits: int64(care*1e6 + 0.5), Sparsity: sparsity, Inputs: 20, Outputs: int(17 / care), Planes: 1,
		Efficiency: 0.976, EntropyBound: care, Lossless: true, EncodeRate: 123.4e6, DecodeRate: 4.56e9, Source: "random", Shape: []int{1000, 1000},
		Material: "one plane of random bits, seed 7, each pruned at random", Seed: 7, Networks: 16, NetworkSeed: 12, Slices: 5320, Corrections: 2160,
		StreamBytes: 17_000, MaskFormat: "run-length", MaskEntropy: 0.436}
	r.BitsPerWeight = codecstudy.BitsPerWeight{Code: care * 1.17, Patch: care * 0.31, Mask: 0.5 * care * 9}
	if codec == codecstudy.Sequential {
		r.BitsPerWeight.Patch, r.BitsPerWeight.Correction = 0, r.BitsPerWeight.Patch
		r.Inputs, r.Registers, r.PartSlices = 8, 1, 1024
	}
	b := &r.BitsPerWeight
	b.Total = b.Code + b.Patch + b.Correction
	r.MemoryReduction, r.MemoryReductionWithMask = 1-b.Total, 1-b.Total-b.Mask
	r.MaskSizes = []codecstudy.MaskSize{{Format: "raw", Bytes: 125_040, BitsPerWeight: 1.00032}, {Format: "run-length", Bytes: int64(b.Mask * 125_000), BitsPerWeight: b.Mask}}
	r.Host = codecstudy.Host{Workers: 2, WallSeconds: 0.5, ChooseSeconds: 0.4, EncodeSeconds: 0.0081, DecodeSeconds: 219e-6}
	return r
}

func sweep(codec codecstudy.Codec) *codecstudy.SweepResult {
	s := &codecstudy.SweepResult{Codec: codec.String(), Parameter: codecstudy.SweepSparsity, Source: "random", Seed: 7, Host: codecstudy.Host{WallSeconds: 3}}
	for _, sparsity := range []float64{0.5, 0.6, 0.7, 0.8, 0.9} {
		s.Rows = append(s.Rows, codecstudy.Row{Value: sparsity, Result: *study(codec, sparsity)})
	}
	return s
}

func TestEncodingText(t *testing.T) {
	var b bytes.Buffer
	exhaustive := study(codecstudy.Block, 0.91)
	exhaustive.Exact, exhaustive.Searched, exhaustive.Networks = true, true, 1
	exhaustive.MaskFormat, exhaustive.BitsPerWeight.Mask = "low-rank", 0.184
	exhaustive.MemoryReductionWithMask = exhaustive.MemoryReduction - 0.184
	exhaustive.MaskSizes = append(exhaustive.MaskSizes, codecstudy.MaskSize{Format: "low-rank", Bytes: 23_000, BitsPerWeight: 0.184})
	exhaustive.LowRank = &codecstudy.LowRank{TileRows: 11, TileCols: 11, Rank: 1, KeptShare: 0.19, Unstructured: 0.258}
	fitted := study(codecstudy.Fractional, 0)
	fitted.MaskSizes, fitted.MaskFormat, fitted.Lossless, fitted.SQNRDB, fitted.Taps = nil, "none", false, pointer(3.14), 2
	fitted.BitsPerWeight = codecstudy.BitsPerWeight{Total: 0.86, Code: 0.8, Scale: 0.06}
	fitted.Material, fitted.Outputs, fitted.MemoryReduction, fitted.MemoryReductionWithMask = "normal random weights, seed 7", 25, 0.14, 0.14
	for _, r := range []*codecstudy.Result{study(codecstudy.Sequential, 0.91), exhaustive, fitted} {
		if err := WriteEncodingText(&b, r, Style{}); err != nil {
			t.Fatal(err)
		}
		b.WriteString("\n")
	}
	if err := WriteSweepText(&b, sweep(codecstudy.Block), Style{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "encoding.txt", b.Bytes())
}

// TestEncodingJSONKeys: the keys that scripts read are there, by these names and
// in this order, others after them.
func TestEncodingJSONKeys(t *testing.T) {
	var b bytes.Buffer
	if err := WriteEncodingJSON(&b, study(codecstudy.Block, 0.91)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range regexp.MustCompile(`(?m)^  "(\w+)":`).FindAllStringSubmatch(b.String(), -1) {
		got = append(got, m[1])
	}
	want := []string{"codec", "weights", "care_bits", "sparsity", "n_in", "n_out", "n_s", "planes", "bits_per_weight", "efficiency", "entropy_bound_bits_per_weight",
		"memory_reduction", "memory_reduction_with_mask", "lossless", "encode_plane_bits_per_second", "decode_plane_bits_per_second"}
	if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		t.Errorf("keys are %q", got)
	}
	var r struct {
		Bits map[string]float64 `json:"bits_per_weight"`
	}
	if err := json.Unmarshal(b.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"total", "code", "patch", "correction", "mask"} {
		if _, ok := r.Bits[key]; !ok {
			t.Errorf("bits_per_weight.%s is missing", key)
		}
	}
	b.Reset()
	if err := WriteSweepJSON(&b, sweep(codecstudy.Block)); err != nil {
		t.Fatal(err)
	}
	var s struct {
		Rows []map[string]any `json:"rows"`
	}
	if err := json.Unmarshal(b.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	if len(s.Rows) != 5 || s.Rows[4]["value"] != 0.9 || s.Rows[4]["efficiency"] != 0.976 {
		t.Errorf("rows are %v", s.Rows)
	}
}

// sweeps are results of every kind, harmless and hostile.
func sweeps() map[string]*codecstudy.SweepResult {
	fractional := sweep(codecstudy.Fractional)
	fractional.Parameter = codecstudy.SweepOutputs
	registers := sweep(codecstudy.Sequential)
	registers.Parameter = codecstudy.SweepRegisters
	inputs := sweep(codecstudy.Block)
	inputs.Parameter = codecstudy.SweepInputs
	inputs.Rows = inputs.Rows[:1]
	many := sweep(codecstudy.Block)
	for len(many.Rows) < codecstudy.MaxSweep {
		many.Rows = append(many.Rows, many.Rows[len(many.Rows)%5])
	}
	hostile := sweep(codecstudy.Block)
	hostile.Source = strings.Repeat("W", 300) + "\x00<&"
	for i := range hostile.Rows {
		hostile.Rows[i].MaskFormat = strings.Repeat("m", 40*i)
	}
	zero := sweep(codecstudy.Block)
	for i := range zero.Rows {
		zero.Rows[i].Result = codecstudy.Result{}
	}
	return map[string]*codecstudy.SweepResult{"block": sweep(codecstudy.Block), "fractional": fractional, "registers": registers, "inputs": inputs, "many": many,
		"hostile": hostile, "zero": zero, "none": {Codec: "xor-block", Parameter: codecstudy.SweepSparsity}}
}

func TestSweepPlots(t *testing.T) {
	for name, r := range sweeps() {
		plot := EncodingSweep(r)
		img := rasterOf(plot.figure, 48)
		b := img.Bounds()
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for _, x := range []int{b.Min.X, b.Min.X + 1, b.Max.X - 2, b.Max.X - 1} {
				if color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y < 250 {
					t.Fatalf("%s: something at the edge, at %d,%d", name, x, y)
				}
			}
		}
		svg := string(render(t, plot.WriteSVG))
		if svg != string(render(t, EncodingSweep(r).WriteSVG)) || strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
			t.Errorf("%s: SVG differs from time to time, or has numbers that are none", name)
		}
		if bound := strings.Contains(svg, "entropy bound"); bound == (name == "fractional") {
			t.Errorf("%s: entropy bound in the legend: %v", name, bound)
		}
		var text bytes.Buffer
		if err := WriteSweepText(&text, r, Style{}); err != nil || strings.Contains(text.String(), "NaN") {
			t.Errorf("%s: %v\n%s", name, err, text.String())
		}
	}
	goldenPicture(t, "sweep.png", render(t, EncodingSweep(sweep(codecstudy.Sequential)).WritePNG))
}

func TestEncodingWriteErrors(t *testing.T) {
	for name, write := range map[string]func(io.Writer) error{
		"text":  func(w io.Writer) error { return WriteEncodingText(w, study(codecstudy.Block, 0.5), Style{}) },
		"JSON":  func(w io.Writer) error { return WriteEncodingJSON(w, study(codecstudy.Block, 0.5)) },
		"sweep": func(w io.Writer) error { return WriteSweepText(w, sweep(codecstudy.Block), Style{}) },
		"rows":  func(w io.Writer) error { return WriteSweepJSON(w, sweep(codecstudy.Block)) },
	} {
		if err := write(brokenWriter{}); !errors.Is(err, errBroken) {
			t.Errorf("%s: error is %v, want that of the writer", name, err)
		}
	}
}
