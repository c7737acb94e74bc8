package evaluate

import (
	"context"
	"strings"
	"testing"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
)

// TestDivergenceNamesTheLayer: a fault planted in the weights of one layer is
// found, and the first diverging layer is the one that holds it.
func TestDivergenceNamesTheLayer(t *testing.T) {
	spec, err := configs.Load("edge", nil)
	if err != nil {
		t.Fatal(err)
	}
	session, err := NewSession(context.Background(), Options{Model: "../../testdata/glyphs/glyphs.onnx", Data: "../../testdata/glyphs/glyphs.toml"})
	if err != nil {
		t.Fatal(err)
	}
	for _, layer := range []string{"stem/conv", "block3/pointwise", "classifier"} {
		j, err := session.point(spec, Request{Samples: 4}, &Reuse{})
		if err != nil {
			t.Fatal(err)
		}
		if err := j.prepare(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := j.store(context.Background()); err != nil {
			t.Fatal(err)
		}
		corrupt(t, j.program, layer)
		a, _, err := j.accuracy(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if *a.BitExact || !strings.Contains(a.Divergence, "layer "+layer+" ") || !strings.Contains(a.Divergence, "tile at channel") {
			t.Errorf("weights of %s changed: bit-exact %v, divergence %q", layer, *a.BitExact, a.Divergence)
		}
	}
}

// corrupt adds to every weight of the first weight tile that a layer loads.
func corrupt(t *testing.T, p *isa.Program, layer string) {
	t.Helper()
	stream, err := isa.NewStream(p.Code[isa.LoadDMA])
	if err != nil {
		t.Fatal(err)
	}
	p.Constants = append([]byte(nil), p.Constants...)
	cursor := stream.Cursor()
	var d isa.Dynamic
	for cursor.Next(&d) {
		if d.Instruction.Op != isa.Load {
			continue
		}
		load := p.Descriptors[d.Instruction.Descriptor].(*isa.Transfer)
		if load.Class == isa.WeightClass && p.Layers[load.Layer].Name == layer {
			for i := range load.DRAMBytes() {
				p.Constants[int64(d.Offsets[0])+i] ^= 0x10
			}
			return
		}
	}
	t.Fatalf("no weights of layer %s are loaded", layer)
}
