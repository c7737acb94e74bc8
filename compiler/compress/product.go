package compress

import (
	"slices"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/lower"
	"github.com/npusim/npusim/compiler/prune"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/weightmask"
)

// layerProduct is the mask of a layer as a Boolean product, turned as weight
// tiles lie: a row for every input channel and kernel cell (input of the group
// times cells, plus cell), a column for every output channel.
type layerProduct struct {
	*prune.Product
	cells int
}

// findProduct notes the factors of a layer's mask, if there are any that fit the
// quantized weights. Random weights stand in for those of layer shapes; a mask
// that would be pruned to fit has the size of its rank.
func (e *Encoder) findProduct(l *layerCode, a *integer.ConvolutionAttributes, outputs int, total int64, spec *configs.Spec) {
	if outputs < 1 || e.maskFormat != configs.SmallestMask && e.maskFormat != configs.LowRankMask {
		return
	}
	l.maskSides = [2]int{int(total) / outputs, outputs}
	if len(a.Weights) == 0 {
		if spec.Compression.Pruning == configs.LowRankPruning && l.asked.Sparsity > 0 {
			l.maskRank = min(spec.Compression.Rank, l.maskSides[0], l.maskSides[1])
		}
		return
	}
	found := e.options.Products[l.report.Name]
	if found == nil {
		return
	}
	// Weights of matrix products may have been stored inputs first.
	for _, p := range []*prune.Product{found.Transposed(), found} {
		if own := (&layerProduct{p, a.Kernel[0] * a.Kernel[1]}); p.Rows == l.maskSides[0] && p.Cols == outputs && own.covers(a.Weights) {
			l.product, l.maskRank = own, max(1, len(p.Components))
			return
		}
	}
}

// covers tells whether the mask keeps all weights [output][input][cell] that are
// not zero.
func (p *layerProduct) covers(weights []int8) bool {
	if len(weights) != p.Rows*p.Cols {
		return false
	}
	for i, mark := range p.marks(len(weights)) {
		if mark == 0 && weights[i] != 0 {
			return false
		}
	}
	return true
}

// marks is 1 for each weight [output][input][cell] that is kept, else 0.
func (p *layerProduct) marks(weights int) []int8 {
	marks := make([]int8, weights)
	mask := p.Transposed().Mask()
	for i := range marks {
		if mask.Get(i) {
			marks[i] = 1
		}
	}
	return marks
}

// tile is the stream of the mask of a weight tile in streaming order; nil if it
// has none: its factors are no smaller than a bit a weight, or too many for its
// sides.
func (p *layerProduct) tile(place lower.TilePlace) []byte {
	var rows, columns []int
	for cell := range p.cells {
		for i := place.Inputs; i < place.Inputs+place.InputCount; i++ {
			rows = append(rows, i*p.cells+cell)
		}
	}
	for o := place.Outputs; o < place.Outputs+place.OutputCount; o++ {
		columns = append(columns, o)
	}
	part := p.Part(rows, columns)
	if len(rows)+len(columns) < isa.LeastLowRankSides || max(1, len(part.Components))*(len(rows)+len(columns)) >= len(rows)*len(columns) {
		return nil
	}
	sealed, err := part.Encode()
	if err != nil { // too many components
		return nil
	}
	return sealed
}

// productBits is the size of the mask of a whole layer in bits a weight; tiles of
// it take more, as each has its slices of the factors. 0: no factors are known.
func (l *layerCode) productBits() float64 {
	if l.maskRank == 0 {
		return 0
	}
	rows, columns := float64(l.maskSides[0]), float64(l.maskSides[1])
	return float64(l.maskRank) * (1/rows + 1/columns)
}

// estimateProduct puts the low-rank mask that a tile will about have in the place
// of the other, where it is smaller or asked for.
func (e *Encoder) estimateProduct(l *layerCode, t *isa.EncodedWeights) {
	if l.maskRank == 0 || t.Elements%t.Channels != 0 {
		return
	}
	low := *t
	low.Mask = isa.LowRankMask
	h := low.LowRankMaskHeader()
	h.Rank = min(l.maskRank, h.TileRows, h.TileCols, weightmask.MaxRank)
	low.MaskBytes = uint32(h.LowRankBits()+7) / 8
	if low.Validate() == nil && (low.MaskBytes < t.MaskBytes || e.maskFormat == configs.LowRankMask && int(low.MaskBytes) < weightmask.RawBytes(int(t.Elements))) {
		*t = low
	}
}

// smallestTile codes a tile with the mask in the format that is asked for, or in
// the one that makes the tile smallest. A low-rank mask also keeps weights that
// quantization made zero, whose bits the code must then give.
func (e *Encoder) smallestTile(l *layerCode, place lower.TilePlace, weights []int8, channels int) (*isa.EncodedWeights, []byte, error) {
	keep := kept(weights)
	sealed, err := sealMask(keep, e.maskFormat)
	if err != nil {
		return nil, nil, err
	}
	var product []byte
	if l.product != nil && sealed != nil {
		product = l.product.tile(place)
	}
	if product == nil || len(product) >= len(sealed) && e.maskFormat != configs.LowRankMask {
		return e.tile(l, weights, channels, keep, sealed)
	}
	s, err := weightmask.Open(product)
	if err != nil {
		return nil, nil, err
	}
	low, err := s.Decode()
	if err != nil {
		return nil, nil, err
	}
	t, stream, err := e.tile(l, weights, channels, low, product)
	if err != nil || e.maskFormat == configs.LowRankMask || slices.Equal(low.Words, keep.Words) {
		return t, stream, err
	}
	other, otherStream, err := e.tile(l, weights, channels, keep, sealed)
	if err != nil || len(otherStream) < len(stream) {
		return other, otherStream, err
	}
	return t, stream, nil
}
