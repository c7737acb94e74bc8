package prune

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/npusim/npusim/isa/xorcode"
)

// entry is what CSR and run-length streams hold.
type entry struct {
	gap   int
	value int8
}

// gapEntries codes weights so that no gap is above the largest, fillers being
// entries of weight 0.
func gapEntries(values []int8, mask xorcode.Plane, from, largest int) (list []entry) {
	gap := 0
	for i, v := range values {
		if !mask.Get(from + i) {
			if gap++; gap == largest+1 {
				list, gap = append(list, entry{largest, 0}), 0
			}
			continue
		}
		list, gap = append(list, entry{gap, v}), 0
	}
	// Fillers after the last kept weight say nothing.
	for len(list) > 0 && trailing(list, mask, from) {
		list = list[:len(list)-1]
	}
	return list
}

// trailing tells a filler from a kept weight at the end of the list.
func trailing(list []entry, mask xorcode.Plane, from int) bool {
	at := from - 1
	for _, e := range list {
		at += e.gap + 1
	}
	return !mask.Get(at)
}

// expand is the decoder of gapEntries.
func expand(list []entry, n int) []int8 {
	out, at := make([]int8, n), -1
	for _, e := range list {
		at += e.gap + 1
		out[at] = e.value
	}
	return out
}

// schedule is the definition of an assignment: cycles of every lane.
func schedule(rows []int64, lanes int, a Assignment) []int64 {
	busy := make([]int64, lanes)
	for row, cycles := range rows {
		lane := row % lanes
		if a == NextFree {
			lane = slices.Index(busy, slices.Min(busy))
		}
		busy[lane] += cycles
	}
	return busy
}

func summary(busy []int64) (last int64, imbalance float64) {
	sum := int64(0)
	for _, b := range busy {
		sum += b
	}
	last = slices.Max(busy)
	if sum == 0 {
		return last, 1
	}
	return last, float64(last) / (float64(sum) / float64(len(busy)))
}

// Bytes and cycles are those of streams that are really written, which decode
// to the weights.
func TestCompareAgainstRealStreams(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, cols := rapid.IntRange(1, 30).Draw(t, "rows"), rapid.IntRange(1, 1200).Draw(t, "cols")
		d := Decoder{rapid.IntRange(1, 9).Draw(t, "lanes"), rapid.SampledFrom([]Assignment{RoundRobin, NextFree}).Draw(t, "assignment"), rapid.IntRange(1, 100).Draw(t, "scan")}
		density := rapid.SampledFrom([]float64{0, 0.001, 0.01, 0.1, 0.5, 1}).Draw(t, "density")
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 3))
		values, mask := make([]int8, rows*cols), xorcode.NewPlane(rows*cols)
		for i := range values {
			if random.Float64() < density {
				mask.Set(i, true)
				values[i] = int8(random.IntN(256) - 128)
			}
		}
		got, err := Compare(mask, rows, cols, d, Rate{"xor", 77, 1001})
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != int(FixedRate) {
			t.Fatalf("%d rows, want %d", len(got), FixedRate)
		}
		expect := func(s Storage, bytes int, busy []int64) {
			last, imbalance := summary(busy)
			c := got[s-1]
			if c.Storage != s || c.Bytes != int64(bytes) || c.Cycles != last || math.Abs(c.Imbalance-imbalance) > 1e-9 {
				t.Fatalf("%+v, want %d bytes, %d cycles, imbalance %g", c, bytes, last, imbalance)
			}
		}
		for s, gapBytes := range map[Storage]int{CSR8: 1, CSR16: 2} {
			bytes, cycles := 4, make([]int64, rows)
			for row := range rows {
				part := values[row*cols : (row+1)*cols]
				list := gapEntries(part, mask, row*cols, 1<<(8*gapBytes)-1)
				if !slices.Equal(expand(list, cols), part) {
					t.Fatalf("the test's own %v stream is wrong", s)
				}
				bytes += 4 + len(list)*(gapBytes+1)
				cycles[row] = int64(max(1, len(list)))
			}
			expect(s, bytes, schedule(cycles, d.Lanes, d.Assignment))
		}
		runBytes, runBusy := math.MaxInt, []int64(nil)
		streams := min(rows, d.Lanes)
		for width := 1; width <= 8; width++ {
			bytes, busy := 0, make([]int64, d.Lanes)
			for s := range streams {
				from, to := s*rows/streams*cols, (s+1)*rows/streams*cols
				list := gapEntries(values[from:to], mask, from, 1<<width-1)
				if !slices.Equal(expand(list, to-from), values[from:to]) {
					t.Fatal("the test's own run-length stream is wrong")
				}
				bytes += 4 + (len(list)*(width+8)+7)/8
				busy[s] = int64(len(list))
			}
			if bytes < runBytes {
				runBytes, runBusy = bytes, busy
			}
		}
		expect(RunLengthValues, runBytes, runBusy)
		kept, cycles := 0, make([]int64, rows)
		for row := range rows {
			n := 0
			for col := range cols {
				if mask.Get(row*cols + col) {
					n++
				}
			}
			kept += n
			cycles[row] = int64(max(n, (cols+d.BitmapScan-1)/d.BitmapScan))
		}
		expect(BitmapValues, (rows*cols+7)/8+4*rows+kept, schedule(cycles, d.Lanes, d.Assignment))
		for s, want := range map[Storage][2]int{Dense: {rows * cols, rows * cols}, FixedRate: {77, 1001}} {
			c := got[s-1]
			if c.Storage != s || c.Bytes != int64(want[0]) || c.Cycles != int64((want[1]+d.Lanes-1)/d.Lanes) || c.Imbalance != 1 {
				t.Fatalf("%+v, want %d bytes and %d codes over %d lanes", c, want[0], want[1], d.Lanes)
			}
		}
		if got[FixedRate-1].Name != "xor" || got[0].Name != "dense" {
			t.Fatalf("names %q and %q", got[FixedRate-1].Name, got[0].Name)
		}
	})
}

func TestCompareErrors(t *testing.T) {
	good := Decoder{4, RoundRobin, 64}
	for _, c := range []struct {
		bits, rows, cols int
		d                Decoder
		rate             Rate
		want             string
	}{
		{12, 3, 5, good, Rate{}, "12 bits for 3 x 5"},
		{0, 0, 5, good, Rate{}, "0 bits for 0 x 5"},
		{15, 3, 5, Decoder{0, RoundRobin, 64}, Rate{}, "0 lanes"},
		{15, 3, 5, Decoder{1 << 20, RoundRobin, 64}, Rate{}, "1048576 lanes"},
		{15, 3, 5, Decoder{4, RoundRobin, 0}, Rate{}, "scan of 0"},
		{15, 3, 5, Decoder{4, InvalidAssignment, 1}, Rate{}, "no assignment"},
		{15, 3, 5, good, Rate{"xor", -1, 0}, "rate xor has -1"},
	} {
		if _, err := Compare(xorcode.NewPlane(c.bits), c.rows, c.cols, c.d, c.rate); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want an error with %q", err, c.want)
		}
	}
}

// Uneven rows hold CSR up, and taking the next free lane helps.
func TestImbalance(t *testing.T) {
	const rows, cols = 64, 1000
	random := rand.New(rand.NewPCG(4, 5))
	mask := xorcode.NewPlane(rows * cols)
	for row := range rows {
		density := 0.02 + 0.16*random.Float64()
		for col := range cols {
			mask.Set(row*cols+col, random.Float64() < density)
		}
	}
	fixed := must(Compare(mask, rows, cols, Decoder{16, RoundRobin, 64}))
	free := must(Compare(mask, rows, cols, Decoder{16, NextFree, 64}))
	if c := fixed[CSR16-1]; c.Imbalance < 1.1 {
		t.Errorf("rows of 2 to 18 %% leave lanes balanced: %+v", c)
	}
	if a, b := fixed[CSR16-1], free[CSR16-1]; b.Cycles >= a.Cycles || b.Bytes != a.Bytes {
		t.Errorf("the next free lane takes %+v, round robin %+v", b, a)
	}
}

func BenchmarkCompare(b *testing.B) {
	const rows, cols = 1024, 1024
	mask := xorcode.NewPlane(rows * cols)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range rows * cols {
		mask.Set(i, random.IntN(10) == 0)
	}
	for b.Loop() {
		if _, err := Compare(mask, rows, cols, Decoder{16, NextFree, 64}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rows*cols)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mweight/s")
}
