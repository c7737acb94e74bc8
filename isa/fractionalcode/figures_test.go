package fractionalcode

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/npusim/npusim/isa/xorcode"
)

// resnet20 is the quantized convolutions of ResNet-20 for CIFAR-10, stage by
// stage: input and output channels of 3x3 kernels.
var resnet20 = [3][6][2]int{
	{{16, 16}, {16, 16}, {16, 16}, {16, 16}, {16, 16}, {16, 16}},
	{{16, 32}, {32, 32}, {32, 32}, {32, 32}, {32, 32}, {32, 32}},
	{{32, 64}, {64, 64}, {64, 64}, {64, 64}, {64, 64}, {64, 64}},
}

// resnet20Sizes are the sizes of one plane for each stage, and their weights.
func resnet20Sizes(t *testing.T, inputs [3]int) (sizes [3]Sizes, weights [3]int) {
	for stage, layers := range resnet20 {
		n, err := Draw(inputs[stage], 20, Generator{Taps: 2})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range layers {
			c := &Code{Weights: 9 * l[0] * l[1], Channels: l[1], Order: ChannelMajor, Planes: []Plane{{Network: n, Scales: make([]float32, l[1])}}}
			for range c.Slices() {
				c.Planes[0].Codes.Append(0, inputs[stage])
			}
			if err := c.Validate(); err != nil {
				t.Fatal(err)
			}
			s := c.Sizes()
			sizes[stage].Codes += s.Codes
			sizes[stage].Scales += s.Scales
			weights[stage] += c.Weights
		}
	}
	return sizes, weights
}

// TestMixedPrecision: n_in 19, 16 and 7 of 20 for the stages of ResNet-20 come
// to 0.466 bits a weight, published as 0.47; unfilled last slices add little.
func TestMixedPrecision(t *testing.T) {
	inputs := [3]int{19, 16, 7}
	sizes, weights := resnet20Sizes(t, inputs)
	if weights != [3]int{13824, 50688, 202752} {
		t.Fatalf("stages of %v weights", weights)
	}
	total, codes, rate := 0, xorcode.Bits(0), 0.0
	for stage := range sizes {
		total += weights[stage]
		codes += sizes[stage].Codes
		rate += Rate(1, inputs[stage], 20) * float64(weights[stage])
	}
	if text := fmt.Sprintf("%.3f", rate/float64(total)); text != "0.466" {
		t.Errorf("%s bits a weight, want 0.466", text)
	}
	if exact := codes.PerWeight(total); exact < rate/float64(total) || exact > rate/float64(total)+0.001 {
		t.Errorf("with last slices %.5f bits a weight, without %.5f", exact, rate/float64(total))
	}
}

// TestCompression: the convolutions of ResNet-20 at one bit a weight, with
// float32 scales, are 29.6 times smaller than in float32.
func TestCompression(t *testing.T) {
	sizes, weights := resnet20Sizes(t, [3]int{20, 20, 20})
	total, stored := 0, xorcode.Bits(0)
	for stage := range sizes {
		total += weights[stage]
		stored += sizes[stage].Trained()
	}
	if text := fmt.Sprintf("%.1f", Compression(total, stored)); text != "29.6" {
		t.Errorf("%s times smaller, want 29.6", text)
	}
	if text := fmt.Sprintf("%.1f", Compression(total, xorcode.Bits(total+32*672))); text != "29.6" {
		t.Errorf("by formula %s times smaller, want 29.6", text)
	}
}

// repeatingNetwork draws rows of two taps independently, as common training code
// does, so that rows may repeat.
func repeatingNetwork(random *rand.Rand, inputs, outputs int) *xorcode.Network {
	m := &xorcode.Network{Inputs: inputs, Outputs: outputs, Rows: make([]uint64, outputs)}
	for r := range m.Rows {
		a, b := random.IntN(inputs), random.IntN(inputs-1)
		if b >= a {
			b++
		}
		m.Rows[r] = 1<<a | 1<<b
	}
	return m
}

// TestTwoTapRank: rows of two taps have even weight, so a network of n_in inputs
// has rank n_in - 1 at most; on average 6.97 of 8, 10.67 of 12 and 13.75 of 16
// for 20 rows that may repeat, and more for TapNetwork, whose rows do not.
func TestTwoTapRank(t *testing.T) {
	random := rand.New(rand.NewPCG(20, 20))
	const draws = 4000
	for _, test := range []struct {
		inputs    int
		want      float64
		tolerance float64
	}{{8, 6.97, 0.03}, {12, 10.67, 0.03}, {16, 13.75, 0.03}} {
		repeating, distinct := 0, 0
		for seed := range uint64(draws) {
			m, err := xorcode.TapNetwork(test.inputs, 20, 2, seed)
			if err != nil {
				t.Fatal(err)
			}
			a, b := repeatingNetwork(random, test.inputs, 20).Rank(), m.Rank()
			if a >= test.inputs || b >= test.inputs {
				t.Fatalf("%d inputs: rank %d, %d", test.inputs, a, b)
			}
			repeating += a
			distinct += b
		}
		mean, better := float64(repeating)/draws, float64(distinct)/draws
		t.Logf("%d inputs: mean rank %.3f, of distinct rows %.3f", test.inputs, mean, better)
		if math.Abs(mean-test.want) > test.tolerance {
			t.Errorf("%d inputs: mean rank %.3f, want %.2f", test.inputs, mean, test.want)
		}
		if better < mean {
			t.Errorf("%d inputs: mean rank %.3f of distinct rows, %.3f where they may repeat", test.inputs, better, mean)
		}
	}
}

// TestDistinctRows: 20 rows of two of 8 taps, drawn independently, are 14.5
// different ones on average; TapNetwork draws 20.
func TestDistinctRows(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 20))
	const draws = 4000
	count := func(m *xorcode.Network) int {
		seen := map[uint64]bool{}
		for _, row := range m.Rows {
			seen[row] = true
		}
		return len(seen)
	}
	sum := 0
	for seed := range uint64(draws) {
		sum += count(repeatingNetwork(random, 8, 20))
		m, err := xorcode.TapNetwork(8, 20, 2, seed)
		if err != nil {
			t.Fatal(err)
		}
		if count(m) != 20 {
			t.Fatalf("seed %d: TapNetwork repeats rows", seed)
		}
	}
	// Of 28 pairs, 28 * (1 - (27/28)^20) = 14.47 are expected.
	if mean := float64(sum) / draws; math.Abs(mean-14.5) > 0.1 {
		t.Errorf("%.2f distinct rows, want 14.5", mean)
	}
}
