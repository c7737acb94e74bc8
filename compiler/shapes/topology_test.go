package shapes_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/npusim/npusim/compiler/shapes"
	"github.com/npusim/npusim/configs"
)

const header = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,\n"

// conv is a convolution layer in the order of the columns.
func conv(name string, line, rows, columns, kernelRows, kernelColumns, channels, filters, stride int) shapes.Layer {
	return shapes.Layer{Name: name, Line: line, Rows: rows, Columns: columns, KernelRows: kernelRows, KernelColumns: kernelColumns,
		Channels: channels, Filters: filters, Stride: stride}
}

// gemm is a matrix product.
func gemm(name string, line, rows, columns, n, k int) shapes.Layer {
	return shapes.Layer{Name: name, Line: line, Product: true, Rows: rows, Columns: columns, KernelRows: 1, KernelColumns: 1,
		Channels: k, Filters: n, Stride: 1}
}

// TestParse: every way of writing a topology that is met in practice.
func TestParse(t *testing.T) {
	depthwise := conv("Conv2_DP", 1, 20, 20, 3, 3, 32, 1, 2)
	depthwise.Depthwise = true
	for _, c := range []struct {
		name, text string
		want       []shapes.Layer
	}{
		{"plain", header + "Conv1,224,220,7,5,3,64,2,\n", []shapes.Layer{conv("Conv1", 2, 224, 220, 7, 5, 3, 64, 2)}},
		{"padded blanks", header + "Conv1     ,224         ,224        ,11           ,11          ,3       ,96        ,4      ,\n",
			[]shapes.Layer{conv("Conv1", 2, 224, 224, 11, 11, 3, 96, 4)}},
		{"no line feed at the end", header + "FC,1,1,1,1,512,1000,1,", []shapes.Layer{conv("FC", 2, 1, 1, 1, 1, 512, 1000, 1)}},
		{"no trailing comma", header + "FC,1,1,1,1,512,1000,1\n", []shapes.Layer{conv("FC", 2, 1, 1, 1, 1, 512, 1000, 1)}},
		{"several trailing commas", header + "FC,1,1,1,1,512,1000,1,,,\n", []shapes.Layer{conv("FC", 2, 1, 1, 1, 1, 512, 1000, 1)}},
		{"no header", "FC,1,1,1,1,512,1000,1,\n", []shapes.Layer{conv("FC", 1, 1, 1, 1, 1, 512, 1000, 1)}},
		{"byte-order mark, CRLF, blank lines", "\ufeff\r\n" + strings.ReplaceAll(header, "\n", "\r\n") + "\r\na,4,4,2,2,1,1,1,\r\n  \r\n,,,\r\nb,4,4,2,2,1,1,2,\r\n",
			[]shapes.Layer{conv("a", 4, 4, 4, 2, 2, 1, 1, 1), conv("b", 7, 4, 4, 2, 2, 1, 1, 2)}},
		{"dense sparsity", header + "a,4,4,2,2,1,1,1,4:4,\nb,4,4,2,2,1,1,1, 1 : 1\n", []shapes.Layer{conv("a", 2, 4, 4, 2, 2, 1, 1, 1), conv("b", 3, 4, 4, 2, 2, 1, 1, 1)}},
		{"mNPUsim", "\ufeffLayer name,IFMAP Height,IFMAP Width,Filter Height,Filter Width,Channels,Num Filter,Strides,Type,IFMAP Base Addr,Filter Base Addr,Ofmap Base Addr\na,4,4,2,2,1,1,1,Conv,0,1000,2000,\n",
			[]shapes.Layer{conv("a", 2, 4, 4, 2, 2, 1, 1, 1)}},
		{"depthwise", "Conv2_DP,20,20,3,3,32,1,2,\n", []shapes.Layer{depthwise}},
		{"products", "Layer,M,N,K,\nqkv,64,30,10,\n", []shapes.Layer{gemm("qkv", 2, 64, 1, 30, 10)}},
		{"products without a header", "qkv,64,30,10\n", []shapes.Layer{gemm("qkv", 1, 64, 1, 30, 10)}},
		{"products with batch or sparsity", "Layer, m, n, k\nqkv,64,30,10,1\nout,64,30,10,2:2,1,\n", []shapes.Layer{gemm("qkv", 2, 64, 1, 30, 10), gemm("out", 3, 64, 1, 30, 10)}},
		{"product with many pixels", "p,100000,30,10,\n", []shapes.Layer{gemm("p", 1, 25000, 4, 30, 10)}},
	} {
		topology, err := shapes.Parse("folder/net.csv", []byte(c.text))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if diff := cmp.Diff(c.want, topology.Layers); diff != "" || topology.Name != "net" || topology.SHA256 == ([32]byte{}) {
			t.Errorf("%s: name %q\n%s", c.name, topology.Name, diff)
		}
	}
}

// TestParseFaults: the message has file, line, column and rule.
func TestParseFaults(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "net.csv: there is no layer in it"},
		{header, "net.csv: there is no layer in it"},
		{header + "a,4,4,2,2,1,1,\n", "net.csv:2: a row of convolutions has 8 columns (layer name, IFMAP height, IFMAP width, filter height, filter width, channels, num filter, strides), this one has 7"},
		{"a,4,4\n", "net.csv:1: a row of matrix products has 4 columns (layer, M, N, K), this one has 3"},
		{"a,4,4,2,2,1,1,1,\nb,4,4,4\n", "net.csv:2: a row of convolutions has 8 columns"},
		{",4,4,2,2,1,1,1,\n", "net.csv:1: column 1 (layer name): the name is missing"},
		{"a\x01,4,4,2,2,1,1,1,\n", "column 1 (layer name): the name must be UTF-8 text without control characters"},
		{"\"a\",4,4,2,2,1,1,1,\n", "column 1 (layer name): quotation marks"},
		{strings.Repeat("a", 300) + ",4,4,2,2,1,1,1,\n", "the name is longer than 200 bytes"},
		{"a,0,4,2,2,1,1,1,\n", `net.csv:1: column 2 (IFMAP height): must be a whole number from 1 to 32767, not "0"`},
		{"a,4,-4,2,2,1,1,1,\n", `column 3 (IFMAP width): must be a whole number from 1 to 32767, not "-4"`},
		{"a,4,4,2.5,2,1,1,1,\n", `column 4 (filter height): must be a whole number from 1 to 32767, not "2.5"`},
		{"a,4,4,2,2,,1,1,\n", `column 6 (channels): must be a whole number from 1 to 16777216, not ""`},
		{"a,4,4,2,2,1,1,99999999999999999999,\n", `column 8 (strides): must be a whole number from 1 to 32767, not "99999999999999999999"`},
		{"a,4,4,5,2,1,1,1,\n", "column 4 (filter height): the filter of 5 rows is larger than the input of 4"},
		{"a,4,4,2,5,1,1,1,\n", "column 5 (filter width): the filter of 5 columns is larger than the input of 4"},
		{"a,4,4,2,2,1,1,1,2:4,\n", "net.csv:1: column 9 (sparsity): 2:4: sparse weights are not modelled"},
		{"a,4,4,2,2,1,1,1,7,\n", `column 9: "7": only sparsity may follow the 8 columns of convolutions`},
		{"a,4,4,2,2,1,1,1,0:0,\n", `column 9: "0:0": only sparsity`},
		{"a,4,4,2,8,\n", "column 5 (batch): 8: batched products are not modelled; repeat the row"},
		{"a,40009,4,2,\n", "column 2 (M): 40009 is no product of two numbers up to 32767"},
		{"a,30000,30000,1,1,2,1,1,\n", "net.csv:1: the input has 1800000000 elements with its padding: at most 1073741824 are possible"},
		{"a,30000,30000,1,1,1,2,1,\n", "net.csv:1: the output has 1800000000 elements"},
		{"a_DP,4,4,1,1,9000,9000,1,\n", "column 7 (num filter): 9000 filters for each of 9000 channels"},
		{"a,1,16777216,16777216\n", "net.csv:1: the layers up to here have more than 1099511627776 weights"},
		{strings.Repeat("a,1,1,1\n", 1<<17), "net.csv:65536: more than 65535 layers"},
	} {
		_, err := shapes.Parse("net.csv", []byte(c.text))
		var fault *shapes.Error
		if !errors.As(err, &fault) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40q: %v, want %q", c.text, err, c.want)
		}
	}
}

// TestReadFile: files that are absent, too long, or folders.
func TestReadFile(t *testing.T) {
	folder := t.TempDir()
	if _, err := shapes.Read(filepath.Join(folder, "absent.csv")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if _, err := shapes.Read(folder); err == nil {
		t.Error("a folder was read")
	}
	long := filepath.Join(folder, "long.csv")
	if err := os.WriteFile(long, make([]byte, shapes.MaxFileBytes+1), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := shapes.Read(long); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Error(err)
	}
}

// TestNetwork: output extents, padding and counts of a network.
func TestNetwork(t *testing.T) {
	spec, err := configs.Load("edge", []string{"quantization.weight_bits=4"})
	if err != nil {
		t.Fatal(err)
	}
	topology, err := shapes.Parse("net.csv", []byte("ResNet_conv1,224,224,7,7,3,64,2,\nAlexNet_conv1,224,224,11,11,3,96,4,\nskips,56,56,1,1,64,128,2,\nc_DP,10,9,3,3,16,2,1,\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, scheme := range []configs.WeightScheme{configs.PerLayer, configs.PerLayerShift, configs.PerChannel} {
		spec.Quantization.Weights = scheme
		g := topology.Network(&spec.Quantization, spec.NPU.ChannelBlock)
		if err := g.Validate(); err != nil {
			t.Fatal(err)
		}
		// SCALE-Sim's reports count 110, 55 and 29 rows of output for the first
		// three; a valid convolution has 109, 54 and 28.
		want := [][4]int{{64, 110, 110, 1}, {96, 55, 55, 3}, {128, 29, 29, 1}, {32, 8, 7, 0}}
		weights := []int64{9408, 34848, 8192, 288}
		for i := range g.Nodes {
			n := &g.Nodes[i]
			s, a := g.Tensors[n.Output].Shape, n.Convolution
			if got := [4]int{s.Channels, s.Rows, s.Columns, a.PadEnd[0]}; got != want[i] || a.PadBegin != [2]int{} || a.WeightBits != 4 {
				t.Errorf("%s: channels, rows, columns, padding %v, want %v", n.Name, got, want[i])
			}
			in := g.Tensors[n.Inputs[0]].Shape
			if got := a.WeightElements(in.Channels, s.Channels); got != weights[i] || topology.Layers[i].Weights() != got || n.MACs != got*int64(s.Rows*s.Columns) {
				t.Errorf("%s: %d weights and %d MACs, want %d weights", n.Name, got, n.MACs, weights[i])
			}
		}
		g.Nodes[0].Convolution.Bias = make([]int32, 64)
		if err := g.Validate(); err == nil {
			t.Error("a network of shapes with biases passes")
		}
	}
}

// FuzzParse: whatever the bytes, the parser ends, and what it accepts is a
// valid network within bounds.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", header, header + "Conv1,224,224,7,7,3,64,2,\n", "\ufeffLayer,M,N,K,\r\na,64,30,10,\r\n", "a_DP,9,9,3,3,4,1,2\n",
		"a,4,4,2,2,1,1,1,2:4\n", "a,1000000,4,2,1:1,1\n", "a,32760,32760,1,1,1,1,22\n", "a,1,2,3,4,5\n", ",,,\n\n", "a,32767,32767,1,1,1,1,32767,\n",
	} {
		f.Add([]byte(seed))
	}
	spec, err := configs.Load("edge", nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		topology, err := shapes.Parse("net.csv", data)
		if err != nil {
			var fault *shapes.Error
			if !errors.As(err, &fault) || fault.File != "net.csv" || fault.Rule == "" {
				t.Fatalf("error without a place: %v", err)
			}
			return
		}
		g := topology.Network(&spec.Quantization, spec.NPU.ChannelBlock)
		if err := g.Validate(); err != nil {
			t.Fatalf("%v\n%q", err, data)
		}
		for i := range topology.Layers {
			if l := &topology.Layers[i]; l.Weights() < 1 || l.MACs() < l.Weights() {
				t.Fatalf("%+v: %d weights, %d MACs", l, l.Weights(), l.MACs())
			}
		}
	})
}
