package fractional

import (
	"archive/zip"
	"bytes"
	"math/bits"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/npusim/npusim/compiler/dataset"
	"github.com/npusim/npusim/isa/fractionalcode"
)

// artefact is what training leaves of one layer, in the +1/-1 form.
type artefact struct {
	shape           []int
	planes          int
	inputs, outputs int
	matrices        []int64   // [planes][outputs][inputs]
	trained         []float32 // [planes][slices][inputs]
	alpha           []float32 // [planes][channels]
}

func (a *artefact) weights() int {
	n := 1
	for _, d := range a.shape {
		n *= d
	}
	return n
}

func (a *artefact) slices() int { return (a.weights() + a.outputs - 1) / a.outputs }

// randomArtefact has rows of 0 to 4 taps, which may repeat, and zeros of both
// signs among the trained values.
func randomArtefact(seed uint64) *artefact {
	random := rand.New(rand.NewPCG(seed, 6))
	a := &artefact{shape: []int{1 + random.IntN(5), 1 + random.IntN(6), 3, 1 + random.IntN(3)}, planes: 1 + random.IntN(3), inputs: 1 + random.IntN(12)}
	a.outputs = a.inputs + random.IntN(20)
	for range a.planes * a.outputs {
		row := make([]int64, a.inputs)
		for range random.IntN(5) {
			row[random.IntN(a.inputs)] = 1
		}
		a.matrices = append(a.matrices, row...)
	}
	for range a.planes * a.slices() * a.inputs {
		v := float32(random.NormFloat64() * 1e-3)
		switch random.IntN(8) {
		case 0:
			v = 0
		case 1:
			v = -v * 0 // -0 or 0
		}
		a.trained = append(a.trained, v)
	}
	for range a.planes * a.shape[0] {
		a.alpha = append(a.alpha, float32(random.NormFloat64()))
	}
	return a
}

// forward is the weight tensor as training computes it: products of signs.
func (a *artefact) forward() []float32 {
	w := make([]float32, a.weights())
	for i := range w {
		slice, r := i/a.outputs, i%a.outputs
		channel := i / (len(w) / a.shape[0])
		for p := range a.planes {
			taps, y := 0, float32(1)
			for j := range a.inputs {
				if a.matrices[(p*a.outputs+r)*a.inputs+j] == 0 {
					continue
				}
				taps++
				if a.trained[(p*a.slices()+slice)*a.inputs+j] < 0 { // the sign of 0 is +1
					y = -y
				}
			}
			if (taps+1)%2 != 0 { // (-1)^(taps-1)
				y = -y
			}
			w[i] += a.alpha[p*a.shape[0]+channel] * y
		}
	}
	return w
}

// bitForm is how an artefact stores its bits.
type bitForm uint8

const (
	plusMinus bitForm = iota
	zeroOne
	realValues
	packedBytes
	bitForms
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// arrays are the arrays of an artefact.
func (a *artefact) arrays(form bitForm) map[string]*dataset.Array {
	m := map[string]*dataset.Array{}
	var shape, signs []int64
	for _, d := range a.shape {
		shape = append(shape, int64(d))
	}
	low := int64(0)
	if form == plusMinus {
		low = -1
	}
	for _, v := range a.trained {
		if v >= 0 {
			signs = append(signs, 1)
		} else {
			signs = append(signs, low)
		}
	}
	m["shape"] = must(dataset.FromInts([]int{len(shape)}, dataset.Int64, shape))
	m["matrices"] = must(dataset.FromInts([]int{a.planes, a.outputs, a.inputs}, dataset.Bool, a.matrices))
	m["alpha"] = must(dataset.FromFloats([]int{a.planes, a.shape[0], 1, 1}, a.alpha))
	extent := []int{a.planes, a.slices(), a.inputs}
	switch form {
	case plusMinus:
		m["signs"] = must(dataset.FromInts(extent, dataset.Int8, signs))
	case zeroOne:
		m["signs"] = must(dataset.FromInts(extent, dataset.Uint8, signs))
	case realValues:
		m["w_e"] = must(dataset.FromFloats(extent, a.trained))
	case packedBytes:
		count := a.slices() * a.inputs
		size := (count + 7) / 8
		data := make([]byte, a.planes*size)
		for i, s := range signs {
			data[i/count*size+i%count/8] |= byte(s) << 7 >> (i % count % 8)
		}
		m["packed"] = must(dataset.FromBytes([]int{a.planes, size}, dataset.Uint8, data))
	}
	return m
}

// writeFolder writes arrays as .npy files.
func writeFolder(t testing.TB, arrays map[string]*dataset.Array) string {
	folder := t.TempDir()
	for name, a := range arrays {
		if err := dataset.WriteNPY(filepath.Join(folder, name+".npy"), a); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// archive makes an .npz of arrays.
func archive(t testing.TB, arrays map[string]*dataset.Array) []byte {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range append([]string{"other"}, importKeys...) {
		if a := arrays[name]; a != nil {
			w, err := z.Create(name + ".npy")
			if err == nil {
				err = dataset.EncodeNPY(w, a)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestImport: the Boolean XOR of the imported bits gives exactly the weights that
// training computes with products of signs, whatever form the bits are in, from
// folders and archives, and after the binary form.
func TestImport(t *testing.T) {
	for seed := range uint64(60) {
		a := randomArtefact(seed)
		want := a.forward()
		for form := range bitForms {
			path := writeFolder(t, a.arrays(form))
			if seed%2 == 0 {
				path = filepath.Join(path, "layer.npz")
				if err := os.WriteFile(path, archive(t, a.arrays(form)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got, err := Import(path)
			if err != nil {
				t.Fatal(err)
			}
			data, err := got.Code.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			var c fractionalcode.Code
			if err := c.UnmarshalBinary(data); err != nil {
				t.Fatal(err)
			}
			weights, err := c.Floats()
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Shape) != 4 || got.Shape[1] != a.shape[1] || len(weights) != len(want) {
				t.Fatalf("seed %d: shape %v", seed, got.Shape)
			}
			for i := range want {
				if weights[i] != want[i] {
					t.Fatalf("seed %d, form %d: weight %d is %g, training has %g", seed, form, i, weights[i], want[i])
				}
			}
		}
	}
}

// TestImportMinor: with channel_minor the codes run through the channels first.
func TestImportMinor(t *testing.T) {
	a := randomArtefact(3)
	arrays := a.arrays(plusMinus)
	arrays["channel_minor"] = must(dataset.FromInts(nil, dataset.Uint8, []int64{1}))
	got, err := Import(writeFolder(t, arrays))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := Import(writeFolder(t, a.arrays(plusMinus)))
	if err != nil {
		t.Fatal(err)
	}
	if got.Code.Order != fractionalcode.ChannelMinor || plain.Code.Order != fractionalcode.ChannelMajor {
		t.Errorf("orders %v and %v", got.Code.Order, plain.Code.Order)
	}
}

// TestTrainedProducts tries all inputs of networks with one to five taps a row:
// the imported code equals the product form for each.
func TestTrainedProducts(t *testing.T) {
	const inputs = 5
	a := &artefact{shape: []int{1, 1 << (2 * inputs)}, planes: 1, inputs: inputs, outputs: 1 << inputs, alpha: []float32{1}}
	for row := range 1 << inputs {
		for j := range inputs {
			a.matrices = append(a.matrices, int64(row>>j&1))
		}
	}
	for x := range 1 << inputs {
		for j := range inputs {
			a.trained = append(a.trained, float32(x>>j&1)-1) // 0 for +1, -1 for -1
		}
	}
	got, err := Import(writeFolder(t, a.arrays(realValues)))
	if err != nil {
		t.Fatal(err)
	}
	weights, err := got.Code.Floats()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range a.forward() {
		row, x := i%(1<<inputs), i>>inputs
		if weights[i] != want || weights[i] != float32(2*(bits.OnesCount(uint(row&x))&1)-1) {
			t.Fatalf("row %b, inputs %b: %g, training has %g", row, x, weights[i], want)
		}
	}
}

func TestImportFaults(t *testing.T) {
	a := &artefact{shape: []int{2, 25}, planes: 2, inputs: 3, outputs: 20, matrices: make([]int64, 120), trained: make([]float32, 18), alpha: make([]float32, 4)}
	ints := func(shape []int, values ...int64) *dataset.Array {
		return must(dataset.FromInts(shape, dataset.Int32, values))
	}
	nan := make([]float32, 18)
	nan[11] = float32(zero() / zero())
	for name, c := range map[string]struct {
		form  bitForm
		array string
		with  *dataset.Array
		want  string
	}{
		"no shape":         {plusMinus, "shape", nil, `array "shape" is missing`},
		"no matrices":      {plusMinus, "matrices", nil, `array "matrices" is missing`},
		"no alpha":         {plusMinus, "alpha", nil, `array "alpha" is missing`},
		"no bits":          {plusMinus, "signs", nil, "found 0"},
		"two kinds":        {plusMinus, "w_e", must(dataset.FromFloats([]int{2, 3, 3}, nan)), "found 2"},
		"unknown":          {plusMinus, "other", ints([]int{1}, 1), "other.npy: not an array of a fractional code"},
		"float shape":      {plusMinus, "shape", must(dataset.FromFloats([]int{1}, []float32{50})), "shape.npy: must be 1 to 8 integers"},
		"empty axis":       {plusMinus, "shape", ints([]int{2}, 2, 0), "shape.npy: axis 1 is 0"},
		"huge shape":       {plusMinus, "shape", ints([]int{3}, 1<<30, 1<<30, 1<<30), "shape.npy: axis 1 is 1073741824"},
		"matrix rank":      {plusMinus, "matrices", ints([]int{2, 2}, 0, 1, 0, 1), "matrices.npy: has shape [2 2]"},
		"matrix planes":    {plusMinus, "matrices", ints([]int{9, 1, 1}, make([]int64, 9)...), "matrices.npy: 9 planes"},
		"matrix inputs":    {plusMinus, "matrices", ints([]int{1, 1, 65}, make([]int64, 65)...), "inputs = 65"},
		"matrix value":     {plusMinus, "matrices", ints([]int{1, 2, 2}, 0, 1, 2, 1), "plane 0, row 1, column 0 is 2"},
		"alpha integers":   {plusMinus, "alpha", ints([]int{2, 2}, 1, 1, 1, 1), "alpha.npy: has shape [2 2] of int32"},
		"alpha shape":      {plusMinus, "alpha", must(dataset.FromFloats([]int{4}, a.alpha)), "must be floats [2 planes][2 channels]"},
		"alpha infinite":   {plusMinus, "alpha", must(dataset.FromFloats([]int{2, 2}, []float32{1, 1, 1, float32(1 / zero())})), "plane 1: scale of channel 1"},
		"signs shape":      {plusMinus, "signs", ints([]int{2, 2, 3}, make([]int64, 12)...), "signs.npy: has shape [2 2 3], must be [2 3 3]"},
		"signs mixed":      {plusMinus, "signs", ints([]int{2, 3, 3}, 1, 1, 1, 1, -1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1), "plane 1, slice 1, input 1 is 0"},
		"signs value":      {plusMinus, "signs", ints([]int{2, 3, 3}, 1, 1, 1, 1, 5, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1), "plane 0, slice 1, input 1 is 5"},
		"trained NaN":      {realValues, "w_e", must(dataset.FromFloats([]int{2, 3, 3}, nan)), "w_e.npy: plane 1, slice 0, input 2 is NaN"},
		"trained integers": {realValues, "w_e", ints([]int{2, 3, 3}, make([]int64, 18)...), "must be floats"},
		"packed type":      {packedBytes, "packed", ints([]int{2, 2}, 0, 0, 0, 0), "packed.npy: has elements of int32"},
		"packed tail":      {packedBytes, "packed", must(dataset.FromBytes([]int{2, 2}, dataset.Uint8, []byte{0, 0x80, 0, 0x40})), "plane 1: a bit after the last of its 9 is set"},
		"order":            {plusMinus, "channel_minor", ints([]int{1}, 2), "channel_minor.npy: must be one number, 0 or 1"},
	} {
		arrays := a.arrays(c.form)
		if c.with == nil {
			delete(arrays, c.array)
		} else {
			arrays[c.array] = c.with
		}
		folder := writeFolder(t, arrays)
		if _, err := Import(folder); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), folder) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
	if _, err := Import(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no .npy files") {
		t.Errorf("empty folder: error %v", err)
	}
	if _, err := Import(filepath.Join(t.TempDir(), "absent")); !os.IsNotExist(err) {
		t.Errorf("absent: error %v", err)
	}
}

func zero() float64 { return 0 }

// fuzzArrays makes arrays of any names, types, shapes and elements from bytes.
func fuzzArrays(data []byte) (names []string, arrays []*dataset.Array) {
	next := func() int {
		if len(data) == 0 {
			return 0
		}
		b := data[0]
		data = data[1:]
		return int(b)
	}
	for len(data) > 0 && len(names) < 9 {
		name := "other"
		if k := next(); k < len(importKeys) {
			name = importKeys[k]
		}
		element := dataset.Bool + dataset.ElementType(next()%int(dataset.Float64))
		var shape []int
		size := element.Size()
		for range next() % 4 {
			shape = append(shape, next()%40)
			size *= shape[len(shape)-1]
		}
		elements := make([]byte, min(size, 1<<16))
		data = data[copy(elements, data):]
		if a, err := dataset.FromBytes(shape, element, elements); err == nil && !slices.Contains(names, name) {
			names, arrays = append(names, name), append(arrays, a)
		}
	}
	return names, arrays
}

// fuzzBytes is the inverse of fuzzArrays.
func fuzzBytes(arrays map[string]*dataset.Array) (data []byte) {
	for k, name := range importKeys {
		if a := arrays[name]; a != nil {
			data = append(data, byte(k), byte(a.Type-dataset.Bool), byte(len(a.Shape)))
			for _, d := range a.Shape {
				data = append(data, byte(d))
			}
			data = append(data, a.Bytes()...)
		}
	}
	return data
}

func FuzzImport(f *testing.F) {
	a := &artefact{shape: []int{2, 25}, planes: 2, inputs: 3, outputs: 20, matrices: make([]int64, 120), trained: make([]float32, 18), alpha: make([]float32, 4)}
	for form := range bitForms {
		arrays := a.arrays(form)
		arrays["alpha"] = must(dataset.FromFloats([]int{2, 2}, a.alpha))
		names, _ := fuzzArrays(fuzzBytes(arrays))
		if len(names) != len(arrays) {
			f.Fatalf("form %d: the seed has %d arrays of %d", form, len(names), len(arrays))
		}
		f.Add(fuzzBytes(arrays))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		names, arrays := fuzzArrays(data)
		got, err := importArrays("fuzz", func(name string) string { return "fuzz:" + name }, names, arrays)
		if err != nil {
			if !strings.Contains(err.Error(), "fuzz") {
				t.Errorf("the error names no file: %v", err)
			}
			return
		}
		if got.Code.Weights < 1<<20 {
			if _, err := got.Code.Floats(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
