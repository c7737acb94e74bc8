package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/npusim/npusim/npu/evaluate/codecstudy"
)

// WriteEncodingJSON writes the study of a codec indented, keys in the order of
// the struct, with a line feed at the end.
func WriteEncodingJSON(w io.Writer, r *codecstudy.Result) error {
	return writeIndented(w, "the study of "+r.Source, r)
}

// WriteSweepJSON is WriteEncodingJSON of a sweep.
func WriteSweepJSON(w io.Writer, r *codecstudy.SweepResult) error {
	return writeIndented(w, "the sweep of "+r.Source, r)
}

func writeIndented(w io.Writer, what string, value any) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("JSON report of %s: %w", what, err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// WriteEncodingText writes the study of a codec that people read. It makes one
// write.
func WriteEncodingText(w io.Writer, r *codecstudy.Result, style Style) error {
	t := &textWriter{style: style}
	t.encodingSource(r)
	t.encodingCode(r)
	t.encodingBits(r)
	t.encodingMasks(r)
	t.encodingRates(r)
	if t.err != nil {
		return fmt.Errorf("text report of %s: %w", r.Source, t.err)
	}
	_, err := io.WriteString(w, t.b.String())
	return err
}

func (t *textWriter) encodingSource(r *codecstudy.Result) {
	t.section(r.Codec + " on " + sourceName(r.Source))
	var sides []string
	for _, n := range r.Shape {
		sides = append(sides, strconv.Itoa(n))
	}
	shape := ""
	if len(sides) > 1 {
		shape = strings.Join(sides, " x ")
	}
	planes := counted(int64(r.Planes), "plane") + " of bits"
	if r.Representation != "" {
		planes += ", " + r.Representation
	}
	care := fmt.Sprintf("%s of all bits: those of weights that are kept", percentOf(float64(r.CareBits), float64(r.Weights)*float64(r.Planes)))
	label := "Care bits"
	if r.Taps > 0 || r.SQNRDB != nil {
		label, care = "Signs", "of weights that are not zero"
	}
	t.facts([]fact{
		{"Material", r.Material, ""},
		{"Weights", Count(r.Weights), shape},
		{"Pruned", decimal(100*r.Sparsity, 2) + " %", "of the weights"},
		{"Planes", planes, ""},
		{label, Count(r.CareBits), care},
	})
}

// sourceName is a file or what is random.
func sourceName(source string) string {
	if source == "random" {
		return "random weights"
	}
	return source
}

func percentOf(part, whole float64) string { return percent(part, whole) + " %" }

func (t *textWriter) encodingCode(r *codecstudy.Result) {
	t.section("Code")
	parameters := fmt.Sprintf("n_in %d, n_out %d", r.Inputs, r.Outputs)
	if r.PartSlices > 0 {
		parameters += fmt.Sprintf(", n_s %d", r.Registers)
	}
	remark := ""
	if r.Searched {
		remark = "n_out searched for the least bits on a sample"
	}
	network := fmt.Sprintf("random, seed %d", r.NetworkSeed)
	if r.Taps > 0 {
		network = fmt.Sprintf("%d inputs for each output, seed %d", r.Taps, r.NetworkSeed)
	}
	best := fmt.Sprintf("the best of %d on a sample", r.Networks)
	if r.Networks == 1 {
		best = "the only one tried"
	}
	facts := []fact{{"Parameters", parameters, remark}, {"Network", network, best}, {"Slices", Count(r.Slices), "of a plane"}}
	if r.PartSlices > 0 {
		facts = append(facts, fact{"Parts", Count(int64(r.PartSlices)) + " slices", "between resets of the registers"})
	}
	if r.SQNRDB != nil {
		facts = append(facts, fact{"Error", decimal(*r.SQNRDB, 2) + " dB", "signal to noise of the weights"},
			fact{"Signs", decimal(100*r.Efficiency, 2) + " %", "come out right"})
	} else {
		what := "care bits that the code alone gets right"
		if r.Exact {
			what += ", the most that any code of this network can"
		}
		facts = append(facts, fact{"Efficiency", decimal(100*r.Efficiency, 3) + " %", what},
			fact{"Put right", Count(r.Corrections), correctionName(r.Codec)})
	}
	lossless := fact{"Lossless", "yes", "decoded from its binary form and compared"}
	if !r.Lossless {
		lossless = fact{"Lossless", "no", "the code is fitted to the weights"}
	}
	t.facts(append(facts, lossless))
	for _, note := range r.Notes {
		t.paragraph("", "Note: "+note+".")
	}
}

// correctionName is what a codec puts its errors right with.
func correctionName(codec string) string {
	if codec == codecstudy.Block.String() {
		return "patches"
	}
	return "corrections"
}

func (t *textWriter) encodingBits(r *codecstudy.Result) {
	t.section("Bits a weight")
	b := &r.BitsPerWeight
	rows := [][]string{{"codes", bits(b.Code)}}
	if r.SQNRDB != nil || b.Scale > 0 {
		rows = append(rows, []string{"scales", bits(b.Scale)})
	} else {
		rows = append(rows, []string{correctionName(r.Codec), bits(b.Patch + b.Correction)})
	}
	footer := [][]string{{"values", bits(b.Total)}}
	if len(r.MaskSizes) > 0 {
		footer = append(footer, []string{"mask, " + r.MaskFormat, bits(b.Mask)}, []string{"in all", bits(b.Total + b.Mask)})
	}
	t.table([]Column{{Name: "Part"}, {Name: "Size", Unit: "bits/weight", Number: true}}, rows,
		footer...)
	facts := []fact{}
	if r.SQNRDB == nil {
		facts = append(facts, fact{"Entropy bound", bits(r.EntropyBound), boundRemark(r)})
	}
	t.b.WriteString("\n")
	facts = append(facts, fact{"Saved", decimal(100*r.MemoryReduction, 2) + " %", "of the planes as they are, without the mask"})
	if len(r.MaskSizes) > 0 {
		facts = append(facts, fact{"Saved with mask", decimal(100*r.MemoryReductionWithMask, 2) + " %", ""})
	}
	t.facts(append(facts, fact{"Stream", Bytes(r.StreamBytes), "without the mask, with headers and checksums"}))
}

// boundRemark sets the values beside their entropy.
func boundRemark(r *codecstudy.Result) string {
	if r.EntropyBound == 0 {
		return "nothing has to come out right"
	}
	return fmt.Sprintf("of the values: no lossless code of random bits is smaller; these take %s %% more",
		decimal(100*(r.BitsPerWeight.Total/r.EntropyBound-1), 1))
}

// bits writes a number of bits a weight.
func bits(x float64) string { return decimal(x, 4) }

func (t *textWriter) encodingMasks(r *codecstudy.Result) {
	if len(r.MaskSizes) == 0 {
		return
	}
	t.section("The mask in every format")
	var rows [][]string
	for _, m := range r.MaskSizes {
		used := ""
		if m.Format == r.MaskFormat {
			used = "used"
		}
		rows = append(rows, []string{m.Format, Count(m.Bytes), bits(m.BitsPerWeight), bits(r.BitsPerWeight.Total + m.BitsPerWeight), used})
	}
	t.table([]Column{{Name: "Format"}, {Name: "Size", Unit: "B", Number: true}, {Name: "Mask", Unit: "bits/weight", Number: true},
		{Name: "With values", Unit: "bits/weight", Number: true}, {Name: ""}}, rows)
	t.paragraph("", fmt.Sprintf("A mask that prunes %s %% of the weights at random has %s bits a weight of entropy.",
		decimal(100*r.Sparsity, 2), bits(r.MaskEntropy)))
	if l := r.LowRank; l != nil {
		t.paragraph("", fmt.Sprintf("Low rank: tiles of %d x %d, rank %d, pruned to fit; keeps %s %% of the magnitude, the same number of largest weights %s %%.",
			l.TileRows, l.TileCols, l.Rank, decimal(100*l.KeptShare, 2), decimal(100*l.Unstructured, 2)))
	}
}

func (t *textWriter) encodingRates(r *codecstudy.Result) {
	t.section("Simulation")
	h := &r.Host
	t.paragraph("", fmt.Sprintf("%s s with %s: search and choice %s s; encoding %s s, %s of plane; decoding by one of them %s, %s.",
		decimal(h.WallSeconds, 2), counted(int64(h.Workers), "worker"), decimal(h.ChooseSeconds, 2), decimal(h.EncodeSeconds, 2),
		rate(r.EncodeRate), nanoseconds(h.DecodeSeconds*1e9), rate(r.DecodeRate)))
}

func rate(perSecond float64) string { return quantity(math.Round(perSecond), "bit/s") }

// WriteSweepText writes a sweep that people read: a row a value. It makes one
// write.
func WriteSweepText(w io.Writer, r *codecstudy.SweepResult, style Style) error {
	t := &textWriter{style: style}
	t.section(fmt.Sprintf("%s on %s: %s", r.Codec, sourceName(r.Source), sweepRange(r)))
	if len(r.Rows) > 0 {
		first := &r.Rows[0]
		t.paragraph("", fmt.Sprintf("%s; %s; the best of %s on a sample each.", first.Material, counted(first.Weights, "weight"),
			counted(int64(first.Networks), "network")))
	}
	lossy := r.Codec == codecstudy.Fractional.String()
	share, correction := "Efficiency", "Corrections"
	const unit = "bits/weight"
	beside := Column{Name: "Bound", Unit: unit, Number: true}
	if r.Codec == codecstudy.Block.String() {
		correction = "Patches"
	}
	if lossy {
		share, correction = "Signs right", "Scales"
		beside = Column{Name: "Signal/noise", Unit: "dB", Number: true}
	}
	columns := []Column{{Name: parameterName(r.Parameter), Number: true}, {Name: "n_in", Number: true}, {Name: "n_out", Number: true},
		{Name: "Pruned", Unit: "%", Number: true}, {Name: share, Unit: "%", Number: true}, {Name: "Codes", Unit: unit, Number: true},
		{Name: correction, Unit: unit, Number: true}, {Name: "Values", Unit: unit, Number: true}, beside,
		{Name: "Mask", Unit: unit, Number: true}, {Name: "In all", Unit: unit, Number: true}, {Name: "Saved with mask", Unit: "%", Number: true}}
	var rows [][]string
	for i := range r.Rows {
		row := &r.Rows[i]
		b := &row.BitsPerWeight
		bound, extra := bits(row.EntropyBound), b.Patch+b.Correction
		if lossy {
			bound, extra = "-", b.Scale
			if row.SQNRDB != nil {
				bound = decimal(*row.SQNRDB, 2)
			}
		}
		rows = append(rows, []string{exact(row.Value), strconv.Itoa(row.Inputs), strconv.Itoa(row.Outputs), decimal(100*row.Sparsity, 2),
			decimal(100*row.Efficiency, 3), bits(b.Code), bits(extra), bits(b.Total), bound, bits(b.Mask), bits(b.Total + b.Mask),
			decimal(100*row.MemoryReductionWithMask, 2)})
	}
	t.table(columns, rows)
	for i := range r.Rows {
		if !r.Rows[i].Lossless && !lossy {
			t.paragraph("", "NOT LOSSLESS at "+exact(r.Rows[i].Value))
		}
	}
	t.section("Simulation")
	t.paragraph("", fmt.Sprintf("%s s: search and choice %s s, encoding %s s", decimal(r.Host.WallSeconds, 2), decimal(r.Host.ChooseSeconds, 2), decimal(r.Host.EncodeSeconds, 2)))
	if t.err != nil {
		return fmt.Errorf("text report of %s: %w", r.Source, t.err)
	}
	_, err := io.WriteString(w, t.b.String())
	return err
}

// parameterName is the symbol of a parameter of the command line.
func parameterName(parameter string) string { return strings.ReplaceAll(parameter, "-", "_") }

// sweepRange says what a sweep goes over.
func sweepRange(r *codecstudy.SweepResult) string {
	text := parameterName(r.Parameter)
	if n := len(r.Rows); n > 0 {
		text += fmt.Sprintf(" from %s to %s", exact(r.Rows[0].Value), exact(r.Rows[n-1].Value))
	}
	return text
}
