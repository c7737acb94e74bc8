// Command generate makes everything in testdata/glyphs that is not source
// code: it draws the data set, trains the classifier, rescales its channels,
// checks the result and writes the files. Run it from the repository root:
//
//	go run ./testdata/glyphs/generate
//
// Progress goes to stderr, the measured figures to stdout.
package main

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"image"
	"image/png"
	"log"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/npusim/npusim/compiler/dataset"
	"github.com/npusim/npusim/compiler/onnx"
	"github.com/npusim/npusim/testdata/glyphs/cnn"
	"github.com/npusim/npusim/testdata/glyphs/glyph"
)

// Sizes of the stored sets, and of the training samples by which the
// rescaling picks its faint channels.
const (
	calibrationSamples = 128
	evaluationSamples  = 1000
	rescaleSamples     = 512
)

var training = cnn.Options{
	Steps: 2200, Shards: 4, ShardSize: 32,
	Rate: 5e-3, WarmUp: 50, Decay: 0.01, NormPasses: 16, ReportEvery: 100,
}

var spread = cnn.Spread{Octaves: 3, FaintOctaves: 9, FaintShare: 32}

// largestChange bounds what the rescaling may do to any logit.
const largestChange = 1e-3

// Names of the written files; checksums covers those before it.
var (
	files     = []string{"glyphs.onnx", "glyphs.toml", "glyphs_x.npy", "glyphs_y.npy"}
	checksums = "checksums.txt"
	picture   = "samples.png"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("generate: ")
	out := flag.String("out", "testdata/glyphs", "folder to write to")
	seed := flag.Uint64("seed", 1, "of data, initial weights and rescaling")
	steps := flag.Int("steps", training.Steps, "of training")
	flag.Parse()
	if flag.NArg() > 0 || *steps < 1 {
		flag.Usage()
		os.Exit(2)
	}
	training.Steps, training.WarmUp = *steps, min(training.WarmUp, *steps/2)
	if err := generate(*out, *seed); err != nil {
		log.Fatal(err)
	}
}

func generate(folder string, seed uint64) error {
	model := cnn.NewModel(glyph.Classes, seed)
	source := func(index int, pixels []byte) int {
		return glyph.Sample(seed, glyph.Training, index, pixels)
	}
	cnn.Train(model, source, training, func(step int, loss, accuracy float64) {
		log.Printf("step %d: loss %.4f, accuracy %.2f %%", step, loss, 100*accuracy)
	})

	pixels, labels := glyph.Samples(seed, glyph.Evaluation, calibrationSamples+evaluationSamples)
	if err := rescale(model, seed, pixels); err != nil {
		return err
	}
	report(model, pixels, labels)
	return write(folder, model, pixels, labels)
}

// rescale spreads the channels and checks that no logit moves.
func rescale(model *cnn.Model, seed uint64, pixels []byte) error {
	before := model.Forward(cnn.Images(pixels), nil)
	trainPixels, trainLabels := glyph.Samples(seed, glyph.Training, rescaleSamples)
	fmt.Printf("training loss %.4f\n", model.Loss(trainPixels, trainLabels, nil))
	for _, g := range model.Rescale(spread, trainPixels, trainLabels, seed) {
		fmt.Printf("%s: faint channels %v, training loss without them %.4f\n",
			strings.Join(g.Points, " + "), g.Faint, g.LossWithoutFaint)
	}
	after := model.Forward(cnn.Images(pixels), nil)
	var change float64
	for i, v := range after.Data {
		change = max(change, math.Abs(float64(v)-float64(before.Data[i])))
	}
	fmt.Printf("largest change of a logit by rescaling: %.1e\n", change)
	if !(change <= largestChange) {
		return fmt.Errorf("rescaling changed a logit by %g, more than %g", change, largestChange)
	}
	return nil
}

// report prints the accuracy under simulated quantization and the ranges.
func report(model *cnn.Model, pixels []byte, labels []int) {
	const split = calibrationSamples * glyph.Pixels
	calibration, evaluation := pixels[:split], pixels[split:]
	labels = labels[calibrationSamples:]
	folded := model.Fold()
	activations := folded.Calibrate(calibration)
	fmt.Printf("parameters: %d\n", model.Parameters())
	fmt.Printf("%-16s %s\n", "weights", "top-1 %: float activations, 8-bit activations")
	show := func(name string, m *cnn.Model) {
		fmt.Printf("%-16s %5.1f %5.1f\n", name,
			100*m.Accuracy(evaluation, labels, nil), 100*m.Accuracy(evaluation, labels, activations.Apply))
	}
	show("float", folded)
	for _, mode := range []cnn.WeightMode{cnn.PerLayer, cnn.PerLayerShift, cnn.PerChannel} {
		show(mode.String(), folded.QuantizeWeights(mode))
	}
	fmt.Printf("%-18s %s\n", "folded layer", "max|w| of a channel: smallest, median, largest")
	for _, r := range folded.Ranges() {
		fmt.Printf("%-18s %9.5f %9.5f %9.5f\n", r.Layer, r.Smallest, r.Median, r.Largest)
	}
}

// write stores model, data set, picture and checksums.
func write(folder string, model *cnn.Model, pixels []byte, labels []int) error {
	if err := writeModel(filepath.Join(folder, "glyphs.onnx"), model); err != nil {
		return err
	}
	x, err := dataset.FromBytes([]int{len(labels), 1, glyph.Size, glyph.Size}, dataset.Uint8, pixels)
	if err != nil {
		return err
	}
	wide := make([]int64, len(labels))
	for i, l := range labels {
		wide[i] = int64(l)
	}
	y, err := dataset.FromInts([]int{len(labels)}, dataset.Uint8, wide)
	if err != nil {
		return err
	}
	if err := dataset.WriteNPY(filepath.Join(folder, "glyphs_x.npy"), x); err != nil {
		return err
	}
	if err := dataset.WriteNPY(filepath.Join(folder, "glyphs_y.npy"), y); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "glyphs.toml"), []byte(description()), 0o644); err != nil {
		return err
	}
	if err := writePicture(filepath.Join(folder, picture), pixels); err != nil {
		return err
	}
	var sums strings.Builder
	for _, name := range files {
		data, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(data), name)
	}
	return os.WriteFile(filepath.Join(folder, checksums), []byte(sums.String()), 0o644)
}

func writeModel(path string, model *cnn.Model) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	return onnx.WriteModel(f, model.ONNX())
}

// description is the data set in the form that npusim reads.
func description() string {
	const end = calibrationSamples + evaluationSamples
	return fmt.Sprintf(`# %d drawn digits and letters for glyphs.onnx, made by ./testdata/glyphs/generate.
# Label i is character i of "%s".
inputs = "glyphs_x.npy"
labels = "glyphs_y.npy"
layout = "NCHW"
scale = %v
mean = [%v]
std = [%v]
calibration = "0:%d"
evaluation = "%d:%d"
metric = "top1"
`, end, glyph.Names, 1.0/255, cnn.Mean, cnn.Deviation, calibrationSamples, calibrationSamples, end)
}

// writePicture shows the first evaluation samples, four rows of twenty.
func writePicture(path string, pixels []byte) error {
	const rows, columns = 4, 20
	sheet := image.NewGray(image.Rect(0, 0, columns*glyph.Size, rows*glyph.Size))
	for i := range rows * columns {
		source := pixels[(calibrationSamples+i)*glyph.Pixels:]
		for y := range glyph.Size {
			start := (i/columns*glyph.Size+y)*sheet.Stride + i%columns*glyph.Size
			copy(sheet.Pix[start:start+glyph.Size], source[y*glyph.Size:])
		}
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := png.Encode(f, sheet); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
