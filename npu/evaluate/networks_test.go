package evaluate_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/npusim/npusim/compiler/dataset"
	"github.com/npusim/npusim/compiler/floatref"
	"github.com/npusim/npusim/compiler/onnx"
	"github.com/npusim/npusim/compiler/ops"
	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/testdata/glyphs/cnn"
)

// dataFile finds a file of the real networks and data sets, or skips the test.
func dataFile(t *testing.T, name string) string {
	t.Helper()
	folder := os.Getenv("NPUSIM_DATA")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "data")
	}
	path := filepath.Join(folder, name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%v: set NPUSIM_DATA to the folder of the networks and data of others, which testdata/DATA.md describes", err)
	}
	return path
}

// full tells whether tests on real data take all samples.
func full() bool { return os.Getenv("NPUSIM_FULL") == "1" }

// TestRealNetworks holds the headline on networks that others trained: the
// bounds are points of top-1 against float. A few samples by default, with
// bounds as wide as few samples make them; all with NPUSIM_FULL=1.
func TestRealNetworks(t *testing.T) {
	if raceEnabled || testing.Short() {
		t.Skip("real networks take too long with the race detector or -short")
	}
	networks := []struct {
		name, model, data string
		samples           int
		fullLow           map[string]float64 // lowest npu - float with all samples
		collapses         bool
	}{
		{"MobileNetV1-0.75", "models/mobilenetv1_0.75_224.onnx", "imagenet224/tensorflow.toml", 24, map[string]float64{"per-layer-shift": -5, "per-channel": -5}, true},
		{"MobileNetV2", "models/mobilenetv2_1.0_224.onnx", "imagenet224/torchvision.toml", 8, map[string]float64{"per-layer-shift": -3}, false},
		{"ResNet-20", "models/resnet20_cifar10.onnx", "cifar10/normalized.toml", 100, map[string]float64{"per-layer": -1.5, "per-layer-shift": -1.5, "per-channel": -1.5}, false},
		{"ResNet-8", "models/mlperftiny_resnet8_cifar10.onnx", "cifar10/raw.toml", 100, map[string]float64{"per-layer": -1.5, "per-layer-shift": -1.5, "per-channel": -1.5}, false},
		{"DS-CNN", "models/mlperftiny_dscnn_kws.onnx", "kws/mfcc.toml", 100, map[string]float64{"per-layer-shift": -1.5, "per-channel": -1.5}, false},
	}
	for _, n := range networks {
		t.Run(n.name, func(t *testing.T) {
			model, data := dataFile(t, n.model), dataFile(t, n.data)
			count := n.samples
			if full() {
				count = 0
			}
			session, err := evaluate.NewSession(t.Context(), evaluate.Options{Model: model, Data: data})
			if err != nil {
				t.Fatal(err)
			}
			top1 := map[string]float64{}
			for _, mode := range []string{"per-layer", "per-layer-shift", "per-channel"} {
				r, _, err := session.Run(t.Context(), inMode(t, "mobile", mode), evaluate.Request{Samples: count})
				if err != nil {
					t.Fatal(err)
				}
				a := r.Accuracy
				if !*a.BitExact {
					t.Errorf("%s: not bit-exact: %s", mode, a.Divergence)
				}
				checkSums(t, mode, r)
				difference := 100 * *a.Top1Difference
				top1[mode] = 100 * *a.NPUTop1
				t.Logf("%s: %d samples, float %.1f, NPU %.1f, difference %+.1f", mode, a.Samples, 100**a.FloatTop1, 100**a.NPUTop1, difference)
				low, bounded := n.fullLow[mode]
				if !full() {
					low -= 10
				}
				if bounded && difference < low {
					t.Errorf("%s: top-1 is %.1f points from float, want at least %.1f", mode, difference, low)
				}
			}
			if limit := 5.0; n.collapses && top1["per-layer"] >= limit {
				t.Errorf("per-layer top-1 is %.1f %%, want the collapse below %.0f %%", top1["per-layer"], limit)
			}
			if n.collapses && full() && top1["per-channel"]-top1["per-layer-shift"] > 2.5 {
				t.Errorf("per-layer-shift is %.1f points below per-channel, want at most 2.5", top1["per-channel"]-top1["per-layer-shift"])
			}
		})
	}
}

// TestFidelityNetworks runs networks without labels: bit-exact, and close to
// float where the weights allow.
func TestFidelityNetworks(t *testing.T) {
	if raceEnabled || testing.Short() {
		t.Skip("real networks take too long with the race detector or -short")
	}
	networks := []struct {
		model, data, preset string
		cosine              float64
	}{
		{"models/mobilenetv2_slim_1.0_224_features.onnx", "imagenet224/tensorflow.toml", "edge", 0.85},
		{"models/mlperftiny_autoencoder_ad.onnx", "ad/windows.toml", "edge", 0.95},
		{"models/mlperftiny_mobilenetv1_025_vww96.onnx", "", "edge", 0.8},
	}
	for _, n := range networks {
		t.Run(filepath.Base(n.model), func(t *testing.T) {
			o := evaluate.Options{Model: dataFile(t, n.model), Spec: load(t, n.preset), Samples: 4, CheckAll: true}
			if n.data != "" {
				o.Data = dataFile(t, n.data)
			}
			r := run(t, o)
			if !*r.Accuracy.BitExact {
				t.Errorf("not bit-exact: %s", r.Accuracy.Divergence)
			}
			checkSums(t, n.model, r)
			t.Logf("cosine %.3f, SQNR %.1f dB", *r.Accuracy.Cosine, *r.Accuracy.SQNRDB)
			if *r.Accuracy.Cosine < n.cosine {
				t.Errorf("cosine to float is %.3f, want at least %.2f", *r.Accuracy.Cosine, n.cosine)
			}
		})
	}
}

// TestFloatMatchesTrainer: the float reference computes what the network was
// trained as, by the trainer's own forward pass.
func TestFloatMatchesTrainer(t *testing.T) {
	model, err := onnx.Read(glyphModel)
	if err != nil {
		t.Fatal(err)
	}
	trained, err := cnn.FromONNX(model)
	if err != nil {
		t.Fatal(err)
	}
	g, err := ops.Import(model)
	if err != nil {
		t.Fatal(err)
	}
	executor, err := floatref.New(g, floatref.Options{})
	if err != nil {
		t.Fatal(err)
	}
	set, err := dataset.Open(glyphData)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	reader, err := set.Reader(g.Value(g.Inputs[0]).Shape)
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, reader.Elements())
	for i := range 10 {
		if err := reader.Read(i, x); err != nil {
			t.Fatal(err)
		}
		outputs, err := executor.Run([][]float32{x})
		if err != nil {
			t.Fatal(err)
		}
		want := trained.Forward(&cnn.Maps{C: 1, N: 1, H: 24, W: 24, Data: x}, nil).Data
		for k, got := range outputs[0] {
			if d := got - want[k]; d > 1e-3 || d < -1e-3 {
				t.Errorf("sample %d, logit %d: %g, the trainer computes %g", i, k, got, want[k])
			}
		}
	}
}
