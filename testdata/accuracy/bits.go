package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/reports"
)

// mostPlanes bounds the bits of binary codes: beyond, they take more bits than
// integers of the same noise.
const mostPlanes = 4

// bitRange reads "LOW:HIGH", bits of integer weights.
func bitRange(text string) (low, high int, err error) {
	first, last, ok := strings.Cut(text, ":")
	if low, err = strconv.Atoi(first); err == nil && ok {
		high, err = strconv.Atoi(last)
	}
	if err != nil || !ok || low < 2 || high > 8 || low > high {
		return 0, 0, fmt.Errorf("-bits %s: must be LOW:HIGH between 2 and 8", text)
	}
	return low, high, nil
}

// settings are those of a weight mode at a number of bits.
func settings(mode string, bits int) []string {
	sets := []string{"quantization.weights=" + mode}
	switch mode {
	case "binary-coding":
		return append(sets, "quantization.planes="+strconv.Itoa(bits))
	case "per-channel":
		sets = append(sets, "mac_array.per_channel_multiplier=true")
	}
	return append(sets, "quantization.weight_bits="+strconv.Itoa(bits))
}

// againstBits runs one network with weights of every number of bits in every
// mode, prints a row a run, and writes CSV and plots to a folder.
func againstBits(ctx context.Context, r row, model, set, preset, folder string, low, high, samples, workers int) error {
	study := &reports.AccuracyStudy{Network: r.name, Machine: preset}
	var cache evaluate.FloatCache
	for _, mode := range append(modes, "binary-coding") {
		for bits := low; bits <= high; bits++ {
			if mode == "binary-coding" && bits > mostPlanes {
				continue
			}
			spec, err := configs.Load(preset, settings(mode, bits))
			if err != nil {
				return err
			}
			result, err := evaluate.Run(ctx, evaluate.Options{Model: model, Data: set, Spec: spec, Samples: samples, Workers: workers, Float: &cache})
			if err != nil {
				return fmt.Errorf("%s, %s, %d bits: %w", r.name, mode, bits, err)
			}
			a := result.Accuracy
			if a.NPUTop1 == nil || a.FloatTop1 == nil {
				return fmt.Errorf("%s: the data set has no labels", r.name)
			}
			if a.BitExact != nil && !*a.BitExact {
				return fmt.Errorf("%s, %s, %d bits: not bit-exact: %s", r.name, mode, bits, a.Divergence)
			}
			study.Samples, study.FloatTop1 = a.Samples, *a.FloatTop1
			study.Points = append(study.Points, reports.AccuracyPoint{Series: mode, Bits: bits, Top1: *a.NPUTop1, Difference: a.Top1DifferenceInterval})
			fmt.Printf("| %s | %d | %.1f | %s | %d | %.1f |\n", r.name, a.Samples, 100**a.FloatTop1, mode, bits, 100**a.NPUTop1)
		}
	}
	return write(study, folder, filepath.Base(strings.TrimSuffix(model, filepath.Ext(model))))
}

// write writes CSV, SVG and PNG of a study.
func write(study *reports.AccuracyStudy, folder, name string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	plot := reports.AccuracyByBits(study)
	for _, file := range []struct {
		extension string
		write     func(io.Writer) error
	}{{"csv", func(w io.Writer) error { return reports.WriteAccuracyCSV(w, study) }}, {"svg", plot.WriteSVG}, {"png", plot.WritePNG}} {
		path := filepath.Join(folder, "accuracy_by_bits_"+name+"."+file.extension)
		f, err := os.Create(path)
		if err != nil {
			return err
		}
		if err := file.write(f); err != nil {
			_ = f.Close() // the first error is the one that matters
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}
