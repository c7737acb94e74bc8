// Command accuracy prints the table of quantization results of the README: for
// each network, top-1 of the float reference and of the simulated machine in
// each weight mode, with the 95 % interval of the paired difference, on every
// evaluation sample of its data set.
//
//	go run ./testdata/accuracy -data DIR
//
// With -bits LOW:HIGH it runs weights of these numbers of bits instead, in each
// mode and in binary codes, and writes a CSV file and plots a network to -out.
//
//	go run ./testdata/accuracy -only glyphs -bits 2:8 -out accuracy
//
// DIR holds the real networks and data sets (default: the environment variable
// NPUSIM_DATA, else ../shared/data); rows whose files are absent are left out
// with one message. The network of this repository needs no DIR.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/npu/evaluate"
)

// row is a network with its data set, both relative to a folder.
type row struct {
	name, model, data string
	own               bool // shipped with this repository
}

var rows = []row{
	{"glyphs (ours)", "testdata/glyphs/glyphs.onnx", "testdata/glyphs/glyphs.toml", true},
	{"MobileNetV1-0.75", "models/mobilenetv1_0.75_224.onnx", "imagenet224/tensorflow.toml", false},
	{"MobileNetV2", "models/mobilenetv2_1.0_224.onnx", "imagenet224/torchvision.toml", false},
	{"ResNet-20", "models/resnet20_cifar10.onnx", "cifar10/normalized.toml", false},
	{"ResNet-8", "models/mlperftiny_resnet8_cifar10.onnx", "cifar10/raw.toml", false},
	{"DS-CNN", "models/mlperftiny_dscnn_kws.onnx", "kws/mfcc.toml", false},
}

var modes = []string{"per-layer", "per-layer-shift", "per-channel"}

func main() {
	data := flag.String("data", dataFolder(), "folder of the real networks and data sets")
	preset := flag.String("config", "mobile", "hardware preset or TOML file")
	samples := flag.Int("samples", 0, "evaluation samples of each network, 0 for all")
	only := flag.String("only", "", "only networks whose name contains this")
	workers := flag.Int("workers", 0, "goroutines, 0 for one a core")
	bits := flag.String("bits", "", "LOW:HIGH, bits of weights to compare instead of the table")
	out := flag.String("out", "accuracy", "folder for CSV and plots of -bits")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := table(ctx, *data, *preset, *only, *bits, *out, *samples, *workers); err != nil {
		fmt.Fprintln(os.Stderr, "accuracy:", err)
		os.Exit(1)
	}
}

func dataFolder() string {
	if d := os.Getenv("NPUSIM_DATA"); d != "" {
		return d
	}
	return filepath.Join("..", "shared", "data")
}

func table(ctx context.Context, data, preset, only, bits, out string, samples, workers int) error {
	start := time.Now()
	low, high := 0, 0
	if bits != "" {
		var err error
		if low, high, err = bitRange(bits); err != nil {
			return err
		}
		fmt.Println("| network | samples | float top-1 % | weights | bits | NPU top-1 % |")
		fmt.Println("| --- | --: | --: | --- | --: | --: |")
	} else {
		fmt.Println("| network | samples | float top-1 % | weights | NPU top-1 % | difference, points (95 %) | bit-exact on |")
		fmt.Println("| --- | --: | --: | --- | --: | --: | --: |")
	}
	var absent []string
	for _, r := range rows {
		if !strings.Contains(r.name, only) {
			continue
		}
		model, set := r.model, r.data
		if !r.own {
			model, set = filepath.Join(data, r.model), filepath.Join(data, r.data)
		}
		if _, err := os.Stat(model); err != nil {
			absent = append(absent, r.name)
			continue
		}
		if bits != "" {
			if err := againstBits(ctx, r, model, set, preset, out, low, high, samples, workers); err != nil {
				return err
			}
			continue
		}
		var cache evaluate.FloatCache
		for i, mode := range modes {
			if err := line(ctx, r.name, i == 0, model, set, preset, mode, samples, workers, &cache); err != nil {
				return fmt.Errorf("%s, %s: %w", r.name, mode, err)
			}
		}
	}
	if len(absent) > 0 {
		fmt.Fprintf(os.Stderr, "accuracy: left out: %s; their networks and data are not in %s (name another folder with -data or the environment variable NPUSIM_DATA; testdata/DATA.md says where they come from)\n",
			strings.Join(absent, ", "), data)
	}
	fmt.Fprintf(os.Stderr, "accuracy: %.0f s\n", time.Since(start).Seconds())
	return nil
}

// line runs one network in one weight mode and prints its row; the first of a
// network has the figures that do not depend on the mode.
func line(ctx context.Context, name string, first bool, model, set, preset, mode string, samples, workers int, cache *evaluate.FloatCache) error {
	sets := []string{"quantization.weights=" + mode}
	if mode == "per-channel" {
		sets = append(sets, "mac_array.per_channel_multiplier=true")
	}
	spec, err := configs.Load(preset, sets)
	if err != nil {
		return err
	}
	r, err := evaluate.Run(ctx, evaluate.Options{Model: model, Data: set, Spec: spec, Samples: samples, Workers: workers, Float: cache})
	if err != nil {
		return err
	}
	a := r.Accuracy
	if a.NPUTop1 == nil || a.Top1Difference == nil || a.BitExact == nil {
		return fmt.Errorf("the data set has no labels")
	}
	if !*a.BitExact {
		return fmt.Errorf("not bit-exact: %s", a.Divergence)
	}
	network := "|  |  |  |"
	if first {
		network = fmt.Sprintf("| %s | %d | %.1f |", name, a.Samples, 100**a.FloatTop1)
	}
	interval := "too few samples"
	if i := a.Top1DifferenceInterval; i != nil {
		interval = fmt.Sprintf("%+.1f to %+.1f", 100*i.Low, 100*i.High)
	}
	fmt.Printf("%s %s | %.1f | %+.1f (%s) | %d samples |\n", network, mode, 100**a.NPUTop1, 100**a.Top1Difference, interval, a.BitExactSamples)
	return nil
}
