package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/npusim/npusim/npu/evaluate"
)

// scheme is a way to store weights.
type scheme struct {
	name      string
	sets      []string
	registers int
}

var schemes = []scheme{
	{"xor-block", []string{"compression.scheme=xor-block"}, 0},
	{"xor-sequential, n_s 1", []string{"compression.scheme=xor-sequential", "compression.n_s=1"}, 1},
	{"xor-sequential, n_s 2", []string{"compression.scheme=xor-sequential", "compression.n_s=2"}, 2},
}

// schemeSets are the settings of a scheme.
func (t *tool) schemeSets(s scheme) []string {
	if t.quick {
		return append(slices.Clone(s.sets), "compression.networks=1")
	}
	return s.sets
}

// The search for codes with two registers takes a time in proportion to the
// kept weights: with more than these it is left out on all presets but the
// first, and everywhere.
const (
	fewKept  = 150_000
	manyKept = 300_000
)

// codesTable shows what the codes of a network save, on every preset, and that
// they change nothing.
func (s *study) codesTable(ctx context.Context) error {
	c := &codes{study: s, seconds: make([]float64, len(schemes)), first: map[point]float64{}, out: table{columns: []column{text("preset"), text("pruned to"), text("weights in DRAM"), number("layers coded"),
		number("bytes"), number("codes"), number("corrections"), number("masks"), number("plain"), number("network"), number("bits/weight"), number("DRAM read, KiB"),
		number("cycles"), number("faster than int8 pruned"), number("than unpruned"), number("energy, uJ"), number("less than int8 pruned"), number("than unpruned"),
		number("decode cycles"), number("encode, s")}}}
	c.same = table{columns: []column{text("pruned to"), text("weights in DRAM"), number("score"), number("SQNR, dB"), number("cosine"), text("bit-exact on"), text("all samples")}}
	for i := range s.presets {
		if err := c.preset(ctx, i); err != nil {
			return fmt.Errorf("%s: %w", s.presets[i], err)
		}
	}
	notes := []string{"Bytes are those of the weights in DRAM, each once, with their masks; \"plain\" are tiles that stay int8 because their code is not smaller, \"network\" the table of the XOR network that all layers share, once. " +
		"Biases and the like are not among them; DRAM reads have everything. int8 is 8 bits a weight, pruned or not: the array skips no zeros. " +
		"Factors are int8 over coded, above 1 where the code wins. Encode is what compiling took longer than without code, the search for n_in and n_out too; " +
		"equal tiles of presets are found in the cache."}
	encoding := "Encoding of all rows took"
	for i, scheme := range schemes {
		encoding += fmt.Sprintf(" %.1f s with %s;", c.seconds[i], scheme.name)
	}
	notes = append(notes, strings.TrimSuffix(encoding, ";")+".")
	for i, what := range c.leftOut {
		if c.secondsAKept > 0 {
			what += fmt.Sprintf(" would take up to %.0f s a preset if all its layers are coded, at the rate of the rows above", c.secondsAKept*float64(c.leftOutKept[i]))
		} else {
			what += " takes minutes"
		}
		notes = append(notes, what+".")
	}
	last := s.shown[len(s.shown)-1]
	dense, err := s.pruned(ctx, point{}, s.samples)
	if err != nil {
		return err
	}
	record, err := s.pruned(ctx, last, s.samples)
	if err != nil {
		return err
	}
	if s.costOf(record, dense) > s.limit() {
		if len(s.shown) == 1 {
			notes = append(notes, "No sparsity from 0.05 on holds the limit: only 0.9 is shown, for the record.")
		}
		notes = append(notes, fmt.Sprintf("At 0.90 accuracy is gone (%s, %s dense): those rows are for bytes and time only.", s.scoreText(record.score), s.scoreText(dense.score)))
	}
	if err := c.out.write(s.out, s.name+": codes of weights", append(notes, c.notes...)...); err != nil {
		return err
	}
	return c.same.write(s.out, s.name+": coded and plain programs compute the same",
		fmt.Sprintf("On preset %s. Every tensor of the first %d samples equals that of the integer reference, plain and coded; score, signal-to-noise ratio (SQNR) and cosine to the float network equal those of the plain program to the last digit on all %d samples. A difference would end the run.",
			s.presets[0], evaluate.BitExactSamples, s.samples))
}

// codes are the tables of a network while they grow.
type codes struct {
	*study
	out, same table
	notes     []string
	seconds   []float64 // of encoding, by scheme, all presets and sparsities
	// Of encoding with two registers: seconds on the first preset for each
	// sparsity, and the most for each kept weight.
	first        map[point]float64
	secondsAKept float64
	leftOut      []string // everywhere, with the weights that are kept
	leftOutKept  []int64
}

// timed times a program on a preset.
func (s *study) timed(ctx context.Context, preset string, sets []string) (*evaluate.Result, error) {
	options, err := s.options(preset, sets)
	if err != nil {
		return nil, err
	}
	options.TimingOnly = true
	return evaluate.Run(ctx, options)
}

// preset adds the rows of a preset.
func (c *codes) preset(ctx context.Context, i int) error {
	preset := c.presets[i]
	c.say("%s: timing on %s", c.name, preset)
	unpruned, err := c.timed(ctx, preset, nil)
	if err != nil {
		return err
	}
	label := preset
	for k, p := range c.shown {
		plain, err := c.timed(ctx, preset, p.sets())
		if err != nil {
			return err
		}
		if plain.Compression == nil || plain.Compression.Weights == 0 {
			return fmt.Errorf("%v: the result tells nothing of its weights", p)
		}
		if k == 0 {
			c.plainRow(label, "-", "int8, unpruned", plain.Compression.Weights, unpruned, unpruned, unpruned)
			label = ""
		}
		c.plainRow("", p.String(), "int8, pruned", plain.Compression.Weights, plain, plain, unpruned)
		for _, scheme := range schemes {
			if c.leaveOut(scheme, i, p, plain.Compression.Kept) {
				continue
			}
			c.say("%s: %v, %s on %s", c.name, p, scheme.name, preset)
			sets := slices.Concat(p.sets(), c.schemeSets(scheme))
			coded, err := c.timed(ctx, preset, sets)
			if err != nil {
				return fmt.Errorf("%v, %s: %w", p, scheme.name, err)
			}
			if err := c.codedRow(p, scheme, coded, plain, unpruned); err != nil {
				return fmt.Errorf("%v, %s: %w", p, scheme.name, err)
			}
			if i == 0 {
				if err := c.compare(ctx, p, scheme, sets); err != nil {
					return fmt.Errorf("%v, %s: %w", p, scheme.name, err)
				}
			}
		}
	}
	return nil
}

// leaveOut tells the schemes that take too long, and notes why.
func (c *codes) leaveOut(s scheme, preset int, p point, kept int64) bool {
	if c.quick {
		return s.registers == 2 || s.registers == 1 && p.step != stepFor09
	}
	if s.registers < 2 {
		return false
	}
	if kept <= fewKept || preset == 0 && kept <= manyKept {
		return false
	}
	if preset > 0 && (kept > manyKept || preset > 1) { // said already
		return true
	}
	if kept <= manyKept {
		c.notes = append(c.notes, fmt.Sprintf("%s at %v is left out on the presets after the first: encoding %d kept weights took %.0f s there.", s.name, p, kept, c.first[p]))
	} else {
		c.leftOut = append(c.leftOut, fmt.Sprintf("%s at %v is left out: encoding %d kept weights", s.name, p, kept))
		c.leftOutKept = append(c.leftOutKept, kept)
	}
	return true
}

// plainRow adds a row of int8 weights.
func (c *codes) plainRow(preset, at, name string, weights int64, r, pruned, unpruned *evaluate.Result) {
	c.out.add(preset, at, name, "-", weights, "-", "-", "-", weights, "-", "8.00", kib(r.DRAM.ReadBytes), r.Timing.Cycles,
		cyclesOver(pruned, r), cyclesOver(unpruned, r), decimal(2, r.EnergyUJ.Total), energyOver(pruned, r), energyOver(unpruned, r), "-", "-")
}

// codedRow adds a row of coded weights.
func (c *codes) codedRow(p point, s scheme, r, pruned, unpruned *evaluate.Result) error {
	k := r.Compression
	stored := k.CodeBytes + k.CorrectionBytes + k.MaskBytes + k.StoredPlainBytes + k.NetworkBytes
	if stored <= 0 || stored > k.PlainBytes || k.Kept != pruned.Compression.Kept {
		return fmt.Errorf("%d bytes stored of %d plain ones, %d weights kept of %d", stored, k.PlainBytes, k.Kept, pruned.Compression.Kept)
	}
	coded := 0
	for _, l := range k.Layers {
		if l.CodeBytes > 0 {
			coded++
		}
	}
	seconds := max(r.Host.CompileSeconds-pruned.Host.CompileSeconds, 0)
	c.seconds[slices.IndexFunc(schemes, func(other scheme) bool { return other.name == s.name })] += seconds
	if s.registers == 2 {
		if _, known := c.first[p]; !known {
			c.first[p] = seconds
		}
		if coded == len(k.Layers) {
			c.secondsAKept = max(c.secondsAKept, seconds/float64(k.Kept))
		}
	}
	c.out.add("", p, s.name, fmt.Sprintf("%d of %d", coded, len(k.Layers)), stored, k.CodeBytes, k.CorrectionBytes, k.MaskBytes, k.StoredPlainBytes, k.NetworkBytes,
		decimal(2, 8*float64(stored)/float64(k.Weights)), kib(r.DRAM.ReadBytes), r.Timing.Cycles, cyclesOver(pruned, r), cyclesOver(unpruned, r),
		decimal(2, r.EnergyUJ.Total), energyOver(pruned, r), energyOver(unpruned, r), k.DecodeCycles, decimal(1, seconds))
	return nil
}

// compare runs all samples with coded weights and holds every figure against
// those with plain ones.
func (c *codes) compare(ctx context.Context, p point, s scheme, sets []string) error {
	plain, err := c.pruned(ctx, p, c.samples)
	if err != nil {
		return err
	}
	coded, err := c.execute(ctx, sets, c.samples)
	if err != nil {
		return err
	}
	a, b := plain.result.Accuracy, coded.result.Accuracy
	if a.SQNRDB == nil || b.SQNRDB == nil || a.Cosine == nil || b.Cosine == nil || a.Agreement == nil || b.Agreement == nil {
		return fmt.Errorf("figures against the float network are missing: %+v, %+v without the code", *b, *a)
	}
	if plain.score != coded.score || *a.SQNRDB != *b.SQNRDB || *a.Cosine != *b.Cosine || *a.Agreement != *b.Agreement || a.Samples != b.Samples {
		return fmt.Errorf("the code changed a result: score %v, SQNR %v dB, cosine %v, agreement %v; without it %v, %v dB, %v, %v",
			coded.score, *b.SQNRDB, *b.Cosine, *b.Agreement, plain.score, *a.SQNRDB, *a.Cosine, *a.Agreement)
	}
	row := func(name string, o *outcome, verdict string) {
		r := o.result.Accuracy
		c.same.add(p, name, c.scoreText(o.score), decimal(6, *r.SQNRDB), decimal(9, *r.Cosine), fmt.Sprintf("%d samples", r.BitExactSamples), verdict)
	}
	if s.name == schemes[0].name {
		row("int8, pruned", plain, "")
	}
	row(s.name, coded, "equal to int8, pruned")
	return nil
}

func kib(bytes int64) string { return decimal(1, float64(bytes)/1024) }

func cyclesOver(before, after *evaluate.Result) string {
	return times(float64(before.Timing.Cycles), float64(after.Timing.Cycles))
}

func energyOver(before, after *evaluate.Result) string {
	return times(before.EnergyUJ.Total, after.EnergyUJ.Total)
}
