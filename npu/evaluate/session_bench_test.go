package evaluate_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/npusim/npusim/npu/evaluate"
)

// BenchmarkPoints times design points of ResNet-20 a second on one core, timing
// only, each another configuration: along one kind of axis, and along all of
// them. Without the data, layer shapes of ResNet-20 stand in.
func BenchmarkPoints(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	model := resNet20(b)
	several := func(format string, values ...int) (list []string) {
		for _, v := range values {
			list = append(list, fmt.Sprintf(format, v))
		}
		return list
	}
	array := append(several("mac_array.rows=%d", 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128), several("mac_array.columns=%d", 4, 8, 12, 16, 24, 32, 48, 64, 128)...)
	scratchpads := append(several("npu.activation_buffer_kib=%d", 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512), several("npu.weight_buffer_kib=%d", 16, 24, 32, 48, 64, 128, 256)...)
	dataflow := []string{"mac_array.dataflow=weight-stationary", "mac_array.dataflow=output-stationary"}
	bandwidth := several("dram.bandwidth_gb_per_s=%d", 1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32)
	for _, tier := range []string{"linear", "bank"} {
		channels := several("dram.channels=%d", 1, 2, 4, 8)
		memory := bandwidth
		if tier == "bank" { // bandwidth is that of the preset
			memory = []string{"dram.preset=ddr4-2400", "dram.preset=ddr4-3200", "dram.preset=lpddr4x-4266", "dram.preset=hbm2", "dram.preset=lpddr5-6400"}
		}
		for _, axis := range []struct {
			name    string
			planned bool // another program for every point
			sets    [][]string
		}{
			{"array", true, [][]string{array}},
			{"scratchpads", true, [][]string{scratchpads}},
			{"dataflow", true, [][]string{dataflow}},
			{"memory", false, [][]string{memory}},
			{"channels", false, [][]string{channels}},
			{"all", true, [][]string{array[:11], array[11:], scratchpads[:11], scratchpads[11:], dataflow, memory, channels}},
		} {
			b.Run(tier+"/"+axis.name, func(b *testing.B) {
				base := load(b, "edge", "dram.tier="+tier, "npu.accumulator_buffer_kib=64")
				session, err := evaluate.NewSession(b.Context(), evaluate.Options{Model: model, Workers: 1})
				if err != nil {
					b.Fatal(err)
				}
				request := evaluate.Request{TimingOnly: true}
				if _, _, err := session.Run(b.Context(), load(b, "edge"), request); err != nil { // calibrates
					b.Fatal(err)
				}
				failed, i := 0, 0
				b.ReportAllocs()
				for b.Loop() {
					var sets []string
					for k, list := range axis.sets {
						sets = append(sets, list[(i*(2*k+1)+i/len(list))%len(list)])
					}
					if axis.planned { // a key that changes no tile, but makes every point one to be planned
						sets = append(sets, fmt.Sprintf("vector.divide_cycles=%d", 1+i%1024), fmt.Sprintf("dma.setup_cycles=%d", 16+i/1024))
					}
					i++
					spec, err := base.With(sets...)
					if err != nil {
						b.Fatal(err)
					}
					if _, _, err := session.Run(b.Context(), spec, request); err != nil {
						failed++
					}
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "points/s")
				b.ReportMetric(float64(failed)/float64(b.N), "failed/point")
			})
		}
	}
}

// resNet20 is the trained network, or a file with its layer shapes.
func resNet20(b *testing.B) string {
	folder := os.Getenv("NPUSIM_DATA")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "data")
	}
	model := filepath.Join(folder, "models", "resnet20_cifar10.onnx")
	if _, err := os.Stat(model); err == nil {
		return model
	}
	b.Logf("%s is absent: layer shapes of ResNet-20 stand in; set NPUSIM_DATA to the folder of real networks", model)
	rows := []string{"Layer, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,", "stem, 34, 34, 3, 3, 3, 16, 1,"}
	channels, size := 16, 32
	for stage := range 3 {
		for block := range 3 {
			for half := range 2 {
				out, stride := 16<<stage, 1
				if stage > 0 && block == 0 && half == 0 {
					stride = 2
				}
				rows = append(rows, fmt.Sprintf("s%db%dc%d, %d, %d, 3, 3, %d, %d, %d,", stage, block, half, size+2, size+2, channels, out, stride))
				channels, size = out, size/stride
			}
		}
	}
	rows = append(rows, "classifier, 1, 1, 1, 1, 64, 10, 1,")
	path := filepath.Join(b.TempDir(), "resnet20.csv")
	if err := os.WriteFile(path, []byte(strings.Join(slices.Concat(rows, []string{""}), "\n")), 0o644); err != nil {
		b.Fatal(err)
	}
	return path
}
