package floatref_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/npusim/npusim/compiler/dataset"
	"github.com/npusim/npusim/compiler/floatref"
	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/onnx"
	"github.com/npusim/npusim/compiler/ops"
)

// golden is a model whose outputs for the first samples of an array are known.
type golden struct {
	model string
	input string // array of 8-bit samples, channels last where there are any
	// x*scale, minus mean, divided by std, a channel each (or one for all)
	scale     float64
	mean, std []float64
	samples   int // in the normal test
	short     int // with -short, and under the race detector
}

var (
	zero   = []float64{0}
	one    = []float64{1}
	torchM = []float64{0.485, 0.456, 0.406}
	torchS = []float64{0.229, 0.224, 0.225}
)

// The pre-processing is that of the data set files beside the arrays.
var goldens = []golden{
	{"mobilenetv1_0.75_224", "imagenet224/raw64_rgb_u8.npy", 2 / 255.0, one, one, 2, 1},
	{"mobilenetv2_1.0_224", "imagenet224/raw64_rgb_u8.npy", 1 / 255.0, torchM, torchS, 2, 1},
	{"mobilenetv2_slim_1.0_224_features", "imagenet224/raw64_rgb_u8.npy", 2 / 255.0, one, one, 2, 1},
	{"resnet20_cifar10", "cifar10/ic01_rgb_u8_x.npy", 1 / 255.0, torchM, torchS, 20, 2},
	{"mlperftiny_resnet8_cifar10", "cifar10/ic01_rgb_u8_x.npy", 1, zero, one, 20, 2},
	{"mlperftiny_dscnn_kws", "kws/kws01_int8_49x10_x.npy", 0.5847029, []float64{48.5303407}, one, 50, 4},
	{"mlperftiny_mobilenetv1_025_vww96", "imagenet224/raw64_96x96_rgb_u8.npy", 1 / 255.0, zero, one, 10, 2},
}

// dataFolder is the folder of real models and data.
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

func load(t testing.TB, folder, model string) (*graph.Graph, *floatref.Executor) {
	t.Helper()
	m, err := onnx.Read(filepath.Join(folder, "models", model+".onnx"))
	if err != nil {
		t.Fatal(err)
	}
	g, err := ops.Import(m)
	if err != nil {
		t.Fatal(err)
	}
	e, err := floatref.New(g, floatref.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return g, e
}

// sample gives the i-th sample, normalized and with channels first.
func (c golden) sample(a *dataset.Array, i int) []float32 {
	channels := 1
	if len(a.Shape) == 4 {
		channels = a.Shape[3]
	}
	elements := a.Elements() / a.Shape[0]
	x := make([]float32, elements)
	for k := range x {
		channel := k % channels
		v := float64(a.IntAt(i*elements+k)) * c.scale
		v = (v - c.mean[channel%len(c.mean)]) / c.std[channel%len(c.std)]
		x[channel*(elements/channels)+k/channels] = float32(v)
	}
	return x
}

// TestGoldenOutputs compares with the outputs of another implementation. The
// error of a sample is its largest difference over its largest output.
func TestGoldenOutputs(t *testing.T) {
	folder := dataFolder(t)
	for _, c := range goldens {
		t.Run(c.model, func(t *testing.T) {
			want, err := dataset.ReadNPZKey(filepath.Join(folder, "golden_float_outputs.npz"), c.model)
			if err != nil {
				t.Fatal(err)
			}
			array, err := dataset.ReadNPY(filepath.Join(folder, c.input))
			if err != nil {
				t.Fatal(err)
			}
			samples := c.samples
			if testing.Short() || raceDetector {
				samples = c.short
			}
			if os.Getenv("NPUSIM_FULL") == "1" {
				samples = want.Shape[0]
			}
			_, e := load(t, folder, c.model)
			outputs := want.Elements() / want.Shape[0]
			errors := make([]float64, samples)
			err = e.RunBatch(samples, runtime.GOMAXPROCS(0), func(s *floatref.State, i int) error {
				got, err := s.Run([][]float32{c.sample(array, i)})
				if err != nil {
					return err
				}
				if len(got) != 1 || len(got[0]) != outputs {
					return fmt.Errorf("sample %d: outputs of unexpected size", i)
				}
				difference, largest := 0.0, 0.0
				for k, v := range got[0] {
					w := want.Float64At(i*outputs + k)
					difference = math.Max(difference, math.Abs(float64(v)-w))
					largest = math.Max(largest, math.Abs(w))
				}
				errors[i] = difference / largest
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			worst := 0.0
			for i, e := range errors {
				worst = math.Max(worst, e)
				if !(e <= 1e-4) {
					t.Errorf("sample %d: relative error %.3g, must be at most 1e-4", i, e)
				}
			}
			t.Logf("%d samples, largest relative error %.2g", samples, worst)
		})
	}
}

// BenchmarkModels reports images per second of one goroutine.
func BenchmarkModels(b *testing.B) {
	folder := dataFolder(b)
	for _, model := range []string{"mobilenetv1_0.75_224", "mobilenetv2_1.0_224", "resnet20_cifar10", "mlperftiny_dscnn_kws"} {
		b.Run(model, func(b *testing.B) {
			g, e := load(b, folder, model)
			x := make([]float32, graph.Elements(g.Values[g.Inputs[0]].Shape))
			for i := range x {
				x[i] = float32(i%255)/127.5 - 1
			}
			s := e.NewState()
			for b.Loop() {
				if _, err := s.Run([][]float32{x}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
			b.ReportMetric(float64(2*g.MACs()*int64(b.N))/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}
