package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// quick is a tool for the reduced form.
func quick(t *testing.T, only string) (*tool, *bytes.Buffer) {
	t.Helper()
	out := new(bytes.Buffer)
	folder := os.Getenv("NPUSIM_DATA")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "data")
	}
	return &tool{folder: folder, shapes: filepath.Join("..", "shapes", "resnet50.csv"), only: only, presets: []string{"edge", "mobile"}, quick: true, out: out, log: io.Discard}, out
}

// needs skips a test without the data of a network.
func needs(t *testing.T, tool *tool, name string) {
	t.Helper()
	if raceEnabled || testing.Short() {
		t.Skip("real networks take too long with the race detector or -short")
	}
	i := slices.IndexFunc(networks, func(n network) bool { return n.name == name })
	for _, file := range []string{networks[i].model, networks[i].data} {
		if _, err := os.Stat(filepath.Join(tool.folder, file)); err != nil {
			t.Skipf("%v: set NPUSIM_DATA to the folder of the networks and data of others, which testdata/DATA.md describes", err)
		}
	}
}

// run gives the tables of a text, as rows of cells by title.
func run(t *testing.T, tool *tool, out *bytes.Buffer) map[string][][]string {
	t.Helper()
	if err := tool.withCache(t.TempDir(), func() error { return tool.run(t.Context()) }); err != nil {
		t.Fatal(err)
	}
	tables, title, width := map[string][][]string{}, "", 0
	for line := range strings.Lines(out.String()) {
		line = strings.TrimSuffix(line, "\n")
		if head, ok := strings.CutPrefix(line, "## "); ok {
			title, width = head, 0
		}
		if !strings.HasPrefix(line, "|") {
			continue
		}
		if n := utf8.RuneCountInString(line); width == 0 {
			width = n
		} else if n != width {
			t.Errorf("%s: a line of %d characters in a table of %d: %s", title, n, width, line)
		}
		var cells []string
		for _, cell := range strings.Split(strings.Trim(line, "|"), "|") {
			cells = append(cells, strings.TrimSpace(cell))
		}
		tables[title] = append(tables[title], cells)
	}
	if !strings.Contains(out.String(), "Total time: ") {
		t.Error("the total time is not printed")
	}
	return tables
}

// rowsOf are the rows of a table whose column has a text.
func rowsOf(t *testing.T, rows [][]string, name, contains string) [][]string {
	t.Helper()
	if len(rows) < 3 {
		t.Fatalf("a table of %d lines", len(rows))
	}
	at := slices.Index(rows[0], name)
	if at < 0 {
		t.Fatalf("no column %q in %q", name, rows[0])
	}
	var found [][]string
	for _, row := range rows[2:] {
		if strings.Contains(row[at], contains) {
			found = append(found, row)
		}
	}
	return found
}

// TestLabelledNetwork: the whole path on a small network with labels.
func TestLabelledNetwork(t *testing.T) {
	tool, out := quick(t, "DS-CNN")
	needs(t, tool, "DS-CNN")
	tables := run(t, tool, out)
	if rows := rowsOf(t, tables["Highest sparsity without retraining"], "highest sparsity", "*"); len(rows) != 1 {
		t.Errorf("%d best prunings", len(rows))
	}
	codes := tables["DS-CNN: codes of weights"]
	if n := len(rowsOf(t, codes, "weights in DRAM", "int8, unpruned")); n != 1 {
		t.Errorf("%d rows of the unpruned network on one preset", n)
	}
	if n := len(rowsOf(t, codes, "pruned to", "0.90")); n != 3 {
		t.Errorf("%d rows at 0.9, want int8 and two codes", n)
	}
	if n := len(rowsOf(t, tables["DS-CNN: coded and plain programs compute the same"], "all samples", "equal to int8, pruned")); n < 2 {
		t.Errorf("%d coded programs were compared", n)
	}
}

// TestReconstruction: the network that is bound by bandwidth, whose error comes
// from its inputs.
func TestReconstruction(t *testing.T) {
	tool, out := quick(t, "autoencoder")
	needs(t, tool, "autoencoder")
	tables := run(t, tool, out)
	if rows := rowsOf(t, tables["Highest sparsity without retraining"], "score", "MSE "); len(rows) != len(prunings) {
		t.Errorf("%d rows with a reconstruction error", len(rows))
	}
	bound := tables["autoencoder: where it waits for DRAM"]
	for _, row := range rowsOf(t, bound, "machine", "2 GHz") {
		gain, err := strconv.ParseFloat(row[slices.Index(bound[0], "cycles, times less")], 64)
		promise, err2 := strconv.ParseFloat(row[slices.Index(bound[0], "all DRAM bytes, times less")], 64)
		if err != nil || err2 != nil || gain < 2 || gain > promise*1.02 {
			t.Errorf("%v times fewer cycles at 2 GHz, want 2 to little above the %v of the bytes: %q", gain, promise, row)
		}
	}
}

// TestShapes: layer shapes need no data.
func TestShapes(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("layer shapes of ResNet-50 take too long with the race detector or -short")
	}
	tool, out := quick(t, shapesName)
	tables := run(t, tool, out)
	rows := tables["ResNet-50 shapes at sparsity 0.90: random weights of the same shapes, for timing only"]
	if n := len(rowsOf(t, rows, "weights in DRAM", "xor-block")); n != 1 {
		t.Errorf("%d coded rows", n)
	}
}

// TestWithoutData: absent networks are named, and that is no error.
func TestWithoutData(t *testing.T) {
	tool, out := quick(t, "DS")
	log := new(bytes.Buffer)
	tool.folder, tool.log = t.TempDir(), log
	if err := tool.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "left out: DS-CNN") || !strings.Contains(log.String(), "NPUSIM_DATA") || strings.Contains(out.String(), "|") {
		t.Errorf("log %q, output %q", log, out)
	}
}

// TestUnknownName: a name of no network is refused with those there are.
func TestUnknownName(t *testing.T) {
	tool, _ := quick(t, "VGG")
	if err := tool.run(t.Context()); err == nil || !strings.Contains(err.Error(), "-model VGG") || !strings.Contains(err.Error(), "DS-CNN") {
		t.Errorf("%v", err)
	}
}

// TestHighest: the search confirms on all samples and needs few runs.
func TestHighest(t *testing.T) {
	for _, c := range []struct {
		name       string
		few, all   func(step int) float64
		want, most int // found, evaluations of both kinds
	}{
		{"both agree", func(s int) float64 { return float64(s) }, func(s int) float64 { return float64(s) }, 7, 9},
		{"the subset is too kind", func(s int) float64 { return float64(s) / 2 }, func(s int) float64 { return float64(s) }, 7, 16},
		{"the subset is too harsh", func(s int) float64 { return 3 * float64(s) }, func(s int) float64 { return float64(s) }, 7, 14},
		{"nothing holds", func(int) float64 { return 8 }, func(int) float64 { return 8 }, 0, 8},
		{"everything holds", func(int) float64 { return 0 }, func(int) float64 { return 0 }, 19, 8},
		{"a dent", func(s int) float64 { return float64(s) }, func(s int) float64 {
			if s == 8 {
				return 99
			}
			return float64(s) * 0.7
		}, 10, 13},
	} {
		runs := 0
		count := func(f func(int) float64) cost {
			seen := map[int]bool{}
			return func(step int) (float64, error) {
				if !seen[step] {
					runs++
				}
				seen[step] = true
				return f(step), nil
			}
		}
		got, err := highest(7, count(c.few), count(c.all))
		if err != nil || got != c.want || runs > c.most {
			t.Errorf("%s: step %d in %d runs (%v), want %d in at most %d", c.name, got, runs, err, c.want, c.most)
		}
	}
	broken := errors.New("broken")
	if _, err := highest(7, func(int) (float64, error) { return 0, nil }, func(int) (float64, error) { return 0, broken }); !errors.Is(err, broken) {
		t.Errorf("an error of a run: %v", err)
	}
}

// TestMarkdown: columns line up, numbers to the right.
func TestMarkdown(t *testing.T) {
	var b strings.Builder
	m := table{columns: []column{text("name"), number("µJ")}}
	m.add("é", 1.5)
	m.add("longer", "-")
	if err := m.write(&b, "Title", "A note."); err != nil {
		t.Fatal(err)
	}
	want := "## Title\n\n| name   |  µJ |\n| ------ | --: |\n| é      | 1.5 |\n| longer |   - |\n\nA note.\n\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	m.add("short")
	if err := m.write(&b, "Title"); err == nil {
		t.Error("a row without all cells is no error")
	}
}
