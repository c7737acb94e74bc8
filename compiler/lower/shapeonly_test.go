package lower_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/npusim/npusim/compiler/lower"
	"github.com/npusim/npusim/compiler/lower/lowertest"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
)

// TestShapeOnly: without the contents of constants the program is the same.
func TestShapeOnly(t *testing.T) {
	spec, err := configs.Load("edge", nil)
	if err != nil {
		t.Fatal(err)
	}
	g := lowertest.MobileNetV1(1, 64)
	whole, err := lower.Lower(g, lower.NewTarget(spec), lower.Options{})
	if err != nil {
		t.Fatal(err)
	}
	shape, err := lower.Lower(g, lower.NewTarget(spec), lower.Options{ShapeOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	limits := isa.Limits{Activation: uint64(spec.NPU.ActivationBufferBytes()), Weight: uint64(spec.NPU.WeightBufferBytes()), Accumulator: uint64(spec.NPU.AccumulatorBufferBytes()), Tables: uint64(spec.LUTGEMM.TableSlots())}
	if err := isa.Verify(shape, limits); err != nil {
		t.Error(err)
	}
	if len(shape.Constants) > 0 || !shape.ShapeOnly || whole.ShapeOnly || uint64(len(whole.Constants)) != whole.RegionBytes[isa.Weights] {
		t.Errorf("%d and %d bytes of constants", len(shape.Constants), len(whole.Constants))
	}
	shape.Constants, shape.ShapeOnly = whole.Constants, false
	if diff := cmp.Diff(whole, shape); diff != "" {
		t.Error(diff)
	}
}
