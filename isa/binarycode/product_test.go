package binarycode

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestTablesEqualProduct: for all shapes, keys and both forms of table, sums by
// tables equal the product by definition and by integer weights, bit for bit, and
// the operations are those of the formulas.
func TestTablesEqualProduct(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	cases := 1500
	if testing.Short() {
		cases = 200
	}
	for i := range cases {
		m, l := randomMatrix(random, 40, 150)
		p, err := Pack(m, l)
		if err != nil {
			t.Fatal(err)
		}
		product, err := NewProduct(m)
		if err != nil {
			t.Fatal(err)
		}
		bias, u := randomBias(random, l.Shape.Rows), randomInputs(random, l.Shape.Columns)
		if err := m.CheckSums(bias, LargestInput); err != nil {
			t.Fatal(err)
		}
		want := slices.Clone(bias)
		product.Accumulate(want, u)

		weights := make([]int32, l.Shape.Columns)
		for r := range want {
			product.Weights(weights, r)
			sum := int64(bias[r])
			for j, w := range weights {
				sum += int64(w) * int64(u[j])
			}
			if sum != int64(want[r]) {
				t.Fatalf("case %d, row %d: %d by integer weights, %d by planes", i, r, sum, want[r])
			}
		}
		for _, symmetric := range []bool{false, true} {
			e, err := NewEvaluator(p, symmetric)
			if err != nil {
				t.Fatal(err)
			}
			got := slices.Clone(bias)
			e.Accumulate(got, u)
			if !slices.Equal(got, want) {
				t.Fatalf("case %d, %+v, symmetric %v:\ntables  %v\nproduct %v", i, l, symmetric, got, want)
			}
			planeRows := 0
			for _, r := range l.Shape.Ranges {
				planeRows += r.Rows * r.Planes
			}
			perTable := TableEntries(l.Mu, symmetric) + l.Mu - 2
			if e.Operations.BuildAdditions != int64(l.Keys()*perTable) || e.Operations.Queries != int64(l.Keys()*planeRows) {
				t.Fatalf("case %d, %+v: counted %+v", i, l, e.Operations)
			}
			if least := int64(planeRows * max(l.Shape.Groups(), l.ColumnTiles())); e.Operations.ScaleMultiplies < least {
				t.Fatalf("case %d, %+v: %d scale multiplications, want at least %d", i, l, e.Operations.ScaleMultiplies, least)
			}
		}
	}
}

// TestProductByHand: the product on numbers worked out by hand.
func TestProductByHand(t *testing.T) {
	// Two rows of 3 columns, group 2 for q 2 and shared q 1:
	// row 0: planes ++-, +-+; scales (5, 3) then (7, 1); row 1: plane -+-, scales 2, 4.
	m := &Matrix{
		Shape:  Shape{Rows: 2, Columns: 3, Group: 2, Ranges: []Range{{Rows: 1, Planes: 2}, {Rows: 1, Planes: 1, Shared: true}}},
		Bits:   []uint64{0b011, 0b101, 0b010},
		Format: FixedScales, Scales: []uint16{5, 3, 7, 1, 2, 4}, Shifts: []uint8{0, 3},
	}
	p, err := NewProduct(m)
	if err != nil {
		t.Fatal(err)
	}
	u := make([]int16, 3)
	Subtract(u, []int8{-128, 0, 100}, 50)
	if !slices.Equal(u, []int16{-178, -50, 50}) {
		t.Fatalf("inputs %v", u)
	}
	acc := []int32{1000, -7}
	p.Accumulate(acc, u)
	// row 0: 5*(-178-50) + 3*(-178+50) + 7*(-50) + 1*(50); row 1: 2*(178-50) + 4*(-50)
	if want := []int32{1000 - 1140 - 384 - 350 + 50, -7 + 256 - 200}; !slices.Equal(acc, want) {
		t.Errorf("sums %v, want %v", acc, want)
	}
	if s := p.PlaneSum(0, 1, 0, u); s != -128 {
		t.Errorf("S of row 0, plane 1, group 0 is %d, want -128", s)
	}
}

func TestInputBound(t *testing.T) {
	for z := -128; z <= 127; z++ {
		largest := 0
		for x := -128; x <= 127; x++ {
			largest = max(largest, x-z, z-x)
		}
		if got := InputBound(int8(z)); got != largest || got > LargestInput {
			t.Errorf("InputBound(%d) = %d, want %d", z, got, largest)
		}
	}
}

// TestCheckSums: the bound is reached by an input and refused one step further.
func TestCheckSums(t *testing.T) {
	const columns = 1000
	m := &Matrix{
		Shape:  Shape{Rows: 1, Columns: columns, Group: 600, Ranges: []Range{{Rows: 1, Planes: 2}}},
		Format: FixedScales, Scales: []uint16{6000, 2000, 5000, 1<<16 - 3000}, Shifts: []uint8{0},
	}
	m.Bits = make([]uint64, m.Shape.Words())
	// Signs that agree with the scales, so that the largest inputs add up.
	for plane := range 2 {
		words := m.Shape.Spans()[0].Plane(m.Bits, 0, plane)
		for j := range columns {
			if j < 600 || plane == 0 {
				words[j/64] |= 1 << (j % 64)
			}
		}
	}
	p, err := NewProduct(m)
	if err != nil {
		t.Fatal(err)
	}
	u := make([]int16, columns)
	for j := range u {
		u[j] = 255
	}
	acc := []int32{0}
	p.Accumulate(acc, u)
	if acc[0] != 255*8000*columns {
		t.Fatalf("sum %d", acc[0])
	}
	room := int32(1<<31 - 1 - 255*8000*columns)
	for _, bias := range []int32{room, -room} {
		if err := m.CheckSums([]int32{bias}, 255); err != nil {
			t.Error(err)
		}
	}
	for _, bias := range []int32{room + 1, -room - 1} {
		if err := m.CheckSums([]int32{bias}, 255); err == nil || !strings.Contains(err.Error(), "row 0 may reach 2147483648") {
			t.Errorf("bias %d: %v", bias, err)
		}
	}
	if err := m.CheckSums(nil, 256); err == nil {
		t.Error("input bound 256 is taken")
	}
	if err := m.CheckSums([]int32{0, 0}, 255); err == nil {
		t.Error("two biases for a row are taken")
	}
}
