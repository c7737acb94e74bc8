package prune

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/npusim/npusim/isa/weightmask"
	"github.com/npusim/npusim/isa/xorcode"
)

// drawProduct draws a product with components of a density.
func drawProduct(random *rand.Rand, rows, cols, rank int, density float64) *Product {
	p := &Product{Rows: rows, Cols: cols}
	for range rank {
		c := Component{xorcode.NewPlane(rows), xorcode.NewPlane(cols)}
		for _, side := range []xorcode.Plane{c.Rows, c.Cols} {
			for i := range side.Len() {
				side.Set(i, random.Float64() < density)
			}
		}
		p.Components = append(p.Components, c)
	}
	return p
}

// keeps is the definition of a product.
func keeps(p *Product, row, col int) bool {
	return slices.ContainsFunc(p.Components, func(c Component) bool { return c.Rows.Get(row) && c.Cols.Get(col) })
}

// Parts of a product are the parts of its mask, however rows and columns are
// picked, and the stream of a part decodes to it.
func TestProductParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 3))
		p := drawProduct(random, 1+random.IntN(90), 1+random.IntN(90), random.IntN(6), 0.4)
		mask := p.Mask()
		rows, cols := random.Perm(p.Rows)[:1+random.IntN(p.Rows)], random.Perm(p.Cols)[:1+random.IntN(p.Cols)]
		for at := range mask.Len() {
			if mask.Get(at) != keeps(p, at/p.Cols, at%p.Cols) {
				t.Fatalf("weight %d of the mask", at)
			}
		}
		part := p.Part(rows, cols)
		turned := p.Transposed().Part(cols, rows)
		stream, err := part.Encode()
		if len(part.Components) > min(len(rows), len(cols)) {
			if err != ErrRank {
				t.Fatalf("%d components of %d x %d weights: %v", len(part.Components), len(rows), len(cols), err)
			}
			return
		}
		decoded := must(must(weightmask.Open(must(stream, err))).Decode())
		for k, i := range rows {
			for l, j := range cols {
				if want := keeps(p, i, j); keeps(part, k, l) != want || keeps(turned, l, k) != want || decoded.Get(k*len(cols)+l) != want {
					t.Fatalf("weight %d, %d", i, j)
				}
			}
		}
	})
}

// A matrix beyond the largest tile is coded in pieces.
func TestProductPieces(t *testing.T) {
	p := drawProduct(rand.New(rand.NewPCG(1, 1)), weightmask.MaxTileSide+10, 20, 3, 0.3)
	stream := must(weightmask.Open(must(p.Encode())))
	if stream.Tiles() != 2 || !slices.Equal(must(stream.Decode()).Words, p.Mask().Words) {
		t.Errorf("%d tiles do not give the mask", stream.Tiles())
	}
}

// The fitted mask is the product, of the rank, at the sparsity, and keeps more
// of the magnitude than a random product of as many weights does.
func TestFitProduct(t *testing.T) {
	shapes := [][2]int{{16, 144}, {64, 144}, {128, 288}, {8, 64}, {32, 8}, {10, 64}, {1, 40}}
	if reduced() {
		shapes = shapes[:3]
	}
	for _, shape := range shapes {
		rows, cols := shape[0], shape[1]
		for _, rank := range []int{1, 8} {
			for _, sparsity := range []float64{0.5, 0.9} {
				random := rand.New(rand.NewPCG(uint64(rows), uint64(cols)))
				scores := normal(random, rows*cols)
				name := fmt.Sprintf("%d x %d, rank %d, sparsity %g", rows, cols, rank, sparsity)
				f := must(FitProduct(scores, rows, cols, sparsity, rank))
				if !slices.Equal(f.Product.Mask().Words, f.Mask.Words) || len(f.Product.Components) > rank {
					t.Errorf("%s: %d components are not the mask", name, len(f.Product.Components))
				}
				if rank >= min(rows, cols) && f.KeptShare != f.Unstructured {
					t.Errorf("%s: any mask fits, yet %.3f of the magnitude is kept, not %.3f", name, f.KeptShare, f.Unstructured)
				}
				if f.Kept > f.Wanted || float64(f.Kept) < 0.95*float64(f.Wanted)-4 {
					t.Errorf("%s: %d weights are kept, %d wanted", name, f.Kept, f.Wanted)
				}
				t.Logf("%s: keeps %.3f of the magnitude, %.3f unstructured, %.3f of the weights", name, f.KeptShare, f.Unstructured, float64(f.Kept)/float64(rows*cols))
				var best float64 // of random products with no more weights
				for k := range 20 {
					p := drawProduct(random, rows, cols, rank, 0.1+0.04*float64(k))
					if mask := p.Mask(); mask.Count() <= f.Kept {
						best = max(best, Share(scores, mask))
					}
				}
				if f.KeptShare < best || f.KeptShare < float64(f.Kept)/float64(rows*cols) {
					t.Errorf("%s: keeps %.3f of the magnitude, a random product %.3f", name, f.KeptShare, best)
				}
			}
		}
	}
}

// Factorizations that are found are exact and smaller than the raw mask; masks
// that are products of few components are found, and random ones are not.
func TestExactProduct(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 5))
		p := drawProduct(random, 1+random.IntN(70), 1+random.IntN(140), random.IntN(5), random.Float64())
		mask := p.Mask()
		if random.IntN(3) == 0 {
			mask.Set(random.IntN(mask.Len()), random.IntN(2) == 0)
		}
		found := ExactProduct(mask, p.Rows, p.Cols)
		if found == nil {
			if p.Rows > 30 && p.Cols > 30 {
				t.Fatalf("no product of %d x %d is found, it has %d components", p.Rows, p.Cols, len(p.Components))
			}
			return
		}
		if !slices.Equal(found.Mask().Words, mask.Words) {
			t.Fatal("the product is not the mask")
		}
		if mask.Count() > 0 && len(found.Components)*(p.Rows+p.Cols) >= mask.Len() {
			t.Fatalf("%d components are no smaller than %d bits", len(found.Components), mask.Len())
		}
	})
	random := rand.New(rand.NewPCG(7, 7))
	mask := xorcode.NewPlane(64 * 100)
	for i := range mask.Len() {
		mask.Set(i, random.IntN(2) == 0)
	}
	if ExactProduct(mask, 64, 100) != nil || ExactProduct(mask, 64, 99) != nil {
		t.Error("a random mask, or one of another size, is no product")
	}
}
