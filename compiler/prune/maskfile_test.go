package prune

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/npusim/npusim/compiler/dataset"
	"github.com/npusim/npusim/isa/xorcode"
)

func TestFileName(t *testing.T) {
	for layer, want := range map[string]string{
		"conv":          "conv.npy",
		"block1/conv":   "block1%2Fconv.npy",
		"a\\b:c*?":      "a%5Cb%3Ac%2A%3F.npy",
		"50%":           "50%25.npy",
		"..":            "%2E..npy",
		"a.b":           "a.b.npy",
		"line\n\x7f":    "line%0A%7F.npy",
		"größe/<\"|\">": "größe%2F%3C%22%7C%22%3E.npy",
	} {
		if got := FileName(layer); got != want {
			t.Errorf("FileName(%q) = %q, want %q", layer, got, want)
		}
	}
}

// Layers of different names have different files, in the folder itself.
func TestFileNamesDiffer(t *testing.T) {
	alphabet := rapid.StringOf(rapid.RuneFrom([]rune("ab./\\%25F:é")))
	rapid.Check(t, func(t *rapid.T) {
		a, b := alphabet.Draw(t, "a"), alphabet.Draw(t, "b")
		if (a == b) != (FileName(a) == FileName(b)) {
			t.Fatalf("layers %q and %q have files %q and %q", a, b, FileName(a), FileName(b))
		}
		if name := FileName(a); filepath.Base(name) != name {
			t.Fatalf("layer %q has file %q", a, name)
		}
	})
}

func TestMaskFiles(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	folder := t.TempDir()
	layers := []Layer{{Name: "net/a", Shape: []int{3, 2, 5}}, {Name: "without"}, {Name: "b", Shape: []int{7}}}
	masks := []xorcode.Plane{xorcode.NewPlane(30), {}, xorcode.NewPlane(7)}
	for i, m := range masks {
		if m.Len() == 0 {
			continue
		}
		for j := range m.Len() {
			m.Set(j, random.IntN(2) == 0)
		}
		if err := WriteMask(filepath.Join(folder, FileName(layers[i].Name)), m, layers[i].Shape); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "README"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := ReadMasks(folder, layers)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range masks {
		switch {
		case m.Len() == 0 && got[i] != nil:
			t.Errorf("layer %d has a mask of %d bits from nowhere", i, got[i].Len())
		case m.Len() != 0 && (got[i] == nil || !slices.Equal(got[i].Words, m.Words)):
			t.Errorf("the mask of layer %d came back as %v", i, got[i])
		}
	}
}

// Masks of all types that are allowed mean the same, in both shapes.
func TestMaskTypes(t *testing.T) {
	want := []bool{true, false, false, true, true, false, true, true}
	floats := []float32{1, 0, float32(math.Copysign(0, -1)), -0.5, 1e-45, 0, float32(math.Inf(1)), 7}
	bools, bytes, halves := make([]byte, 8), make([]byte, 8), make([]byte, 16)
	for i, kept := range want {
		if kept {
			bools[i], bytes[i], halves[2*i] = 1, byte(10*i+1), 1
		}
	}
	path := filepath.Join(t.TempDir(), "mask.npy")
	for _, shape := range [][]int{{2, 2, 2}, {2, 4}} {
		arrays := []*dataset.Array{
			must(dataset.FromBytes(shape, dataset.Bool, bools)),
			must(dataset.FromBytes(shape, dataset.Uint8, bytes)),
			must(dataset.FromBytes(shape, dataset.Float16, halves)),
			must(dataset.FromFloats(shape, floats)),
		}
		for _, a := range arrays {
			if err := dataset.WriteNPY(path, a); err != nil {
				t.Fatal(err)
			}
			mask, err := ReadMask(path, []int{2, 2, 2})
			if err != nil {
				t.Fatal(err)
			}
			for i, kept := range want {
				if mask.Get(i) != kept {
					t.Errorf("%v: weight %d kept is %v", a.Type, i, mask.Get(i))
				}
			}
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestMaskFileErrors(t *testing.T) {
	folder := t.TempDir()
	layers := []Layer{{Name: "net/a", Shape: []int{2, 3}}}
	path := filepath.Join(folder, FileName("net/a"))
	nan := float32(math.NaN())
	for _, c := range []struct {
		array *dataset.Array
		want  string
	}{
		{must(dataset.FromFloats([]int{3, 2}, make([]float32, 6))), "shape [3 2] for weights of shape [2 3]"},
		{must(dataset.FromFloats([]int{6}, make([]float32, 6))), "shape [6] for weights of shape [2 3]"},
		{must(dataset.FromInts([]int{2, 3}, dataset.Int64, make([]int64, 6))), "a mask of int64; masks are bool"},
		{must(dataset.FromFloats([]int{2, 3}, []float32{1, 1, nan, 1, 1, 1})), "element 2 is not a number"},
	} {
		if err := dataset.WriteNPY(path, c.array); err != nil {
			t.Fatal(err)
		}
		_, err := ReadMasks(folder, layers)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "net/a") {
			t.Errorf("got %v, want an error with the file, the layer and %q", err, c.want)
		}
	}
	stray := filepath.Join(folder, "net_a.npy")
	if err := os.Rename(path, stray); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadMasks(folder, layers); err == nil || !strings.Contains(err.Error(), stray) || !strings.Contains(err.Error(), "net%2Fa.npy") {
		t.Errorf("a stray mask gives %v", err)
	}
	if _, err := ReadMasks(folder, append(layers, layers[0])); err == nil || !strings.Contains(err.Error(), "two layers") {
		t.Errorf("two layers of a name give %v", err)
	}
	if _, err := ReadMasks(filepath.Join(folder, "absent"), layers); err == nil {
		t.Error("an absent folder is read")
	}
	if err := WriteMask(path, xorcode.NewPlane(5), []int{2, 3}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a mask of 5 bits for 6 weights gives %v", err)
	}
}
