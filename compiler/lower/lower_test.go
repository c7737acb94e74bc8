package lower_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/integer/integertest"
	"github.com/npusim/npusim/compiler/lower"
	"github.com/npusim/npusim/compiler/lower/lowertest"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/npu/timing"
)

var update = flag.Bool("update", false, "write the golden files anew")

func load(t testing.TB, sets ...string) *configs.Spec {
	t.Helper()
	spec, err := configs.Load("edge", sets)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func lowered(t testing.TB, g *integer.Graph, spec *configs.Spec, options lower.Options) *isa.Program {
	t.Helper()
	if err := g.Validate(); err != nil {
		t.Fatal(err)
	}
	p, err := lower.Lower(g, lower.NewTarget(spec), options)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// smallNetwork has a convolution, depthwise and pointwise ones, a residual
// addition and an average.
func smallNetwork() *integer.Graph {
	n := lowertest.NewNetwork("small", 1, integer.Shape{Channels: 3, Rows: 16, Columns: 16})
	n.Convolution(24, 3, 2, 1)
	n.Convolution(0, 3, 1, 0)
	n.Convolution(16, 1, 1, 1)
	skip := n.Last()
	n.Convolution(32, 1, 1, 1)
	n.Convolution(0, 3, 1, 0)
	n.Convolution(16, 1, 1, 1)
	n.Add(skip)
	n.Average()
	n.Convolution(10, 1, 1, 1)
	return n.Finish()
}

// TestGoldenProgram shows a change of fusion, tiling, placement, order or loops
// as a diff: go test ./compiler/lower -update, then review it.
func TestGoldenProgram(t *testing.T) {
	g := smallNetwork()
	for _, test := range []struct {
		name    string
		sets    []string
		options lower.Options
	}{
		{"resident", nil, lower.Options{}},
		{"dram", nil, lower.Options{NoResidency: true}},
		{"tiny", []string{"npu.activation_buffer_kib=2", "npu.weight_buffer_kib=1"}, lower.Options{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := lowered(t, g, load(t, test.sets...), test.options)
			// What other packages decide or the network holds is no matter here.
			p.Config, p.Constants, p.MachineHash = "", nil, [32]byte{}
			for u := range p.Trace {
				p.Trace[u] = nil
			}
			var text bytes.Buffer
			if err := isa.Disassemble(&text, p); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", test.name+".npuasm")
			if *update {
				if err := os.WriteFile(file, text.Bytes(), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(text.String(), "\n")); diff != "" {
				t.Errorf("the program changed (-before +after):\n%s", diff)
			}
		})
	}
}

// TestLoweringIsDeterministic: equal bytes every time.
func TestLoweringIsDeterministic(t *testing.T) {
	for seed := range networks(40) {
		g := integertest.Random(seed, 8)
		var first []byte
		for range 3 {
			p, _, err := lowertest.Lower(g, load(t, "mac_array.per_channel_multiplier=true"), lower.Options{})
			if err != nil {
				t.Fatal(err)
			}
			data, err := p.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = data
			} else if !bytes.Equal(first, data) {
				t.Fatalf("seed %d: two programs of one network differ", seed)
			}
		}
	}
}

// networks is the number of random networks, fewer where tests should be short.
func networks(n int) uint64 {
	if testing.Short() || raceEnabled {
		n /= 8
	}
	return uint64(n)
}

// TestResidency: a chain of layers that fits the scratchpads moves its input,
// its weights and its output, and not a byte more.
func TestResidency(t *testing.T) {
	g := smallNetwork()
	spec := load(t, "dram.tier=ideal", "npu.activation_buffer_kib=256", "npu.weight_buffer_kib=256")
	bytesOf := func(id integer.TensorID) int64 { // a tensor of several blocks of 16 channels pads the last one
		s := g.Tensors[id].Shape
		channels := s.Channels
		if channels > 16 {
			channels = (channels + 15) / 16 * 16
		}
		return int64(channels * s.Rows * s.Columns)
	}
	var weights, parameters int64
	for i := range g.Nodes {
		if c := g.Nodes[i].Convolution; c != nil {
			weights += int64(len(c.Weights))
			parameters += int64(isa.ParameterBytes(len(c.Bias), isa.ChannelShift))
		}
	}
	moved := func(options lower.Options) timing.Work {
		r, err := timing.Run(lowered(t, g, spec, options), spec)
		if err != nil {
			t.Fatal(err)
		}
		return r.Total
	}
	w := moved(lower.Options{})
	compulsory := bytesOf(g.Inputs[0]) + bytesOf(g.Outputs[0])
	if got := w.BytesByClass[isa.ActivationClass]; got != compulsory {
		t.Errorf("%d bytes of activations moved, input and output have %d", got, compulsory)
	}
	if got := w.BytesByClass[isa.WeightClass]; got != weights {
		t.Errorf("%d bytes of weights moved, the network has %d", got, weights)
	}
	if got := w.BytesByClass[isa.MetadataClass]; got != parameters {
		t.Errorf("%d bytes of parameters moved, the network has %d", got, parameters)
	}
	if got := moved(lower.Options{NoResidency: true}).BytesByClass[isa.ActivationClass]; got < 10*compulsory {
		t.Errorf("without residency %d bytes of activations moved, input and output alone have %d", got, compulsory)
	}
}

// TestResidencySavesTraffic: over many networks, keeping tensors on chip moves
// fewer bytes.
func TestResidencySavesTraffic(t *testing.T) {
	var kept, dram int64
	for seed := range networks(80) {
		g := integertest.Random(seed, 8)
		spec := load(t, "mac_array.per_channel_multiplier=true")
		for _, without := range []bool{false, true} {
			p, s, err := lowertest.Lower(g, spec, lower.Options{NoResidency: without})
			if err != nil {
				t.Fatal(err)
			}
			r, err := timing.Run(p, s)
			if err != nil {
				t.Fatal(err)
			}
			if without {
				dram += r.Total.ReadBytes + r.Total.WrittenBytes
			} else {
				kept += r.Total.ReadBytes + r.Total.WrittenBytes
			}
		}
	}
	if kept >= dram {
		t.Errorf("%d bytes move with residency, %d without", kept, dram)
	}
}

// TestEstimates compares the search's estimate of an isolated step with the
// timing engine on the same tiles, array and scratchpads at random, DMA and
// memory as in the preset. The estimate knows no latency of memory, so it is
// low for small steps.
func TestEstimates(t *testing.T) {
	var all, long, moved []float64
	for seed := range networks(1200) {
		g := integertest.Random(seed, 1)
		r := rand.New(rand.NewPCG(seed, 12))
		spec, err := lowertest.Spec(r)
		if err != nil {
			t.Fatal(err)
		}
		preset := load(t)
		spec, err = spec.With("dma.request_bytes=64", "dma.alignment_bytes=64", "dma.setup_cycles=16", "dma.outstanding_requests=16",
			"dram.burst_bytes=32", "dram.latency_ns=59", fmt.Sprintf("dram.bandwidth_gb_per_s=%g", preset.DRAM.BandwidthGBPerS), "npu.clock_mhz=500")
		if err != nil {
			t.Fatal(err)
		}
		p, spec, err := lowertest.Lower(g, spec, lower.Options{})
		if err != nil {
			t.Fatal(err)
		}
		estimated, bytes, err := lower.Estimates(g, lower.NewTarget(spec), lower.Options{})
		if err != nil {
			t.Fatal(err)
		}
		result, err := timing.Run(p, spec)
		if err != nil {
			t.Fatal(err)
		}
		ratio := float64(estimated[0]) / float64(result.Cycles)
		all = append(all, ratio)
		if result.Cycles >= 2000 {
			long = append(long, ratio)
			moved = append(moved, float64(bytes[0])/float64(result.Total.ReadBytes+result.Total.WrittenBytes))
		}
	}
	for _, c := range []struct {
		what                             string
		ratios                           []float64
		low, middleLow, middleHigh, high float64
	}{
		{"cycles of all steps", all, 0.25, 0.85, 1.05, 2},
		{"cycles of steps of 2000 cycles and more", long, 0.6, 0.9, 1.05, 1.5},
		{"bytes of steps of 2000 cycles and more", moved, 0.4, 0.9, 1.05, 1.2},
	} {
		slices.Sort(c.ratios)
		at := func(share float64) float64 { return c.ratios[int(share*float64(len(c.ratios)-1))] }
		t.Logf("estimated / timed %s (%d): least %.2f, 5 %% %.2f, 25 %% %.2f, median %.2f, 75 %% %.2f, 95 %% %.2f, most %.2f",
			c.what, len(c.ratios), at(0), at(0.05), at(0.25), at(0.5), at(0.75), at(0.95), at(1))
		if at(0) < c.low || at(1) > c.high || at(0.5) < c.middleLow || at(0.5) > c.middleHigh {
			t.Errorf("%s: the ratios leave [%g, %g], or the median [%g, %g]", c.what, c.low, c.high, c.middleLow, c.middleHigh)
		}
	}
}

// TestEstimatesOfANetwork: over the steps of MobileNetV1 the estimates sum to
// about the time of the network.
func TestEstimatesOfANetwork(t *testing.T) {
	image := 128
	if testing.Short() || raceEnabled {
		image = 32
	}
	g := lowertest.MobileNetV1(0.5, image)
	for _, preset := range []string{"edge", "mobile"} {
		spec, err := configs.Load(preset, nil)
		if err != nil {
			t.Fatal(err)
		}
		result, err := timing.Run(lowered(t, g, spec, lower.Options{}), spec)
		if err != nil {
			t.Fatal(err)
		}
		estimated, _, err := lower.Estimates(g, lower.NewTarget(spec), lower.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var sum int64
		for _, cycles := range estimated {
			sum += cycles
		}
		ratio := float64(sum) / float64(result.Cycles)
		t.Logf("%s: estimated %d cycles, timed %d: %.3f", preset, sum, result.Cycles, ratio)
		if ratio < 0.7 || ratio > 1.3 {
			t.Errorf("%s: estimated %d cycles, timed %d", preset, sum, result.Cycles)
		}
	}
}

func BenchmarkLower(b *testing.B) {
	g := lowertest.MobileNetV1(1, 224)
	for _, preset := range []string{"edge", "mobile"} {
		b.Run(preset, func(b *testing.B) {
			spec, err := configs.Load(preset, nil)
			if err != nil {
				b.Fatal(err)
			}
			target := lower.NewTarget(spec)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := lower.Lower(g, target, lower.Options{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)*1e3, "ms")
		})
	}
}

// BenchmarkVerify is the proof of order on a full-size program.
func BenchmarkVerify(b *testing.B) {
	spec := load(b)
	p := lowered(b, lowertest.MobileNetV1(1, 224), spec, lower.Options{})
	for b.Loop() {
		if err := isa.Verify(p, lowertest.Limits(spec)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)*1e3, "ms")
}
