package fractionalcode

import (
	"bytes"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/npusim/npusim/isa/xorcode"
)

// randomCode makes a valid code from a seed: odd sizes, both orders, networks of
// both kinds, with and without the integer form.
func randomCode(t testing.TB, seed uint64) *Code {
	random := rand.New(rand.NewPCG(seed, 3))
	channels := 1 + random.IntN(7)
	inputs, outputs := 1+random.IntN(24), 1+random.IntN(90)
	c := &Code{Weights: channels * (1 + random.IntN(60)), Channels: channels, Order: ChannelMajor + Order(random.IntN(2)), Planes: make([]Plane, 1+random.IntN(3))}
	for p := range c.Planes {
		n, err := Draw(inputs, outputs, Generator{Taps: random.IntN(min(inputs, 3) + 1), Seed: random.Uint64()})
		if err != nil {
			t.Fatal(err)
		}
		if random.IntN(2) == 0 {
			n.Generator = nil
		}
		plane := &c.Planes[p]
		plane.Network = n
		for range slicesOf(c.Weights, outputs) {
			plane.Codes.Append(random.Uint64()&(1<<inputs-1), inputs)
		}
		for range channels {
			plane.Scales = append(plane.Scales, float32(random.NormFloat64()))
		}
	}
	if random.IntN(3) > 0 {
		n := &Integer{Scales: make([]int8, len(c.Planes)*channels), Steps: make([]float32, 1)}
		for i := range n.Scales {
			n.Scales[i] = int8(random.IntN(2*42+1) - 42)
		}
		if random.IntN(2) == 0 {
			n.Steps = make([]float32, channels)
		}
		for i := range n.Steps {
			n.Steps[i] = random.Float32() + 0.001
		}
		c.Integer = n
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	return c
}

// bitByDefinition is bit i of a plane: the XOR of the inputs that its row taps.
func bitByDefinition(c *Code, plane, i int) bool {
	p := &c.Planes[plane]
	slice, row := i/c.Outputs(), p.Network.Matrix.Rows[i%c.Outputs()]
	bit := false
	for j := range c.Inputs() {
		if row>>j&1 != 0 && p.Codes.At(xorcode.Bits(slice*c.Inputs()+j), 1) != 0 {
			bit = !bit
		}
	}
	return bit
}

// TestProductForm: the XOR with 1 for +1 is (-1)^(taps-1) times the product of
// the tapped signs, for every row and every input up to 10 inputs, so for odd
// and even numbers of taps and none.
func TestProductForm(t *testing.T) {
	for inputs := 1; inputs <= 10; inputs++ {
		for row := range uint64(1) << inputs {
			m, err := xorcode.NewNetwork(inputs, 1, []uint64{row})
			if err != nil {
				t.Fatal(err)
			}
			taps := bits.OnesCount64(row)
			for x := range uint64(1) << inputs {
				product := 1
				if taps%2 == 0 { // (-1)^(taps-1)
					product = -1
				}
				for j := range inputs {
					if row>>j&1 != 0 && x>>j&1 == 0 {
						product = -product
					}
				}
				var y [1]uint64
				m.Apply(x, y[:])
				if (y[0] == 1) != (product == 1) {
					t.Fatalf("%d inputs, row %b, input %b: XOR %d, product %d", inputs, row, x, y[0], product)
				}
			}
		}
	}
}

// TestDecode compares the decoder with the definition, whole and by ranges.
func TestDecode(t *testing.T) {
	for seed := range uint64(200) {
		c := randomCode(t, seed)
		d, err := c.Decoder()
		if err != nil {
			t.Fatal(err)
		}
		random := rand.New(rand.NewPCG(seed, 4))
		first := random.IntN(c.Slices())
		count := random.IntN(c.Slices() - first + 1)
		from, to := first*c.Outputs(), min((first+count)*c.Outputs(), c.Weights)
		for p := range c.Planes {
			whole, err := c.Plane(p)
			if err != nil {
				t.Fatal(err)
			}
			part := make([]uint64, xorcode.Words(to-from)+1)
			for i := range part {
				part[i] = random.Uint64()
			}
			kept := part[len(part)-1]
			if n := d.Plane(p, first, count, part); n != max(to-from, 0) {
				t.Fatalf("seed %d: %d bits of slices %d+%d, want %d", seed, n, first, count, to-from)
			}
			if part[len(part)-1] != kept {
				t.Fatalf("seed %d: a word past the bits was written", seed)
			}
			if _, err := xorcode.PlaneOf(to-from, part[:len(part)-1]); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			for i := range c.Weights {
				want := bitByDefinition(c, p, i)
				if whole.Get(i) != want || i >= from && i < to && (part[(i-from)/64]>>((i-from)%64)&1 != 0) != want {
					t.Fatalf("seed %d: plane %d, bit %d is wrong", seed, p, i)
				}
			}
		}
		checkWeights(t, c, d, first, count)
	}
}

func checkWeights(t *testing.T, c *Code, d *Decoder, first, count int) {
	t.Helper()
	floats, err := c.Floats()
	if err != nil {
		t.Fatal(err)
	}
	part := make([]float32, count*c.Outputs())
	part = part[:d.Floats(first, count, part)]
	var integers, few []int8
	if c.Integer != nil {
		if integers, err = c.Integers(); err != nil {
			t.Fatal(err)
		}
		few = make([]int8, count*c.Outputs())
		few = few[:d.Integers(first, count, few)]
	} else if _, err := c.Integers(); err == nil {
		t.Error("int8 weights without an integer form")
	}
	seen := make([]bool, c.Weights)
	for i := range c.Weights {
		channel := i / (c.Weights / c.Channels)
		if c.Order == ChannelMinor {
			channel = i % c.Channels
		}
		if c.Channel(i) != channel || c.TensorIndex(i)/(c.Weights/c.Channels) != channel || seen[c.TensorIndex(i)] {
			t.Fatalf("weight %d is of channel %d at %d, want channel %d", i, c.Channel(i), c.TensorIndex(i), channel)
		}
		seen[c.TensorIndex(i)] = true
		want, sum := float32(0), 0
		for p := range c.Planes {
			sign := -1
			if bitByDefinition(c, p, i) {
				sign = 1
			}
			want += float32(sign) * c.Planes[p].Scales[channel]
			if c.Integer != nil {
				sum += sign * int(c.Integer.Scales[p*c.Channels+channel])
			}
		}
		at := i - first*c.Outputs()
		inside := at >= 0 && at < len(part)
		if floats[i] != want || inside && part[at] != want {
			t.Fatalf("weight %d is %g, want %g", i, floats[i], want)
		}
		if c.Integer != nil && (int(integers[i]) != sum || inside && int(few[at]) != sum) {
			t.Fatalf("int8 weight %d is %d, want %d", i, integers[i], sum)
		}
	}
}

// TestBinaryForm: the binary form reads back to the same, and Sizes accounts for
// all of it.
func TestBinaryForm(t *testing.T) {
	for seed := range uint64(200) {
		c := randomCode(t, seed)
		data, err := c.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if s := c.Sizes(); s.Total() != xorcode.Bits(8*len(data)) {
			t.Fatalf("seed %d: sizes %+v sum to %d, the form has %d bits", seed, s, s.Total(), 8*len(data))
		}
		var read Code
		if err := read.UnmarshalBinary(data); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		again, err := read.MarshalBinary()
		if err != nil || !bytes.Equal(again, data) {
			t.Fatalf("seed %d: the form changes (%v)", seed, err)
		}
		was, _ := c.Floats()
		is, _ := read.Floats()
		for i := range was {
			if was[i] != is[i] {
				t.Fatalf("seed %d: weight %d was %g, is %g", seed, i, was[i], is[i])
			}
		}
	}
}

// TestNoAllocation: decoding ranges needs no memory.
func TestNoAllocation(t *testing.T) {
	c := benchmarkCode(t, 2)
	d, err := c.Decoder()
	if err != nil {
		t.Fatal(err)
	}
	words, floats, integers := make([]uint64, 100), make([]float32, 2000), make([]int8, 2000)
	if n := testing.AllocsPerRun(10, func() {
		d.Plane(1, 3, 100, words)
		d.Floats(3, 100, floats)
		d.Integers(3, 100, integers)
	}); n != 0 {
		t.Errorf("%g allocations", n)
	}
}

// benchmarkCode has 2^20 weights in slices of 20.
func benchmarkCode(t testing.TB, planes int) *Code {
	const channels = 64
	random := rand.New(rand.NewPCG(1, 2))
	c := &Code{Weights: 1 << 20, Channels: channels, Order: ChannelMinor, Planes: make([]Plane, planes)}
	c.Integer = &Integer{Scales: make([]int8, planes*channels), Steps: []float32{1}}
	for p := range c.Planes {
		n, err := Draw(16, 20, Generator{Taps: 2, Seed: uint64(p)})
		if err != nil {
			t.Fatal(err)
		}
		c.Planes[p] = Plane{Network: n, Scales: make([]float32, channels)}
		for range slicesOf(c.Weights, 20) {
			c.Planes[p].Codes.Append(random.Uint64()&(1<<16-1), 16)
		}
		for channel := range channels {
			c.Planes[p].Scales[channel] = random.Float32()
			c.Integer.Scales[p*channels+channel] = int8(random.IntN(60))
		}
	}
	return c
}

// BenchmarkPlane decodes planes of bits; MB/s times 8 are plane bits a second.
func BenchmarkPlane(b *testing.B) {
	c := benchmarkCode(b, 1)
	d, err := c.Decoder()
	if err != nil {
		b.Fatal(err)
	}
	into := make([]uint64, xorcode.Words(c.Weights))
	b.SetBytes(int64(c.Weights) / 8)
	for b.Loop() {
		d.Plane(0, 0, c.Slices(), into)
	}
	b.ReportMetric(float64(c.Weights)*float64(b.N)/b.Elapsed().Seconds(), "planebits/s")
}

// BenchmarkIntegers decodes int8 weights of two planes.
func BenchmarkIntegers(b *testing.B) {
	c := benchmarkCode(b, 2)
	d, err := c.Decoder()
	if err != nil {
		b.Fatal(err)
	}
	into := make([]int8, c.Weights)
	for b.Loop() {
		d.Integers(0, c.Slices(), into)
	}
	b.ReportMetric(2*float64(c.Weights)*float64(b.N)/b.Elapsed().Seconds(), "planebits/s")
}
