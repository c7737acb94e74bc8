package onnx

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// tenMegabytes is a chain of 40 layers with 64 Ki float weights each, in
// raw_data or in float_data.
func tenMegabytes(b *testing.B, raw bool) []byte {
	b.Helper()
	values := make([]float32, 1<<16)
	for i := range values {
		values[i] = float32(i%251)/251 - 0.5
	}
	var graph wire
	for i := range 40 {
		name := fmt.Sprintf("w%d", i)
		graph = graph.bytes(1, wire(nil).text(1, fmt.Sprintf("x%d", i)).text(1, name).text(2, fmt.Sprintf("x%d", i+1)).
			text(3, fmt.Sprintf("conv%d", i)).text(4, "Conv").
			bytes(5, wire(nil).text(1, "strides").varint(8, 1, 1).varint(20, int64(IntsAttribute))))
		weight := wire(nil).varint(1, 256, 256, 1, 1).varint(2, int64(Float)).text(8, name)
		if raw {
			weight = weight.bytes(9, floatBytes(values...))
		} else {
			weight = weight.fixed32(4, values...)
		}
		graph = graph.bytes(5, weight)
	}
	return modelOf(graph).bytes(8, wire(nil).varint(2, 13))
}

// BenchmarkRead reads a 10 MB model from disk, the hash included.
func BenchmarkRead(b *testing.B) {
	data := tenMegabytes(b, true)
	path := filepath.Join(b.TempDir(), "m.onnx")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Read(path); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecode decodes in memory: raw_data is shared, unpacked float_data
// is the worst stored form. "parse" leaves out the hash of the file.
func BenchmarkDecode(b *testing.B) {
	for _, form := range []struct {
		name string
		raw  bool
	}{{"raw", true}, {"unpacked", false}} {
		data := tenMegabytes(b, form.raw)
		b.Run(form.name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(data, "m.onnx"); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(form.name+"/parse", func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				d := &decoder{file: "m.onnx"}
				if err := d.model(data, new(Model)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkFloats converts the weights of a 10 MB model.
func BenchmarkFloats(b *testing.B) {
	data := tenMegabytes(b, true)
	m, err := Decode(data, "m.onnx")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		for i := range m.Graph.Initializers {
			if _, err := m.Graph.Initializers[i].Floats(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkWrite encodes a 10 MB model, the reading back included.
func BenchmarkWrite(b *testing.B) {
	data := tenMegabytes(b, true)
	m, err := Decode(data, "m.onnx")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if err := WriteModel(new(bytes.Buffer), m); err != nil {
			b.Fatal(err)
		}
	}
}
