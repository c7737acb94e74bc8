package reports

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/reports/trace"
)

// directoryFiles are the files of a report directory with what writes them and
// the results that they apply to: nil for all.
var directoryFiles = []struct {
	name    string
	write   func(io.Writer, *evaluate.Result) error
	applies func(*evaluate.Result) bool
}{
	{"summary.json", WriteJSON, nil},
	{"summary.txt", func(w io.Writer, r *evaluate.Result) error { return WriteText(w, r, Style{}) }, nil},
	{"report.html", WritePage, nil},
	{"layers.csv", WriteLayersCSV, nil},
	{"dram.csv", WriteDRAMCSV, nil},
	{"compression.csv", WriteCompressionCSV, hasCompression},
	{"dram_over_time.csv", WriteOverTimeCSV, hasTraffic},
	{"dram_banks.csv", WriteBanksCSV, hasBanks},
	{"dram_latency.csv", WriteLatencyCSV, hasLatency},
	{"dram_by_layer.svg", func(w io.Writer, r *evaluate.Result) error { return DRAMByLayer(r).WriteSVG(w) }, nil},
	{"dram_by_layer.png", func(w io.Writer, r *evaluate.Result) error { return DRAMByLayer(r).WritePNG(w) }, nil},
	{"cycles_by_layer.svg", func(w io.Writer, r *evaluate.Result) error { return CyclesByLayer(r).WriteSVG(w) }, nil},
	{"cycles_by_layer.png", func(w io.Writer, r *evaluate.Result) error { return CyclesByLayer(r).WritePNG(w) }, nil},
	{"roofline.csv", WriteRooflineCSV, hasRoofline},
	{"roofline.svg", func(w io.Writer, r *evaluate.Result) error { return Roofline(r).WriteSVG(w) }, hasRoofline},
	{"roofline.png", func(w io.Writer, r *evaluate.Result) error { return Roofline(r).WritePNG(w) }, hasRoofline},
	{"occupancy.csv", WriteOccupancyCSV, hasStalls},
	{"occupancy_over_time.csv", WriteOccupancyOverTimeCSV, hasOccupancy},
	{"occupancy.svg", func(w io.Writer, r *evaluate.Result) error { return Occupancy(r).WriteSVG(w) }, hasStalls},
	{"occupancy.png", func(w io.Writer, r *evaluate.Result) error { return Occupancy(r).WritePNG(w) }, hasStalls},
	{"weight_ranges.csv", WriteRangesCSV, hasRanges},
	{"weight_ranges.svg", func(w io.Writer, r *evaluate.Result) error { return WeightRanges(r).WriteSVG(w) }, hasRanges},
	{"weight_ranges.png", func(w io.Writer, r *evaluate.Result) error { return WeightRanges(r).WritePNG(w) }, hasRanges},
	{"dram_over_time.svg", func(w io.Writer, r *evaluate.Result) error { return DRAMOverTime(r).WriteSVG(w) }, hasTraffic},
	{"dram_over_time.png", func(w io.Writer, r *evaluate.Result) error { return DRAMOverTime(r).WritePNG(w) }, hasTraffic},
	{"dram_banks.svg", func(w io.Writer, r *evaluate.Result) error { return DRAMBanks(r).WriteSVG(w) }, hasBanks},
	{"dram_banks.png", func(w io.Writer, r *evaluate.Result) error { return DRAMBanks(r).WritePNG(w) }, hasBanks},
	{"dram_latency.svg", func(w io.Writer, r *evaluate.Result) error { return DRAMLatency(r).WriteSVG(w) }, hasLatency},
	{"trace.json", trace.Write, hasRecording},
	{"dram_latency.png", func(w io.Writer, r *evaluate.Result) error { return DRAMLatency(r).WritePNG(w) }, hasLatency},
}

func hasBanks(r *evaluate.Result) bool { return len(r.DRAM.Banks) > 0 }

func hasLatency(r *evaluate.Result) bool {
	return r.DRAM.ReadLatency != nil && len(r.DRAM.ReadLatency.Histogram) > 0
}

// hasRecording tells results of runs that were recorded.
func hasRecording(r *evaluate.Result) bool { return r.Recording != nil }

// WriteDirectory writes a report directory: summary.json, the same as text in
// summary.txt, report.html, tables as CSV, plots as SVG and PNG and, of a
// recorded run, trace.json. It creates the directory, replaces these files,
// removes those of them that do not apply to the result, and leaves all others
// alone. Everything is rendered before the first file is replaced, and every
// file appears whole: it is written under another name and renamed.
func WriteDirectory(dir string, r *evaluate.Result) error {
	files := make([]File, len(directoryFiles))
	for i, f := range directoryFiles {
		files[i].Name = f.name
		if f.applies == nil || f.applies(r) {
			files[i].Write = func(w io.Writer) error { return f.write(w, r) }
		}
	}
	return WriteFiles(dir, files)
}

// File is a file of a directory with what writes it; nil where there is to be
// none of that name.
type File struct {
	Name  string
	Write func(io.Writer) error
}

// WriteFiles writes files into a directory as WriteDirectory does.
func WriteFiles(dir string, files []File) (err error) {
	_, missing := os.Stat(dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("report directory: %w", err)
	}
	temporary := make([]string, len(files)) // "": does not apply
	defer func() {
		if err != nil { // which is what the caller needs, not what cleaning up gives
			for _, name := range temporary {
				if name != "" {
					_ = os.Remove(name)
				}
			}
			if errors.Is(missing, fs.ErrNotExist) {
				_ = os.Remove(dir)
			}
		}
	}()
	for i, f := range files {
		target := filepath.Join(dir, f.Name)
		if info, err := os.Lstat(target); err == nil && info.IsDir() {
			return fmt.Errorf("report directory: %s is a directory, a file belongs there", target)
		}
		if f.Write == nil {
			continue
		}
		temporary[i], err = writeTemporary(dir, f.Name, f.Write)
		if err != nil {
			return fmt.Errorf("report directory: %s: %w", target, WithoutPath(err))
		}
	}
	for i, f := range files {
		target := filepath.Join(dir, f.Name)
		if temporary[i] == "" {
			if err := os.Remove(target); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("report directory: %s of an earlier run: %w", target, WithoutPath(err))
			}
			continue
		}
		if err := os.Rename(temporary[i], target); err != nil {
			return fmt.Errorf("report directory: %s: %w", target, WithoutPath(err))
		}
	}
	return nil
}

// WithoutPath is the cause of an error of a file, for places where its path is
// not to be told, such as that of a temporary file, or is told already.
func WithoutPath(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}

// writeTemporary writes a file of a new name in the directory and returns the
// name, also with an error if the file exists.
func writeTemporary(dir, name string, write func(io.Writer) error) (string, error) {
	f, err := os.CreateTemp(dir, "."+name+".*.tmp")
	if err != nil {
		return "", err
	}
	b := bufio.NewWriterSize(f, 1<<16)
	if err = write(b); err == nil {
		err = b.Flush()
	}
	if err == nil {
		err = f.Chmod(0o644) // temporary files are private
	}
	return f.Name(), errors.Join(err, f.Close())
}
