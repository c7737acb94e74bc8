// Command lookup prints what binary codes and the LUT-GEMM unit do to networks:
// for int8 weights on the MAC array and codes of 2, 3, 4 and shared-out planes,
// accuracy, cycles, DRAM traffic, energy, and the split of operations.
//
//	go run ./testdata/lookup -data DIR
//
// DIR holds the real networks and data sets (default: the environment variable
// NPUSIM_DATA, else ../shared/data); rows whose files are absent are left out
// with one message.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/npu/evaluate"
)

var networks = []struct{ name, model, data string }{
	{"ResNet-20", "models/resnet20_cifar10.onnx", "cifar10/normalized.toml"},
	{"ResNet-8", "models/mlperftiny_resnet8_cifar10.onnx", "cifar10/raw.toml"},
	{"DS-CNN", "models/mlperftiny_dscnn_kws.onnx", "kws/mfcc.toml"},
	{"autoencoder", "models/mlperftiny_autoencoder_ad.onnx", "ad/windows.toml"},
}

var forms = []struct {
	name string
	sets []string
}{
	{"int8", nil},
	{"2 planes", []string{"quantization.planes=2"}},
	{"3 planes", []string{"quantization.planes=3"}},
	{"4 planes", []string{"quantization.planes=4"}},
	{"3.5 bits shared out", []string{"quantization.average_bits=3.5"}},
	{"3 planes where faster", []string{"quantization.planes=3", "lut_gemm.use=faster"}},
}

func main() {
	folder := filepath.Join("..", "shared", "data")
	if d := os.Getenv("NPUSIM_DATA"); d != "" {
		folder = d
	}
	data := flag.String("data", folder, "folder of the real networks and data sets")
	preset := flag.String("config", "edge", "hardware preset or TOML file")
	samples := flag.Int("samples", 0, "evaluation samples of each network, 0 for all")
	only := flag.String("only", "", "only networks whose name contains this")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := table(ctx, *data, *preset, *only, *samples); err != nil {
		fmt.Fprintln(os.Stderr, "lookup:", err)
		os.Exit(1)
	}
}

func table(ctx context.Context, data, preset, only string, samples int) error {
	fmt.Println("| network | weights | top-1 % | SQNR dB | cycles | DRAM bytes | energy µJ | of the unit µJ | table additions | queries | scalings |")
	fmt.Println("| --- | --- | --: | --: | --: | --: | --: | --: | --: | --: | --: |")
	var absent []string
	for _, n := range networks {
		if !strings.Contains(n.name, only) {
			continue
		}
		model, set := filepath.Join(data, n.model), filepath.Join(data, n.data)
		if _, err := os.Stat(model); err != nil {
			absent = append(absent, n.name)
			continue
		}
		var cache evaluate.FloatCache
		for _, f := range forms {
			sets := f.sets
			if sets != nil {
				sets = append([]string{"quantization.weights=binary-coding"}, sets...)
			}
			spec, err := configs.Load(preset, sets)
			if err != nil {
				return err
			}
			r, err := evaluate.Run(ctx, evaluate.Options{Model: model, Data: set, Spec: spec, Samples: samples, Float: &cache})
			if err != nil {
				return fmt.Errorf("%s, %s: %w", n.name, f.name, err)
			}
			if a := r.Accuracy; a.BitExact == nil || !*a.BitExact {
				return fmt.Errorf("%s, %s: not bit-exact: %s", n.name, f.name, a.Divergence)
			}
			o := &r.Operations
			fmt.Printf("| %s | %s | %s | %s | %d | %d | %.2f | %.2f | %d | %d | %d |\n", n.name, f.name, share(r.Accuracy.NPUTop1), decibels(r.Accuracy.SQNRDB),
				r.Timing.Cycles, r.DRAM.ReadBytes+r.DRAM.WriteBytes, r.EnergyUJ.Total, r.EnergyUJ.LUT, o.LUTBuildAdds, o.LUTQueries, o.LUTScaleMACs)
		}
	}
	if len(absent) > 0 {
		fmt.Fprintf(os.Stderr, "lookup: left out: %s; their networks are not in %s (name another folder with -data or the environment variable NPUSIM_DATA; testdata/DATA.md says where they come from)\n",
			strings.Join(absent, ", "), data)
	}
	return nil
}

func share(x *float64) string {
	if x == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f", 100**x)
}

func decibels(x *float64) string {
	if x == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f", *x)
}
