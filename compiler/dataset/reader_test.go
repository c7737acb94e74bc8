package dataset

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestReaderLayouts(t *testing.T) {
	cases := []struct {
		name   string
		data   []int // of the array, samples first
		layout string
		shape  []int
		want   []float32 // sample 1, elements count up from the sample's start
	}{
		{"image, channels first", []int{2, 2, 1, 2}, "NCHW", []int{1, 2, 1, 2}, []float32{4, 5, 6, 7}},
		{"image, channels last", []int{2, 1, 2, 2}, "NHWC", []int{1, 2, 1, 2}, []float32{4, 6, 5, 7}},
		{"sequence, channels last", []int{2, 3, 2}, "NHWC", []int{1, 2, 3}, []float32{6, 8, 10, 7, 9, 11}},
		{"missing channel axis", []int{2, 2, 2}, "NCHW", []int{1, 1, 2, 2}, []float32{4, 5, 6, 7}},
		{"missing channel axis, last", []int{2, 2, 2}, "NHWC", []int{1, 1, 2, 2}, []float32{4, 5, 6, 7}},
		{"one channel, last", []int{2, 2, 2, 1}, "NHWC", []int{1, 1, 2, 2}, []float32{4, 5, 6, 7}},
		{"features", []int{2, 3}, "NCHW", []int{1, 3}, []float32{3, 4, 5}},
		{"features, channels last", []int{2, 3}, "NHWC", []int{1, 3}, []float32{3, 4, 5}},
		{"batch axis in the file", []int{2, 1, 3}, "NCHW", []int{1, 3}, []float32{3, 4, 5}},
		{"no batch axis", []int{2, 3}, "NCHW", []int{3}, []float32{3, 4, 5}},
		{"leading axis is no batch", []int{2, 2, 1, 2}, "NCHW", []int{2, 1, 2}, []float32{4, 5, 6, 7}},
		{"one number a sample", []int{2}, "NCHW", []int{1}, []float32{1}},
	}
	for _, c := range cases {
		for _, typ := range []ElementType{Uint8, Int8, Int32, Float32} {
			set := mustOpen(t, fmt.Sprintf("inputs = \"d.npy\"\nlayout = %q", c.layout),
				map[string]any{"d.npy": counting(t, typ, 0, c.data...)})
			if got := mustRead(t, set, c.shape, 1); !slices.Equal(got, c.want) {
				t.Errorf("%s, %v: sample 1 is %v, want %v", c.name, typ, got, c.want)
			}
		}
	}
}

func TestReaderMisfits(t *testing.T) {
	cases := []struct {
		keys  string
		data  []int
		shape []int
		want  []string
	}{
		{"", []int{2, 3, 4, 4}, []int{1, 3, 5, 5}, []string{"[3,4,4] (NCHW)", "[1,3,5,5]"}},
		{`layout = "NHWC"`, []int{2, 3, 4, 4}, []int{1, 3, 4, 4}, []string{"[3,4,4] (NHWC)", "[1,3,4,4]"}},
		{"", []int{2, 4, 4}, []int{1, 3, 4, 4}, []string{"[4,4]", "[1,3,4,4]"}},
		{"", []int{2, 16}, []int{1, 1, 4, 4}, []string{"[16]", "[1,1,4,4]"}},
		{"", []int{2, 16}, []int{64}, []string{"[16]", "[64]"}},
		{"", []int{2, 16}, []int{1}, []string{"[16]", "[1]"}},
		{"", []int{2}, []int{1, 2}, []string{"[]", "[1,2]"}},
		{"", []int{2, 4}, []int{1, 0}, []string{"[1,0]", "below 1"}},
		{"", []int{2, 4}, []int{1, -4}, []string{"[1,-4]", "below 1"}},
		{"", []int{2, 4}, []int{1 << 30, 1 << 30}, []string{"above the limit"}},
		{"mean = [1, 2]", []int{2, 3, 4, 4}, []int{1, 3, 4, 4}, []string{"mean has 2 entries", "3 channels"}},
		{"std = [1, 2, 3, 4]", []int{2, 3, 4, 4}, []int{1, 3, 4, 4}, []string{"std has 4 entries", "3 channels"}},
		{"mean = [1, 2, 3]", []int{2, 3}, []int{3}, []string{"mean has 3 entries", "1 channels"}},
	}
	for _, c := range cases {
		set := mustOpen(t, "inputs = \"d.npy\"\n"+c.keys, map[string]any{"d.npy": counting(t, Uint8, 0, c.data...)})
		_, err := set.Reader(c.shape)
		for _, want := range append(c.want, "set.toml", "d.npy") {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v into %v: error %v, want one with %q", c.data, c.shape, err, want)
			}
		}
	}
}

func TestReaderNormalizes(t *testing.T) {
	keys := `
		inputs = "d.npy"
		layout = "NHWC"
		scale = 0.5
		mean = [1, 2.5]
		std = [2, 0.1]`
	for _, typ := range []ElementType{Uint8, Int8, Uint16, Int64, Float32} {
		set := mustOpen(t, keys, map[string]any{"d.npy": counting(t, typ, 0, 3, 2, 2, 2)})
		got := mustRead(t, set, []int{1, 2, 2, 2}, 2)
		for i := range 8 {
			channel, pixel := i/4, i%4
			x := float64(16 + 2*pixel + channel)
			mean, std := []float64{1, 2.5}[channel], []float64{2, 0.1}[channel]
			if want := float32((x*0.5 - mean) / std); got[i] != want {
				t.Errorf("%v: element %d is %v, want %v", typ, i, got[i], want)
			}
		}
	}
	// Feature vectors have a mean for every feature, a single std serves all.
	set := mustOpen(t, "inputs = \"d.npy\"\nmean = [3, 4, 5]\nstd = 2", map[string]any{"d.npy": counting(t, Int8, 0, 2, 3)})
	if got, want := mustRead(t, set, []int{1, 3}, 1), []float32{0, 0, 0}; !slices.Equal(got, want) {
		t.Errorf("features are %v, want %v", got, want)
	}
	// More channels than tables are kept for.
	means := strings.Repeat("1,", maxTables+1)
	set = mustOpen(t, "inputs = \"d.npy\"\nmean = ["+means+"]", map[string]any{"d.npy": counting(t, Int32, 0, 1, maxTables+1)})
	if got := mustRead(t, set, []int{1, maxTables + 1}, 0); got[maxTables] != maxTables-1 {
		t.Errorf("last feature is %v, want %d", got[maxTables], maxTables-1)
	}
}

func TestReaderRefusesNaN(t *testing.T) {
	bad, err := FromFloats([]int{2, 2}, []float32{1, 2, 3, float32(math.NaN())})
	if err != nil {
		t.Fatal(err)
	}
	set := mustOpen(t, `inputs = "d.npy"`, map[string]any{"d.npy": bad})
	r, err := set.Reader([]int{1, 2})
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]float32, 2)
	if err := r.Read(0, dst); err != nil {
		t.Errorf("sample 0: %v", err)
	}
	if err := r.Read(1, dst); err == nil || !strings.Contains(err.Error(), "sample 1, element 1: NaN") {
		t.Errorf("sample 1: error %v", err)
	}
	for _, c := range []struct {
		i    int
		size int
		want string
	}{{-1, 2, "out of range"}, {2, 2, "out of range"}, {0, 3, "needs 2 values"}} {
		if err := r.Read(c.i, make([]float32, c.size)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("sample %d into %d values: error %v", c.i, c.size, err)
		}
	}
}
