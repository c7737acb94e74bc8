package functional

import (
	"testing"

	"github.com/npusim/npusim/isa"
)

// BenchmarkLookup measures weight-operations a second on one core: planes x
// rows x columns x pixels, for a product whose tables are used by many rows.
func BenchmarkLookup(b *testing.B) {
	for _, mu := range []uint8{4, 8} {
		b.Run(map[uint8]string{4: "mu4", 8: "mu8"}[mu], func(b *testing.B) {
			const rows, columns, planes = 2048, 512, 3
			view := isa.View{Block: 16, PixelStride: 16, RowStride: 16, BlockStride: 16}
			t := &isa.LookupTile{InputChannels: columns, OutputChannels: rows, Mu: mu, Planes: planes, Window: isa.Window{OutputRows: 1, OutputColumns: 1, InputRows: 1, InputColumns: 1,
				KernelRows: 1, KernelColumns: 1, StrideRows: 1, StrideColumns: 1, DilateRows: 1, DilateColumns: 1, Input: view, Output: view,
				First: true, Last: true, Mode: isa.LayerMultiplier, Multiplier: 1 << 30, Shift: 40, Low: -128, High: 127}}
			if err := t.Validate(); err != nil {
				b.Fatal(err)
			}
			s := &State{}
			s.buffer[isa.ActivationBuffer] = make([]int8, columns+rows)
			s.buffer[isa.WeightBuffer] = make([]int8, 4*rows+t.KeyBytes()+t.ScaleBytes())
			for i := range s.buffer[isa.WeightBuffer] {
				s.buffer[isa.WeightBuffer][i] = int8(i * 37)
			}
			d := &isa.Dynamic{}
			d.Offsets[1], d.Offsets[4], d.Offsets[5] = 4*rows, columns, uint64(4*rows+t.KeyBytes())
			s.accumulator = make([]int32, 1)
			b.ReportAllocs()
			for b.Loop() {
				s.lookup(d, t)
			}
			b.ReportMetric(float64(b.N)*rows*columns*planes/b.Elapsed().Seconds()/1e9, "Gweights/s")
		})
	}
}
