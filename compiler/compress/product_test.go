package compress

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/lower"
	"github.com/npusim/npusim/compiler/prune"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/weightmask"
	"github.com/npusim/npusim/isa/weighttile"
)

// fitted is a layer of random weights whose mask was pruned to fit a rank, and
// its factors.
func fitted(t *testing.T, inputs, outputs, side, rank int, sparsity float64) (*integer.Graph, map[string]*prune.Product) {
	t.Helper()
	g := network("fc", inputs*side*side, outputs, 0)
	g.Tensors[0].Shape.Channels = inputs
	a := g.Nodes[0].Convolution
	a.Kernel = [2]int{side, side}
	scores := make([]float32, len(a.Weights))
	for i, w := range a.Weights {
		scores[i] = float32(max(w, -w))
	}
	f, err := prune.FitProduct(scores, outputs, inputs*side*side, sparsity, rank)
	if err != nil {
		t.Fatal(err)
	}
	for i := range a.Weights {
		if !f.Mask.Get(i) {
			a.Weights[i] = 0
		}
	}
	return g, map[string]*prune.Product{"fc": f.Product}
}

// TestProductTiles: every tile of a layer, of whatever channels and inputs, has
// the mask of its slices of the factors, of as many bytes as they take, and
// decodes to its weights.
func TestProductTiles(t *testing.T) {
	for _, c := range []struct{ inputs, outputs, side, rank int }{{144, 64, 1, 4}, {16, 32, 3, 6}, {576, 256, 1, 2}} {
		g, products := fitted(t, c.inputs, c.outputs, c.side, c.rank, 0.8)
		a, product := g.Nodes[0].Convolution, products["fc"]
		e := plan(t, g, Options{Products: products}, "compression.scheme=xor-block", "compression.networks=1", "compression.mask_format=low-rank", "compression.pruning=low-rank")
		random := rand.New(rand.NewPCG(uint64(c.inputs), 1))
		lowRank := 0
		for range 12 {
			p := lower.TilePlace{Outputs: random.IntN(c.outputs / 2), Inputs: random.IntN(c.inputs / 2)}
			p.OutputCount, p.InputCount = 1+random.IntN(c.outputs-p.Outputs), 1+random.IntN(c.inputs-p.Inputs)
			weights := tileOf(a, p)
			d, stream, err := e.Tile("fc", p, weights, p.OutputCount)
			if err != nil {
				t.Fatal(err)
			}
			if d == nil || d.Mask != isa.LowRankMask {
				continue
			}
			lowRank++
			if err := d.Validate(); err != nil {
				t.Fatal(err)
			}
			name := fmt.Sprintf("%+v of %+v", p, c)
			h := d.LowRankMaskHeader()
			if int(d.MaskBytes) != (h.Rank*(h.Rows+h.Cols)+7)/8 || h.Rank > c.rank || d.StreamBytes() != len(stream) {
				t.Errorf("%s: mask of rank %d and %d bytes", name, h.Rank, d.MaskBytes)
			}
			decoded := make([]int8, len(weights))
			if err := weighttile.Decode(decoded, d, e.Networks(), stream); err != nil || !slices.Equal(decoded, weights) {
				t.Errorf("%s: other weights are decoded (%v)", name, err)
			}
			sealed, err := weightmask.Seal(h, stream[d.CodeBytes+d.CorrectionBytes:])
			if err != nil {
				t.Fatal(err)
			}
			s, err := weightmask.Open(sealed)
			if err != nil {
				t.Fatal(err)
			}
			mask, err := s.Decode()
			if err != nil {
				t.Fatal(err)
			}
			whole, cells := product.Mask(), c.side*c.side
			for i := range weights {
				channel, input, cell := i%p.OutputCount, i/p.OutputCount%p.InputCount, i/p.OutputCount/p.InputCount
				at := (p.Outputs+channel)*product.Cols + (p.Inputs+input)*cells + cell
				if mask.Get(i) != whole.Get(at) {
					t.Fatalf("%s: bit %d of the mask is not the product's", name, i)
				}
			}
		}
		if lowRank < 6 {
			t.Errorf("%+v: %d of 12 tiles have low-rank masks", c, lowRank)
		}
	}
}

// TestSmallestMaskFormat: a tile has a low-rank mask where that makes it smaller
// than with the others, and only then. At 0.8 a bit a weight is near the entropy
// of a mask without structure.
func TestSmallestMaskFormat(t *testing.T) {
	g, products := fitted(t, 144, 64, 1, 2, 0.8)
	a := g.Nodes[0].Convolution
	place := lower.TilePlace{OutputCount: 64, InputCount: 144}
	bytes := map[string]int{}
	masks := map[string]isa.MaskFormat{}
	for _, format := range []string{"smallest", "raw", "run-length", "low-rank"} {
		e := plan(t, g, Options{Products: products}, "compression.scheme=xor-block", "compression.n_in=20", "compression.n_out=80", "compression.networks=1",
			"compression.pruning=low-rank", "compression.mask_format="+format)
		d, stream, err := e.Tile("fc", place, tileOf(a, place), 64)
		if err != nil || d == nil {
			t.Fatalf("%s: %v, %v", format, d, err)
		}
		bytes[format], masks[format] = len(stream), d.Mask
		if l := e.Layers()[0]; int64(d.MaskBytes) != l.MaskBytes || l.MaskBytes == 0 {
			t.Errorf("%s: %d bytes of masks are booked, %d stored", format, l.MaskBytes, d.MaskBytes)
		}
	}
	if bytes["smallest"] != min(bytes["raw"], bytes["run-length"], bytes["low-rank"]) || masks["smallest"] != isa.LowRankMask || masks["low-rank"] != isa.LowRankMask {
		t.Errorf("bytes %v, masks %v", bytes, masks)
	}
	// Factors that do not cover the weights are left alone.
	products["fc"].Components = products["fc"].Components[:1]
	e := plan(t, g, Options{Products: products}, "compression.scheme=xor-block", "compression.n_in=20", "compression.n_out=80", "compression.networks=1")
	if d, _, err := e.Tile("fc", place, tileOf(a, place), 64); err != nil || d.Mask == isa.LowRankMask {
		t.Errorf("a product that prunes weights which are there: %v, %v", d, err)
	}
}

// TestProductOfShapes: where no weights are known, a mask pruned to fit has the
// size of its rank.
func TestProductOfShapes(t *testing.T) {
	g := network("fc", 512, 256, 0)
	g.Nodes[0].Convolution.Weights = nil
	estimate := func(sets ...string) *isa.EncodedWeights {
		sets = append(sets, "compression.scheme=xor-block", "compression.sparsity=0.9", "compression.networks=1")
		return plan(t, g, Options{}, sets...).Estimate("fc", 128*64, 64)
	}
	plain, low := estimate(), estimate("compression.pruning=low-rank", "compression.rank=3")
	if low == nil || low.Mask != isa.LowRankMask || low.MaskBytes != 3*(128+64)/8 || low.Validate() != nil {
		t.Errorf("low-rank estimate %+v", low)
	}
	if plain == nil || plain.Mask == isa.LowRankMask || plain.MaskBytes <= low.MaskBytes {
		t.Errorf("plain estimate %+v", plain)
	}
}
