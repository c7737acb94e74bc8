package prune

import (
	"errors"
	"fmt"
	"math"

	"github.com/npusim/npusim/isa/weightmask"
	"github.com/npusim/npusim/isa/xorcode"
)

// LowRank is the shape of a low-rank mask: the matrix is cut into tiles, and
// the mask of a tile is the union of Rank rectangles, each any set of rows times
// any set of columns.
type LowRank struct{ TileRows, TileCols, Rank int }

// header is the stream header of a mask of this shape, without the count.
func (l LowRank) header(rows, cols int) (weightmask.Header, error) {
	h := weightmask.Header{Format: weightmask.LowRank, Rows: rows, Cols: cols, TileRows: l.TileRows, TileCols: l.TileCols, Rank: l.Rank}
	return h, h.Check()
}

// BitsPerWeight is the cost of the mask of a matrix, without the header of the
// stream: Rank * (1/TileRows + 1/TileCols) where tiles divide the matrix.
func (l LowRank) BitsPerWeight(rows, cols int) (float64, error) {
	h, err := l.header(rows, cols)
	if err != nil {
		return 0, err
	}
	return float64(h.LowRankBits()) / float64(h.Weights()), nil
}

// Factorization is a mask that was pruned to fit a low-rank shape.
type Factorization struct {
	Shape LowRank
	Mask  xorcode.Plane
	// Product has the factors of all tiles: components of different tiles share
	// no weight.
	Product *Product
	Stream  []byte // the encoded mask, see isa/weightmask; nil where [FitProduct] found any mask to fit
	Kept    int    // weights
	// Wanted is the number of kept weights that the sparsity allows. Kept never
	// passes it and falls short of it by few.
	Wanted int
	// KeptShare is the sum of the kept scores over the sum of all; Unstructured
	// is the same for the Wanted largest scores, the best any mask can do.
	KeptShare, Unstructured float64
}

// Factor prunes a matrix of scores to a sparsity such that the mask has a
// low-rank shape. Scores are finite and not negative, larger is more important,
// as magnitudes of weights are.
//
// The best such mask is hard to find (a single rectangle of largest sum already
// is), so this is a local search. Every tile improves one rectangle at a time:
// given its columns, a row belongs to it if its uncovered cells there are worth
// more than their price; then the columns likewise, in turns, from several
// starts. One price for all tiles, found on a sample, makes the number of kept
// weights right, and single rows and columns of rectangles are then dropped or
// added where they cost least to make it exact to a few weights. The result
// depends on nothing but the arguments.
func Factor(scores []float32, rows, cols int, sparsity float64, shape LowRank) (*Factorization, error) {
	h, err := shape.header(rows, cols)
	if err != nil {
		return nil, err
	}
	if len(scores) != h.Weights() {
		return nil, fmt.Errorf("prune: %d scores for %d x %d weights", len(scores), rows, cols)
	}
	best, err := Select(scores, sparsity)
	if err != nil {
		return nil, err
	}
	fit := newMatrixFit(h, scores, best.Count())
	price := fit.findPrice()
	fit.run(price)
	fit.settle()

	h.Kept = fit.kept
	result := &Factorization{Shape: shape, Product: fit.product(), Kept: fit.kept, Wanted: fit.wanted}
	if result.Stream, err = weightmask.Seal(h, fit.payload()); err != nil {
		return nil, err
	}
	stream, err := weightmask.Open(result.Stream)
	if err != nil {
		return nil, err
	}
	if result.Mask, err = stream.Decode(); err != nil {
		return nil, err
	}
	result.KeptShare, result.Unstructured = Share(scores, result.Mask), Share(scores, best)
	return result, nil
}

// Share is the sum of the scores under a mask over the sum of all, 1 where all
// are 0.
func Share(scores []float32, mask xorcode.Plane) float64 {
	kept, total := 0.0, 0.0
	for i, s := range scores {
		total += float64(s)
		if mask.Get(i) {
			kept += float64(s)
		}
	}
	if total == 0 {
		return 1
	}
	return kept / total
}

// BestLowRank searches the shape whose mask costs at most maxBits a weight and
// keeps the largest share of the scores at a sparsity. Candidates are ranks of
// powers of two with square tiles, and rank 1 also with tiles up to four times
// as wide or as high; they are tried on the middle of the matrix, at most 2^17
// weights of it.
func BestLowRank(scores []float32, rows, cols int, sparsity, maxBits float64) (LowRank, error) {
	if math.IsNaN(maxBits) || maxBits <= 0 {
		return LowRank{}, fmt.Errorf("prune: a mask of %g bits a weight is not possible", maxBits)
	}
	if rows < 1 || cols < 1 || len(scores) != rows*cols {
		return LowRank{}, fmt.Errorf("prune: %d scores for %d x %d weights", len(scores), rows, cols)
	}
	sample, sampleRows, sampleCols := middle(scores, rows, cols)
	var best LowRank
	top := -1.0
	for _, shape := range lowRankCandidates(rows, cols, maxBits) {
		f, err := Factor(sample, sampleRows, sampleCols, sparsity, shape)
		if err != nil {
			return LowRank{}, err
		}
		if f.KeptShare > top {
			best, top = shape, f.KeptShare
		}
	}
	if top < 0 {
		return LowRank{}, errors.New("prune: no low-rank mask of this matrix is that small")
	}
	return best, nil
}

// lowRankCandidates are shapes of at most maxBits a weight.
func lowRankCandidates(rows, cols int, maxBits float64) (list []LowRank) {
	for rank := 1; rank <= min(64, rows, cols); rank *= 2 {
		for _, aspect := range []float64{1, 0.25, 0.5, 2, 4} {
			if rank > 1 && aspect != 1 {
				break
			}
			// rank * (1/r + 1/(aspect*r)) bits a weight.
			side := float64(rank) * (1 + 1/aspect) / maxBits
			for grow := 0; grow < 8; grow++ {
				shape := LowRank{clampSide(side, rows), clampSide(aspect*side+float64(grow), cols), rank}
				if bits, err := shape.BitsPerWeight(rows, cols); err == nil && bits <= maxBits {
					list = append(list, shape)
					break
				}
			}
		}
	}
	return list
}

func clampSide(side float64, limit int) int {
	return int(max(1, min(math.Round(side), float64(limit), weightmask.MaxTileSide)))
}

// middle cuts the middle out of a matrix: at most 2^17 weights.
func middle(scores []float32, rows, cols int) (part []float32, r, c int) {
	const side = 1 << 8
	c = min(cols, max(2*side, 2*side*side/rows))
	r = min(rows, 2*side*side/c)
	row, col := (rows-r)/2, (cols-c)/2
	for i := range r {
		part = append(part, scores[(row+i)*cols+col:(row+i)*cols+col+c]...)
	}
	return part, r, c
}
