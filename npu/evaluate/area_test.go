package evaluate

import (
	"math"
	"testing"

	"github.com/npusim/npusim/configs"
)

// nvdla is a row of the table of areas in the primer of NVIDIA's NVDLA.
type nvdla struct {
	rows, columns, bufferKiB int
	at28, at16               float64 // mm²
}

var nvdlaAreas = []nvdla{
	{64, 32, 512, 5.5, 3.3}, {64, 16, 256, 3.0, 1.8}, {32, 16, 256, 2.3, 1.4}, {32, 8, 256, 1.7, 1.0},
	{16, 8, 256, 1.4, 0.84}, {8, 8, 128, 0.91, 0.55}, {8, 4, 128, 0.85, 0.51},
}

// of gives the part as a machine of ours: ports as wide as its array takes
// operands, and accumulators for as many pixels as the preset nvdla-2048 has.
func (n nvdla) spec(t *testing.T, technology float64) *configs.Spec {
	t.Helper()
	spec, err := configs.Load("nvdla-2048", nil)
	if err != nil {
		t.Fatal(err)
	}
	spec.MACArray.Rows, spec.MACArray.Columns = n.rows, n.columns
	spec.NPU.ActivationBufferKiB, spec.NPU.WeightBufferKiB, spec.NPU.AccumulatorBufferKiB = n.bufferKiB/2, n.bufferKiB/2, 2*n.columns
	spec.NPU.ActivationBytesPerCycle, spec.NPU.WeightBytesPerCycle, spec.NPU.AccumulatorBytesPerCycle = n.rows+n.columns, n.rows, 4*n.columns
	spec.Vector.Lanes, spec.Vector.TableLanes = max(1, 16*n.columns/32), max(1, 4*n.columns/32)
	spec.Area.TechnologyNM = technology
	return spec
}

// TestAreaOfNVDLA: the estimate lies within a quarter of all 14 areas that are
// published for NVDLA, which its overhead was fitted to: one number for sizes
// from 32 to 2,048 MACs and two technologies.
func TestAreaOfNVDLA(t *testing.T) {
	for _, n := range nvdlaAreas {
		for k, published := range []float64{n.at28, n.at16} {
			a := AreaOf(n.spec(t, []float64{28, 16}[k]), nil)
			t.Logf("%4d MACs, %d KiB, %v nm: %.2f mm2, published %.2f (%+.0f %%)", n.rows*n.columns, n.bufferKiB, a.TechnologyNM, a.Total, published, 100*(a.Total/published-1))
			if a.Total < 0.8*published || a.Total > 1.25*published {
				t.Errorf("%d MACs at %v nm: %.3f mm2, published %.2f", n.rows*n.columns, a.TechnologyNM, a.Total, published)
			}
		}
	}
}

// TestAreaLaws: parts and overhead sum to the total, more of anything is never
// smaller, a smaller node never larger, and areas at 45 nm are the published
// ones.
func TestAreaLaws(t *testing.T) {
	of := func(sets ...string) Area {
		t.Helper()
		spec, err := configs.Load("edge", sets)
		if err != nil {
			t.Fatal(err)
		}
		return AreaOf(spec, nil)
	}
	base := of()
	if sum := base.MAC + base.Requantize + base.Vector + base.Scratchpad + base.LUT + base.XOR + base.Overhead; math.Abs(sum-base.Total) > 1e-12 {
		t.Errorf("parts sum to %v mm2, the total is %v", sum, base.Total)
	}
	for _, set := range []string{"mac_array.rows=32", "mac_array.columns=32", "mac_array.per_channel_multiplier=true", "npu.activation_buffer_kib=1024", "npu.weight_buffer_kib=1024",
		"npu.accumulator_buffer_kib=1024", "npu.weight_bytes_per_cycle=256", "lut_gemm.lanes=64", "lut_gemm.tables=64", "lut_gemm.ports=2", "vector.lanes=64",
		"vector.table_lanes=64", "area.technology_nm=28", "area.technology_nm=65", "area.overhead_fraction=3.5"} {
		if a := of(set); a.Total <= base.Total {
			t.Errorf("%s: %v mm2, not above %v", set, a.Total, base.Total)
		}
	}
	for _, nm := range []string{"16", "10", "7", "5"} {
		if a := of("area.technology_nm=" + nm); a.Total >= base.Total {
			t.Errorf("%s nm: %v mm2, not below %v", nm, a.Total, base.Total)
		}
	}
	// 256 cells of a multiplier, an adder and 56 register bits.
	if got, want := of("area.technology_nm=45").MAC, 256*(282+137+56*7.8)*1e-6; math.Abs(got-want) > 1e-12 {
		t.Errorf("the array takes %v mm2 at 45 nm, want %v", got, want)
	}
	// 128 KiB of 32 KiB macros at 22 nm.
	if got, want := scratchpadArea(128, 16), 4*0.030; math.Abs(got-want) > 1e-12 {
		t.Errorf("128 KiB take %v mm2, CACTI gives %v", got, want)
	}
}
