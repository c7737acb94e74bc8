package reports

import (
	"fmt"
	"io"
	"strconv"

	"github.com/npusim/npusim/npu/evaluate"
)

// hasCompression tells whether the run coded weights.
func hasCompression(r *evaluate.Result) bool {
	return r.Compression != nil && len(r.Compression.Layers) > 0
}

// WriteCompressionCSV writes how the weights of each layer lie in DRAM, one row
// a layer in the order of the network. Cells that do not apply are empty.
func WriteCompressionCSV(w io.Writer, r *evaluate.Result) error {
	records := [][]string{{"index", "name", "scheme", "n_in", "n_out", "n_s", "weights", "sparsity_fraction", "plain_bytes", "code_bytes", "correction_bytes",
		"mask_bytes", "scale_bytes", "stored_plain_bytes", "bytes", "corrections", "bits_per_weight", "reason"}}
	if c := r.Compression; c != nil {
		for i := range c.Layers {
			l := &c.Layers[i]
			inputs, outputs, registers := "", "", ""
			if l.Scheme != plainScheme {
				inputs, outputs, registers = strconv.Itoa(l.Inputs), strconv.Itoa(l.Outputs), strconv.Itoa(l.Registers)
			}
			records = append(records, []string{strconv.Itoa(i + 1), l.Name, l.Scheme, inputs, outputs, registers, whole(l.Weights), exact(l.Sparsity),
				whole(l.PlainBytes), whole(l.CodeBytes), whole(l.CorrectionBytes), whole(l.MaskBytes), whole(l.ScaleBytes), whole(l.StoredPlainBytes), whole(layerBytes(l)),
				whole(l.Corrections), exact(l.BitsPerWeight), l.Reason})
		}
	}
	return writeRecords(w, "compression", records)
}

// plainScheme is that of layers that are not coded.
const plainScheme = "none"

func layerBytes(l *evaluate.CompressionLayer) int64 {
	return l.CodeBytes + l.CorrectionBytes + l.MaskBytes + l.ScaleBytes + l.StoredPlainBytes
}

// compression writes how the weights lie in DRAM.
func (t *textWriter) compression(r *evaluate.Result) {
	c := r.Compression
	if c == nil {
		return
	}
	t.section("Weights in DRAM")
	weights, kept := codedWeights(c)
	scheme := c.Scheme
	if scheme == plainScheme && len(c.Layers) == 0 {
		scheme = "none: pruned weights are stored as zeros"
	}
	facts := []fact{{"Scheme", scheme, ""}, {"Weights", Count(weights), "of convolutions and matrix products"},
		{"Zeros", percent(float64(weights-kept), float64(weights)) + " %", "of them, after quantization"}}
	if len(c.Layers) > 0 {
		facts = append(facts, layersFact(c), fact{"Decoding", counted(c.DecodeCycles, "cycle"), "that the decryption units are busy in one inference"})
	}
	t.facts(facts)
	t.compressedBytes(c)
	t.plainLayers(c)
	t.storages(c)
}

// codedWeights are all weights and those that are not zero; where only layer
// shapes are known, those of the coded layers.
func codedWeights(c *evaluate.Compression) (weights, kept int64) {
	if c.Weights > 0 {
		return c.Weights, c.Kept
	}
	for i := range c.Layers {
		l := &c.Layers[i]
		weights += l.Weights
		kept += int64(float64(l.Weights)*(1-l.Sparsity) + 0.5)
	}
	return weights, kept
}

// layersFact counts coded and plain layers.
func layersFact(c *evaluate.Compression) fact {
	coded := 0
	for i := range c.Layers {
		if c.Layers[i].Scheme != plainScheme {
			coded++
		}
	}
	f := fact{"Layers", fmt.Sprintf("%d coded", coded), "parts of one XOR network; n_in and n_out by layer: compression.csv"}
	if plain := len(c.Layers) - coded; plain > 0 {
		f.value += fmt.Sprintf(", %d plain", plain)
		f.remark = "where the coded form would not be smaller"
	}
	return f
}

// compressedBytes splits the bytes of the layers that were to be coded.
func (t *textWriter) compressedBytes(c *evaluate.Compression) {
	if len(c.Layers) == 0 {
		return
	}
	weights := int64(0)
	for i := range c.Layers {
		weights += c.Layers[i].Weights
	}
	perWeight := func(bytes int64) string {
		if weights == 0 {
			return "-"
		}
		return decimal(8*float64(bytes)/float64(weights), 3)
	}
	var rows [][]string
	all := int64(0)
	for _, part := range []struct {
		name  string
		bytes int64
	}{{"codes", c.CodeBytes}, {"corrections", c.CorrectionBytes}, {"masks", c.MaskBytes}, {"scales", c.ScaleBytes}, {"plain tiles", c.StoredPlainBytes}, {"network table", c.NetworkBytes}} {
		all += part.bytes
		if part.bytes == 0 && (part.name == "scales" || part.name == "network table") {
			continue
		}
		rows = append(rows, []string{part.name, Count(part.bytes), perWeight(part.bytes), percent(float64(part.bytes), float64(c.PlainBytes))})
	}
	t.b.WriteString("\n")
	t.table([]Column{{"Part", "", false}, {"Size", "B", true}, {"Bits a weight", "", true}, {"Of plain", "%", true}}, rows,
		[]string{"in all", Count(all), perWeight(all), percent(float64(all), float64(c.PlainBytes))},
		[]string{"all of it plain", Count(c.PlainBytes), perWeight(c.PlainBytes), percent(float64(c.PlainBytes), float64(c.PlainBytes))})
	if c.Weights == 0 {
		t.paragraph("", "Layer shapes have no weights to code: sizes are estimated from random ones.")
	}
}

// shownReasons bounds the layers whose reasons are printed.
const shownReasons = 6

// plainLayers says why layers, or tiles of them, are not coded.
func (t *textWriter) plainLayers(c *evaluate.Compression) {
	shown, more := 0, 0
	for i := range c.Layers {
		l := &c.Layers[i]
		switch {
		case l.Reason == "":
		case shown == shownReasons:
			more++
		default:
			if shown == 0 {
				t.b.WriteString("\n")
			}
			shown++
			t.paragraph("- ", Shorten(printable(l.Name), 40)+": "+Shorten(printable(l.Reason), 150))
		}
	}
	if more > 0 {
		t.paragraph("- ", fmt.Sprintf("%d more: compression.csv of a report directory has the reasons", more))
	}
}

// storages sets sparse formats beside each other.
func (t *textWriter) storages(c *evaluate.Compression) {
	if len(c.Storages) == 0 {
		return
	}
	t.section("The same weights in other formats")
	var rows [][]string
	for i := range c.Storages {
		s := &c.Storages[i]
		rows = append(rows, []string{s.Format, Count(s.Bytes), decimal(s.BitsPerWeight, 3), Count(s.DecodeCycles), decimal(s.Imbalance, 3)})
	}
	t.table([]Column{{"Format", "", false}, {"Size", "B", true}, {"Bits a weight", "", true}, {"Decoding", "cycles", true}, {"Imbalance", "", true}}, rows)
	t.paragraph("", "Decoding: a simple model without memory, one lane a decryption unit, rows dealt out in turn. Imbalance: the slowest lane's time over the mean.")
}

// maximumListed bounds the layers and storages of a summary that is read.
const maximumListed = 1 << 20

// compression refuses counts that no run can have.
func (c *checker) compression(o *evaluate.Compression) {
	if o == nil {
		return
	}
	const key = "compression"
	for i, n := range []int64{o.Weights, o.Kept, o.PlainBytes, o.CodeBytes, o.CorrectionBytes, o.MaskBytes, o.ScaleBytes, o.StoredPlainBytes, o.NetworkBytes, o.DecodeCycles} {
		c.count(key+"."+[]string{"weights", "kept", "plain_bytes", "code_bytes", "correction_bytes", "mask_bytes", "scale_bytes", "stored_plain_bytes", "network_bytes", "decode_cycles"}[i], n)
	}
	if o.Kept > o.Weights {
		c.fail("key %q is %d, must be at most the %d weights", key+".kept", o.Kept, o.Weights)
	}
	if !c.short(key+".layers", len(o.Layers), maximumListed) || !c.short(key+".storages", len(o.Storages), maximumListed) {
		return
	}
	for i := range o.Layers {
		l := &o.Layers[i]
		place := fmt.Sprintf("%s.layers[%d]", key, i)
		for j, n := range []int64{int64(l.Inputs), int64(l.Outputs), int64(l.Registers), l.Weights, l.PlainBytes, l.CodeBytes, l.CorrectionBytes, l.MaskBytes, l.ScaleBytes, l.StoredPlainBytes, l.Corrections} {
			c.count(place+"."+[]string{"n_in", "n_out", "n_s", "weights", "plain_bytes", "code_bytes", "correction_bytes", "mask_bytes", "scale_bytes", "stored_plain_bytes", "corrections"}[j], n)
		}
		c.atMost(place+".sparsity", l.Sparsity, 1)
		c.amount(place+".bits_per_weight", l.BitsPerWeight)
	}
	for i := range o.Storages {
		s := &o.Storages[i]
		place := fmt.Sprintf("%s.storages[%d]", key, i)
		c.count(place+".bytes", s.Bytes)
		c.count(place+".decode_cycles", s.DecodeCycles)
		c.amount(place+".bits_per_weight", s.BitsPerWeight)
		c.amount(place+".imbalance", s.Imbalance)
	}
}
