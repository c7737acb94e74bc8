package dataset

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// realData gives a file of the shared data sets, which are not part of the
// repository. Tests that need them skip where they are absent.
func realData(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("NPUSIM_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	path := filepath.Join(root, filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s is missing; set NPUSIM_DATA to the folder of the data of others, which testdata/DATA.md describes", path)
	}
	return path
}

func openReal(t testing.TB, name string) *Set {
	t.Helper()
	set, err := Open(realData(t, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { set.Close() })
	return set
}

// What the comments of the .toml files promise, and where values must lie
// after normalization: images span 0..255 levels before it, spectra and MFCC
// maps are bounded by their type.
func TestRealDataSets(t *testing.T) {
	normalized := []float64{-2.12, 2.65} // (0-0.485)/0.229 to (1-0.406)/0.225
	cases := []struct {
		file                             string
		samples, calibration, evaluation int
		classes                          int // 0 without labels
		shape                            []int
		bounds                           []float64 // of every value
		mean                             []float64 // of the first 16 samples
	}{
		{"imagenet224/torchvision.toml", 1000, 64, 936, 1000, []int{1, 3, 224, 224}, normalized, []float64{-1, 1}},
		{"imagenet224/tensorflow.toml", 1000, 64, 936, 1000, []int{1, 3, 224, 224}, []float64{-1, 1.0001}, []float64{-0.5, 0.5}},
		{"cifar10/normalized.toml", 2000, 128, 1872, 10, []int{1, 3, 32, 32}, normalized, []float64{-1, 1}},
		{"cifar10/ic01_normalized.toml", 100, 100, 100, 10, []int{1, 3, 32, 32}, normalized, []float64{-1, 1}},
		{"cifar10/raw.toml", 2000, 128, 1872, 10, []int{1, 3, 32, 32}, []float64{0, 255}, []float64{70, 170}},
		{"kws/mfcc.toml", 500, 100, 400, 12, []int{1, 1, 49, 10}, []float64{-128*0.5847029 - 48.54, 127*0.5847029 - 48.53}, []float64{-60, 60}},
		{"ad/windows.toml", 1200, 200, 1000, 0, []int{1, 640}, []float64{-100, 100}, []float64{-100, 100}},
		{"text/tokens.toml", 80, 16, 64, 0, []int{64}, []float64{0, 511}, []float64{1, 510}},
	}
	for _, c := range cases {
		t.Run(c.file, func(t *testing.T) {
			set := openReal(t, c.file)
			if set.Len() != c.samples || len(set.Calibration()) != c.calibration || len(set.Evaluation()) != c.evaluation {
				t.Errorf("%d samples, %d for calibration, %d for evaluation; want %d, %d, %d",
					set.Len(), len(set.Calibration()), len(set.Evaluation()), c.samples, c.calibration, c.evaluation)
			}
			seen := map[int]bool{}
			for i := range set.Len() {
				label, ok := set.Label(i)
				if ok != (c.classes > 0) || ok && label >= c.classes {
					t.Fatalf("label of sample %d is %d (%v)", i, label, ok)
				}
				seen[label] = true
			}
			if c.classes > 0 && c.classes <= 12 && len(seen) != c.classes {
				t.Errorf("%d different labels, want %d", len(seen), c.classes)
			}
			r, err := set.Reader(c.shape)
			if err != nil {
				t.Fatal(err)
			}
			dst := make([]float32, r.Elements())
			sum := 0.0
			const samples = 16
			for i := range samples {
				if err := r.Read(i, dst); err != nil {
					t.Fatal(err)
				}
				for k, v := range dst {
					if float64(v) < c.bounds[0] || float64(v) > c.bounds[1] {
						t.Fatalf("sample %d, element %d is %v, outside %v", i, k, v, c.bounds)
					}
					sum += float64(v)
				}
			}
			if mean := sum / float64(samples*len(dst)); mean < c.mean[0] || mean > c.mean[1] {
				t.Errorf("mean %v, outside %v", mean, c.mean)
			}
		})
	}
}

// The raw arrays hold 64 of the images as another JPEG decoder saw them. The
// two decoders differ by at most 4 levels, 0.21 on average.
func TestRealImagesAgreeWithRawArray(t *testing.T) {
	set := openReal(t, "imagenet224/tensorflow.toml")
	raw, err := ReadNPY(realData(t, "imagenet224/raw64_rgb_u8.npy"))
	if err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadFile(realData(t, "imagenet224/raw64_names.txt"))
	if err != nil {
		t.Fatal(err)
	}
	names := strings.Fields(string(list))
	if len(names) != 64 || !slices.Equal(raw.Shape, []int{64, 224, 224, 3}) {
		t.Fatalf("%d names for an array of shape %v", len(names), raw.Shape)
	}
	r, err := set.Reader([]int{1, 3, 224, 224})
	if err != nil {
		t.Fatal(err)
	}
	if testing.Short() {
		names = names[:8]
	}
	const pixels = 224 * 224
	dst := make([]float32, 3*pixels)
	largest, sum := 0.0, 0.0
	for n, name := range names {
		i := slices.Index(r.input.images.files, name)
		if i < 0 {
			t.Fatalf("%s is not in the data set", name)
		}
		if err := r.Read(i, dst); err != nil {
			t.Fatal(err)
		}
		for k, v := range dst {
			level := math.Round((float64(v) + 1) * 127.5)
			other := float64(raw.Bytes()[3*(n*pixels+k%pixels)+k/pixels])
			difference := math.Abs(level - other)
			largest, sum = max(largest, difference), sum+difference
		}
	}
	average := sum / float64(len(names)*len(dst))
	t.Logf("largest difference %v levels, average %.3f", largest, average)
	if largest > 4 || average > 0.25 {
		t.Errorf("largest difference %v levels, average %.3f; want at most 4 and about 0.21", largest, average)
	}
}

// Arrays that NumPy wrote come back byte for byte, header included.
func TestRealArrays(t *testing.T) {
	for _, name := range []string{"cifar10/ic01_rgb_u8_x.npy", "kws/kws01_int8_49x10_x.npy", "text/wikitext2_tok512_T64_i64.npy", "audio/silero_ref_prob_f32.npy"} {
		path := realData(t, name)
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		a, err := ReadNPY(path)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := EncodeNPY(&got, a); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s: the array is written back differently", name)
		}
	}
}

func TestRealArchive(t *testing.T) {
	path := realData(t, "golden_float_outputs.npz")
	names, arrays, err := ReadNPZ(path)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.Index(names, "resnet20_cifar10")
	if i < 0 {
		t.Fatalf("arrays %q", names)
	}
	if a := arrays[i]; a.Type != Float32 || !slices.Equal(a.Shape, []int{100, 10}) {
		t.Errorf("%s is %v %v, want float32 [100 10]", names[i], a.Type, a.Shape)
	}
	alone, err := ReadNPZKey(path, names[i])
	if err != nil || !bytes.Equal(alone.Bytes(), arrays[i].Bytes()) {
		t.Errorf("read alone it differs: %v", err)
	}
}

// BenchmarkRealImages decodes and normalizes photographs, one an iteration.
func BenchmarkRealImages(b *testing.B) {
	benchmarkReader(b, openReal(b, "imagenet224/torchvision.toml"), []int{1, 3, 224, 224})
}

// BenchmarkRealArray normalizes small uint8 images held in an array.
func BenchmarkRealArray(b *testing.B) {
	benchmarkReader(b, openReal(b, "cifar10/normalized.toml"), []int{1, 3, 32, 32})
}
