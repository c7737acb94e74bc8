package quantize

import (
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/npusim/npusim/compiler/dataset"
	"github.com/npusim/npusim/compiler/floatref"
	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/onnx"
	"github.com/npusim/npusim/compiler/ops"
	"github.com/npusim/npusim/compiler/transform"
	"github.com/npusim/npusim/configs"
)

// realNetwork is a network with its data, and what is expected of it.
type realNetwork struct {
	model, data   string
	reduced       int     // calibration and evaluation samples of the normal test
	perLayerBelow float64 // top-1 % that per-layer must stay below; 0: it must not collapse
	lossLimit     float64 // points of float top-1 that may be lost, of all samples with percentile calibration
	everyScheme   bool    // whether that holds for per-layer too
	nodes         int     // of the integer graph
}

var realNetworks = []realNetwork{
	{"resnet20_cifar10", "cifar10/normalized.toml", 24, 0, 1.5, true, 32},
	{"mlperftiny_resnet8_cifar10", "cifar10/raw.toml", 40, 0, 1.5, true, 14},
	{"mlperftiny_dscnn_kws", "kws/mfcc.toml", 50, 0, 2, true, 11},
	{"mobilenetv1_0.75_224", "imagenet224/tensorflow.toml", 3, 5, 5, false, 29},
	{"mobilenetv2_1.0_224", "imagenet224/torchvision.toml", 2, 0, 3, false, 64},
}

func dataFolder(t testing.TB) string {
	folder := os.Getenv("NPUSIM_DATA")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "data")
	}
	if _, err := os.Stat(filepath.Join(folder, "models")); err != nil {
		t.Skipf("%v: set NPUSIM_DATA to the folder of the networks and data of others, which testdata/DATA.md describes", err)
	}
	return folder
}

func importModel(t testing.TB, path string) *graph.Graph {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%v: set NPUSIM_DATA to the folder of the networks and data of others, which testdata/DATA.md describes", err)
	}
	m, err := onnx.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	g, err := ops.Import(m)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// settings are 8 bits throughout.
func settings(weights configs.WeightScheme, calibration configs.Calibration) *configs.Quantization {
	return &configs.Quantization{Weights: weights, WeightBits: 8, ActivationBits: 8, Rounding: configs.HalfUpShift, Calibration: calibration, Percentile: 99.99}
}

// samples reads the listed samples of a data set.
func samples(t testing.TB, set *dataset.Set, shape []int, list []int) [][][]float32 {
	t.Helper()
	reader, err := set.Reader(shape)
	if err != nil {
		t.Fatal(err)
	}
	result := make([][][]float32, len(list))
	for i, sample := range list {
		data := make([]float32, reader.Elements())
		if err := reader.Read(sample, data); err != nil {
			t.Fatal(err)
		}
		result[i] = [][]float32{data}
	}
	return result
}

func argMax(data []float32) int { return slices.Index(data, slices.Max(data)) }

// runInteger executes samples of a quantized graph on all processors and
// returns the first output of each, dequantized.
func runInteger(t testing.TB, g *integer.Graph, inputs [][][]float32) [][]float32 {
	t.Helper()
	outputs := make([][]float32, len(inputs))
	var group sync.WaitGroup
	next := make(chan int, len(inputs))
	for i := range inputs {
		next <- i
	}
	close(next)
	for range runtime.GOMAXPROCS(0) {
		r, err := integer.NewReference(g)
		if err != nil {
			t.Fatal(err)
		}
		group.Go(func() {
			for i := range next {
				outputs[i] = g.DequantizeOutputs(r.Run(g.QuantizeInputs(inputs[i])))[0]
			}
		})
	}
	group.Wait()
	return outputs
}

func runFloat(t testing.TB, g *graph.Graph, inputs [][][]float32) [][]float32 {
	t.Helper()
	executor, err := floatref.New(g, floatref.Options{})
	if err != nil {
		t.Fatal(err)
	}
	outputs := make([][]float32, len(inputs))
	if err := executor.RunBatch(len(inputs), runtime.GOMAXPROCS(0), func(s *floatref.State, i int) error {
		out, err := s.Run(inputs[i])
		if err == nil {
			outputs[i] = out[0]
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return outputs
}

// signalToNoise of approximations in dB.
func signalToNoise(exact, approximate [][]float32) float64 {
	var signal, noise float64
	for i := range exact {
		for j, x := range exact[i] {
			d := float64(x) - float64(approximate[i][j])
			signal += float64(x) * float64(x)
			noise += d * d
		}
	}
	return 10 * math.Log10(signal/noise)
}

// TestRealNetworks quantizes networks that others trained, on a few samples.
// NPUSIM_FULL=1 takes all, shows percentile calibration beside min-max, and
// holds the losses of accuracy with it against their limits: single outliers
// in the residual streams of MobileNetV2 cost min-max 3 dB and half a point.
func TestRealNetworks(t *testing.T) {
	folder := dataFolder(t)
	full := os.Getenv("NPUSIM_FULL") != ""
	for _, n := range realNetworks {
		t.Run(n.model, func(t *testing.T) {
			if (testing.Short() || raceEnabled) && n.reduced < 20 {
				t.Skip("a large network takes too long with the race detector or -short")
			}
			g := importModel(t, filepath.Join(folder, "models", n.model+".onnx"))
			set, err := dataset.Open(filepath.Join(folder, n.data))
			if err != nil {
				t.Skipf("%v: set NPUSIM_DATA to the folder of the networks and data of others, which testdata/DATA.md describes", err)
			}
			defer set.Close()
			calibrate, evaluate := set.Calibration(), set.Evaluation()
			if count := n.reduced; !full {
				if raceEnabled {
					count = 3
				}
				calibrate, evaluate = calibrate[:count], evaluate[:count]
			}
			shape := g.Value(g.Inputs[0]).Shape
			calibration, inputs := samples(t, set, shape, calibrate), samples(t, set, shape, evaluate)
			exact := runFloat(t, g, inputs)
			correct := func(outputs [][]float32) (percent float64) {
				for i, sample := range evaluate {
					if label, ok := set.Label(sample); ok && argMax(outputs[i]) == label {
						percent += 100 / float64(len(evaluate))
					}
				}
				return percent
			}
			float := correct(exact)
			t.Logf("float: top-1 %.2f %% of %d samples", float, len(evaluate))

			network, err := transform.Run(g)
			if err != nil {
				t.Fatal(err)
			}
			rules := []configs.Calibration{configs.MinMax}
			if full {
				rules = append(rules, configs.Percentile)
			}
			for _, rule := range rules {
				c, err := Calibrate(network, settings(configs.PerLayer, rule), len(calibration), runtime.GOMAXPROCS(0), func(i int) ([][]float32, error) { return calibration[i], nil })
				if err != nil {
					t.Fatal(err)
				}
				for _, scheme := range []configs.WeightScheme{configs.PerLayer, configs.PerLayerShift, configs.PerChannel} {
					quantized, _, err := Quantize(network, c, settings(scheme, rule))
					if err != nil {
						t.Fatal(err)
					}
					checkStructure(t, &n, g, quantized)
					outputs := runInteger(t, quantized, inputs)
					top1, db := correct(outputs), signalToNoise(exact, outputs)
					t.Logf("%v %v: top-1 %.2f %%, SQNR of the outputs %.1f dB", rule, scheme, top1, db)
					if collapses := scheme == configs.PerLayer && n.perLayerBelow > 0; collapses != (db < 3) {
						t.Errorf("SQNR of the outputs is %.1f dB", db)
					} else if full && collapses && top1 >= n.perLayerBelow {
						t.Errorf("top-1 must collapse below %g %%", n.perLayerBelow)
					} else if rule == configs.Percentile && !collapses && (scheme != configs.PerLayer || n.everyScheme) && top1 < float-n.lossLimit {
						t.Errorf("more than %g points of top-1 are lost", n.lossLimit)
					}
				}
			}
		})
	}
}

// checkStructure: everything that can fuse has, and no work is lost.
func checkStructure(t *testing.T, n *realNetwork, float *graph.Graph, g *integer.Graph) {
	t.Helper()
	var macs int64
	for i := range g.Nodes {
		macs += g.Nodes[i].MACs
	}
	if macs != float.MACs() {
		t.Errorf("%d multiply-accumulates instead of %d", macs, float.MACs())
	}
	if len(g.Nodes) != n.nodes {
		t.Errorf("%d nodes instead of %d: %s", len(g.Nodes), n.nodes, kinds(g))
	}
}
