package reports

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"
	"testing"

	"github.com/npusim/npusim/npu/evaluate"
)

// withCompression adds to a result what coded weights leave: every layer coded
// but the second, and a tile of the third that stays plain. All sums agree.
func withCompression(r *evaluate.Result) *evaluate.Result {
	c := &evaluate.Compression{Scheme: "xor-sequential", DecodeCycles: 12345}
	for i := range r.Layers {
		plain := r.Layers[i].BytesByClass["weights"]
		l := evaluate.CompressionLayer{Name: r.Layers[i].Name, Scheme: c.Scheme, Inputs: 8, Outputs: 72, Registers: 1, Weights: plain, PlainBytes: plain, Sparsity: 0.875}
		l.CodeBytes, l.CorrectionBytes, l.MaskBytes, l.Corrections = plain/9, plain/80, plain/14, plain/16
		switch i {
		case 1:
			l = evaluate.CompressionLayer{Name: l.Name, Scheme: plainScheme, Weights: plain, PlainBytes: plain, StoredPlainBytes: plain, Sparsity: 0.125,
				Reason: "stays plain: 9.02 bits a weight coded (codes 7.00, corrections 1.48, mask 0.54), 8 plain; 12 % of its weights are zero"}
		case 2:
			l.Reason = "1 of 3 tiles stay plain: their coded form is not smaller"
			l.StoredPlainBytes = plain / 3
		}
		if plain > 0 {
			l.BitsPerWeight = 8 * float64(layerBytes(&l)) / float64(plain)
		}
		c.Weights += l.Weights
		c.Kept += int64(float64(l.Weights) * (1 - l.Sparsity))
		c.PlainBytes += l.PlainBytes
		c.CodeBytes += l.CodeBytes
		c.CorrectionBytes += l.CorrectionBytes
		c.MaskBytes += l.MaskBytes
		c.StoredPlainBytes += l.StoredPlainBytes
		c.Layers = append(c.Layers, l)
		by := r.Layers[i].BytesByClass
		by["weights"], by["corrections"], by["masks"] = l.CodeBytes+l.StoredPlainBytes, l.CorrectionBytes, plain-l.CodeBytes-l.StoredPlainBytes-l.CorrectionBytes
		for class, sign := range map[string]int64{"weights": by["weights"] - plain, "corrections": by["corrections"], "masks": by["masks"]} {
			r.DRAM.BytesByClass[class] += sign
		}
	}
	for i, format := range []string{"dense", "csr-8", "bitmap", "xor-sequential with mask"} {
		c.Storages = append(c.Storages, evaluate.Storage{Format: format, Bytes: c.Weights / int64(i+1), BitsPerWeight: 8 / float64(i+1), DecodeCycles: c.Weights / int64(4*i+4), Imbalance: 1 + float64(i%3)/16})
	}
	r.Compression = c
	r.Operations.XORSlices, r.Operations.Corrections = c.Weights/9, c.Weights/16
	r.EnergyUJ.XOR = 0.25
	r.EnergyUJ.Static -= 0.25
	return r
}

func TestCompressionText(t *testing.T) {
	text := summaryText(t, withCompression(synthetic(8)), Style{})
	golden(t, "summary_compressed.txt", []byte(text))
	body := strings.Join(strings.Fields(text), " ")
	for _, want := range []string{"Weights in DRAM Scheme xor-sequential", "Layers 7 coded, 1 plain", "Decoding 12,345 cycles", "all of it plain", "stays plain: 9.02 bits a weight",
		"1 of 3 tiles stay plain", "xor-sequential with mask", "one lane a decryption unit"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for _, absent := range []string{"corrections", "masks", "decryption", "Weights in DRAM"} {
		if plain := summaryText(t, synthetic(8), Style{}); strings.Contains(plain, absent) {
			t.Errorf("%q in the report of plain weights:\n%s", absent, plain)
		}
	}
}

// TestManyPlainLayers: the reasons of a deep network do not flood the report.
func TestManyPlainLayers(t *testing.T) {
	r := withCompression(synthetic(60))
	for i := range r.Compression.Layers {
		r.Compression.Layers[i].Reason = strings.Repeat("a long reason ", 50)
	}
	text := summaryText(t, r, Style{})
	if n := strings.Count(text, "a long reason a long reason a"); n > 3*shownReasons || !strings.Contains(text, fmt.Sprintf("- %d more: compression.csv", 60-shownReasons)) {
		t.Errorf("%d lines of reasons in\n%s", n, text)
	}
}

// TestPrunedOnly: pruning without a codec still has zeros and formats.
func TestPrunedOnly(t *testing.T) {
	r := synthetic(3)
	r.Compression = &evaluate.Compression{Scheme: plainScheme, Weights: 1000, Kept: 100, Storages: []evaluate.Storage{{Format: "dense", Bytes: 1000, BitsPerWeight: 8, DecodeCycles: 125, Imbalance: 1}}}
	text := summaryText(t, r, Style{})
	for _, want := range []string{"pruned weights are stored as zeros", "90.0 %", "dense"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "all of it plain") || strings.Contains(text, "NaN") {
		t.Errorf("text is\n%s", text)
	}
	if hasCompression(r) {
		t.Error("there is nothing to write by layer")
	}
}

// TestShapesOnly: the sizes of layer shapes are said to be estimates.
func TestShapesOnly(t *testing.T) {
	r := synthetic(3)
	r.Compression = &evaluate.Compression{Scheme: "xor-block", DecodeCycles: 7, Layers: []evaluate.CompressionLayer{{Name: "a", Scheme: "xor-block", Inputs: 8, Outputs: 60, Weights: 1000, Sparsity: 0.9}},
		PlainBytes: 1000, CodeBytes: 134, CorrectionBytes: 20, NetworkBytes: 64}
	text := summaryText(t, r, Style{})
	for _, want := range []string{"1,000", "90.0 %", "1 coded", "network table", "64", "all of it plain", "sizes are estimated from random ones"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "scales") || strings.Contains(text, "other formats") {
		t.Errorf("text is\n%s", text)
	}
}

func TestCompressionCSV(t *testing.T) {
	r := withCompression(synthetic(8))
	c := r.Compression
	rows := records(t, func(b *bytes.Buffer) error { return WriteCompressionCSV(b, r) })
	if len(rows) != 9 || rows[2][2] != "none" || rows[2][3] != "" || rows[1][3] != "8" || rows[1][5] != "1" {
		t.Errorf("rows are %q", rows[:3])
	}
	for column, sum := range map[string]int64{"weights": c.Weights, "plain_bytes": c.PlainBytes, "code_bytes": c.CodeBytes, "correction_bytes": c.CorrectionBytes,
		"mask_bytes": c.MaskBytes, "stored_plain_bytes": c.StoredPlainBytes, "bytes": c.CodeBytes + c.CorrectionBytes + c.MaskBytes + c.StoredPlainBytes} {
		if got := columnSum(t, rows, column); got != float64(sum) {
			t.Errorf("%s sums to %g, want %d", column, got, sum)
		}
	}
}

// TestCodedClasses: traffic of coded weights has columns and rows of its own,
// which files of plain weights do not have.
func TestCodedClasses(t *testing.T) {
	r := withMemory(withCompression(synthetic(6)), 20)
	var b bytes.Buffer
	if err := WriteOverTimeCSV(&b, r); err != nil {
		t.Fatal(err)
	}
	header, err := csv.NewReader(&b).Read()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(header, " "); !strings.Contains(got, "bytes_weights bytes_corrections bytes_masks bytes_activations bytes_metadata") {
		t.Errorf("header is %s", got)
	}
	rows := records(t, func(b *bytes.Buffer) error { return WriteDRAMCSV(b, r) })
	if len(rows) != 1+6*5 || rows[2][2] != "corrections" || rows[3][2] != "masks" {
		t.Errorf("%d rows: %q", len(rows), rows[:6])
	}
	chart := DRAMByLayer(r)
	if len(chart.series) != 5 || !strings.HasPrefix(chart.series[1].name, "corrections") || !strings.HasPrefix(chart.series[2].name, "masks") {
		t.Errorf("series are %v", chart.series)
	}
	for _, s := range chart.series[1:3] {
		for _, spare := range spareColors {
			if s.color == spare {
				t.Errorf("%s has a spare colour", s.name)
			}
		}
	}
}
