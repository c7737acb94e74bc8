package cost_test

import (
	"encoding/csv"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/npusim/npusim/npu/cost"
)

// SCALE-Sim v3 reports the index of a layer's last cycle, counted from 0.
const lastCycleIndex = 1

// scaleSimArray is the machine that the reports were made for.
func scaleSimArray(outputStationary bool) *cost.Machine {
	m := machine()
	m.Rows, m.Columns = 32, 32
	m.OutputStationary = outputStationary
	m.OverlapWeightLoad = false // SCALE-Sim loads weights between folds
	m.OverlapDrain = true       // and drains output-stationary results during the next fold
	return m
}

// layer is a row of a SCALE-Sim topology.
type layer struct {
	name                                          string
	height, width, kernelHeight, kernelWidth      int64
	channels, filters, stride                     int64
	wsCycles, osCycles                            int64 // reported
	ifmapReads, wsFilterReads, wsPartialSumWrites int64
}

// product is the matrix product of a layer by SCALE-Sim's own rule for the
// output extent, ceil((H-f+s)/s), without padding.
func (l *layer) product() (k, f, pixels int64) {
	extent := func(size, kernel int64) int64 { return (size - kernel + l.stride + l.stride - 1) / l.stride }
	return l.kernelHeight * l.kernelWidth * l.channels, l.filters, extent(l.height, l.kernelHeight) * extent(l.width, l.kernelWidth)
}

// TestScaleSimFigures checks figures of the reports without the files.
func TestScaleSimFigures(t *testing.T) {
	for _, l := range []layer{
		{"AlexNet conv1", 224, 224, 11, 11, 3, 96, 4, 112283, 121124, 3294225, 34848, 3484800},
		{"AlexNet conv2", 27, 27, 5, 5, 96, 256, 1, 373799, 334831, 10156800, 614400, 10156800},
		{"AlexNet conv3", 13, 13, 3, 3, 256, 384, 1, 185759, 113567, 3345408, 884736, 3345408},
		{"ResNet-18 conv1", 224, 224, 7, 7, 3, 64, 2, 121939, 158421, -1, -1, -1},
		{"ResNet-18 conv3_s", 56, 56, 1, 1, 64, 128, 2, 7479, 13607, -1, -1, -1},
		{"ResNet-18 conv5_1b", 7, 7, 3, 3, 512, 512, 1, 274175, 74719, -1, -1, -1},
		{"ResNet-18 fc", 1, 1, 1, 1, 512, 1000, 1, 48639, 18367, -1, -1, -1},
	} {
		k, f, pixels := l.product()
		ws := scaleSimArray(false).Product(k, f, pixels)
		if got := total(ws) - lastCycleIndex; got != l.wsCycles {
			t.Errorf("%s weight-stationary: last cycle %d, SCALE-Sim says %d", l.name, got, l.wsCycles)
		}
		if got := total(scaleSimArray(true).Product(k, f, pixels)) - lastCycleIndex; got != l.osCycles {
			t.Errorf("%s output-stationary: last cycle %d, SCALE-Sim says %d", l.name, got, l.osCycles)
		}
		if l.ifmapReads < 0 {
			continue
		}
		if got := [3]int64{ws.ActivationRead, ws.WeightRead, ws.AccumulatorWrite / 4}; got != [3]int64{l.ifmapReads, l.wsFilterReads, l.wsPartialSumWrites} {
			t.Errorf("%s scratchpad traffic: got %v, SCALE-Sim says %d, %d, %d", l.name, got, l.ifmapReads, l.wsFilterReads, l.wsPartialSumWrites)
		}
	}
}

// TestScaleSimReports follows every layer of the reports exactly: cycles,
// utilization and scratchpad accesses.
func TestScaleSimReports(t *testing.T) {
	for _, run := range []struct {
		folder           string
		outputStationary bool
		layers           int
	}{
		{"ss_ws32_64k/alexnet", false, 5}, {"ss_ws32_64k/Resnet18", false, 21},
		{"ss_os32_64k/alexnet", true, 5}, {"ss_os32_64k/Resnet18", true, 21},
	} {
		t.Run(run.folder, func(t *testing.T) {
			topology := readReport(t, run.folder, "topology.csv")
			compute := readReport(t, run.folder, "COMPUTE_REPORT.csv")
			access := readReport(t, run.folder, "DETAILED_ACCESS_REPORT.csv")
			if len(topology) != run.layers || len(compute) != run.layers || len(access) != run.layers {
				t.Fatalf("%d, %d and %d rows instead of %d", len(topology), len(compute), len(access), run.layers)
			}
			m := scaleSimArray(run.outputStationary)
			for i, row := range topology {
				l := layer{name: row[0], height: whole(t, row[1]), width: whole(t, row[2]), kernelHeight: whole(t, row[3]),
					kernelWidth: whole(t, row[4]), channels: whole(t, row[5]), filters: whole(t, row[6]), stride: whole(t, row[7])}
				k, f, pixels := l.product()
				o := m.Product(k, f, pixels)
				if got, want := total(o)-lastCycleIndex, whole(t, compute[i][2]); got != want {
					t.Errorf("%s: last cycle %d, SCALE-Sim says %d", l.name, got, want)
				}
				if o.ActivationRead != whole(t, access[i][3]) || o.WeightRead != whole(t, access[i][6]) {
					t.Errorf("%s: reads %d and %d, SCALE-Sim says %s and %s", l.name, o.ActivationRead, o.WeightRead, access[i][3], access[i][6])
				}
				writes := o.AccumulatorWrite / 4
				if run.outputStationary {
					// SCALE-Sim adds rows+columns idle entries a fold; this
					// model leaves the sums in the array until they are final.
					folds := (pixels + m.Rows - 1) / m.Rows * ((f + m.Columns - 1) / m.Columns)
					writes = f*pixels + folds*(m.Rows+m.Columns)
				}
				if want := whole(t, access[i][9]); writes != want {
					t.Errorf("%s: %d partial sums written, SCALE-Sim says %d", l.name, writes, want)
				}
				// Overall utilization divides by the index of the last cycle.
				utilization := 100 * float64(o.MACs) / float64((total(o)-lastCycleIndex)*m.Rows*m.Columns)
				want, err := strconv.ParseFloat(strings.TrimSpace(compute[i][4]), 64)
				if err != nil {
					t.Fatal(err)
				}
				if d := utilization - want; d > 1e-9 || d < -1e-9 {
					t.Errorf("%s: utilization %.9f %%, SCALE-Sim says %.9f %%", l.name, utilization, want)
				}
			}
		})
	}
}

func readReport(t *testing.T, folder, name string) [][]string {
	t.Helper()
	data := os.Getenv("NPUSIM_DATA")
	if data == "" {
		data = filepath.Join("..", "..", "..", "shared", "data")
	}
	file := filepath.Join(data, "scalesim", filepath.FromSlash(folder), name)
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("SCALE-Sim report %s is absent; set NPUSIM_DATA to the folder that holds scalesim, which testdata/DATA.md describes", file)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

// whole reads an integer that may be padded or end in ".0".
func whole(t *testing.T, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(text), ".0"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
