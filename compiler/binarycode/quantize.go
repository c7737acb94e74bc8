package binarycode

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/npusim/npusim/isa/binarycode"
)

// Method is how codes and scales are found.
type Method uint8

// Methods.
const (
	InvalidMethod Method = iota
	Greedy
	Alternating
	Ternary // levels -a, 0, a: two planes with a scale of a/2 each
	methodEnd
)

var methodNames = [methodEnd]string{InvalidMethod: "invalid", Greedy: "greedy", Alternating: "alternating", Ternary: "ternary"}

func (m Method) String() string {
	if m < methodEnd {
		return methodNames[m]
	}
	return "invalid"
}

// DefaultRounds is how often Alternating improves scales at most, if not told:
// enough for codes of four planes and some thousand weights to settle.
const DefaultRounds = 100

// Options say how a matrix is quantized.
type Options struct {
	Method Method
	// Planes of all rows, each with its own scales; or Ranges, with their own
	// numbers of planes. Ternary takes 2. A range that shares scales is solved as
	// a whole by one worker, with 16 bytes of memory for each weight.
	Planes int
	Ranges []binarycode.Range
	// Group is the number of columns that share scales, 0 for all.
	Group int
	// Rounds bounds the rounds of Alternating, 0 for DefaultRounds; those with a
	// full second moment end after 20 in any case.
	Rounds     int
	Importance *Importance
	// Workers is the number of goroutines, 0 for one a processor.
	Workers int
}

// shape is the shape that the options ask for.
func (o *Options) shape(rows, columns int) (binarycode.Shape, error) {
	s := binarycode.Shape{Rows: rows, Columns: columns, Group: o.Group, Ranges: slices.Clone(o.Ranges)}
	if s.Group == 0 {
		s.Group = columns
	}
	switch {
	case o.Planes != 0 && o.Ranges != nil:
		return s, fmt.Errorf("both %d planes and row ranges are given", o.Planes)
	case o.Ranges == nil:
		s.Ranges = []binarycode.Range{{Rows: rows, Planes: o.Planes}}
	}
	if err := s.Validate(); err != nil {
		return s, err
	}
	for i, r := range s.Ranges {
		if o.Method == Ternary && r.Planes != 2 {
			return s, fmt.Errorf("row range %d has %d planes: ternary codes take 2", i, r.Planes)
		}
		if r.Shared && o.Importance != nil && o.Importance.Moment != nil && o.Method == Alternating {
			return s, fmt.Errorf("row range %d shares scales: a full second moment takes scales for each row", i)
		}
	}
	return s, nil
}

// Quantize finds codes and scales for a matrix of rows x columns weights, row by
// row in weights.
func Quantize(ctx context.Context, weights []float32, rows, columns int, o Options) (*Matrix, error) {
	if o.Method <= InvalidMethod || o.Method >= methodEnd {
		return nil, fmt.Errorf("binary codes: method %d: must be %d (greedy), %d (alternating) or %d (ternary)", o.Method, Greedy, Alternating, Ternary)
	}
	if o.Rounds < 0 || o.Workers < 0 {
		return nil, fmt.Errorf("binary codes: %d rounds, %d workers: must not be negative", o.Rounds, o.Workers)
	}
	shape, err := o.shape(rows, columns)
	if err != nil {
		return nil, fmt.Errorf("binary codes: %w", err)
	}
	if len(weights) != rows*columns {
		return nil, fmt.Errorf("binary codes: %d weights for %d x %d", len(weights), rows, columns)
	}
	for i, w := range weights {
		if f := float64(w); math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, fmt.Errorf("binary codes: weight of row %d, column %d is %g: must be finite", i/columns, i%columns, f)
		}
	}
	if err := o.Importance.validate(columns); err != nil {
		return nil, fmt.Errorf("binary codes: %w", err)
	}
	if o.Rounds == 0 {
		o.Rounds = DefaultRounds
	}
	q := &quantizer{
		options: o,
		weights: weights,
		columns: o.Importance.columns(columns),
		result:  &Matrix{Shape: shape, Bits: make([]uint64, shape.Words()), Scales: make([]float32, shape.Scales())},
		spans:   shape.Spans(),
	}
	if o.Importance != nil {
		q.moment = o.Importance.Moment
	}
	if err := q.run(ctx); err != nil {
		return nil, err
	}
	return q.result, nil
}

// scratch is the memory of one worker, used again for each row.
type scratch struct {
	ranks  ranking
	moment momentScratch
}

// quantizer is one call of Quantize.
type quantizer struct {
	options Options
	weights []float32
	columns []float64 // importance, nil for all alike
	moment  []float64
	result  *Matrix
	spans   []binarycode.Span
}

// rowsAtOnce is how many rows a worker takes.
const rowsAtOnce = 8

// job is rows that one worker does: a whole range if they share scales.
type job struct {
	span      *binarycode.Span
	row, rows int
}

// run gives jobs to workers. Each writes its own rows and scales, so the result
// does not depend on who does which.
func (q *quantizer) run(ctx context.Context) error {
	var jobs []job
	for i := range q.spans {
		s := &q.spans[i]
		step := rowsAtOnce
		if s.Shared {
			step = s.Rows
		}
		for row := s.Row; row < s.Row+s.Rows; row += step {
			jobs = append(jobs, job{s, row, min(step, s.Row+s.Rows-row)})
		}
	}
	workers := q.options.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(workers, len(jobs)) {
		group.Go(func() {
			own := &scratch{}
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(jobs) {
					return
				}
				q.do(&jobs[i], own)
			}
		})
	}
	group.Wait()
	return ctx.Err()
}

func (q *quantizer) do(j *job, own *scratch) {
	if j.span.Shared {
		q.shared(j, &own.ranks)
		return
	}
	for row := j.row; row < j.row+j.rows; row++ {
		q.shared(&job{j.span, row, 1}, &own.ranks)
		if q.moment != nil && q.options.Method == Alternating {
			q.refine(j.span, row, &own.moment)
		}
	}
}

// shared solves the groups of rows that share scales.
func (q *quantizer) shared(j *job, ranks *ranking) {
	shape := &q.result.Shape
	b := block{rows: make([][]float32, j.rows), planes: j.span.Planes}
	for g := range shape.Groups() {
		from, to := shape.GroupColumns(g)
		for i := range b.rows {
			at := (j.row + i) * shape.Columns
			b.rows[i] = q.weights[at+from : at+to]
		}
		b.importance = nil
		if q.columns != nil && anyPositive(q.columns[from:to]) {
			b.importance = q.columns[from:to] // else nothing reads the group: any codes do
		}
		var alpha [maxPlanes]float64
		switch q.options.Method {
		case Ternary:
			ranks.rank(&b)
			alpha = ranks.ternary()
		case Greedy:
			alpha = b.greedyScales()
		case Alternating:
			ranks.rank(&b)
			alpha = ranks.alternate(b.greedyScales(), b.planes, q.options.Rounds)
		}
		scales := q.result.Scales[j.span.ScaleIndex(j.row, g):][:b.planes]
		for i := range scales {
			scales[i] = float32(alpha[i])
			alpha[i] = float64(scales[i]) // codes are chosen for the scales that are kept
		}
		l := newLevels(alpha, b.planes)
		for i, row := range b.rows {
			if q.options.Method == Greedy {
				q.write(j.span, j.row+i, from, row, func(w float32) uint8 { return greedyCode(w, alpha, b.planes) })
			} else {
				q.write(j.span, j.row+i, from, row, l.nearest)
			}
		}
	}
}

// write sets the signs of a row's weights from a column on.
func (q *quantizer) write(s *binarycode.Span, row, from int, weights []float32, code func(float32) uint8) {
	var planes [maxPlanes][]uint64
	for i := range s.Planes {
		planes[i] = s.Plane(q.result.Bits, row, i)
	}
	for i, w := range weights {
		j, c := from+i, code(w)
		for plane, bits := range planes[:s.Planes] {
			bits[j>>6] |= uint64(c>>plane&1) << (j & 63)
		}
	}
}

func anyPositive(values []float64) bool {
	return slices.ContainsFunc(values, func(v float64) bool { return v > 0 })
}
