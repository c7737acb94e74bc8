package cost_test

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/npu/cost"
)

// machine is an array of 16 x 16 whose ports never stretch anything.
func machine() *cost.Machine {
	const wide = 1 << 40
	return &cost.Machine{Rows: 16, Columns: 16, ActivationPort: wide, WeightPort: wide, AccumulatorPort: wide,
		Lanes: 16, TableLanes: 4, DivideCycles: 16}
}

// total is the time of a Product, which leaves ports aside.
func total(o cost.Operation) int64 { return o.Compute + o.Fill + o.Drain }

// TestClosedForms checks worked examples and the formulas at the corners.
func TestClosedForms(t *testing.T) {
	overlapped, plain := machine(), machine()
	overlapped.OverlapWeightLoad, overlapped.OverlapDrain = true, true
	// K=64, F=32, 196 pixels: 8 folds of 2*16+16+196-2.
	if got := total(plain.Product(64, 32, 196)); got != 1936 {
		t.Errorf("weight-stationary: %d cycles, want 1936", got)
	}
	// 16 + 8*196 + 16 + 16 - 2.
	if got := total(overlapped.Product(64, 32, 196)); got != 1614 {
		t.Errorf("weight-stationary with overlap: %d cycles, want 1614", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		m := drawMachine(t)
		k, f, pixels := draw(t, "k", 2000), draw(t, "f", 200), draw(t, "pixels", 3000)
		ceil := func(a, b int64) int64 { return (a + b - 1) / b }
		var want int64
		switch folds := ceil(k, m.Rows) * ceil(f, m.Columns); {
		case m.OutputStationary:
			want = m.Rows + m.Columns + k - 2
			if !m.OverlapDrain {
				want += m.Rows
			}
			want *= ceil(pixels, m.Rows) * ceil(f, m.Columns)
		case m.OverlapWeightLoad:
			// Weights of the next fold load during a fold, so each fold but
			// the last takes at least as long as a load.
			want = m.Rows + (folds-1)*max(pixels, m.Rows) + pixels + m.Rows + m.Columns - 2
		default:
			want = folds * (2*m.Rows + m.Columns + pixels - 2)
		}
		o := m.Product(k, f, pixels)
		if got := total(o); got != want {
			t.Fatalf("%d cycles, want %d", got, want)
		}
		if o.MACs != k*f*pixels || total(o)*m.Rows*m.Columns < o.MACs {
			t.Fatalf("%d MACs in %d cycles of a %d x %d array", o.MACs, total(o), m.Rows, m.Columns)
		}
	})
}

func TestDepthwiseClosedForm(t *testing.T) {
	m := machine()
	m.OverlapWeightLoad = true
	tile := isa.ConvolutionTile{InputChannels: 40, OutputChannels: 40, Window: isa.Window{OutputRows: 7, OutputColumns: 9,
		KernelRows: 3, KernelColumns: 3, StrideRows: 1, StrideColumns: 1, First: true, Last: true, Mode: isa.ChannelShift}}
	o := m.Depthwise(&tile)
	// 9 of 16 rows hold a kernel: one pixel a cycle; 3 folds of 16 channels.
	if want := int64(16 + 3*63 + 16 + 16 - 2); o.Cycles != want {
		t.Errorf("3x3: %d cycles, want %d", o.Cycles, want)
	}
	if o.MACs != 9*40*63 || o.Requantizations != 40*63 || o.ActivationWritten != 40*63 {
		t.Errorf("3x3: work %+v", o)
	}
	// The window buffer fetches one new column of 3 bytes a pixel and channel.
	if o.ActivationRead != 3*40*63 || o.WeightRead != 9*40+4*40+20 {
		t.Errorf("3x3: reads %d activations, %d weights", o.ActivationRead, o.WeightRead)
	}
	tile.KernelRows, tile.KernelColumns = 5, 5
	if o := m.Depthwise(&tile); o.Compute != 3*2*63 {
		t.Errorf("5x5: 25 cells on 16 rows take %d cycles, want two a pixel: %d", o.Compute, 3*2*63)
	}
	tile.KernelRows, tile.KernelColumns = 2, 2
	if o := m.Depthwise(&tile); o.Compute != 3*16 {
		t.Errorf("2x2: 4 pixels a cycle take %d cycles, want %d", o.Compute, 3*16)
	}
}

// TestVectorClosedForms: 16 lanes, 4 table lanes, 16 cycles a division, on 20
// channels x 3 x 5 = 300 elements, which are 19 groups of lanes and 75 of table
// lanes.
func TestVectorClosedForms(t *testing.T) {
	m := machine()
	elementwise := &isa.ElementwiseTile{Channels: 20, Rows: 3, Columns: 5}
	binary := func(mode isa.BinaryMode) isa.Descriptor {
		return &isa.BinaryTile{Mode: mode, Channels: 20, Rows: 3, Columns: 5}
	}
	pool := func(mode isa.PoolMode) isa.Descriptor {
		return &isa.PoolTile{Mode: mode, Channels: 20, OutputRows: 3, OutputColumns: 5, KernelRows: 2, KernelColumns: 3}
	}
	copied := func(table bool) isa.Descriptor {
		return &isa.CopyTile{Channels: 20, Rows: 3, Columns: 5, UseTable: table}
	}
	for _, test := range []struct {
		name string
		op   isa.Opcode
		d    isa.Descriptor
		want cost.Operation // Compute, which is all of Cycles, and the work
	}{
		{"addition", isa.Binary, binary(isa.AddMode), cost.Operation{Compute: 19, VectorOperations: 300, Requantizations: 300, ActivationRead: 600, ActivationWritten: 300}},
		{"product", isa.Binary, binary(isa.MultiplyMode), cost.Operation{Compute: 19, VectorOperations: 300, Requantizations: 300, ActivationRead: 600, ActivationWritten: 300}},
		{"quotient", isa.Binary, binary(isa.DivideMode), cost.Operation{Compute: 16 * 19, VectorOperations: 300, Requantizations: 300, ActivationRead: 600, ActivationWritten: 300}},
		{"maximum", isa.Pool, pool(isa.MaximumPool), cost.Operation{Compute: 6 * 19, VectorOperations: 1800, ActivationRead: 1800, ActivationWritten: 300}},
		{"average", isa.Pool, pool(isa.AveragePool), cost.Operation{Compute: 6 * 19, VectorOperations: 1800, Requantizations: 300, ActivationRead: 1800, ActivationWritten: 300}},
		{"counted average", isa.Pool, pool(isa.AveragePoolCounted), cost.Operation{Compute: 6 * 19, VectorOperations: 1800, Requantizations: 300, ActivationRead: 1800, ActivationWritten: 300, WeightRead: 48}},
		{"table", isa.Table, elementwise, cost.Operation{Compute: 75, TableLookups: 300, ActivationRead: 300, ActivationWritten: 300, WeightRead: 256}},
		{"softmax", isa.Softmax, elementwise, cost.Operation{Compute: 19 + 75 + 16*19, VectorOperations: 900, TableLookups: 300, ActivationRead: 900, ActivationWritten: 300, WeightRead: 1024}},
		{"copy", isa.Copy, copied(false), cost.Operation{Compute: 19, VectorOperations: 300, ActivationRead: 300, ActivationWritten: 300}},
		{"copy through a table", isa.Copy, copied(true), cost.Operation{Compute: 75, TableLookups: 300, ActivationRead: 300, ActivationWritten: 300, WeightRead: 256}},
		{"rearrange", isa.Rearrange, &isa.RearrangeTile{OutputChannels: 20, OutputRows: 3, OutputColumns: 5}, cost.Operation{Compute: 300, VectorOperations: 300, ActivationRead: 300, ActivationWritten: 300}},
	} {
		test.want.Cycles = test.want.Compute
		if got := m.Of(test.op, test.d); got != test.want {
			t.Errorf("%s:\n got %+v\nwant %+v", test.name, got, test.want)
		}
	}
	narrow := *m
	narrow.ActivationPort = 10
	if o := narrow.Of(isa.Binary, binary(isa.AddMode)); o.Cycles != 60 || o.Bank != 41 {
		t.Errorf("600 bytes through a port of 10 take %d cycles, %d of them for the port; want 60 and 41", o.Cycles, o.Bank)
	}
}

// TestTilesOfAProduct: the accumulator traffic and the work of a convolution
// cut along its input channels.
func TestTilesOfAProduct(t *testing.T) {
	tile := func(first, last bool) *isa.ConvolutionTile {
		return &isa.ConvolutionTile{InputChannels: 48, OutputChannels: 20, Window: isa.Window{OutputRows: 5, OutputColumns: 6, KernelRows: 1, KernelColumns: 1,
			StrideRows: 1, StrideColumns: 1, First: first, Last: last, Mode: isa.LayerMultiplier}}
	}
	const sums, rowFolds = 4 * 20 * 30, 3
	for _, test := range []struct {
		outputStationary, first, last bool
		read, write, requantized      int64
		parameters                    int64
	}{
		{false, true, true, (rowFolds - 1) * sums, (rowFolds - 1) * sums, 600, 80},
		{false, true, false, (rowFolds - 1) * sums, rowFolds * sums, 0, 80},
		{false, false, false, rowFolds * sums, rowFolds * sums, 0, 0},
		{false, false, true, rowFolds * sums, (rowFolds - 1) * sums, 600, 80},
		{true, true, true, 0, 0, 600, 80},
		{true, true, false, 0, sums, 0, 80},
		{true, false, false, sums, sums, 0, 0},
		{true, false, true, sums, 0, 600, 80},
	} {
		m := machine()
		m.OutputStationary = test.outputStationary
		o := m.Convolution(tile(test.first, test.last))
		weights := int64(48 * 20)
		if test.outputStationary {
			weights *= 2 // 30 pixels are two folds of 16 rows
		}
		if o.AccumulatorRead != test.read || o.AccumulatorWrite != test.write || o.Requantizations != test.requantized ||
			o.ActivationWritten != test.requantized || o.WeightRead != weights+test.parameters {
			t.Errorf("%+v: got %+v", test, o)
		}
	}
}

// TestPartsSumToCycles and nothing is negative, for every instruction.
func TestPartsSumToCycles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMachine(t)
		for op, d := range drawOperations(t) {
			o := m.Of(op, d)
			if o.Compute+o.Fill+o.Drain+o.Bank != o.Cycles || o.Compute < 1 || o.Fill < 0 || o.Drain < 0 || o.Bank < 0 {
				t.Fatalf("%s: parts of %+v", op, o)
			}
			for _, port := range []struct{ bytes, width int64 }{
				{o.ActivationRead, m.ActivationPort}, {o.ActivationWritten, m.ActivationPort}, {o.WeightRead, m.WeightPort},
				{o.AccumulatorRead, m.AccumulatorPort}, {o.AccumulatorWrite, m.AccumulatorPort},
			} {
				if port.bytes < 0 || port.bytes > o.Cycles*port.width {
					t.Fatalf("%s: %d bytes through a port of %d in %d cycles", op, port.bytes, port.width, o.Cycles)
				}
			}
		}
	})
}

// TestEveryComputeOpcodeCosts: each instruction that computes takes time, all
// others take none here.
func TestEveryComputeOpcodeCosts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMachine(t)
		operations := drawOperations(t)
		for op := isa.Opcode(1); int(op) < isa.NumOpcodes; op++ {
			kind := isa.Instructions[op].Descriptor
			computes := kind != isa.NoDescriptor && kind != isa.TransferKind && kind != isa.EncodedKind && kind != isa.SealedKind
			d, drawn := operations[op]
			if computes != drawn {
				t.Fatalf("%s: this test draws descriptors for exactly the compute instructions", op)
			}
			if o := m.Of(op, d); computes != (o.Cycles > 0) {
				t.Fatalf("%s takes %d cycles", op, o.Cycles)
			}
		}
		if o := m.Of(isa.Load, &isa.Transfer{Run: 5, Rows: 5, Blocks: 5}); o != (cost.Operation{}) {
			t.Fatalf("a transfer costs %+v beside its time in memory", o)
		}
	})
}

// TestMoreHardwareNeverSlower: wider ports, more lanes, faster division and
// overlap never raise the cycles of an operation. The shape of the array is
// left out: a larger array has longer fills, so it can be slower for a tile
// that fills it badly (see TestLargerArrayMayBeSlower).
func TestMoreHardwareNeverSlower(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMachine(t)
		operations := drawOperations(t)
		for _, better := range []struct {
			what  string
			apply func(*cost.Machine)
		}{
			{"activation port", func(m *cost.Machine) { m.ActivationPort *= 2 }},
			{"weight port", func(m *cost.Machine) { m.WeightPort++ }},
			{"accumulator port", func(m *cost.Machine) { m.AccumulatorPort += 7 }},
			{"lanes", func(m *cost.Machine) { m.Lanes++ }},
			{"table lanes", func(m *cost.Machine) { m.TableLanes++ }},
			{"query lanes", func(m *cost.Machine) { m.QueryLanes++ }},
			{"table ports", func(m *cost.Machine) { m.TablePorts++ }},
			{"adders", func(m *cost.Machine) { m.Adders++ }},
			{"scale lanes", func(m *cost.Machine) { m.ScaleLanes++ }},
			{"symmetry", func(m *cost.Machine) { m.Symmetric = true }},
			{"division", func(m *cost.Machine) { m.DivideCycles = max(1, m.DivideCycles-1) }},
			{"overlapped weight load", func(m *cost.Machine) { m.OverlapWeightLoad = true }},
			{"overlapped drain", func(m *cost.Machine) { m.OverlapDrain = true }},
		} {
			n := *m
			better.apply(&n)
			for op, d := range operations {
				if before, after := m.Of(op, d).Cycles, n.Of(op, d).Cycles; after > before {
					t.Fatalf("%s: %d cycles, %d with a better %s\n%+v\n%+v", op, before, after, better.what, m, d)
				}
			}
		}
	})
}

// TestMoreWorkNeverFaster: a product with more pixels, inputs or outputs never
// takes fewer cycles.
func TestMoreWorkNeverFaster(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMachine(t)
		k, f, pixels := draw(t, "k", 300), draw(t, "f", 100), draw(t, "pixels", 300)
		before := total(m.Product(k, f, pixels))
		for _, larger := range [][3]int64{{k + 1, f, pixels}, {k, f + 1, pixels}, {k, f, pixels + 1}} {
			if after := total(m.Product(larger[0], larger[1], larger[2])); after < before {
				t.Fatalf("%v takes %d cycles, less than the %d of %d x %d x %d", larger, after, before, k, f, pixels)
			}
		}
	})
}

// TestLargerArrayMayBeSlower records why array shape is no knob of
// TestMoreHardwareNeverSlower: with one pixel, an array twice as tall only has
// a longer way to fill.
func TestLargerArrayMayBeSlower(t *testing.T) {
	small, tall := machine(), machine()
	tall.Rows *= 2
	if a, b := total(small.Product(16, 16, 1)), total(tall.Product(16, 16, 1)); a != 47 || b != 79 {
		t.Errorf("16 x 16: %d cycles, 32 x 16: %d; want 47 and 79", a, b)
	}
	if a, b := total(small.Product(512, 16, 1000)), total(tall.Product(512, 16, 1000)); b >= a {
		t.Errorf("a long product takes %d cycles on 16 x 16 and %d on 32 x 16", a, b)
	}
}

// TestNewMachine reads every figure from its own key.
func TestNewMachine(t *testing.T) {
	spec, err := configs.Load("edge", []string{
		"mac_array.rows=3", "mac_array.columns=5", "mac_array.dataflow=output-stationary", "mac_array.overlap_weight_load=false",
		"mac_array.overlap_drain=true", "npu.activation_bytes_per_cycle=7", "npu.weight_bytes_per_cycle=11",
		"npu.accumulator_bytes_per_cycle=13", "vector.lanes=17", "vector.table_lanes=19", "vector.divide_cycles=23",
		"xor.units=29", "xor.latency_cycles=31", "xor.patches_per_cycle=37", "xor.patch_buffer=41",
		"lut_gemm.lanes=43", "lut_gemm.tables=47", "lut_gemm.ports=53", "lut_gemm.mu=9", "lut_gemm.adders=59", "lut_gemm.scale_lanes=61"})
	if err != nil {
		t.Fatal(err)
	}
	want := cost.Machine{Rows: 3, Columns: 5, OutputStationary: true, OverlapDrain: true, ActivationPort: 7, WeightPort: 11,
		AccumulatorPort: 13, Lanes: 17, TableLanes: 19, DivideCycles: 23,
		QueryLanes: 43, Tables: 47, TablePorts: 53, Mu: 9, Symmetric: true, Adders: 59, ScaleLanes: 61,
		DecryptionUnits: 29, DecryptionLatency: 31, CorrectionsPerCycle: 37, CorrectionBuffer: 41}
	if got := *cost.NewMachine(spec); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	// A new field of Machine must be read too.
	if n := reflect.TypeFor[cost.Machine]().NumField(); n != 22 {
		t.Errorf("Machine has %d fields, this test knows 22", n)
	}
}

func draw(t *rapid.T, name string, high int64) int64 { return rapid.Int64Range(1, high).Draw(t, name) }

func drawMachine(t *rapid.T) *cost.Machine {
	port := rapid.SampledFrom([]int64{1, 4, 16, 64, 1 << 20})
	return &cost.Machine{
		Rows: draw(t, "rows", 40), Columns: draw(t, "columns", 40),
		OutputStationary: rapid.Bool().Draw(t, "output-stationary"), OverlapWeightLoad: rapid.Bool().Draw(t, "overlap load"),
		OverlapDrain:   rapid.Bool().Draw(t, "overlap drain"),
		ActivationPort: port.Draw(t, "activation port"), WeightPort: port.Draw(t, "weight port"), AccumulatorPort: port.Draw(t, "accumulator port"),
		Lanes: draw(t, "lanes", 64), TableLanes: draw(t, "table lanes", 16), DivideCycles: draw(t, "divide cycles", 32),
		QueryLanes: draw(t, "query lanes", 64), Tables: draw(t, "tables", 64), TablePorts: draw(t, "table ports", 4), Mu: 8,
		Symmetric: rapid.Bool().Draw(t, "symmetric"), Adders: draw(t, "adders", 64), ScaleLanes: draw(t, "scale lanes", 16),
	}
}

// drawOperations draws a descriptor for every compute instruction.
func drawOperations(t *rapid.T) map[isa.Opcode]isa.Descriptor {
	extent := func(name string, high int64) uint16 { return uint16(draw(t, name, high)) }
	channels, rows, columns := uint32(draw(t, "channels", 100)), extent("rows", 20), extent("columns", 20)
	kernel := [2]uint16{extent("kernel rows", 6), extent("kernel columns", 6)}
	stride := extent("stride", 3)
	convolution := isa.ConvolutionTile{InputChannels: uint32(draw(t, "input channels", 200)), OutputChannels: channels, Window: isa.Window{OutputRows: rows, OutputColumns: columns,
		KernelRows: kernel[0], KernelColumns: kernel[1], StrideRows: stride, StrideColumns: stride,
		First: rapid.Bool().Draw(t, "first"), Last: rapid.Bool().Draw(t, "last"), Mode: isa.MultiplierMode(1 + rapid.IntRange(0, 2).Draw(t, "mode"))}}
	depthwise := convolution
	depthwise.InputChannels, depthwise.First, depthwise.Last = channels, true, true
	lookup := isa.LookupTile{InputChannels: convolution.InputChannels, OutputChannels: channels, Mu: uint8(1 + draw(t, "mu", 9)), Planes: uint8(draw(t, "planes", 4)), Window: isa.Window{OutputRows: rows, OutputColumns: columns,
		KernelRows: kernel[0], KernelColumns: kernel[1], StrideRows: stride, StrideColumns: stride, First: convolution.First, Last: convolution.Last,
		Mode: convolution.Mode}}
	if keys := uint32(rapid.IntRange(0, 20).Draw(t, "group")); keys > 0 {
		lookup.Group = keys * uint32(lookup.Mu)
		lookup.GroupOffset = uint32(rapid.Uint32Range(0, keys-1).Draw(t, "offset")) * uint32(lookup.Mu)
	}
	elementwise := isa.ElementwiseTile{Channels: channels, Rows: rows, Columns: columns}
	return map[isa.Opcode]isa.Descriptor{
		isa.Convolution: &convolution, isa.Depthwise: &depthwise, isa.Lookup: &lookup, isa.BuildTables: &lookup, isa.QueryTables: &lookup,
		isa.Pool: &isa.PoolTile{Mode: isa.PoolMode(1 + rapid.IntRange(0, 2).Draw(t, "pool mode")), Channels: channels, OutputRows: rows, OutputColumns: columns,
			KernelRows: kernel[0], KernelColumns: kernel[1]},
		isa.Binary:    &isa.BinaryTile{Mode: isa.BinaryMode(1 + rapid.IntRange(0, 2).Draw(t, "binary mode")), Channels: channels, Rows: rows, Columns: columns},
		isa.Table:     &elementwise,
		isa.Softmax:   &elementwise,
		isa.Copy:      &isa.CopyTile{Channels: channels, Rows: rows, Columns: columns, UseTable: rapid.Bool().Draw(t, "table")},
		isa.Rearrange: &isa.RearrangeTile{OutputChannels: channels, OutputRows: rows, OutputColumns: columns},
	}
}
