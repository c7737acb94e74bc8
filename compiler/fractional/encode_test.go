package fractional

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/npusim/npusim/compiler/binarycode"
	"github.com/npusim/npusim/isa/fractionalcode"
	"github.com/npusim/npusim/isa/xorcode"
)

// normal draws a tensor of standard-normal weights, channels of growing size.
func normal(channels, rest int, seed uint64) []float32 {
	random := rand.New(rand.NewPCG(seed, 1))
	w := make([]float32, channels*rest)
	for i := range w {
		w[i] = float32(random.NormFloat64() * (1 + float64(i/rest)/4))
	}
	return w
}

func positive(n int, seed uint64) []float32 {
	random := rand.New(rand.NewPCG(seed, 2))
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(random.ExpFloat64())
	}
	return v
}

func mustEncode(t testing.TB, weights []float32, channels int, networks []fractionalcode.Network, o Options) *Result {
	t.Helper()
	r, err := Encode(context.Background(), weights, channels, networks, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func near(a, b, relative float64) bool {
	return math.Abs(a-b) <= relative*max(math.Abs(a), math.Abs(b))
}

// encodeCases are tensors with odd sizes, partly used slices, both orders, one
// to three planes, importance of both kinds, and all three ways of choosing bits.
func encodeCases(t testing.TB, visit func(name string, weights []float32, channels int, networks []fractionalcode.Network, o Options)) {
	for i, c := range []struct {
		name                          string
		channels, rest                int
		inputs, outputs, taps, planes int
		o                             Options
	}{
		{"one plane", 7, 45, 8, 20, 2, 1, Options{}},
		{"minor", 7, 45, 12, 20, 2, 1, Options{Order: fractionalcode.ChannelMinor}},
		{"two planes", 5, 81, 16, 20, 2, 2, Options{Order: fractionalcode.ChannelMinor}},
		{"columns", 6, 50, 10, 20, 3, 2, Options{Importance: positive(50, 1)}},
		{"weights", 6, 50, 10, 20, 3, 2, Options{Order: fractionalcode.ChannelMinor, Importance: positive(300, 1)}},
		{"three planes in pairs", 3, 100, 12, 20, 2, 3, Options{Effort: 1500, Order: fractionalcode.ChannelMinor}},
		{"one by one", 3, 100, 12, 20, 2, 2, Options{Effort: 60, Importance: positive(100, 2)}},
		{"by reliability", 4, 90, 16, 70, 0, 2, Options{Effort: 100}},
		{"many channels", 130, 9, 8, 10, 2, 1, Options{Order: fractionalcode.ChannelMinor}},
	} {
		networks, _ := drawn(t, c.inputs, c.outputs, c.taps, c.planes, uint64(10*i))
		visit(c.name, normal(c.channels, c.rest, uint64(i)), c.channels, networks, c.o)
	}
}

// TestErrorFalls: no round raises the error, the last is what measuring the
// decoded weights gives, and it is below that of weights that are all 0.
func TestErrorFalls(t *testing.T) {
	encodeCases(t, func(name string, weights []float32, channels int, networks []fractionalcode.Network, o Options) {
		r := mustEncode(t, weights, channels, networks, o)
		for i := 1; i < len(r.Rounds); i++ {
			if r.Rounds[i].Squared > r.Rounds[i-1].Squared*(1+1e-12) {
				t.Errorf("%s: round %d raises the error from %g to %g", name, i, r.Rounds[i-1].Squared, r.Rounds[i].Squared)
			}
		}
		e, err := Measure(weights, r.Code, o.Importance)
		if err != nil {
			t.Fatal(err)
		}
		// Decoded sums are rounded to float32.
		if !near(e.Squared, r.Error.Squared, 1e-5) || !near(e.Energy, r.Error.Energy, 1e-12) {
			t.Errorf("%s: error %+v, measured %+v", name, r.Error, e)
		}
		if r.Error.Normalized() >= 1 {
			t.Errorf("%s: normalized error %g", name, r.Error.Normalized())
		}
	})
}

// TestBitsAreBest: where the result is exact, no bits of any slice fit the scales
// better, and in any case no change of one scale does.
func TestBitsAreBest(t *testing.T) {
	for _, c := range []struct {
		inputs, outputs, taps, planes int
		order                         fractionalcode.Order
	}{{6, 12, 2, 1, fractionalcode.ChannelMajor}, {7, 9, 3, 1, fractionalcode.ChannelMinor}, {5, 11, 2, 2, fractionalcode.ChannelMinor}, {4, 8, 0, 3, fractionalcode.ChannelMajor}} {
		const channels, rest = 5, 37
		weights, importance := normal(channels, rest, 3), positive(channels*rest, 4)
		networks, matrices := drawn(t, c.inputs, c.outputs, c.taps, c.planes, 5)
		o := Options{Order: c.order, Importance: importance, Rounds: 60}
		r := mustEncode(t, weights, channels, networks, o)
		if !r.Exact {
			t.Fatalf("%+v: not exact", c)
		}
		refitted, err := Refit(context.Background(), weights, r.Code, o)
		if err != nil {
			t.Fatal(err)
		}
		for k := range refitted.Slices() {
			from := k * c.outputs
			used := min(c.outputs, len(weights)-from)
			costs := make([]float64, c.outputs<<c.planes)
			inputs := make([]uint64, c.planes)
			for i := range used << c.planes {
				at := refitted.TensorIndex(from + i>>c.planes)
				channel := refitted.Channel(from + i>>c.planes)
				v := 0.0
				for p := range c.planes {
					a := float64(refitted.Planes[p].Scales[channel])
					if i>>p&1 == 0 {
						a = -a
					}
					v += a
				}
				costs[i] = float64(importance[at]) * (float64(weights[at]) - v) * (float64(weights[at]) - v)
			}
			for p := range inputs {
				inputs[p] = refitted.Planes[p].Codes.At(xorcode.Bits(k*c.inputs), c.inputs)
			}
			if own, best := costOf(matrices, costs, used, inputs), leastCost(matrices, costs, used); own > best+1e-9 {
				t.Fatalf("%+v: slice %d costs %g, the best %g", c, k, own, best)
			}
		}
		for p := range c.planes {
			for channel := range channels {
				for _, factor := range []float32{0.99, 1.01} {
					scale := &r.Code.Planes[p].Scales[channel]
					was := *scale
					*scale *= factor
					if e, err := Measure(weights, r.Code, importance); err != nil || e.Squared < r.Error.Squared*(1-1e-7) {
						t.Errorf("%+v: scale of plane %d, channel %d times %g lowers the error from %g to %g (%v)", c, p, channel, factor, r.Error.Squared, e.Squared, err)
					}
					*scale = was
				}
			}
		}
	}
}

// TestWorkersDoNotMatter: equal bytes from one worker and from many.
func TestWorkersDoNotMatter(t *testing.T) {
	encodeCases(t, func(name string, weights []float32, channels int, networks []fractionalcode.Network, o Options) {
		var forms [2][]byte
		for i, workers := range []int{1, 5} {
			o.Workers = workers
			data, err := mustEncode(t, weights, channels, networks, o).Code.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			forms[i] = data
		}
		if !bytes.Equal(forms[0], forms[1]) {
			t.Errorf("%s: the code depends on the number of workers", name)
		}
	})
}

// TestBetterThanTrivial: codes that need no search, with scales as good as they
// can be, are worse: random ones, and for a network that passes its inputs on,
// signs of the weights that it reaches.
func TestBetterThanTrivial(t *testing.T) {
	encodeCases(t, func(name string, weights []float32, channels int, networks []fractionalcode.Network, o Options) {
		r := mustEncode(t, weights, channels, networks, o)
		random := rand.New(rand.NewPCG(8, 8))
		if err := o.complete(len(weights), channels); err != nil {
			t.Fatal(err)
		}
		var matrices []*xorcode.Network
		for _, n := range networks {
			matrices = append(matrices, n.Matrix)
		}
		s := newSolver(newPlan(matrices, o.Effort), arrange(weights, channels, o.Order), o.arrangedImportance(len(weights), channels), channels, o.Order == fractionalcode.ChannelMinor, 1)
		chooser := newChooser(s.plan)
		for k := range s.slices() {
			for p := range matrices {
				x := random.Uint64() & (1<<matrices[p].Inputs - 1)
				s.codes[k*s.planes()+p] = x
				chooser.place(p, x, s.levels[k*s.outputs():min((k+1)*s.outputs(), len(weights))])
			}
		}
		if err := s.chooseScales(context.Background(), false); err != nil {
			t.Fatal(err)
		}
		if trivial := s.total(); r.Error.Squared > trivial.Squared {
			t.Errorf("%s: error %g, of random codes %g", name, r.Error.Squared, trivial.Squared)
		}
	})
	// Inputs 0 to 9 are outputs 0 to 9, outputs 10 to 19 repeat output 0.
	rows := make([]uint64, 20)
	for i := range rows {
		rows[i] = 1
		if i < 10 {
			rows[i] = 1 << i
		}
	}
	m, err := xorcode.NewNetwork(10, 20, rows)
	if err != nil {
		t.Fatal(err)
	}
	weights := normal(1, 2000, 9)
	r := mustEncode(t, weights, 1, []fractionalcode.Network{{Matrix: m}}, Options{})
	sum, energy := 0.0, 0.0
	for i, w := range weights {
		sign := 1.0
		if own := weights[i]; i%20 >= 10 && weights[i-i%20] < 0 || i%20 < 10 && own < 0 {
			sign = -1
		}
		sum += sign * float64(w)
		energy += float64(w) * float64(w)
	}
	if trivial := energy - sum*sum/float64(len(weights)); r.Error.Squared > trivial {
		t.Errorf("error %g, of plain signs %g", r.Error.Squared, trivial)
	}
}

// TestBinaryCodeLimit: a network that gives every plane is no constraint, so the
// error is that of binary codes: their global optimum for one plane, their
// fixed point for two.
func TestBinaryCodeLimit(t *testing.T) {
	const channels, rest = 8, 1000
	weights, importance := normal(channels, rest, 10), positive(rest, 11)
	columns := make([]float64, rest)
	for i, v := range importance {
		columns[i] = float64(v)
	}
	for _, c := range []struct {
		taps, planes int
		tolerance    float64
	}{{1, 1, 1e-6}, {3, 1, 1e-6}, {1, 2, 3e-3}, {3, 2, 3e-3}} {
		seed := uint64(0)
		networks, matrices := drawn(t, 10, 10, c.taps, c.planes, seed)
		for !invertible(matrices) {
			seed += 10
			networks, matrices = drawn(t, 10, 10, c.taps, c.planes, seed)
		}
		b := &binarycode.Importance{Columns: columns}
		free, err := binarycode.Quantize(context.Background(), weights, channels, rest, binarycode.Options{Method: binarycode.Alternating, Planes: c.planes, Importance: b})
		if err != nil {
			t.Fatal(err)
		}
		want, err := free.Error(weights, b)
		if err != nil {
			t.Fatal(err)
		}
		for _, order := range []fractionalcode.Order{fractionalcode.ChannelMajor, fractionalcode.ChannelMinor} {
			r := mustEncode(t, weights, channels, networks, Options{Order: order, Importance: importance, Rounds: 100})
			if !near(r.Error.Squared, want.Squared, c.tolerance) {
				t.Errorf("%d taps, %d planes, %v: error %g, of binary codes %g", c.taps, c.planes, order, r.Error.Squared, want.Squared)
			}
		}
	}
}

func invertible(list []*xorcode.Network) bool {
	for _, m := range list {
		if m.Rank() != m.Inputs {
			return false
		}
	}
	return true
}

// TestImportanceCounts: weights that matter are fitted better than those that do
// not, and an importance of equal values changes nothing.
func TestImportanceCounts(t *testing.T) {
	const channels, rest = 4, 400
	weights := normal(channels, rest, 12)
	networks, _ := drawn(t, 8, 20, 2, 1, 3)
	importance := make([]float32, rest)
	first := make([]float32, rest) // measures the weights that matter only
	for i := range importance {
		importance[i] = 0.01
		if i%2 == 0 {
			importance[i], first[i] = 1, 1
		}
	}
	plain := mustEncode(t, weights, channels, networks, Options{Order: fractionalcode.ChannelMinor})
	weighted := mustEncode(t, weights, channels, networks, Options{Order: fractionalcode.ChannelMinor, Importance: importance})
	even, err := Measure(weights, plain.Code, first)
	if err != nil {
		t.Fatal(err)
	}
	better, err := Measure(weights, weighted.Code, first)
	if err != nil {
		t.Fatal(err)
	}
	if better.Squared > 0.85*even.Squared {
		t.Errorf("weights that matter: error %g, %g without importance", better.Squared, even.Squared)
	}
	for i := range importance {
		importance[i] = 3
	}
	equal := mustEncode(t, weights, channels, networks, Options{Order: fractionalcode.ChannelMinor, Importance: importance})
	if !near(equal.Error.Normalized(), plain.Error.Normalized(), 1e-4) {
		t.Errorf("equal importance: error %g, without %g", equal.Error.Normalized(), plain.Error.Normalized())
	}
}

// TestExtremes: tensors that leave nothing to fit, or hardly anything.
func TestExtremes(t *testing.T) {
	networks, _ := drawn(t, 8, 20, 2, 2, 1)
	zeroChannel := normal(3, 30, 1)
	clear(zeroChannel[30:60])
	large, small := normal(2, 50, 2), normal(2, 50, 2)
	for i := range large {
		large[i] *= 1e37
		small[i] *= 1e-37
	}
	for name, c := range map[string]struct {
		weights  []float32
		channels int
		o        Options
		most     float64
	}{
		"one weight":    {[]float32{-3}, 1, Options{}, 1e-12},
		"all zero":      {make([]float32, 60), 3, Options{}, 0},
		"channel zero":  {zeroChannel, 3, Options{}, 0.7},
		"no importance": {normal(3, 30, 1), 3, Options{Importance: make([]float32, 30)}, 0},
		"large":         {large, 2, Options{}, 0.7},
		"small":         {small, 2, Options{}, 0.7},
	} {
		r := mustEncode(t, c.weights, c.channels, networks, c.o)
		if e := r.Error.Normalized(); !(e <= c.most) {
			t.Errorf("%s: normalized error %g, want at most %g", name, e, c.most)
		}
		if _, err := r.Code.MarshalBinary(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEncodeRules(t *testing.T) {
	networks, _ := drawn(t, 8, 20, 2, 2, 1)
	other, _ := drawn(t, 8, 10, 2, 1, 1)
	weights := normal(4, 30, 1)
	bad := append([]float32(nil), weights...)
	bad[45] = float32(math.NaN())
	for name, c := range map[string]struct {
		weights  []float32
		channels int
		networks []fractionalcode.Network
		o        Options
		want     string
	}{
		"no channels":    {weights, 0, networks, Options{}, "channels = 0"},
		"channels":       {weights, 7, networks, Options{}, "multiple of the 7 channels"},
		"no weights":     {nil, 1, networks, Options{}, "0 weights"},
		"NaN":            {bad, 4, networks, Options{}, "weight 15 of channel 1 is NaN"},
		"no networks":    {weights, 4, nil, Options{}, "0 networks"},
		"nil network":    {weights, 4, []fractionalcode.Network{{}}, Options{}, "network 0 is missing"},
		"other shape":    {weights, 4, append(other, networks...), Options{}, "network 1 is 20 x 8"},
		"order":          {weights, 4, networks, Options{Order: 9}, "order 9"},
		"rounds":         {weights, 4, networks, Options{Rounds: -1}, "-1 rounds"},
		"importance":     {weights, 4, networks, Options{Importance: make([]float32, 29)}, "29 importances"},
		"bad importance": {weights, 4, networks, Options{Importance: append(make([]float32, 29), -1)}, "importance 29 is -1"},
	} {
		if _, err := Encode(context.Background(), c.weights, c.channels, c.networks, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Encode(canceled, weights, 4, networks, Options{}); err != context.Canceled && (err == nil || !strings.Contains(err.Error(), "canceled")) {
		t.Errorf("canceled: error %v", err)
	}
}
