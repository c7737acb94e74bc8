package ops_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/npusim/npusim/compiler/floatref"
	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/onnx"
	"github.com/npusim/npusim/compiler/ops"
)

// seedModels are the models of the operator cases and the network, encoded.
func seedModels(t testing.TB) [][]byte {
	models := []*onnx.Model{network()}
	for _, c := range append(append([]operatorCase{}, computeCases...), arrangeCases...) {
		m, _ := oneNode(c.opset, c.operator, len(c.want), c.in, c.attributes)
		models = append(models, m)
	}
	var seeds [][]byte
	for _, m := range models {
		var b bytes.Buffer
		if err := onnx.WriteModel(&b, m); err != nil {
			t.Fatal(err)
		}
		seeds = append(seeds, b.Bytes())
	}
	return seeds
}

// importAndRun must not panic, whatever the bytes are. What imports must bind,
// and must run if it is small.
func importAndRun(t *testing.T, data []byte) {
	m, err := onnx.Decode(data, "fuzz.onnx")
	if err != nil {
		return
	}
	g, err := ops.Import(m)
	if err != nil {
		if err.Error() == "" {
			t.Fatal("empty error")
		}
		return
	}
	total := 0
	for i := range g.Values {
		total += graph.Elements(g.Values[i].Shape)
	}
	if total > 1<<16 || g.MACs() > 1<<22 {
		return
	}
	for i := range g.Nodes {
		if p, ok := g.Nodes[i].Attributes.(*graph.PoolAttributes); ok && graph.Elements(p.Kernel) > 1<<8 {
			return
		}
	}
	for _, id := range g.Outputs {
		if v := &g.Values[id]; v.Constant == nil && v.Type != graph.Float32 {
			return // an integer input handed through
		}
	}
	e, err := floatref.New(g, floatref.Options{})
	if err != nil {
		t.Fatalf("imported but not bound: %v\n%v", err, g)
	}
	var inputs [][]float32
	for _, id := range g.Inputs {
		if g.Values[id].Type == graph.Float32 {
			inputs = append(inputs, make([]float32, graph.Elements(g.Values[id].Shape)))
		} else {
			inputs = append(inputs, nil)
		}
	}
	if _, err := e.Run(inputs); err != nil {
		t.Fatalf("imported but not run: %v\n%v", err, g)
	}
}

func FuzzImport(f *testing.F) {
	for _, seed := range seedModels(f) {
		f.Add(seed)
	}
	f.Fuzz(importAndRun)
}

// TestImportOfMutations is a short fuzz run from a fixed seed: one to three
// bytes replaced, by random or extreme ones, or changed by a bit or by one.
func TestImportOfMutations(t *testing.T) {
	rounds := 100
	if testing.Short() {
		rounds = 10
	}
	r := rand.New(rand.NewPCG(7, 8))
	extremes := []byte{0, 1, 2, 3, 0x7f, 0x80, 0xff}
	for _, seed := range seedModels(t) {
		for range rounds {
			data := bytes.Clone(seed)
			for range 1 + r.IntN(3) {
				i := r.IntN(len(data))
				switch r.IntN(4) {
				case 0:
					data[i] = byte(r.Uint32())
				case 1:
					data[i] = extremes[r.IntN(len(extremes))]
				case 2:
					data[i] ^= 1 << r.IntN(8)
				case 3:
					data[i]++
				}
			}
			importAndRun(t, data)
		}
	}
}
