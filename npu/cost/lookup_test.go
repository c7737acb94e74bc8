package cost_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/binarycode"
	"github.com/npusim/npusim/npu/cost"
)

func lookupMachine() *cost.Machine {
	m := machine()
	m.QueryLanes, m.Tables, m.TablePorts, m.Mu, m.Adders, m.ScaleLanes = 16, 32, 1, 8, 32, 4
	return m
}

// TestLookupClosedForm works one product out by hand: 1024 rows, 512 columns,
// two planes, three pixels; 64 sub-vectors are two sets of 32 tables for each
// pixel.
func TestLookupClosedForm(t *testing.T) {
	m := lookupMachine()
	tile := &isa.LookupTile{InputChannels: 512, OutputChannels: 1024, Mu: 8, Planes: 2, Window: isa.Window{OutputRows: 1, OutputColumns: 3,
		KernelRows: 1, KernelColumns: 1, StrideRows: 1, StrideColumns: 1, First: true, Last: true, Mode: isa.LayerMultiplier}}
	want := cost.Operation{
		Compute:      6 * 4096,      // 32 * 1024 * 2 queries on 16 lanes; 2048 / 4 sums scaled meanwhile
		Fill:         32 * 262 / 32, // the first build; the others hide behind queries
		LookupBuilds: 6 * 32 * 262, LookupQueries: 6 * 32 * 2048, LookupScales: 6 * 2048,
		ActivationRead: 3 * 512, ActivationWritten: 3 * 1024, Requantizations: 3 * 1024,
		WeightRead:      3*(2*1024*64+2*2*1024) + 4*1024,      // keys and scales for each pixel, the biases
		AccumulatorRead: 3 * 4096, AccumulatorWrite: 3 * 4096, // between the two sets
	}
	want.Cycles = want.Compute + want.Fill
	if got := m.Lookup(tile); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	m.Symmetric = true // 134 additions a table
	if got := m.Lookup(tile); got.LookupBuilds != 6*32*134 || got.Fill != 134 || got.Compute != want.Compute {
		t.Errorf("symmetric: %+v", got)
	}
	m.Symmetric = false
	m.Adders = 1 // a build takes longer than the 4096 cycles of the queries
	if got := m.Lookup(tile); got.Fill != 8384+5*(8384-4096) {
		t.Errorf("one adder: %d cycles of fill", got.Fill)
	}
	m = lookupMachine()
	m.QueryLanes = 64 // of which 32 tables with a port each serve 32
	if got := m.Lookup(tile); got.Compute != 6*1024 || got.Bank != 6*1024 {
		t.Errorf("64 lanes: %d cycles of queries, %d of conflicts", got.Compute, got.Bank)
	}
	m.TablePorts = 2
	if got := m.Lookup(tile); got.Compute != 6*1024 || got.Bank != 0 {
		t.Errorf("64 lanes, two ports: %d cycles of queries, %d of conflicts", got.Compute, got.Bank)
	}
	m.ScaleLanes = 1
	if got := m.Lookup(tile); got.Compute != 6*2048 {
		t.Errorf("one scale lane: %d cycles", got.Compute)
	}
	m = lookupMachine()
	m.Tables = 192 // of all pixels: keys and scales are read once
	if got := m.Lookup(tile); got.WeightRead != 2*1024*64+2*2*1024+4*1024 || got.Compute != 6*4096 || got.AccumulatorRead != 0 || got.Fill != 192*262/32 {
		t.Errorf("192 tables: %+v", got)
	}
}

// TestHeldTablesClosedForm works the same product out with tables that stay: a
// build of all three pixels, then two tiles of 512 rows.
func TestHeldTablesClosedForm(t *testing.T) {
	m := lookupMachine()
	tile := &isa.LookupTile{InputChannels: 128, OutputChannels: 512, Mu: 8, Planes: 2, Window: isa.Window{OutputRows: 1, OutputColumns: 3,
		KernelRows: 1, KernelColumns: 1, StrideRows: 1, StrideColumns: 1, Mode: isa.LayerMultiplier}}
	want := cost.Operation{Cycles: 48 * 262 / 32, Compute: 48 * 262 / 32, LookupBuilds: 48 * 262, ActivationRead: 3 * 128}
	if got := m.BuildTables(tile); got != want {
		t.Errorf("build: got  %+v\nwant %+v", got, want)
	}
	want = cost.Operation{Cycles: 48 * 1024 / 16, Compute: 48 * 1024 / 16, LookupQueries: 48 * 1024, LookupScales: 3 * 1024,
		WeightRead: 2*512*16 + 2*2*512, AccumulatorRead: 4 * 3 * 512, AccumulatorWrite: 4 * 3 * 512} // keys and scales once for all pixels
	if got := m.QueryTables(tile); got != want {
		t.Errorf("query: got  %+v\nwant %+v", got, want)
	}
	tile.First, tile.Last = true, true
	want.AccumulatorRead, want.AccumulatorWrite, want.ActivationWritten, want.Requantizations = 0, 0, 3*512, 3*512
	want.WeightRead += 4 * 512 // biases
	if got := m.QueryTables(tile); got != want {
		t.Errorf("first and last: got  %+v\nwant %+v", got, want)
	}
	m.QueryLanes = 64 // 48 tables of one port each serve 48
	if got := m.QueryTables(tile); got.Compute != 768 || got.Bank != 256 || got.Cycles != 1024 {
		t.Errorf("64 lanes: %d cycles of queries, %d of conflicts", got.Compute, got.Bank)
	}
}

// TestHeldTablesCountWork: building once and querying tile by tile of rows makes
// as many queries as one tile that builds its own tables, and its builds once.
func TestHeldTablesCountWork(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMachine(t)
		tile := *drawOperations(t)[isa.Lookup].(*isa.LookupTile)
		m.Tables = int64(tile.Tables()) // one set, so that no group is scaled twice
		whole, queries := m.Lookup(&tile), int64(0)
		if o := m.BuildTables(&tile); o.LookupBuilds != whole.LookupBuilds || o.LookupQueries+o.LookupScales != 0 {
			t.Fatalf("build: %+v, one tile: %+v", o, whole)
		}
		scales := int64(0)
		for rows := tile.OutputChannels; rows > 0; rows -= tile.OutputChannels {
			tile.OutputChannels = uint32(rapid.Uint32Range(1, rows).Draw(t, "rows"))
			o := m.QueryTables(&tile)
			queries, scales = queries+o.LookupQueries, scales+o.LookupScales
			if o.LookupBuilds != 0 {
				t.Fatalf("query: %+v", o)
			}
		}
		if queries != whole.LookupQueries || scales != whole.LookupScales {
			t.Fatalf("%d queries, %d scalings, one tile: %+v", queries, scales, whole)
		}
	})
}

// TestLookupCountsWork: the unit does what the counted reference of the product
// does, pixel by pixel.
func TestLookupCountsWork(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMachine(t)
		tile := drawOperations(t)[isa.Lookup].(*isa.LookupTile)
		tile.GroupOffset = 0
		group := int(tile.Group)
		if group == 0 || group > tile.Columns() {
			group, tile.Group = tile.Columns(), 0
		}
		tile.InputChannels = min(tile.InputChannels, 40)
		if group > tile.Columns() {
			group, tile.Group = tile.Columns(), 0
		}
		rows := int(tile.OutputChannels)
		layout := binarycode.Layout{Shape: binarycode.Shape{Rows: rows, Columns: tile.Columns(), Group: group,
			Ranges: []binarycode.Range{{Rows: rows, Planes: int(tile.Planes)}}}, Mu: int(tile.Mu), TileRows: rows,
			TileKeys: int(m.Tables), Format: binarycode.FixedScales}
		sizes := layout.Sizes()
		packed := &binarycode.Packed{Layout: layout, Keys: make([]byte, sizes.Keys), Scales: make([]byte, sizes.Scales), Shifts: make([]byte, sizes.Shifts)}
		e, err := binarycode.NewEvaluator(packed, m.Symmetric)
		if err != nil {
			t.Fatal(err)
		}
		e.Accumulate(make([]int32, rows), make([]int16, tile.Columns()))
		pixels := int64(tile.OutputRows) * int64(tile.OutputColumns)
		o := m.Lookup(tile)
		if o.LookupBuilds != pixels*e.Operations.BuildAdditions || o.LookupQueries != pixels*e.Operations.Queries || o.LookupScales != pixels*e.Operations.ScaleMultiplies {
			t.Fatalf("%d builds, %d queries, %d scales; the reference counts %+v for each of %d pixels", o.LookupBuilds, o.LookupQueries, o.LookupScales, e.Operations, pixels)
		}
	})
}
