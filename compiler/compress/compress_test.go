package compress

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/npusim/npusim/compiler/codec"
	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/lower"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/bitplane"
	"github.com/npusim/npusim/isa/xorcode"
)

// network is a single convolution of 1x1 with random weights of a sparsity.
func network(name string, inputs, outputs int, sparsity float64) *integer.Graph {
	weights := standIn(inputs*outputs, 8, sparsity, 5)
	return &integer.Graph{
		Tensors: []integer.Tensor{{Name: "in", Shape: integer.Shape{Channels: inputs, Rows: 1, Columns: 1}, Bits: 8, Scale: 1},
			{Name: "out", Shape: integer.Shape{Channels: outputs, Rows: 1, Columns: 1}, Bits: 8, Scale: 1}},
		Nodes: []integer.Node{{Name: name, Kind: integer.Convolution, Inputs: []integer.TensorID{0}, Output: 1,
			Convolution: &integer.ConvolutionAttributes{Geometry: integer.Geometry{Kernel: [2]int{1, 1}, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}},
				Groups: 1, WeightBits: 8, Weights: weights, Bias: make([]int32, outputs), WeightScale: []float64{1}}}},
		Inputs: []integer.TensorID{0}, Outputs: []integer.TensorID{1},
	}
}

func spec(t *testing.T, sets ...string) *configs.Spec {
	t.Helper()
	s, err := configs.Load("edge", sets)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func plan(t *testing.T, g *integer.Graph, o Options, sets ...string) *Encoder {
	t.Helper()
	e, err := New(g, spec(t, sets...), o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// tile codes all weights of the only layer as one tile.
func tile(t *testing.T, e *Encoder, g *integer.Graph) (*isa.EncodedWeights, []byte) {
	t.Helper()
	a := g.Nodes[0].Convolution
	d, stream, err := e.Tile(g.Nodes[0].Name, lower.TilePlace{}, a.Weights, len(a.Bias))
	if err != nil {
		t.Fatal(err)
	}
	return d, stream
}

// TestRates: the codes of random weights come close to what random masks and
// bits allow: 1 - S bits of codes and corrections a plane, and the mask.
func TestRates(t *testing.T) {
	for _, c := range []struct {
		scheme   string
		sparsity float64
		most     float64 // bits a bit of a plane, codes and corrections
	}{
		{"xor-block", 0.9, 0.135}, {"xor-block", 0.7, 0.38}, {"xor-sequential", 0.9, 0.118}, {"xor-sequential", 0.7, 0.345},
	} {
		g := network("fc", 256, 256, c.sparsity)
		e := plan(t, g, Options{}, "compression.scheme="+c.scheme)
		d, stream := tile(t, e, g)
		if d == nil {
			t.Fatalf("%s at %g: stays plain: %+v", c.scheme, c.sparsity, e.Layers())
		}
		planes := float64(8 * d.Elements)
		if got := 8 * float64(d.CodeBytes+d.CorrectionBytes) / planes; got > c.most || got < 1-c.sparsity-0.01 {
			t.Errorf("%s at %g: %.4f bits a plane bit, at most %.3f and at least the entropy", c.scheme, c.sparsity, got, c.most)
		}
		estimate := e.Estimate("fc", len(g.Nodes[0].Convolution.Weights), 256)
		if off := float64(estimate.StreamBytes())/float64(len(stream)) - 1; off < -0.03 || off > 0.03 || estimate.CodeBytes != d.CodeBytes {
			t.Errorf("%s at %g: estimated %d bytes, coded %d", c.scheme, c.sparsity, estimate.StreamBytes(), len(stream))
		}
		if err := estimate.Validate(); err != nil {
			t.Errorf("%s at %g: the estimate: %v", c.scheme, c.sparsity, err)
		}
		l := e.Layers()[0]
		if l.Bytes() != int64(len(stream)) || l.PlainBytes != int64(d.Elements) || l.Tiles != 1 || l.PlainTiles != 0 {
			t.Errorf("%s at %g: booked %+v for %d bytes", c.scheme, c.sparsity, l, len(stream))
		}
	}
}

// TestPlain: dense weights, layers whose scheme is none, and networks without
// any scheme.
func TestPlain(t *testing.T) {
	g := network("fc", 64, 64, 0)
	e := plan(t, g, Options{}, "compression.scheme=xor-block", "compression.networks=2")
	if d, _ := tile(t, e, g); d != nil || e.Estimate("fc", 4096, 64) != nil {
		t.Error("dense weights are coded")
	}
	if l := e.Layers()[0]; l.Coded || !strings.Contains(l.Reason, "stays plain") || l.StoredPlain != 4096 {
		t.Errorf("%+v", l)
	}
	if e := plan(t, g, Options{}); e != nil {
		t.Error("an encoder without a scheme")
	}
	small := plan(t, network("fc", 64, 64, 0.9), Options{}, "compression.scheme=xor-sequential", "compression.n_s=2", "xor.max_inputs=20")
	if l := small.Layers()[0]; l.Coded || !strings.Contains(l.Reason, "xor.max_inputs") {
		t.Errorf("networks wider than the machine's: %+v", l)
	}
}

// TestCache: a second run takes the codes from the folder, and a damaged or
// foreign file changes nothing.
func TestCache(t *testing.T) {
	t.Run("sequential", func(t *testing.T) {
		testCache(t, "compression.scheme=xor-sequential", "compression.n_in=8", "compression.n_out=30", "compression.n_s=1")
	})
	t.Run("block", func(t *testing.T) {
		testCache(t, "compression.scheme=xor-block", "compression.n_in=20", "compression.n_out=60")
	})
}

func testCache(t *testing.T, sets ...string) {
	sets = append(sets, "compression.networks=1")
	cache := &Cache{Folder: t.TempDir()}
	g := network("fc", 64, 64, 0.8)
	code := func(c *Cache) []byte {
		_, stream := tile(t, plan(t, g, Options{Cache: c}, sets...), g)
		return stream
	}
	want := code(nil)
	if diff := cmp.Diff(want, code(cache)); diff != "" {
		t.Fatal(diff)
	}
	files, err := filepath.Glob(filepath.Join(cache.Folder, "*", "*.xor"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%q, %v", files, err)
	}
	good, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	// A file of other weights under this name does not fit these.
	other := network("fc", 64, 64, 0.8)
	other.Nodes[0].Convolution.Weights[7] ^= 5
	foreign := &Cache{Folder: t.TempDir()}
	tile(t, plan(t, other, Options{Cache: foreign}, sets...), other)
	foreignFiles, _ := filepath.Glob(filepath.Join(foreign.Folder, "*", "*.xor"))
	strange, err := os.ReadFile(foreignFiles[0])
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"cut": good[:len(good)/2], "flipped": append(append([]byte(nil), good[:60]...), append([]byte{good[60] ^ 1}, good[61:]...)...),
		"empty": nil, "of other weights": strange} {
		if err := os.WriteFile(files[0], data, 0o644); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, code(cache)); diff != "" {
			t.Errorf("file %s: %s", name, diff)
		}
		if again, _ := os.ReadFile(files[0]); !cmp.Equal(again, good) {
			t.Errorf("file %s is not replaced", name)
		}
	}
}

// TestCacheIsRead: with the encoder's answer for a key in place, the key finds
// it, for the weights that it is of.
func TestCacheIsRead(t *testing.T) {
	cache := &Cache{Folder: t.TempDir()}
	g, other := network("fc", 64, 64, 0.8), network("fc", 64, 64, 0.5)
	targetsIn := func(weights []int8) []codec.Target {
		targets, err := targetsOf(weights, kept(weights), 8, bitplane.SignMagnitude)
		if err != nil {
			t.Fatal(err)
		}
		return targets
	}
	targets, others := targetsIn(g.Nodes[0].Convolution.Weights), targetsIn(other.Nodes[0].Convolution.Weights)
	n := xorcode.RandomNetwork(8, 20, 3)
	o := codec.SequentialOptions{Network: n, SymbolBits: 8, Inverting: true}
	q, err := codec.EncodeSequential(targets, o)
	if err != nil {
		t.Fatal(err)
	}
	b, err := codec.EncodeBlock(targets, codec.BlockOptions{Network: n})
	if err != nil {
		t.Fatal(err)
	}
	for key, c := range map[string][2]stored{sequentialKey(&o, targets): {q, new(xorcode.Sequential)}, cacheKey(blockVersion, n, targets): {b, new(xorcode.Block)}} {
		cache.store(key, c[0])
		if !cache.load(key, c[1], targets) || cache.load(key, c[1], others) || (*Cache)(nil).load(key, c[1], targets) {
			t.Errorf("%T: the cache does not give back what it holds, or gives it for other weights", c[0])
		}
	}
	key := sequentialKey(&o, targets)
	if cacheKey(blockVersion, n, targets) == key || cacheKey(blockVersion, n, targets) == cacheKey(blockVersion, xorcode.RandomNetwork(8, 20, 4), targets) {
		t.Error("the key does not depend on the code and the network")
	}
	o.Registers = 1
	if sequentialKey(&o, targets) == key {
		t.Error("the key does not depend on the registers")
	}
}
