package onnx

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"runtime"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// A decoder gives a model or an *Error with a file and a rule; what it gives
// can be used without harm.
func checkDecode(t *testing.T, data []byte) {
	t.Helper()
	m, err := Decode(data, "damaged.onnx")
	if err != nil {
		checkError(t, err, len(data))
		return
	}
	_ = m.Opset() // must not panic, the value is the file's
	for i := range m.Graph.Initializers {
		checkTensor(t, &m.Graph.Initializers[i])
	}
	for i := range m.Graph.Nodes {
		for _, a := range m.Graph.Nodes[i].Attributes {
			if a.Type == InvalidAttribute || a.Type >= attributeTypeEnd || (a.Type == TensorAttribute) != (a.T != nil) {
				t.Fatalf("attribute %+v", a)
			}
			if a.T != nil {
				checkTensor(t, a.T)
			}
		}
	}
}

func checkError(t *testing.T, err error, size int) {
	t.Helper()
	fault, ok := errors.AsType[*Error](err)
	if !ok || fault.File == "" || fault.Rule == "" || fault.Offset < -1 || fault.Offset > int64(size) || len(err.Error()) > 4000 {
		t.Fatalf("unclear error %#v: %v", err, err)
	}
}

func checkTensor(t *testing.T, w *Tensor) {
	t.Helper()
	n, err := w.Elements()
	if err != nil {
		t.Fatal(err)
	}
	switch w.Type {
	case Float, Double, Float16, BFloat16:
		values, err := w.Floats()
		if err != nil || len(values) != n {
			t.Fatalf("%d floats of %d: %v", len(values), n, err)
		}
	case String:
		if len(w.Text) != n {
			t.Fatalf("%d strings of %d", len(w.Text), n)
		}
	case Uint64: // may exceed int64
		if len(w.Raw) != 8*n {
			t.Fatalf("%d bytes for %d elements", len(w.Raw), n)
		}
	case Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Bool, Int4, Uint4, Int2, Uint2:
		values, err := w.Ints()
		if err != nil || len(values) != n {
			t.Fatalf("%d integers of %d: %v", len(values), n, err)
		}
	}
}

// typedTensors has a tensor in every typed field, packed and unpacked.
func typedTensors() []wire {
	return []wire{
		tensorWire(Float, 2).bytes(4, floatBytes(1, 2)), tensorWire(Float, 2).fixed32(4, 1, 2),
		tensorWire(Int8, 3).packed(5, 1, -2, 3), tensorWire(Float16, 2).varint(5, 0x3c00, 0),
		tensorWire(String, 2).text(6, "a").text(6, "b"), tensorWire(Int64, 2).packed(7, 1, -1),
		tensorWire(Double, 1).fixed64(10, 1), tensorWire(Uint64, 2).varint(11, 1, 2),
		tensorWire(Int4, 3).bytes(9, []byte{0x21, 0x03}),
		externalWire("location", "w.bin", "length", "8"),
		wire(nil).text(1, "s").varint(2, 1).bytes(3, tensorWire(Float).fixed32(4, 1)),
	}
}

// typedModel is smallModel with those tensors in their stored form.
func typedModel(t testing.TB) []byte {
	graph := wire(nil)
	for _, w := range typedTensors()[:9] {
		graph = graph.bytes(5, w)
	}
	m, err := Decode(encode(t, smallModel()), "small.onnx")
	if err != nil {
		t.Fatal(err)
	}
	var e encoder
	graph = append(graph, e.graph(&m.Graph)...)
	graph = graph.bytes(1, wire(nil).text(4, "If").bytes(5, wire(nil).text(1, "then_branch").bytes(6, graph).varint(20, 5)))
	return modelOf(graph).bytes(8, wire(nil).varint(2, 13)).bytes(25, wire(nil).text(1, "Unused"))
}

func TestTruncation(t *testing.T) {
	whole := typedModel(t)
	if _, err := Decode(whole, "whole.onnx"); err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		checkDecode(t, whole[:n])
	}
	// Inside the graph there is no valid prefix: every cut is noticed.
	graph := len(modelOf(nil)) - 1
	end := bytes.Index(whole, wire(nil).bytes(8, wire(nil).varint(2, 13)))
	for n := graph; n < end; n++ {
		if _, err := Decode(whole[:n], "cut.onnx"); err == nil {
			t.Fatalf("cut at byte %d of %d is not noticed", n, len(whole))
		}
	}
	for _, w := range typedTensors() {
		for n := range w {
			if _, err := DecodeTensor(w[:n], "cut.pb"); err != nil {
				checkError(t, err, n)
			}
		}
	}
}

func TestBitFlips(t *testing.T) {
	whole := typedModel(t)
	for i := range whole { // every single bit
		for bit := range 8 {
			whole[i] ^= 1 << bit
			checkDecode(t, whole)
			whole[i] ^= 1 << bit
		}
	}
	rounds := 20000
	if testing.Short() {
		rounds = 2000
	}
	random := rand.New(rand.NewPCG(1, 2))
	damaged := make([]byte, len(whole))
	for range rounds { // several bits, runs of bytes overwritten or moved
		copy(damaged, whole)
		for range 1 + random.IntN(6) {
			switch at := random.IntN(len(damaged)); random.IntN(4) {
			case 0:
				damaged[at] = byte(random.Uint32())
			case 1:
				copy(damaged[at:], damaged[random.IntN(len(damaged)):])
			default:
				damaged[at] ^= 1 << random.IntN(8)
			}
		}
		checkDecode(t, damaged[:len(damaged)-random.IntN(3)])
	}
}

// The claim of the package comment: memory is bounded by the file's size, for
// the files that blow up most.
func TestAllocationIsBounded(t *testing.T) {
	size := 1 << 20
	if testing.Short() {
		size = 1 << 16
	}
	fill := func(unit []byte) []byte { return bytes.Repeat(unit, size/len(unit)) }
	graph := func(number int32, content wire) []byte {
		return modelOf(fill(wire(nil).bytes(protowire.Number(number), content)))
	}
	node := func(content []byte) []byte { return modelOfNode(append(wire(nil).text(4, "A"), content...)) }
	attribute := func(content []byte) []byte {
		return node(wire(nil).bytes(5, append(wire(nil).text(1, "a"), content...)))
	}
	packed := func(number int32, kind ElementType, entry ...byte) []byte {
		content := fill(entry)
		return modelOfWeight(tensorWire(kind, int64(len(content)/len(entry))).bytes(protowire.Number(number), content))
	}
	for _, c := range []struct {
		name string
		data []byte
		ok   bool
	}{
		{"nodes", graph(1, wire(nil).text(4, "A")), true},
		{"empty nodes", graph(1, nil), false},
		{"weights", graph(5, wire(nil).varint(1, 0).varint(2, 1).text(8, "w")), true},
		{"empty weights", graph(5, nil), false},
		{"values", graph(11, wire(nil).text(1, "x")), true},
		{"opsets", append(modelOf(nil), fill(wire(nil).bytes(8, nil))...), true},
		{"functions", append(modelOf(nil), fill(wire(nil).bytes(25, wire(nil).text(1, "f")))...), true},
		{"inputs", node(fill(wire(nil).text(1, ""))), true},
		{"attributes", node(fill(wire(nil).bytes(5, wire(nil).text(1, "a").varint(3, 0)))), true},
		{"tensor attributes", node(fill(wire(nil).bytes(5, wire(nil).text(1, "a").bytes(5, wire(nil).varint(1, 0).varint(2, 1))))), true},
		{"packed ints", attribute(wire(nil).bytes(8, fill([]byte{0}))), true},
		{"single ints", attribute(fill(wire(nil).varint(8, 0))), true},
		{"single floats", attribute(fill(wire(nil).fixed32(7, 0))), true},
		{"strings", attribute(fill(wire(nil).bytes(9, nil))), true},
		{"packed int64_data", packed(7, Int64, 0), true},
		{"packed int32_data", packed(5, Int32, 0), true},
		{"packed float_data", packed(4, Float, 0, 0, 0, 0), true},
		{"single int64_data", modelOfWeight(append(tensorWire(Int64, int64(size/2)), fill(wire(nil).varint(7, 0))...)), true},
		{"string_data", modelOfWeight(append(tensorWire(String, int64(size/2)), fill(wire(nil).bytes(6, nil))...)), true},
		{"dims", modelOfWeight(append(tensorWire(Float), fill(wire(nil).varint(1, 1))...)), false},
		{"packed dims", modelOfWeight(tensorWire(Float).bytes(1, fill([]byte{1}))), false},
		{"large dims, no data", modelOfWeight(tensorWire(Double, 1<<15, 1<<15)), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := Decode(c.data, "bomb.onnx")
			runtime.ReadMemStats(&after)
			if (err == nil) != c.ok {
				t.Errorf("error %v", err)
			}
			taken, limit := after.TotalAlloc-before.TotalAlloc, uint64(32*len(c.data)+(64<<10))
			t.Logf("%d bytes allocated for %d, %.1f times", taken, len(c.data), float64(taken)/float64(len(c.data)))
			if taken > limit {
				t.Errorf("%d bytes allocated for a file of %d, the limit is %d", taken, len(c.data), limit)
			}
		})
	}
}

func TestItemLimit(t *testing.T) {
	d := &decoder{file: "many.onnx", items: maxItems - 3}
	_, err := decodeModel(typedModel(t), d)
	if err == nil {
		t.Fatal("no error")
	}
	fault, _ := errors.AsType[*Error](err)
	wantFault(t, err, fault.Place, "more than 4194304 nodes")
}

func FuzzDecode(f *testing.F) {
	f.Add(typedModel(f))
	f.Add(encode(f, smallModel()))
	f.Add([]byte(modelOfWeight(tensorWire(Float, 1e6, 1e6))))
	f.Add([]byte{0x3a, 0x00})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		checkDecode(t, data)
		m, err := Decode(data, "fuzz.onnx")
		if err != nil {
			return
		}
		var b bytes.Buffer
		if WriteModel(&b, m) != nil {
			return // holds something that is not decoded
		}
		again, err := Decode(b.Bytes(), "again.onnx")
		if err != nil {
			t.Fatal(err)
		}
		if diff := sameModel(m, again); diff != "" {
			t.Fatal(diff)
		}
	})
}

func FuzzTensor(f *testing.F) {
	for _, w := range typedTensors() {
		f.Add([]byte(w))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := DecodeTensor(data, "fuzz.pb")
		if err != nil {
			checkError(t, err, len(data))
			return
		}
		checkTensor(t, w)
		var b bytes.Buffer
		if err := WriteTensor(&b, w); err != nil {
			t.Fatal(err)
		}
		again, err := DecodeTensor(b.Bytes(), "again.pb")
		if err != nil {
			t.Fatal(err)
		}
		if again.Name != w.Name || again.Type != w.Type || !bytes.Equal(again.Raw, w.Raw) || len(again.Text) != len(w.Text) {
			t.Fatalf("%+v became %+v", w, again)
		}
	})
}
