package codec

import (
	"fmt"
	"math/bits"
	"slices"
	"testing"

	"github.com/npusim/npusim/isa/xorcode"
)

// sequentialErrorsOf encodes with the first network and counts corrections.
func sequentialErrorsOf(t testing.TB, target Target, outputs int, o SequentialOptions) int {
	t.Helper()
	if o.Network == nil {
		o.Network = xorcode.RandomNetwork(o.SymbolBits*(o.Registers+1), outputs, 2)
	}
	q, err := EncodeSequential([]Target{target}, o)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := q.Decode(0)
	if err != nil {
		t.Fatal(err)
	}
	if err := Verify(target, decoded); err != nil {
		t.Fatal(err)
	}
	errors, err := SequentialErrors(q)
	if err != nil {
		t.Fatal(err)
	}
	return errors
}

// fewestErrors tries every sequence of codes.
func fewestErrors(m *xorcode.Network, symbolBits, registers int, t Target) int {
	slices := (t.Bits.Len() + m.Outputs - 1) / m.Outputs
	least := t.Bits.Len()
	mask := uint64(1)<<m.Inputs - 1
	for sequence := uint64(0); sequence>>(slices*symbolBits) == 0; sequence++ {
		errors, register := 0, uint64(0)
		for s := range slices {
			register = (register<<symbolBits | sequence>>(s*symbolBits)&(1<<symbolBits-1)) & mask
			for r, row := range m.Rows {
				if at := s*m.Outputs + r; at < t.Bits.Len() && t.Care.Get(at) {
					if (bits.OnesCount64(row&register)&1 != 0) != t.Bits.Get(at) {
						errors++
					}
				}
			}
		}
		least = min(least, errors)
	}
	return least
}

// TestSequentialIsOptimal: within the window no sequence of codes needs fewer
// corrections.
func TestSequentialIsOptimal(t *testing.T) {
	for _, c := range []struct{ symbolBits, registers, outputs, weights int }{
		{1, 2, 3, 36}, {2, 2, 6, 35}, {3, 2, 9, 36}, {3, 1, 8, 38}, {4, 2, 30, 90}, {4, 1, 10, 29}, {5, 2, 16, 33}, {6, 0, 20, 39}, {7, 2, 14, 28},
	} {
		for seed := range uint64(3) {
			target := randomTarget(c.weights, 0.4, seed)
			m := xorcode.RandomNetwork(c.symbolBits*(c.registers+1), c.outputs, seed)
			got := sequentialErrorsOf(t, target, c.outputs, SequentialOptions{Network: m, SymbolBits: c.symbolBits, Registers: c.registers})
			if want := fewestErrors(m, c.symbolBits, c.registers, target); got != want {
				t.Errorf("%+v seed %d: %d corrections, %d are enough", c, seed, got, want)
			}
		}
	}
}

// TestWindow: a window that holds the whole part changes nothing; a short one
// costs corrections but keeps every care bit.
func TestWindow(t *testing.T) {
	for _, registers := range []int{1, 2} {
		weights := 26 * 400
		if registers == 2 {
			weights = 26 * 120
		}
		if testing.Short() || raceEnabled {
			weights /= 3
		}
		target := randomTarget(weights, 0.7, 3)
		var errors []int
		for _, window := range []int{8, 16, 64, 400} {
			errors = append(errors, sequentialErrorsOf(t, target, 26, SequentialOptions{SymbolBits: 8, Registers: registers, Window: window}))
		}
		if !slices.IsSortedFunc(errors, func(a, b int) int { return b - a }) || errors[0] == errors[3] {
			t.Errorf("n_s = %d: corrections %v with windows of 8, 16, 64 and 400 slices: want fewer with longer ones", registers, errors)
		}
		if 20*errors[2] > 21*errors[3] {
			t.Errorf("n_s = %d: a window of 64 slices loses more than a twentieth: %v", registers, errors)
		}
	}
}

// TestKernelsAgree: every form of the inner loops gives the costs of the
// definition.
func TestKernelsAgree(t *testing.T) {
	kernels := []kernel{portableKernel}
	if fastestKernel.name != portableKernel.name {
		kernels = append(kernels, fastestKernel)
	}
	for _, k := range kernels {
		t.Run(k.name, func(t *testing.T) {
			step := newStepper(k)
			for weighed := range maxWeighed + 1 {
				for _, symbolBits := range []int{1, 3, 8} {
					checkStep(t, step, weighed, symbolBits)
				}
			}
		})
	}
}

func checkStep(t *testing.T, step *stepper, weighed, symbolBits int) {
	t.Helper()
	outputs := max(weighed, 1)
	m := xorcode.RandomNetwork(2*symbolBits, outputs, uint64(weighed))
	target := randomTarget(outputs, 0, uint64(symbolBits))
	if weighed == 0 {
		target.Care.Set(0, false)
	}
	var v sliceView
	v.view(m, symbolBits, target, false, 0)
	if v.weighed != weighed {
		t.Fatalf("%d care bits are weighed, want %d", v.weighed, weighed)
	}
	values := 1 << symbolBits
	costs := make([]byte, codeValues)
	draw := randomTarget(8*codeValues, 0, 7).Bits
	for z := range costs {
		costs[z] = unreachable
		if z < values && z != 1 {
			costs[z] = byte(draw.Bits(8*z, 6) % (2*maxWeighed + 1))
		}
	}
	const stride = 3
	to := make([]byte, stride*codeValues)
	step.prepare(&v, &v.taps[0], &v.taps[1], values)
	step.minima(costs, v.target, to, stride)
	for x := range values {
		least := 1 << 20
		for z := range values {
			least = min(least, int(costs[z])+bits.OnesCount64(v.target^v.taps[0][x]^v.taps[1][z]))
		}
		if int(to[x*stride]) != least {
			t.Fatalf("%d care bits, n_in = %d: cost of code %d is %d, want %d", weighed, symbolBits, x, to[x*stride], least)
		}
	}
}

// TestInverting: planes with more ones are stored inverted; skewed bits then
// cost what their complement costs.
func TestInverting(t *testing.T) {
	zeros := randomTarget(80*1000, 0.9, 5)
	r, q := randomTarget(80*1000, 0, 6), randomTarget(80*1000, 0, 7)
	for i := range zeros.Bits.Words {
		zeros.Bits.Words[i] &= r.Bits.Words[i] & q.Bits.Words[i] // an eighth ones
	}
	ones := Target{Bits: zeros.Bits.Clone(), Care: zeros.Care}
	for i := range ones.Bits.Len() {
		ones.Bits.Set(i, !zeros.Bits.Get(i))
	}
	m := xorcode.RandomNetwork(8, 80, 1)
	encode := func(target Target, inverting bool) *xorcode.Sequential {
		q, err := EncodeSequential([]Target{target}, SequentialOptions{Network: m, SymbolBits: 8, Inverting: inverting})
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := q.Decode(0)
		if err != nil {
			t.Fatal(err)
		}
		if err := Verify(target, decoded); err != nil {
			t.Fatal(err)
		}
		return q
	}
	plain, inverted, reference := encode(ones, false), encode(ones, true), encode(zeros, true)
	if !inverted.Planes[0].Inverted || plain.Planes[0].Inverted || reference.Planes[0].Inverted {
		t.Error("only the plane of ones is to be inverted, and only if asked")
	}
	if inverted.Sizes() != reference.Sizes() {
		t.Errorf("inverted ones take %+v, zeros take %+v", inverted.Sizes(), reference.Sizes())
	}
	if inverted.Sizes().Corrections >= plain.Sizes().Corrections {
		t.Error("inverting saves nothing on skewed bits")
	}
}

func TestSequentialRefusesParameters(t *testing.T) {
	target := []Target{randomTarget(100, 0.5, 1)}
	good := SequentialOptions{Network: xorcode.RandomNetwork(16, 16, 1), SymbolBits: 8, Registers: 1}
	for _, c := range []struct {
		name   string
		change func(o *SequentialOptions)
		want   string
	}{
		{"n_in", func(o *SequentialOptions) { o.SymbolBits = 9 }, "xor-sequential: n_in = 9: must be 1..8"},
		{"n_s", func(o *SequentialOptions) { o.Registers = 3 }, "xor-sequential: n_s = 3: must be 0..2"},
		{"inputs", func(o *SequentialOptions) { o.Registers = 2 }, "xor-sequential: the network has 16 inputs, n_in = 8 and n_s = 2 need 24"},
		{"window", func(o *SequentialOptions) { o.Window = 7 }, "xor-sequential: window = 7 slices: must be at least 8"},
		{"part", func(o *SequentialOptions) { o.PartSlices = -1 }, "xor-sequential: slices of a part = -1: must be 0..2147483647"},
		{"network", func(o *SequentialOptions) { o.Network = nil }, "xor-sequential: no network"},
	} {
		o := good
		c.change(&o)
		if _, err := EncodeSequential(target, o); fmt.Sprint(err) != c.want {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
	if _, err := EncodeSequential(nil, good); err == nil {
		t.Error("no planes are taken")
	}
	short := randomTarget(99, 0.5, 1)
	if _, err := EncodeSequential([]Target{target[0], short}, good); err == nil {
		t.Error("planes of different lengths are taken")
	}
}
