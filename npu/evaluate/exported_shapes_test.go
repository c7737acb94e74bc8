package evaluate_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/npusim/npusim/compiler"
	"github.com/npusim/npusim/compiler/onnx"
	"github.com/npusim/npusim/compiler/shapes"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/npu/evaluate"
)

// exported writes the layer shapes of a model to a file and gives both.
func exported(t *testing.T, model string) (string, *shapes.Topology) {
	t.Helper()
	m, err := onnx.Read(model)
	if err != nil {
		t.Fatal(err)
	}
	c, err := compiler.Import(context.Background(), m)
	if err != nil {
		t.Fatal(err)
	}
	topology, _, err := shapes.FromGraph(c.Network.Graph)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := shapes.Write(&b, topology); err != nil {
		t.Fatal(err)
	}
	path := strings.TrimSuffix(filepath.Join(t.TempDir(), filepath.Base(model)), ".onnx") + ".csv"
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path, topology
}

// layerModel writes an ONNX model of one convolution without bias.
func layerModel(t *testing.T, l *shapes.Layer, input [2]int, pads []int64) string {
	t.Helper()
	groups := 1
	if l.Depthwise {
		groups = l.Channels
	}
	dims := []int64{int64(l.OutputChannels()), int64(l.Channels / groups), int64(l.KernelRows), int64(l.KernelColumns)}
	weights := make([]float32, l.Weights())
	r := rand.New(rand.NewPCG(7, 7))
	for i := range weights {
		weights[i] = float32(r.NormFloat64())
	}
	ints := func(name string, values ...int64) onnx.Attribute {
		return onnx.Attribute{Name: name, Type: onnx.IntsAttribute, Ints: values}
	}
	stride := int64(l.Stride)
	node := onnx.Node{Name: l.Name, OpType: "Conv", Inputs: []string{"x", "w"}, Outputs: []string{"y"}, Attributes: []onnx.Attribute{
		ints("strides", stride, stride), ints("pads", pads...), {Name: "group", Type: onnx.IntAttribute, I: int64(groups)}}}
	shape := []onnx.Dimension{{Value: 1}, {Value: int64(l.Channels)}, {Value: int64(input[0])}, {Value: int64(input[1])}}
	m := &onnx.Model{IRVersion: 8, Opsets: []onnx.Opset{{Version: 13}}, Graph: onnx.Graph{Name: "layer", Nodes: []onnx.Node{node},
		Initializers: []onnx.Tensor{onnx.NewFloatTensor("w", dims, weights)},
		Inputs:       []onnx.ValueInfo{{Name: "x", Type: onnx.Float, HasShape: true, Shape: shape}}, Outputs: []onnx.ValueInfo{{Name: "y", Type: onnx.Float}}}}
	path := filepath.Join(t.TempDir(), "layer.onnx")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := onnx.WriteModel(f, m); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// distinctShapes are the different layers of a network and some more.
func distinctShapes(t *testing.T, model string) []shapes.Layer {
	t.Helper()
	_, topology := exported(t, model)
	list := append([]shapes.Layer{
		{Rows: 27, Columns: 27, KernelRows: 5, KernelColumns: 5, Channels: 48, Filters: 64, Stride: 1},
		{Rows: 29, Columns: 33, KernelRows: 7, KernelColumns: 7, Channels: 3, Filters: 64, Stride: 2},
		{Rows: 35, Columns: 19, KernelRows: 11, KernelColumns: 3, Channels: 20, Filters: 7, Stride: 4},
		{Rows: 13, Columns: 13, KernelRows: 1, KernelColumns: 1, Channels: 100, Filters: 200, Stride: 3},
		{Rows: 29, Columns: 29, KernelRows: 3, KernelColumns: 3, Channels: 96, Filters: 1, Stride: 2, Depthwise: true},
	}, topology.Layers...)
	var distinct []shapes.Layer
	for i, l := range list {
		l.Name = fmt.Sprintf("layer%d", i)
		if l.Depthwise {
			l.Name += "_DP"
		}
		if !slices.ContainsFunc(distinct, func(d shapes.Layer) bool { d.Name = l.Name; return d == l }) {
			distinct = append(distinct, l)
		}
	}
	return distinct
}

// TestExportedLayersTakeTheCyclesOfTheModel: where the stride divides H - f and
// nothing is padded, a layer's shape takes the same cycles and DRAM bytes as the
// ONNX model of the layer, to the cycle, on machines of every kind.
func TestExportedLayersTakeTheCyclesOfTheModel(t *testing.T) {
	presets := []string{"edge", "mobile", "scalesim-32x32"}
	if testing.Short() || raceEnabled {
		presets = presets[:1]
	}
	t.Run("glyphs", func(t *testing.T) {
		sameCycles(t, filepath.Join("..", "..", "testdata", "glyphs", "glyphs.onnx"), presets)
	})
	t.Run("MobileNetV2", func(t *testing.T) {
		if testing.Short() || raceEnabled {
			t.Skip("a large network takes too long with the race detector or -short")
		}
		model := dataFile(t, filepath.Join("models", "mobilenetv2_1.0_224.onnx"))
		sameCycles(t, model, presets[:1])
	})
}

// sameCycles times the different layers of a model, without padding, alone.
func sameCycles(t *testing.T, network string, presets []string) {
	t.Helper()
	for _, l := range distinctShapes(t, network) {
		if (l.Rows-l.KernelRows)%l.Stride != 0 || (l.Columns-l.KernelColumns)%l.Stride != 0 {
			t.Fatalf("%+v: the stride does not divide H - f", l)
		}
		model := layerModel(t, &l, [2]int{l.Rows, l.Columns}, []int64{0, 0, 0, 0})
		file, topology := exported(t, model)
		if got := topology.Layers[0]; len(topology.Layers) != 1 || got != l {
			t.Errorf("%+v is exported as %+v", l, topology.Layers)
		}
		for _, preset := range presets {
			want, got := timeFile(t, model, preset), timeFile(t, file, preset)
			if got.Timing != want.Timing || got.Operations.MAC != want.Operations.MAC || got.DRAM.ReadBytes != want.DRAM.ReadBytes || got.DRAM.WriteBytes != want.DRAM.WriteBytes {
				t.Errorf("%+v on %s: %+v as a shape, %+v as a model; DRAM bytes %d and %d, %d and %d", l, preset, got.Timing, want.Timing,
					got.DRAM.ReadBytes, got.DRAM.WriteBytes, want.DRAM.ReadBytes, want.DRAM.WriteBytes)
			}
		}
	}
}

// timeFile times a model or layer shapes, recorded.
func timeFile(t *testing.T, path, preset string) *evaluate.Result {
	t.Helper()
	spec, err := configs.Load(preset, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := evaluate.Run(context.Background(), evaluate.Options{Model: path, Spec: spec, TimingOnly: true, Record: true})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// arrayCycles are the cycles that each layer occupies the MAC array, with its
// multiply-accumulates, padding included.
func arrayCycles(r *evaluate.Result) [][2]int64 {
	list := make([][2]int64, len(r.Layers))
	for _, track := range r.Recording.Tracks {
		for i := range track.Spans {
			if s := &track.Spans[i]; track.Unit == "mac" && s.Layer >= 0 {
				list[s.Layer][0] += s.Length()
				list[s.Layer][1] += s.MACs
			}
		}
	}
	return list
}

// TestExportedPaddedLayers: padding, and rows that no filter reaches, change
// the input that is loaded, not what the array does with it.
func TestExportedPaddedLayers(t *testing.T) {
	for _, l := range []shapes.Layer{
		{Name: "padded", Rows: 30, Columns: 30, KernelRows: 3, KernelColumns: 3, Channels: 32, Filters: 48, Stride: 1},
		{Name: "strided", Rows: 61, Columns: 61, KernelRows: 7, KernelColumns: 7, Channels: 3, Filters: 64, Stride: 2},
		{Name: "depthwise_DP", Rows: 29, Columns: 29, KernelRows: 3, KernelColumns: 3, Channels: 64, Filters: 1, Stride: 2, Depthwise: true},
	} {
		pad := l.KernelRows / 2
		// A row and a column more than the stride can use, where it is above 1.
		input := [2]int{l.Rows - 2*pad + l.Stride - 1, l.Columns - 2*pad + l.Stride - 1}
		model := layerModel(t, &l, input, []int64{int64(pad), int64(pad), int64(pad), int64(pad)})
		file, topology := exported(t, model)
		if topology.Layers[0] != l {
			t.Errorf("%+v is exported as %+v", l, topology.Layers[0])
		}
		want, got := arrayCycles(timeFile(t, model, "scalesim-32x32")), arrayCycles(timeFile(t, file, "scalesim-32x32"))
		if !slices.Equal(got, want) || want[0][1] != l.MACs() {
			t.Errorf("%+v: array cycles and MACs %v as a shape, %v as a model, the layer has %d MACs", l, got, want, l.MACs())
		}
	}
}

// TestExportedNetwork: in a whole network too, on a machine whose scratchpads
// hold every layer, each layer occupies the array for as long as its shape.
func TestExportedNetwork(t *testing.T) {
	model := filepath.Join("..", "..", "testdata", "glyphs", "glyphs.onnx")
	file, topology := exported(t, model)
	r := timeFile(t, model, "scalesim-32x32")
	byName := map[string][2]int64{}
	for i, c := range arrayCycles(r) {
		byName[r.Layers[i].Name] = c
	}
	for i, got := range arrayCycles(timeFile(t, file, "scalesim-32x32")) {
		l := &topology.Layers[i]
		if want := byName[strings.TrimSuffix(l.Name, "_DP")]; got != want || want[0] == 0 {
			t.Errorf("layer %s: array cycles and MACs %v as a shape, %v in the model", l.Name, got, want)
		}
	}
}
