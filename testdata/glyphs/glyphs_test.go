// Package glyphs_test checks the committed model and data set: that they are
// the files the generator wrote, and that they show what they are made for.
package glyphs_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"image"
	"image/png"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/npusim/npusim/compiler/dataset"
	"github.com/npusim/npusim/compiler/floatref"
	"github.com/npusim/npusim/compiler/onnx"
	"github.com/npusim/npusim/compiler/ops"
	"github.com/npusim/npusim/testdata/glyphs/cnn"
	"github.com/npusim/npusim/testdata/glyphs/glyph"
)

const (
	seed        = 1 // the generator's default
	calibration = 128
	evaluation  = 1000
	split       = calibration * glyph.Pixels
)

func load(t *testing.T) *cnn.Model {
	t.Helper()
	file, err := onnx.Read("glyphs.onnx")
	if err != nil {
		t.Fatal(err)
	}
	model, err := cnn.FromONNX(file)
	if err != nil {
		t.Fatal(err)
	}
	return model
}

// samples are the stored pictures and labels.
func samples(t *testing.T) (pixels []byte, labels []int) {
	t.Helper()
	x, err := dataset.ReadNPY("glyphs_x.npy")
	if err != nil {
		t.Fatal(err)
	}
	y, err := dataset.ReadNPY("glyphs_y.npy")
	if err != nil {
		t.Fatal(err)
	}
	const n = calibration + evaluation
	if got, want := fmt.Sprint(x.Type, x.Shape, y.Type, y.Shape), fmt.Sprintf("uint8 [%d 1 24 24] uint8 [%d]", n, n); got != want {
		t.Fatalf("arrays are %s, want %s", got, want)
	}
	for _, label := range y.Bytes() {
		labels = append(labels, int(label))
	}
	return x.Bytes(), labels
}

func TestChecksums(t *testing.T) {
	list, err := os.ReadFile("checksums.txt")
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	for line := range strings.Lines(string(list)) {
		sum, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
		if !ok {
			t.Fatalf("checksums.txt: %q is not of the form SUM  NAME", line)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(data)); got != sum {
			t.Errorf("%s: checksum %s, want %s", name, got, sum)
		}
		files++
	}
	if files != 4 {
		t.Errorf("checksums.txt lists %d files, want 4", files)
	}
}

func TestSizes(t *testing.T) {
	var total int64
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		total += info.Size()
		if path == "glyphs.onnx" && info.Size() > 300e3 {
			t.Errorf("the model takes %d bytes, at most 300 kB are meant", info.Size())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if total > 2e6 {
		t.Errorf("the folder takes %d bytes, at most 2 MB are meant", total)
	}
}

// The data set can be drawn again byte for byte.
func TestDataIsReproducible(t *testing.T) {
	pixels, labels := samples(t)
	wantPixels, wantLabels := glyph.Samples(seed, glyph.Evaluation, calibration+evaluation)
	if !bytes.Equal(pixels, wantPixels) || fmt.Sprint(labels) != fmt.Sprint(wantLabels) {
		t.Error("the stored samples are not those of the generator")
	}
}

// The picture in the README shows the first evaluation samples.
func TestPicture(t *testing.T) {
	pixels, _ := samples(t)
	f, err := os.Open("samples.png")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	decoded, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	sheet, ok := decoded.(*image.Gray)
	if !ok || sheet.Rect.Dx() != 20*glyph.Size || sheet.Rect.Dy() != 4*glyph.Size {
		t.Fatalf("samples.png is %T of %v", decoded, decoded.Bounds())
	}
	for i := range 80 {
		for y := range glyph.Size {
			for x := range glyph.Size {
				want := pixels[(calibration+i)*glyph.Pixels+y*glyph.Size+x]
				if got := sheet.GrayAt(i%20*glyph.Size+x, i/20*glyph.Size+y).Y; got != want {
					t.Fatalf("picture %d, row %d, column %d: grey %d, want %d", i, y, x, got, want)
				}
			}
		}
	}
}

// The description reads, and gives the network the input it was trained on.
func TestDescription(t *testing.T) {
	set, err := dataset.Open("glyphs.toml")
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	pixels, labels := samples(t)
	evaluated, calibrated := set.Evaluation(), set.Calibration()
	if len(evaluated) != evaluation || evaluated[0] != calibration || len(calibrated) != calibration || calibrated[0] != 0 {
		t.Errorf("%d evaluation and %d calibration samples", len(evaluated), len(calibrated))
	}
	reader, err := set.Reader([]int{1, 1, glyph.Size, glyph.Size})
	if err != nil {
		t.Fatal(err)
	}
	values := make([]float32, reader.Elements())
	for i := 0; i < len(labels); i += 97 {
		if err := reader.Read(i, values); err != nil {
			t.Fatal(err)
		}
		for j, want := range cnn.Images(pixels[i*glyph.Pixels : (i+1)*glyph.Pixels]).Data {
			if math.Abs(float64(values[j]-want)) > 1e-6 {
				t.Fatalf("sample %d, pixel %d: %g, want %g", i, j, values[j], want)
			}
		}
		if label, ok := set.Label(i); !ok || label != labels[i] {
			t.Errorf("sample %d: label %d, want %d", i, label, labels[i])
		}
	}
}

// The project's importer and float reference compute the same logits.
func TestFloatReferenceAgrees(t *testing.T) {
	file, err := onnx.Read("glyphs.onnx")
	if err != nil {
		t.Fatal(err)
	}
	imported, err := ops.Import(file)
	if err != nil {
		t.Fatal(err)
	}
	executor, err := floatref.New(imported, floatref.Options{})
	if err != nil {
		t.Fatal(err)
	}
	model := load(t)
	pixels, _ := samples(t)
	for i := range 16 {
		input := cnn.Images(pixels[i*glyph.Pixels : (i+1)*glyph.Pixels])
		got, err := executor.Run([][]float32{input.Data})
		if err != nil {
			t.Fatal(err)
		}
		want := model.Forward(input, nil).Data
		if len(got) != 1 || len(got[0]) != len(want) {
			t.Fatalf("%d outputs, want one of %d elements", len(got), len(want))
		}
		for j, w := range want {
			if math.Abs(float64(got[0][j]-w)) > 1e-4*max(1, math.Abs(float64(w))) {
				t.Errorf("sample %d, logit %d: %g, want %g", i, j, got[0][j], w)
			}
		}
	}
}

// One scale a layer destroys the network; a shift or a scale a channel does
// not: with weights alone at 8 bits, and with activations at 8 bits too.
func TestCollapseAndRecovery(t *testing.T) {
	model := load(t)
	pixels, labels := samples(t)
	calibrationPixels, pixels, labels := pixels[:split], pixels[split:], labels[calibration:]
	if testing.Short() || raceEnabled {
		const few = 150
		pixels, labels = pixels[:few*glyph.Pixels], labels[:few]
	}
	folded := model.Fold()
	activations := folded.Calibrate(calibrationPixels)
	percent := func(m *cnn.Model, tap cnn.Tap) float64 { return 100 * m.Accuracy(pixels, labels, tap) }

	float := percent(model, nil)
	t.Logf("float %.1f %%, %d samples", float, len(labels))
	if float < 95 || float > 99.5 {
		t.Errorf("float accuracy is %.1f %%, want 95 to 99.5", float)
	}
	for _, c := range []struct {
		mode       cnn.WeightMode
		collapses  bool
		weights    float64 // largest loss in points, weights alone at 8 bits
		everything float64 // and with activations at 8 bits
	}{
		{mode: cnn.PerLayer, collapses: true},
		{mode: cnn.PerLayerShift, weights: 2, everything: 3},
		{mode: cnn.PerChannel, weights: 2, everything: 3},
	} {
		quantized := folded.QuantizeWeights(c.mode)
		weights, everything := percent(quantized, nil), percent(quantized, activations.Apply)
		t.Logf("%v: weights %.1f %%, weights and activations %.1f %%", c.mode, weights, everything)
		if c.collapses {
			if weights > 30 || everything > 30 {
				t.Errorf("%v: no collapse", c.mode)
			}
		} else if weights < float-c.weights || everything < float-c.everything {
			t.Errorf("%v: no recovery", c.mode)
		}
	}
}

// The ranges of the depthwise filters differ by more than 8 bits can hold.
func TestRangesAreSpread(t *testing.T) {
	for _, r := range load(t).Fold().Ranges() {
		if strings.HasSuffix(r.Layer, "/depthwise") && r.Largest/r.Median < 30 {
			t.Errorf("%s: largest range is %.1f times the median", r.Layer, r.Largest/r.Median)
		}
	}
}
