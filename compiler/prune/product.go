package prune

import (
	"errors"
	"fmt"
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/npusim/npusim/isa/weightmask"
	"github.com/npusim/npusim/isa/xorcode"
)

// Product is a mask of a matrix as a Boolean product: weight (i, j) is kept
// where some component has both row i and column j.
type Product struct {
	Rows, Cols int
	Components []Component
}

// Component is a rectangle of a product: a bit for every row and column of the
// matrix.
type Component struct{ Rows, Cols xorcode.Plane }

// PieceSide is the largest side of a matrix that [FitProduct] takes whole. The
// pieces of a larger one have components of their own, which bounds the time.
const PieceSide = 1024

// FitProduct prunes a matrix of scores to a sparsity such that its mask is a
// Boolean product of a rank, as [Factor] does. Every mask of a matrix whose
// smaller side is no larger than the rank is such a product: that of the largest
// scores is taken.
func FitProduct(scores []float32, rows, cols int, sparsity float64, rank int) (*Factorization, error) {
	if side := min(rows, cols); side >= 1 && rank >= side && len(scores) == rows*cols {
		mask, err := Select(scores, sparsity)
		if err != nil {
			return nil, err
		}
		kept, share := mask.Count(), Share(scores, mask)
		return &Factorization{Shape: LowRank{rows, cols, side}, Mask: mask, Product: byLines(mask, rows, cols), Kept: kept, Wanted: kept, KeptShare: share, Unstructured: share}, nil
	}
	shape := LowRank{TileRows: min(rows, PieceSide), TileCols: min(cols, PieceSide)}
	shape.Rank = min(rank, shape.TileRows, shape.TileCols)
	return Factor(scores, rows, cols, sparsity, shape)
}

// byLines is any mask as a product: a component for each line along its longer
// side.
func byLines(mask xorcode.Plane, rows, cols int) *Product {
	if cols < rows {
		return byLines(turned(mask, rows, cols), cols, rows).Transposed()
	}
	p := &Product{Rows: rows, Cols: cols}
	for i := range rows {
		c := Component{xorcode.NewPlane(rows), xorcode.NewPlane(cols)}
		c.Rows.Set(i, true)
		for j := range cols {
			c.Cols.Set(j, mask.Get(i*cols+j))
		}
		if c.Cols.Count() > 0 {
			p.Components = append(p.Components, c)
		}
	}
	return p
}

// turned is the transpose of a mask.
func turned(mask xorcode.Plane, rows, cols int) xorcode.Plane {
	into := xorcode.NewPlane(mask.Len())
	for i := range rows {
		for j := range cols {
			into.Set(j*rows+i, mask.Get(i*cols+j))
		}
	}
	return into
}

// FitLayers is [FitProduct] for the magnitudes of each layer.
func FitLayers(layers []Layer, sparsity float64, rank int) ([]*Product, error) {
	products, faults := make([]*Product, len(layers)), make([]error, len(layers))
	fit := func(i int) error {
		rows, cols := layers[i].Matrix()
		scores, err := Magnitudes(layers[i].Weights)
		if err != nil {
			return err
		}
		f, err := FitProduct(scores, rows, cols, sparsity, rank)
		if err == nil {
			products[i] = f.Product
		}
		return err
	}
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(layers)) {
		group.Go(func() {
			for i := int(next.Add(1) - 1); i < len(layers); i = int(next.Add(1) - 1) {
				faults[i] = fit(i)
			}
		})
	}
	group.Wait()
	for i, err := range faults {
		if err != nil {
			return nil, fmt.Errorf("layer %s: %w", layers[i].Name, err)
		}
	}
	return products, nil
}

// product collects the components of all tiles that keep anything.
func (m *matrixFit) product() *Product {
	p := &Product{Rows: m.header.Rows, Cols: m.header.Cols}
	w := m.workers[0]
	for tile, t := range m.tiles {
		m.restore(w, tile)
		for k := range w.rank {
			if len(w.row[k]) == 0 || len(w.col[k]) == 0 {
				continue
			}
			c := Component{xorcode.NewPlane(p.Rows), xorcode.NewPlane(p.Cols)}
			for _, i := range w.row[k] {
				c.Rows.Set(t.Row+int(i), true)
			}
			for _, j := range w.col[k] {
				c.Cols.Set(t.Col+int(j), true)
			}
			p.Components = append(p.Components, c)
		}
	}
	return p
}

// Mask multiplies the factors: a bit for every weight, row-major.
func (p *Product) Mask() xorcode.Plane {
	mask := xorcode.NewPlane(p.Rows * p.Cols)
	row := make([]uint64, xorcode.Words(p.Cols))
	for i := range p.Rows {
		clear(row)
		for k := range p.Components {
			if c := &p.Components[k]; c.Rows.Get(i) {
				for w, word := range c.Cols.Words {
					row[w] |= word
				}
			}
		}
		for w, word := range row {
			for ; word != 0; word &= word - 1 {
				mask.Set(i*p.Cols+64*w+bits.TrailingZeros64(word), true)
			}
		}
	}
	return mask
}

// Transposed swaps rows and columns. It shares the components.
func (p *Product) Transposed() *Product {
	t := &Product{Rows: p.Cols, Cols: p.Rows, Components: make([]Component, len(p.Components))}
	for k, c := range p.Components {
		t.Components[k] = Component{Rows: c.Cols, Cols: c.Rows}
	}
	return t
}

// Part is the product of some rows and columns of the matrix, in the order that
// is given, without the components that have none of either.
func (p *Product) Part(rows, cols []int) *Product {
	part := &Product{Rows: len(rows), Cols: len(cols)}
	for k := range p.Components {
		c := &p.Components[k]
		own := Component{take(c.Rows, rows), take(c.Cols, cols)}
		if own.Rows.Count() > 0 && own.Cols.Count() > 0 {
			part.Components = append(part.Components, own)
		}
	}
	return part
}

// take picks bits of a plane.
func take(from xorcode.Plane, indices []int) xorcode.Plane {
	into := xorcode.NewPlane(len(indices))
	for k, i := range indices {
		if from.Get(i) {
			into.Set(k, true)
		}
	}
	return into
}

// ErrRank is that of a product of more components than a low-rank stream of its
// matrix can have.
var ErrRank = errors.New("prune: more components than the smaller side of the mask")

// Encode codes the product as a low-rank stream whose tiles are as large as they
// may be: one for a matrix with sides of at most weightmask.MaxTileSide.
func (p *Product) Encode() ([]byte, error) {
	h := weightmask.Header{Format: weightmask.LowRank, Rows: p.Rows, Cols: p.Cols, Kept: p.Mask().Count(),
		TileRows: min(p.Rows, weightmask.MaxTileSide), TileCols: min(p.Cols, weightmask.MaxTileSide), Rank: max(1, len(p.Components))}
	if h.Rank > min(h.TileRows, h.TileCols, weightmask.MaxRank) {
		return nil, ErrRank
	}
	var out bitWriter
	for _, t := range h.LowRankTiles() {
		for i := t.Row; i < t.Row+t.Rows; i++ {
			for k := range h.Rank {
				out.write(p.bit(k, i), 1)
			}
		}
		for k := range h.Rank {
			if k >= len(p.Components) {
				out.zeros(t.Cols)
				continue
			}
			for at := t.Col; at < t.Col+t.Cols; at += 64 {
				n := min(64, t.Col+t.Cols-at)
				out.write(p.Components[k].Cols.Bits(at, n), n)
			}
		}
	}
	return weightmask.Seal(h, out.close())
}

// bit is the bit of a row in a component, 0 past the last component.
func (p *Product) bit(component, row int) uint64 {
	if component < len(p.Components) && p.Components[component].Rows.Get(row) {
		return 1
	}
	return 0
}
