package evaluate_test

import (
	"context"
	"encoding/csv"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/npusim/npusim/compiler"
	"github.com/npusim/npusim/compiler/lower"
	"github.com/npusim/npusim/compiler/shapes"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/npu/cost"
	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/npu/functional"
	"github.com/npusim/npusim/npu/timing"
)

var (
	resNet50  = filepath.Join("..", "..", "testdata", "shapes", "resnet50.csv")
	dataflows = []string{"weight-stationary", "output-stationary"}
)

// timeShapes reads, lowers, verifies and times a topology.
func timeShapes(t testing.TB, path string, spec *configs.Spec) (*shapes.Topology, *isa.Program, *timing.Result) {
	t.Helper()
	topology, err := shapes.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	network := topology.Network(&spec.Quantization, spec.NPU.ChannelBlock)
	if err := network.Validate(); err != nil {
		t.Fatal(err)
	}
	p, err := lower.Lower(network, lower.NewTarget(spec), lower.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := isa.Verify(p, compiler.Limits(spec)); err != nil {
		t.Fatal(err)
	}
	r, err := timing.Run(p, spec)
	if err != nil {
		t.Fatal(err)
	}
	return topology, p, r
}

// arrayLayer is what the array did for a layer.
type arrayLayer struct {
	cycles int64 // busy, by the timeline
	tiles  int64
	folds  int64
	stream int64 // cycles in which operands stream
}

// arrayLayers sums what the array executed: cycles from the timeline of the
// timing engine, folds from the executed instructions.
func arrayLayers(t *testing.T, p *isa.Program, r *timing.Result, m *cost.Machine) []arrayLayer {
	t.Helper()
	layers := make([]arrayLayer, len(p.Layers))
	for _, i := range r.Timeline[isa.MACArray] {
		layers[i.Layer].cycles += i.End - i.Start
	}
	stream, err := isa.NewStream(p.Code[isa.MACArray])
	if err != nil {
		t.Fatal(err)
	}
	cursor := stream.Cursor()
	var d isa.Dynamic
	for cursor.Next(&d) {
		if d.Instruction.Op != isa.Convolution {
			continue
		}
		tile := p.Descriptors[d.Instruction.Descriptor].(*isa.ConvolutionTile)
		l := &layers[tile.Layer]
		k := int64(tile.KernelRows) * int64(tile.KernelColumns) * int64(tile.InputChannels)
		folds, streamed := foldsOf(m, k, int64(tile.OutputChannels), int64(tile.OutputRows)*int64(tile.OutputColumns))
		l.tiles++
		l.folds += folds
		l.stream += streamed
	}
	return layers
}

// foldsOf counts the folds of a matrix product and the cycles its operands
// stream.
func foldsOf(m *cost.Machine, k, f, pixels int64) (folds, stream int64) {
	up := func(a, b int64) int64 { return (a + b - 1) / b }
	if m.OutputStationary {
		folds = up(pixels, m.Rows) * up(f, m.Columns)
		return folds, folds * k
	}
	folds = up(k, m.Rows) * up(f, m.Columns)
	return folds, folds * pixels
}

// foldOverhead is the cycles of a fold in which nothing streams.
func foldOverhead(m *cost.Machine) int64 {
	if m.OutputStationary {
		return m.Rows + m.Columns - 2 // draining overlaps
	}
	return 2*m.Rows + m.Columns - 2
}

// product is the matrix product of a layer.
func product(t *testing.T, p *isa.Program, l *shapes.Layer, layer int) (k, f, pixels int64) {
	t.Helper()
	out := &p.Tensors[p.Layers[layer].Tensor]
	return int64(l.KernelRows) * int64(l.KernelColumns) * int64(l.Channels), int64(l.Filters), int64(out.Rows) * int64(out.Columns)
}

// compareFolds checks that the cycles of the whole path are those of the whole
// product, as SCALE-Sim counts it, plus the overhead of the folds that cutting
// the layer into tiles adds, and returns the cycles of both.
func compareFolds(t *testing.T, topology *shapes.Topology, p *isa.Program, r *timing.Result, m *cost.Machine) (whole []int64, layers []arrayLayer) {
	t.Helper()
	layers = arrayLayers(t, p, r, m)
	for i := range topology.Layers {
		l := &topology.Layers[i]
		k, f, pixels := product(t, p, l, i)
		o := m.Product(k, f, pixels)
		cycles := o.Compute + o.Fill + o.Drain
		folds, stream := foldsOf(m, k, f, pixels)
		extra := (layers[i].folds-folds)*foldOverhead(m) + layers[i].stream - stream
		if layers[i].cycles != cycles+extra || extra < 0 {
			t.Errorf("%s: %d cycles in %d tiles of %d folds; one product takes %d cycles in %d folds", l.Name, layers[i].cycles, layers[i].tiles, layers[i].folds, cycles, folds)
		}
		whole = append(whole, cycles)
	}
	return whole, layers
}

// TestShapesFollowFolds: on the scalesim preset a layer takes the cycles of its
// product plus the folds that tiling adds, exactly; layers cut only where
// folds end take no cycle more.
func TestShapesFollowFolds(t *testing.T) {
	for _, dataflow := range dataflows {
		spec := load(t, "scalesim-32x32", "mac_array.dataflow="+dataflow)
		topology, p, r := timeShapes(t, resNet50, spec)
		whole, layers := compareFolds(t, topology, p, r, cost.NewMachine(spec))
		equal := 0
		for i := range whole {
			if layers[i].cycles == whole[i] {
				equal++
			}
		}
		if equal < 10 {
			t.Errorf("%s: only %d layers are cut where folds end", dataflow, equal)
		}
		if p.Weights != 25_502_912 || p.MACs != 4_089_184_256 {
			t.Errorf("%d weights and %d MACs, ResNet-50 has 25502912 and 4089184256", p.Weights, p.MACs)
		}
	}
}

// TestShapesAgainstScaleSim times the networks of SCALE-Sim's reports through
// the whole path. Its cycles do not depend on scratchpads as long as nothing
// stalls. With room enough, tiles end where folds end, and every layer takes
// SCALE-Sim's cycles exactly; in 64 KiB it takes those of the folds that
// cutting its pixels adds on top. The log is the table of npu/DEVIATIONS.md.
func TestShapesAgainstScaleSim(t *testing.T) {
	roomy := []string{"npu.activation_buffer_kib=65536", "npu.weight_buffer_kib=65536", "npu.accumulator_buffer_kib=65536", "dram.bandwidth_gb_per_s=1e5"}
	for _, run := range []struct {
		folder, dataflow string
		layers           int
		percent          float64 // more array cycles than SCALE-Sim in 64 KiB, at most
	}{
		{"ss_ws32_64k/alexnet", "weight-stationary", 5, 8},
		{"ss_ws32_64k/Resnet18", "weight-stationary", 21, 7},
		{"ss_os32_64k/alexnet", "output-stationary", 5, 5},
		{"ss_os32_64k/Resnet18", "output-stationary", 21, 4},
	} {
		t.Run(run.folder, func(t *testing.T) {
			folder := filepath.Join(scaleSimData(), filepath.FromSlash(run.folder))
			reported := reportedCycles(t, filepath.Join(folder, "COMPUTE_REPORT.csv"))
			for _, sets := range [][]string{nil, roomy} {
				spec := load(t, "scalesim-32x32", append([]string{"mac_array.dataflow=" + run.dataflow}, sets...)...)
				topology, p, r := timeShapes(t, filepath.Join(folder, "topology.csv"), spec)
				if len(reported) != run.layers || len(topology.Layers) != run.layers {
					t.Fatalf("%d layers reported, %d read, want %d", len(reported), len(topology.Layers), run.layers)
				}
				whole, layers := compareFolds(t, topology, p, r, cost.NewMachine(spec))
				var ours, theirs int64
				equal := 0
				for i, l := range layers {
					if whole[i] != reported[i]+1 { // SCALE-Sim reports the index of the last cycle
						t.Errorf("%s: one product takes %d cycles, SCALE-Sim says %d", topology.Layers[i].Name, whole[i], reported[i]+1)
					}
					if l.cycles == whole[i] {
						equal++
					}
					ours, theirs = ours+l.cycles, theirs+whole[i]
					t.Logf("%-9s %4d tiles %6d folds %7d cycles, SCALE-Sim %7d: +%.1f %%", topology.Layers[i].Name, l.tiles, l.folds, l.cycles, whole[i],
						100*float64(l.cycles-whole[i])/float64(whole[i]))
				}
				percent := 100 * float64(ours-theirs) / float64(theirs)
				t.Logf("array busy %d cycles, SCALE-Sim %d: +%.2f %%; %d of %d layers equal; in all %d cycles", ours, theirs, percent, equal, run.layers, r.Cycles)
				switch {
				case percent > run.percent:
					t.Errorf("%.2f %% more cycles than SCALE-Sim", percent)
				case sets != nil && equal != run.layers:
					t.Errorf("with large scratchpads only %d of %d layers take SCALE-Sim's cycles", equal, run.layers)
				}
			}
		})
	}
}

func scaleSimData() string {
	data := os.Getenv("NPUSIM_DATA")
	if data == "" {
		data = filepath.Join("..", "..", "..", "shared", "data")
	}
	return filepath.Join(data, "scalesim")
}

// reportedCycles reads the total cycles of each layer of a compute report.
func reportedCycles(t *testing.T, path string) []int64 {
	t.Helper()
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("SCALE-Sim report %s is absent; set NPUSIM_DATA to the folder that holds scalesim, which testdata/DATA.md describes", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	reader := csv.NewReader(f)
	reader.FieldsPerRecord = -1
	rows, err := reader.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var cycles []int64
	for _, row := range rows[1:] {
		n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(row[2]), ".0"), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		cycles = append(cycles, n)
	}
	return cycles
}

// TestShapesRun: a run of layer shapes has times and traffic, no accuracy.
func TestShapesRun(t *testing.T) {
	for _, preset := range []string{"scalesim-32x32", "edge"} {
		r, err := evaluate.Run(context.Background(), evaluate.Options{Model: resNet50, Spec: load(t, preset)})
		if err != nil {
			t.Fatal(err)
		}
		if r.Accuracy != nil || r.Model.Name != "resnet50" || r.Model.Parameters != 25_502_912 || r.Model.MACs != 4_089_184_256 || len(r.Model.SHA256) != 64 {
			t.Errorf("%s: %+v, accuracy %v", preset, r.Model, r.Accuracy)
		}
		if len(r.Layers) != 54 || r.Operations.MAC != r.Model.MACs || r.Program.WeightBytes < r.Model.Parameters {
			t.Errorf("%s: %d layers, %d MACs, %d bytes of weights", preset, len(r.Layers), r.Operations.MAC, r.Program.WeightBytes)
		}
		if moved := r.DRAM.ReadBytes + r.DRAM.WriteBytes; moved < r.DRAM.CompulsoryBytes || r.DRAM.CompulsoryBytes < r.Model.Parameters {
			t.Errorf("%s: %d bytes moved, %d are compulsory", preset, moved, r.DRAM.CompulsoryBytes)
		}
		if !strings.Contains(strings.Join(r.Notes, "\n"), "list of layer shapes") {
			t.Errorf("%s: no note says that there are no weights", preset)
		}
	}
}

// TestShapesRefuseExecution: what needs weights is refused in words.
func TestShapesRefuseExecution(t *testing.T) {
	spec := load(t, "edge")
	for _, c := range []struct {
		options evaluate.Options
		want    string
	}{
		{evaluate.Options{Model: resNet50, Spec: spec, Data: glyphData}, "--data"},
		{evaluate.Options{Model: resNet50, Spec: spec, FloatModel: glyphModel}, "--model"},
		{evaluate.Options{Model: resNet50, Spec: spec, CheckAll: true}, "--check-all"},
		{evaluate.Options{Model: resNet50}, "configuration"},
	} {
		_, err := evaluate.Run(context.Background(), c.options)
		var usage *evaluate.UsageError
		if !errors.As(err, &usage) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want a usage error with %q", err, c.want)
		}
	}
	if _, err := evaluate.Compile(context.Background(), evaluate.Options{Model: resNet50, Spec: spec}); err == nil || !strings.Contains(err.Error(), "no weights") {
		t.Errorf("compiling shapes: %v", err)
	}
	_, p, _ := timeShapes(t, resNet50, spec)
	if _, err := functional.New(p, compiler.Limits(spec)); err == nil || !strings.Contains(err.Error(), "no weights") {
		t.Errorf("executing shapes: %v", err)
	}
	if _, err := p.Encode(); err == nil || !strings.Contains(err.Error(), "no weights") {
		t.Errorf("encoding shapes: %v", err)
	}
	p.Constants = []byte{1}
	if err := isa.Verify(p, compiler.Limits(spec)); err == nil {
		t.Error("constants in a program of shapes pass")
	}
}

// TestGiantProductNeedsNoWeights: a product with 10^9 weights takes memory for
// its program only.
func TestGiantProductNeedsNoWeights(t *testing.T) {
	if raceEnabled {
		t.Skip("one goroutine and many cycles: too long with the race detector, which has nothing to find here")
	}
	path := filepath.Join(t.TempDir(), "giant.csv")
	if err := os.WriteFile(path, []byte("Layer,M,N,K,\ngiant,16,40000,25000,\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	spec := load(t, "mobile", "dma.request_bytes=1024") // a gigabyte in few requests
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, p, r := timeShapes(t, path, spec)
	runtime.ReadMemStats(&after)
	const weights = 40000 * 25000
	if p.Weights != weights || len(p.Constants) != 0 || p.RegionBytes[isa.Weights] < weights || r.Total.BytesByClass[isa.WeightClass] < weights {
		t.Errorf("%d weights, %d bytes stored, region of %d, %d bytes read", p.Weights, len(p.Constants), p.RegionBytes[isa.Weights], r.Total.BytesByClass[isa.WeightClass])
	}
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > weights/4 {
		t.Errorf("%d bytes were allocated in all, more than a quarter of the %d weights", allocated, weights)
	}
}

// BenchmarkShapesResNet50 lowers and times the shapes of ResNet-50.
func BenchmarkShapesResNet50(b *testing.B) {
	for _, preset := range []string{"scalesim-32x32", "edge", "mobile"} {
		spec := load(b, preset)
		target := lower.NewTarget(spec)
		topology, err := shapes.Read(resNet50)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("lower/"+preset, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := lower.Lower(topology.Network(&spec.Quantization, spec.NPU.ChannelBlock), target, lower.Options{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)*1e3, "ms")
		})
		_, p, r := timeShapes(b, resNet50, spec)
		b.Run("verify/"+preset, func(b *testing.B) {
			for b.Loop() {
				if err := isa.Verify(p, compiler.Limits(spec)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)*1e3, "ms")
		})
		b.Run("time/"+preset, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := timing.Run(p, spec); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)*1e3, "ms")
			b.ReportMetric(float64(r.Total.Requests), "requests")
		})
	}
}
