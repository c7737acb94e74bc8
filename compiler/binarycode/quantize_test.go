package binarycode

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/npusim/npusim/isa/binarycode"
)

// gaussian draws a matrix from N(0, 1).
func gaussian(random *rand.Rand, n int) []float32 {
	w := make([]float32, n)
	for i := range w {
		w[i] = float32(random.NormFloat64())
	}
	return w
}

func mustQuantize(t testing.TB, w []float32, rows, columns int, o Options) *Matrix {
	t.Helper()
	m, err := Quantize(context.Background(), w, rows, columns, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func mustError(t testing.TB, m *Matrix, w []float32, importance *Importance) Error {
	t.Helper()
	e, err := m.Error(w, importance)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestGaussianError: the normalized error of rows of 4096 normal weights.
// One plane loses 1 - 2/pi; the others are published measurements.
func TestGaussianError(t *testing.T) {
	const rows, columns = 24, 4096
	w := gaussian(rand.New(rand.NewPCG(1, 1)), rows*columns)
	for _, c := range []struct {
		method Method
		want   [4]float64
	}{
		{Alternating, [4]float64{1 - 2/math.Pi, 0.118, 0.0372, 0.0115}},
		{Greedy, [4]float64{1 - 2/math.Pi, 0.131, 0.0587, 0.0332}},
	} {
		for q, want := range c.want {
			m := mustQuantize(t, w, rows, columns, Options{Method: c.method, Planes: q + 1})
			got := mustError(t, m, w, nil).Normalized()
			t.Logf("%v, %d planes: %.5f, want %.4f", c.method, q+1, got, want)
			if math.Abs(got/want-1) > 0.03 {
				t.Errorf("%v, %d planes: error %.5f, want %.4f within 3 %%", c.method, q+1, got, want)
			}
		}
	}
}

// TestOnePlaneAndTernaryAreOptimal: against all codes of few weights, with the
// best scale for each.
func TestOnePlaneAndTernaryAreOptimal(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 1))
	for range 300 {
		n := 1 + random.IntN(7)
		w := gaussian(random, n)
		if random.IntN(3) == 0 {
			w[n-1] = w[0] // equal magnitudes
		}
		importance := &Importance{Columns: make([]float64, n)}
		for j := range importance.Columns {
			importance.Columns[j] = random.ExpFloat64()
		}
		for _, c := range []struct {
			o      Options
			values []float64
		}{
			{Options{Method: Greedy, Planes: 1}, []float64{-1, 1}},
			{Options{Method: Alternating, Planes: 1}, []float64{-1, 1}},
			{Options{Method: Ternary, Planes: 2}, []float64{-1, 0, 1}},
		} {
			c.o.Importance = importance
			want := math.Inf(1)
			code := make([]int, n)
			for more := true; more; {
				var wt, tt, ww float64
				for j, k := range code {
					v, h := c.values[k], importance.Columns[j]
					wt, tt, ww = wt+h*v*float64(w[j]), tt+h*v*v, ww+h*float64(w[j])*float64(w[j])
				}
				if loss := ww - wt*wt/math.Max(tt, 1e-300); wt >= 0 {
					want = min(want, loss)
				}
				more = false
				for j := range code {
					if code[j]++; code[j] < len(c.values) {
						more = true
						break
					}
					code[j] = 0
				}
			}
			m := mustQuantize(t, w, 1, n, c.o)
			if got := mustError(t, m, w, importance); math.Abs(got.Squared-want) > 1e-6*got.Energy {
				t.Fatalf("%v of %v: error %g, want %g", c.o.Method, w, got.Squared, want)
			}
		}
	}
}

// TestAlternatingSteps: at the fixed point no single code and no scale can be
// better, for every granularity of scales, weighted or not.
func TestAlternatingSteps(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 1))
	for i := range 60 {
		rows, columns := 1+random.IntN(6), 1+random.IntN(90)
		w := gaussian(random, rows*columns)
		var importance *Importance
		if i%2 == 0 {
			importance = &Importance{Columns: make([]float64, columns)}
			for j := range importance.Columns {
				importance.Columns[j] = random.ExpFloat64()
			}
		}
		ranges := []binarycode.Range{{Rows: rows, Planes: 1 + random.IntN(4), Shared: i%3 == 0}}
		o := Options{Method: Alternating, Ranges: ranges, Group: 1 + random.IntN(columns), Importance: importance}
		m := mustQuantize(t, w, rows, columns, o)
		base := mustError(t, m, w, importance).Squared
		greedyOptions := o
		greedyOptions.Method = Greedy
		if greedy := mustError(t, mustQuantize(t, w, rows, columns, greedyOptions), w, importance).Squared; base > greedy*(1+1e-6)+1e-9 {
			t.Fatalf("case %d: alternating loses %g, greedy %g", i, base, greedy)
		}
		for k := range m.Scales {
			for _, factor := range []float32{0.999, 1.001} {
				old := m.Scales[k]
				m.Scales[k] *= factor
				if e := mustError(t, m, w, importance).Squared; e < base*(1-1e-6)-1e-9 {
					t.Fatalf("case %d: scale %d times %g lowers the error from %g to %g", i, k, factor, base, e)
				}
				m.Scales[k] = old
			}
		}
		for _, s := range m.Shape.Spans() {
			for r := range rows {
				j, code := random.IntN(columns), uint(random.IntN(1<<s.Planes))
				for plane := range s.Planes {
					m.flip(&s, r, plane, j, code)
				}
				if e := mustError(t, m, w, importance).Squared; e < base*(1-1e-6)-1e-9 {
					t.Fatalf("case %d: other signs for row %d, column %d lower the error from %g to %g", i, r, j, base, e)
				}
				for plane := range s.Planes {
					m.flip(&s, r, plane, j, code)
				}
			}
		}
	}
}

// flip turns the sign of a plane if the code has its bit.
func (m *Matrix) flip(s *binarycode.Span, row, plane, column int, code uint) {
	s.Plane(m.Bits, row, plane)[column/64] ^= uint64(code>>plane&1) << (column % 64)
}

// TestWorkers: the same bits and scales for any number of workers.
func TestWorkers(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 1))
	const rows, columns = 50, 100
	w, moment := gaussian(random, rows*columns), correlated(random, columns)
	ranges := []binarycode.Range{{Rows: 20, Planes: 3}, {Rows: 11, Planes: 4, Shared: true}, {Rows: 19, Planes: 2}}
	for _, o := range []Options{
		{Method: Greedy, Ranges: ranges, Group: 30},
		{Method: Alternating, Ranges: ranges, Group: 30},
		{Method: Ternary, Planes: 2},
		{Method: Alternating, Planes: 3, Importance: moment},
	} {
		var first *Matrix
		for _, o.Workers = range []int{1, 2, 7} {
			m := mustQuantize(t, w, rows, columns, o)
			if first == nil {
				first = m
			}
			if !slices.Equal(m.Bits, first.Bits) || !slices.Equal(m.Scales, first.Scales) {
				t.Errorf("%v: %d workers give another result", o.Method, o.Workers)
			}
		}
	}
}

// correlated is the second moment of inputs that depend on each other.
func correlated(random *rand.Rand, columns int) *Importance {
	moments := Moments{Columns: columns, Full: true}
	x := make([]float32, columns)
	for range 4 * columns {
		var carry float64
		for j := range x {
			carry = 0.9*carry + random.NormFloat64()
			x[j] = float32(math.Max(carry, 0)) // as after a rectifier
		}
		if err := moments.Add(x); err != nil {
			panic(err)
		}
	}
	importance, err := moments.Importance()
	if err != nil {
		panic(err)
	}
	return importance
}

// TestSecondMoment: taking correlations into account lowers the output error, and
// it is what Error states, the mean squared output error over the inputs.
func TestSecondMoment(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 1))
	const rows, columns = 12, 64
	w, moment := gaussian(random, rows*columns), correlated(random, columns)
	diagonal := &Importance{Columns: moment.columns(columns)}
	for _, group := range []int{0, 16} {
		for planes := 1; planes <= 4; planes++ {
			o := Options{Method: Alternating, Planes: planes, Group: group}
			plain := mustError(t, mustQuantize(t, w, rows, columns, o), w, moment).Squared
			o.Importance = diagonal
			m := mustQuantize(t, w, rows, columns, o)
			weighted := mustError(t, m, w, moment).Squared
			o.Importance = moment
			full := mustError(t, mustQuantize(t, w, rows, columns, o), w, moment).Squared
			t.Logf("group %d, %d planes: output error plain %.4g, diagonal %.4g, full %.4g", group, planes, plain, weighted, full)
			if full > 0.9*min(weighted, plain) {
				t.Errorf("group %d, %d planes: output error %g with the full moment, %g with its diagonal, %g without", group, planes, full, weighted, plain)
			}
		}
	}
}

// TestColumnImportance: important columns are coded better, at the cost of others.
func TestColumnImportance(t *testing.T) {
	random := rand.New(rand.NewPCG(6, 1))
	const rows, columns = 16, 256
	w := gaussian(random, rows*columns)
	importance := &Importance{Columns: make([]float64, columns)}
	for j := range importance.Columns {
		importance.Columns[j] = math.Exp(2 * random.NormFloat64())
	}
	o := Options{Method: Alternating, Planes: 3}
	plain := mustQuantize(t, w, rows, columns, o)
	o.Importance = importance
	weighted := mustQuantize(t, w, rows, columns, o)
	if a, b := mustError(t, weighted, w, importance).Squared, mustError(t, plain, w, importance).Squared; a > 0.95*b {
		t.Errorf("weighted error %g with importance, %g without", a, b)
	}
	if a, b := mustError(t, weighted, w, nil).Squared, mustError(t, plain, w, nil).Squared; a < b {
		t.Errorf("plain error %g with importance, %g without", a, b)
	}
}

// TestMoments: the mean of products, and its diagonal.
func TestMoments(t *testing.T) {
	full, diagonal := Moments{Columns: 2, Full: true}, Moments{Columns: 2}
	for _, x := range [][]float32{{1, 2}, {3, -4}} {
		for _, m := range []*Moments{&full, &diagonal} {
			if err := m.Add(x); err != nil {
				t.Fatal(err)
			}
		}
	}
	f, err := full.Importance()
	if err != nil || !slices.Equal(f.Moment, []float64{5, -5, -5, 10}) {
		t.Errorf("%+v, %v", f, err)
	}
	d, err := diagonal.Importance()
	if err != nil || !slices.Equal(d.Columns, []float64{5, 10}) {
		t.Errorf("%+v, %v", d, err)
	}
	if err := full.Add([]float32{1}); err == nil {
		t.Error("a short input is taken")
	}
	if err := full.Add([]float32{1, float32(math.NaN())}); err == nil {
		t.Error("NaN is taken")
	}
	if _, err := (&Moments{Columns: 2}).Importance(); err == nil {
		t.Error("the mean of nothing is taken")
	}
}

// TestDegenerate: constants, zeros, huge spreads and single weights end without
// harm, and what codes can represent they do.
func TestDegenerate(t *testing.T) {
	for name, w := range map[string][]float32{
		"zeros":    make([]float32, 10),
		"constant": {3, 3, 3, -3, 3, 3, -3, 3, 3, 3},
		"single":   {-0.25},
		"grid":     {-7, -5, -3, -1, 1, 3, 5, 7},
		"tiny":     {1e-40, -1e-40, 2e-40, 1e-45, 0},
	} {
		for planes := 1; planes <= 4; planes++ {
			m := mustQuantize(t, w, 1, len(w), Options{Method: Alternating, Planes: planes})
			e := mustError(t, m, w, nil).Normalized()
			if !(e >= 0 && e <= 1) || name != "grid" && name != "tiny" && e > 1e-12 {
				t.Errorf("%s, %d planes: error %g, scales %v", name, planes, e, m.Scales)
			}
		}
	}
	w := []float32{math.MaxFloat32, -math.MaxFloat32, 1}
	m := mustQuantize(t, w, 1, 3, Options{Method: Alternating, Planes: 2})
	if e := mustError(t, m, w, nil).Normalized(); !(e < 1e-6) {
		t.Errorf("the largest floats: error %g, scales %v", e, m.Scales)
	}
	// Nothing reads group 1, columns 2 and 3.
	w = []float32{1, -1, 5, 6}
	m = mustQuantize(t, w, 1, 4, Options{Method: Alternating, Planes: 1, Group: 2, Importance: &Importance{Columns: []float64{1, 2, 0, 0}}})
	if m.Scales[0] != 1 || m.Scales[1] != 5.5 {
		t.Errorf("scales %v", m.Scales)
	}
}

func TestQuantizeErrors(t *testing.T) {
	w := make([]float32, 6)
	for want, o := range map[string]Options{
		"method 0":                         {Planes: 1},
		"-1 rounds":                        {Method: Greedy, Planes: 1, Rounds: -1},
		"range 0 has 5 planes":             {Method: Greedy, Planes: 5},
		"range 0 has 0 planes":             {Method: Greedy},
		"both 1 planes":                    {Method: Greedy, Planes: 1, Ranges: []binarycode.Range{{Rows: 2, Planes: 1}}},
		"ternary codes take 2":             {Method: Ternary, Planes: 3},
		"group of 4 columns":               {Method: Greedy, Planes: 1, Group: 4},
		"1 column weights for 3":           {Method: Greedy, Planes: 1, Importance: &Importance{Columns: []float64{1}}},
		"importance of column 1 is -1":     {Method: Greedy, Planes: 1, Importance: &Importance{Columns: []float64{1, -1, 1}}},
		"second moment of columns 1 and 0": {Method: Greedy, Planes: 1, Importance: &Importance{Moment: []float64{1, 2, 0, 1, 1, 0, 0, 0, 1}}},
		"takes scales for each row":        {Method: Alternating, Ranges: []binarycode.Range{{Rows: 2, Planes: 1, Shared: true}}, Importance: &Importance{Moment: make([]float64, 9)}},
	} {
		if _, err := Quantize(context.Background(), w, 2, 3, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want an error with %q", err, want)
		}
	}
	w[4] = float32(math.Inf(-1))
	if _, err := Quantize(context.Background(), w, 2, 3, Options{Method: Greedy, Planes: 1}); err == nil || !strings.Contains(err.Error(), "row 1, column 1") {
		t.Errorf("%v", err)
	}
	if _, err := Quantize(context.Background(), w[:5], 2, 3, Options{Method: Greedy, Planes: 1}); err == nil {
		t.Error("5 weights for 2 x 3 are taken")
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Quantize(cancelled, make([]float32, 6), 2, 3, Options{Method: Greedy, Planes: 1}); err == nil {
		t.Error("a cancelled call gives a result")
	}
}
