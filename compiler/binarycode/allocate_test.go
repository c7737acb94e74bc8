package binarycode

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// randomItems draws items; loss mostly falls with bits, sometimes not, sometimes
// not convexly.
func randomItems(random *rand.Rand, n int) []Item {
	items := make([]Item, n)
	for i := range items {
		items[i].Name, items[i].Weights = "layer", int64(1+random.IntN(1000))
		scale := math.Exp(random.NormFloat64() * 2)
		for q := range 1 + random.IntN(4) {
			loss := scale * math.Pow(0.3, float64(q))
			if random.IntN(5) == 0 {
				loss = scale * random.Float64()
			}
			items[i].Choices = append(items[i].Choices, Choice{Bits: items[i].Weights*int64(q+1) + int64(random.IntN(20)), Loss: loss})
		}
	}
	return items
}

// bruteForce tries all allocations.
func bruteForce(items []Item, budget int64) float64 {
	best := math.Inf(1)
	var try func(i int, bits int64, loss float64)
	try = func(i int, bits int64, loss float64) {
		if bits > budget {
			return
		}
		if i == len(items) {
			best = min(best, loss)
			return
		}
		for _, c := range items[i].Choices {
			try(i+1, bits+c.Bits, loss+c.Loss)
		}
	}
	try(0, 0, 0)
	return best
}

// checkAllocation: bits and loss are those of the choices, within the budget.
func checkAllocation(t *testing.T, items []Item, a *Allocation, budget int64) {
	t.Helper()
	var bits int64
	var loss float64
	for i, c := range a.Choice {
		bits += items[i].Choices[c].Bits
		loss += items[i].Choices[c].Loss
	}
	if bits != a.Bits || bits > budget || math.Abs(loss-a.Loss) > 1e-9*math.Abs(loss) {
		t.Fatalf("allocation %+v takes %d bits of %d and loses %g", a, bits, budget, loss)
	}
}

// TestAllocateAgainstBruteForce: the least loss, proven so; with room for one
// partial allocation only, within the stated gap of it.
func TestAllocateAgainstBruteForce(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	cases, gaps := 2000, 0
	if testing.Short() {
		cases = 300
	}
	for i := range cases {
		items := randomItems(random, 1+random.IntN(7))
		average := 0.5 + 4*random.Float64()
		budget, err := checkItems(items, average)
		if err != nil {
			t.Fatal(err)
		}
		want := bruteForce(items, budget)
		a, err := Allocate(context.Background(), items, average)
		if math.IsInf(want, 1) {
			if err == nil {
				t.Fatalf("case %d: %+v with no allocation possible", i, a)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		checkAllocation(t, items, a, budget)
		if a.Gap != 0 || math.Abs(a.Loss-want) > 1e-9*want {
			t.Fatalf("case %d: loss %g, gap %g, want %g", i, a.Loss, a.Gap, want)
		}
		small, err := allocate(context.Background(), items, average, 1)
		if err != nil {
			t.Fatal(err)
		}
		checkAllocation(t, items, small, budget)
		if small.Loss-small.Gap > want*(1+1e-9) {
			t.Fatalf("case %d: loss %g and gap %g exclude %g", i, small.Loss, small.Gap, want)
		}
		if small.Gap > 0 {
			gaps++
		}
	}
	if gaps == 0 {
		t.Error("no case had a gap: the bound is not tested")
	}
}

// TestAllocateManyItems: 300 layers of realistic sizes are solved exactly, no
// worse than the same bits everywhere.
func TestAllocateManyItems(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 1))
	n := 300
	if testing.Short() {
		n = 100
	}
	items := make([]Item, n)
	var same Choice
	for i := range items {
		items[i].Weights = int64(random.IntN(1000)+16) * int64(random.IntN(1000)+16)
		energy := float64(items[i].Weights) * math.Exp(random.NormFloat64())
		for q, e := range []float64{0.363, 0.118, 0.0372, 0.0115} {
			items[i].Choices = append(items[i].Choices, Choice{Bits: items[i].Weights * int64(q+1), Loss: energy * e * (1 + 0.1*random.Float64())})
		}
		same.Loss += items[i].Choices[1].Loss
	}
	a, err := Allocate(context.Background(), items, 2)
	if err != nil {
		t.Fatal(err)
	}
	budget, _ := checkItems(items, 2)
	checkAllocation(t, items, a, budget)
	if a.Loss >= same.Loss || a.Gap > 1e-4*a.Loss {
		t.Errorf("loss %g, gap %g; 2 bits everywhere lose %g", a.Loss, a.Gap, same.Loss)
	}
	t.Logf("loss %g, gap %g, %d of %d bits; 2 bits everywhere lose %g", a.Loss, a.Gap, a.Bits, budget, same.Loss)
}

func TestAllocateErrors(t *testing.T) {
	one := []Item{{"a", 100, []Choice{{200, 1}, {100, 2}}}}
	for _, c := range []struct {
		items   []Item
		average float64
		want    string
	}{
		{nil, 2, "no items"},
		{one, math.NaN(), "must be 0 to 64"},
		{one, 0.5, "allow 50 bits, the smallest choices take 100"},
		{[]Item{{"a", 1, nil}}, 2, "a: no choices"},
		{[]Item{{"a", 1, []Choice{{1, math.NaN()}}}}, 2, "choice 0 has 1 bits and a loss of NaN"},
		{[]Item{{"a", -1, []Choice{{1, 1}}}}, 2, "a: -1 weights"},
	} {
		if a, err := Allocate(context.Background(), c.items, c.average); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v, %v, want an error with %q", a, err, c.want)
		}
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Allocate(cancelled, one, 2); err == nil {
		t.Error("a cancelled search gives a result")
	}
}

func BenchmarkAllocate(b *testing.B) {
	items := randomItems(rand.New(rand.NewPCG(3, 1)), 200)
	for b.Loop() {
		if _, err := Allocate(context.Background(), items, 3); err != nil {
			b.Fatal(err)
		}
	}
}
