package fractional

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	solve "github.com/npusim/npusim/compiler/binarycode"
	"github.com/npusim/npusim/isa/binarycode"
	"github.com/npusim/npusim/isa/fractionalcode"
	"github.com/npusim/npusim/isa/xorcode"
)

// Effort and rounds of the search for codes, as in Options.
const (
	sealEffort = 256
	sealRounds = 8
)

// SealOptions say how signs come out of XOR networks.
type SealOptions struct {
	Mu       int // bits of a key
	Group    int // columns that share a scale, a multiple of Mu; 0: all
	Networks []fractionalcode.Network
	// Importance of the columns, nil for all alike.
	Importance []float64
	Workers    int // goroutines, 0 for one a processor
}

// Seal finds binary codes whose signs the networks, one a plane, can make, with
// real scales of rows and groups: codes and scales are chosen in turn to make the
// weighed squared error small, as in Encode, for each SliceRows rows.
func Seal(ctx context.Context, weights []float32, rows, columns int, o SealOptions) (*solve.Matrix, *binarycode.Sealed, error) {
	group := columns
	if o.Group > 0 {
		group = min(o.Group, columns)
	}
	s := &binarycode.Sealed{Mu: o.Mu}
	for _, n := range o.Networks {
		s.Networks = append(s.Networks, n.Matrix)
	}
	m := &solve.Matrix{Shape: binarycode.Shape{Rows: rows, Columns: columns, Group: group, Ranges: []binarycode.Range{{Rows: rows, Planes: len(o.Networks)}}}}
	switch {
	case len(o.Networks) == 0 || o.Mu < 1:
		return nil, nil, fmt.Errorf("sealed keys: %d networks, keys of %d bits", len(o.Networks), o.Mu)
	case len(weights) != rows*columns:
		return nil, nil, fmt.Errorf("sealed keys: %d weights, the shape has %d x %d", len(weights), rows, columns)
	case group < columns && group%o.Mu != 0:
		return nil, nil, fmt.Errorf("sealed keys: groups of %d columns: must be a multiple of the %d bits of a key", group, o.Mu)
	case o.Importance != nil && len(o.Importance) != columns:
		return nil, nil, fmt.Errorf("sealed keys: %d importances for %d columns", len(o.Importance), columns)
	}
	if err := m.Shape.Validate(); err != nil {
		return nil, nil, err
	}
	if err := binarycode.CheckSealing(s.Networks[0].Outputs, o.Mu, s.Networks[0].Outputs/o.Mu); err != nil {
		return nil, nil, fmt.Errorf("sealed keys: %w", err)
	}
	encoder, err := NewEncoder(o.Networks, sealEffort)
	if err != nil {
		return nil, nil, err
	}
	keys, slices := ceilDivide(columns, o.Mu), ceilDivide(rows, s.SliceRows())
	for range o.Networks {
		s.Codes = append(s.Codes, make([]uint64, slices*keys))
	}
	m.Scales = make([]float32, m.Shape.Scales())
	workers := o.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	failed := make([]error, slices)
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			for k := w; k < slices; k += workers {
				failed[k] = sealRows(ctx, m, weights, s, k, encoder, &o)
			}
		})
	}
	wait.Wait()
	if err := errors.Join(failed...); err != nil {
		return nil, nil, err
	}
	if m.Bits, err = s.Signs(&m.Shape); err != nil {
		return nil, nil, err
	}
	return m, s, nil
}

// padWeight is the importance of rows beyond the last one, whose weights repeat
// those of the last.
const padWeight = 1e-3

// sealRows finds the codes of the rows that share them, group by group.
func sealRows(ctx context.Context, m *solve.Matrix, weights []float32, s *binarycode.Sealed, slice int, encoder *Encoder, o *SealOptions) error {
	columns, slots := m.Shape.Columns, s.SliceRows()
	keys, span := ceilDivide(columns, s.Mu), m.Shape.Spans()[0]
	for g := range m.Shape.Groups() {
		from, to := m.Shape.GroupColumns(g)
		width := ceilDivide(to-from, s.Mu) * s.Mu
		tensor, importance := make([]float32, slots*width), make([]float32, slots*width)
		for r := range slots {
			row, weight := slice*slots+r, float32(1)
			if row >= m.Shape.Rows {
				row, weight = m.Shape.Rows-1, padWeight
			}
			for j := from; j < to; j++ {
				at := r*width + j - from
				tensor[at], importance[at] = weights[row*columns+j], weight
				if o.Importance != nil {
					importance[at] = float32(float64(weight) * o.Importance[j])
				}
			}
		}
		result, err := encoder.Encode(ctx, tensor, slots, Options{Order: fractionalcode.ChannelMinor, Importance: importance, Rounds: sealRounds, Workers: 1})
		if err != nil {
			return err
		}
		for plane := range s.Codes {
			p, n := &result.Code.Planes[plane], s.Networks[plane]
			for k := range width / s.Mu {
				s.Codes[plane][slice*keys+from/s.Mu+k] = p.Codes.At(xorcode.Bits(k*n.Inputs), n.Inputs)
			}
			for r := range min(slots, m.Shape.Rows-slice*slots) {
				m.Scales[span.ScaleIndex(slice*slots+r, g)+plane] = max(p.Scales[r], 0)
			}
		}
	}
	return nil
}

func ceilDivide(a, b int) int { return (a + b - 1) / b }
