package binarycode

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/npusim/npusim/isa/binarycode"
)

// uniform is the part of a matrix with the same number of planes and a scale a
// row and plane.
func uniform(rows, columns, planes int) Part {
	return CountMatrix(&binarycode.Shape{Rows: rows, Columns: columns, Group: columns, Ranges: []binarycode.Range{{Rows: rows, Planes: planes}}})
}

func printed(t *testing.T, what, format string, got float64, want string) {
	t.Helper()
	if s := fmt.Sprintf(format, got); s != want {
		t.Errorf("%s: %s, want %s (%.6f)", what, s, want, got)
	}
}

// TestEmbeddingBits: four clusters of words by frequency with 4 to 1 bits, on the
// largest vocabulary up to 32768 that the shares divide, to the printed digits; and
// on 32768, half a row off at each end of a range at most.
func TestEmbeddingBits(t *testing.T) {
	count := func(rows int, ratio float64) (Part, []binarycode.Range) {
		ranges, err := FrequencyRanges(rows, []int{4, 3, 2, 1}, ratio)
		if err != nil {
			t.Fatal(err)
		}
		return CountMatrix(&binarycode.Shape{Rows: rows, Columns: 512, Group: 512, Ranges: ranges}), ranges
	}
	for _, c := range []struct {
		ratio int
		want  string
	}{{1, "2.5000"}, {2, "1.7333"}, {4, "1.3176"}, {8, "1.1419"}} {
		shares := 1 + c.ratio + c.ratio*c.ratio + c.ratio*c.ratio*c.ratio
		part, ranges := count(32768/shares*shares, float64(c.ratio))
		printed(t, fmt.Sprintf("ratio %d", c.ratio), "%.4f", part.SignBitsPerWeight(), c.want)
		for i := 1; i < len(ranges); i++ {
			if ranges[i].Rows != c.ratio*ranges[i-1].Rows {
				t.Errorf("ratio %d: ranges %v", c.ratio, ranges)
			}
		}
		power, ranges := count(32768, float64(c.ratio))
		if off := math.Abs(power.SignBitsPerWeight() - part.SignBitsPerWeight()); off > 3*0.5/32768 {
			t.Errorf("ratio %d: 32768 words are off by %g bits", c.ratio, off)
		}
		if c.ratio == 8 {
			printed(t, "share of one-bit words", "%.4f", float64(ranges[3].Rows)/32768, "0.8752")
		}
	}
}

// TestTranslationModelBits reproduces the bit accounting of an extremely low-bit
// Transformer (arXiv 2009.07453): d 512, ff 2048, 6 + 6 layers, tied embedding of
// 32768 words; decoder 2 bits in self-attention, 3 in encoder-decoder attention, 1
// in feed-forward, encoder 3 and 4 bits.
func TestTranslationModelBits(t *testing.T) {
	const d, ff, layers, words = 512, 2048, 6, 32768
	attention := func(planes int) Part { return Part{}.Add(uniform(d, d, planes), 4) }
	feedForward := func(planes int) Part { return uniform(ff, d, planes).Add(uniform(d, ff, planes), 1) }
	normalization := Part{Floats: 2 * d}
	attentionBias, feedForwardBias := Part{Floats: 4 * d}, Part{Floats: ff + d}

	ranges, err := FrequencyRanges(words, []int{4, 3, 2, 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	embedding := CountMatrix(&binarycode.Shape{Rows: words, Columns: d, Group: d, Ranges: ranges})
	decoder := Part{}.Add(attention(2).Add(attention(3), 1).Add(feedForward(1), 1), layers)
	encoder := Part{}.Add(attention(3).Add(feedForward(4), 1), layers)
	all := embedding.Add(decoder, 1).Add(encoder, 1)
	weights := float64(all.Weights)

	printed(t, "embedding", "%.1f", embedding.SignBitsPerWeight(), "2.5")
	printed(t, "decoder", "%.2f", decoder.SignBitsPerWeight(), "1.75")
	printed(t, "encoder", "%.3f", encoder.SignBitsPerWeight(), "3.667")
	printed(t, "model", "%.2f", all.SignBitsPerWeight(), "2.55")
	printed(t, "share of encoder", "%.1f", 100*float64(encoder.Weights)/weights, "31.0")
	printed(t, "share of decoder", "%.1f", 100*float64(decoder.Weights)/weights, "41.4")
	printed(t, "share of embedding", "%.1f", 100*float64(embedding.Weights)/weights, "27.6")
	float := encoder
	float.SignBits = 32 * float.Weights
	printed(t, "model with float encoder", "%.2f", embedding.Add(decoder, 1).Add(float, 1).SignBitsPerWeight(), "11.34")

	printed(t, "compression without scales", "%.2f", all.Compression(0), "12.54")
	printed(t, "compression with float32 scales", "%.2f", all.Compression(32), "11.91")
	decoderFloats := Part{}.Add(attentionBias, 2).Add(feedForwardBias, 1).Add(normalization, 3)
	encoderFloats := attentionBias.Add(feedForwardBias, 1).Add(normalization, 2)
	whole := all.Add(decoderFloats, layers).Add(encoderFloats, layers)
	printed(t, "compression with biases and normalization", "%.2f", whole.Compression(32), "11.70")
}

func TestFrequencyRanges(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		rows, planes := 4+random.IntN(5000), make([]int, 1+random.IntN(4))
		for i := range planes {
			planes[i] = 1 + random.IntN(4)
		}
		ratio := math.Exp(random.NormFloat64())
		ranges, err := FrequencyRanges(rows, planes, ratio)
		if err != nil {
			t.Fatal(err)
		}
		s := binarycode.Shape{Rows: rows, Columns: 1, Group: 1, Ranges: ranges}
		if err := s.Validate(); err != nil {
			t.Fatalf("%d rows, planes %v, ratio %g: %v", rows, planes, ratio, err)
		}
		if len(ranges) == len(planes) && len(planes) > 1 {
			if got, want := float64(ranges[1].Rows), float64(ranges[0].Rows)*ratio; math.Abs(got-want) > 1+1*ratio {
				t.Fatalf("%d rows, ratio %g: ranges %v", rows, ratio, ranges)
			}
		}
	}
	for _, bad := range []struct {
		rows   int
		planes []int
		ratio  float64
	}{{0, []int{1}, 1}, {10, nil, 1}, {10, []int{5}, 1}, {10, []int{1}, 0}, {10, []int{1}, math.NaN()}, {1, []int{2, 1}, 1}} {
		if r, err := FrequencyRanges(bad.rows, bad.planes, bad.ratio); err == nil {
			t.Errorf("%+v: %v, want an error", bad, r)
		}
	}
}

// TestCurve: more planes, less error; bits as the shape counts them.
func TestCurve(t *testing.T) {
	w := gaussian(rand.New(rand.NewPCG(2, 1)), 8*256)
	choices, err := Curve(context.Background(), w, 8, 256, Options{Method: Alternating, Group: 64})
	if err != nil {
		t.Fatal(err)
	}
	if len(choices) != 4 {
		t.Fatalf("%d choices", len(choices))
	}
	for i, c := range choices {
		if want := int64((i + 1) * (8*256 + 16*8*4)); c.Bits != want {
			t.Errorf("%d planes: %d bits, want %d", i+1, c.Bits, want)
		}
		if i > 0 && c.Loss > choices[i-1].Loss/2 {
			t.Errorf("%d planes: loss %g after %g", i+1, c.Loss, choices[i-1].Loss)
		}
	}
	if choices, err := Curve(context.Background(), w, 8, 256, Options{Method: Ternary}); err != nil || len(choices) != 1 {
		t.Errorf("ternary: %v, %v", choices, err)
	}
}
