package binarycode

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestBuildTable: every entry is the signed sum, the additions are those of the
// recurrence, 262 for 8 inputs.
func TestBuildTable(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 1))
	for mu := MinKeyBits; mu <= MaxKeyBits; mu++ {
		for _, symmetric := range []bool{false, true} {
			entries := 1 << mu
			if symmetric {
				entries /= 2
			}
			for range 20 {
				u := randomInputs(random, mu)
				table := make([]int16, TableEntries(mu, symmetric))
				if additions := BuildTable(table, u, symmetric); additions != entries+mu-2 || len(table) != entries {
					t.Fatalf("mu %d, symmetric %v: %d additions, %d entries", mu, symmetric, additions, len(table))
				}
				for key := range 1 << mu {
					sum := 0
					for j, v := range u {
						if key>>j&1 != 0 {
							sum += int(v)
						} else {
							sum -= int(v)
						}
					}
					if got := Lookup(table, uint16(key), mu, symmetric); int(got) != sum {
						t.Fatalf("mu %d, symmetric %v: T[%#x] of %v is %d, want %d", mu, symmetric, key, u, got, sum)
					}
				}
			}
		}
	}
	if n := BuildTable(make([]int16, 256), make([]int16, 8), false); n != 262 {
		t.Errorf("a table of 8 inputs takes %d additions, want 262", n)
	}
}

func TestEntryBits(t *testing.T) {
	for mu, want := range map[int]int{2: 10, 4: 11, 8: 12, 9: 13, 10: 13} {
		if got := EntryBits(mu); got != want {
			t.Errorf("entries of %d inputs have %d bits, want %d", mu, got, want)
		}
		if limit := 1<<(want-1) - 1; LargestInput*mu > limit || LargestInput*mu <= limit/2 {
			t.Errorf("%d bits are not the exact width for %d inputs", want, mu)
		}
	}
}

// TestOperationRatio: counted operations against multiply-accumulates of the
// dense product, one column, full tables, scaling left out, are
// q/8 + 256/(8*rows) and a little.
func TestOperationRatio(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 1))
	for _, c := range []struct {
		n, planes int
		want      float64
	}{{512, 1, 0.189}, {1024, 1, 0.157}, {1024, 3, 0.407}, {4096, 1, 0.133}, {4096, 3, 0.383}} {
		if testing.Short() && c.n > 1024 {
			continue
		}
		l := Layout{Shape: Shape{Rows: c.n, Columns: c.n, Group: c.n, Ranges: []Range{{Rows: c.n, Planes: c.planes}}}, Mu: 8, TileRows: 256, TileKeys: 64, Format: FixedScales}
		m := &Matrix{Shape: l.Shape, Format: FixedScales, Bits: make([]uint64, l.Shape.Words()), Scales: make([]uint16, l.Shape.Scales()), Shifts: make([]uint8, c.n)}
		for i := range m.Bits {
			m.Bits[i] = random.Uint64()
		}
		for i := range m.Scales {
			m.Scales[i] = 100
		}
		p, err := Pack(m, l)
		if err != nil {
			t.Fatal(err)
		}
		e, err := NewEvaluator(p, false)
		if err != nil {
			t.Fatal(err)
		}
		e.Accumulate(make([]int32, c.n), randomInputs(random, c.n))
		ratio := float64(e.Operations.BuildAdditions+e.Operations.Queries) / float64(c.n*c.n)
		if math.Abs(ratio/c.want-1) > 0.02 {
			t.Errorf("%d x %d, %d planes: %.4f operations for a multiply-accumulate, want %.3f", c.n, c.n, c.planes, ratio, c.want)
		}
		t.Logf("%d x %d, %d planes: ratio %.4f, %+v", c.n, c.n, c.planes, ratio, e.Operations)
	}
}

func BenchmarkEvaluator(b *testing.B) {
	random := rand.New(rand.NewPCG(4, 1))
	const n, planes = 1024, 3
	l := Layout{Shape: Shape{Rows: n, Columns: n, Group: n, Ranges: []Range{{Rows: n, Planes: planes}}}, Mu: 8, TileRows: 256, TileKeys: 64, Format: FixedScales}
	m := &Matrix{Shape: l.Shape, Format: FixedScales, Bits: make([]uint64, l.Shape.Words()), Scales: make([]uint16, l.Shape.Scales()), Shifts: make([]uint8, n)}
	for i := range m.Bits {
		m.Bits[i] = random.Uint64()
	}
	p, err := Pack(m, l)
	if err != nil {
		b.Fatal(err)
	}
	e, err := NewEvaluator(p, false)
	if err != nil {
		b.Fatal(err)
	}
	acc, u := make([]int32, n), randomInputs(random, n)
	for b.Loop() {
		e.Accumulate(acc, u)
	}
	b.ReportMetric(float64(n*n*planes)*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gweight-op/s")
}
