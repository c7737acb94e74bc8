//go:build unix

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// manyPoints is a sweep whose 144 points take about a millisecond each.
const manyPoints = `
model = "testdata/glyphs/glyphs.onnx"
set = ["dram.tier=linear"]
objectives = ["minimize timing.cycles", "minimize energy_uj.total"]
[[axis]]
key = "mac_array.rows"
values = [4, 8, 12, 16]
[[axis]]
key = "mac_array.columns"
values = [4, 8, 16]
[[axis]]
key = "npu.weight_buffer_kib"
powers_of_two = [16, 64]
[[axis]]
key = "dram.channels"
values = [1, 2]
[[axis]]
key = "mac_array.dataflow"
values = ["weight-stationary", "output-stationary"]
`

// exploreFolder has the glyphs and a sweep.
func exploreFolder(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := setUp(folder); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "many.toml"), []byte(manyPoints), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GORACE", quickExit)
	return folder
}

// exploreCommand explores the sweep into a directory.
func exploreCommand(folder, out string, more ...string) *exec.Cmd {
	cmd := exec.Command("npusim", append([]string{"explore", "many.toml", "--out", out, "--format", "json", "--reports", "0", "-q"}, more...)...)
	cmd.Dir = folder
	return cmd
}

// counts are those of npusim explore --format json.
type counts struct {
	Points, Done, Failed, Reused int
	Front                        []json.RawMessage
}

func mustCount(t *testing.T, cmd *exec.Cmd) counts {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, stderr.Bytes())
	}
	var c counts
	if err := json.Unmarshal(stdout.Bytes(), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// pointsTable is points.csv without its last column, the wall times.
func pointsTable(t *testing.T, folder string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, pointsFile))
	if err != nil {
		t.Fatal(err)
	}
	var table bytes.Buffer
	for line := range bytes.Lines(text) {
		table.Write(line[:bytes.LastIndexByte(line, ',')])
		table.WriteByte('\n')
	}
	return table.Bytes()
}

// TestExploreSurvivesKills: killed at any moment, again and again, an
// exploration keeps every recorded point and ends with the table of one that was
// left alone.
func TestExploreSurvivesKills(t *testing.T) {
	folder := exploreFolder(t)
	kills := 20
	if testing.Short() {
		kills = 5
	}
	start := time.Now()
	whole := mustCount(t, exploreCommand(folder, "whole"))
	length := time.Since(start)
	if whole.Points != 144 || whole.Done != 144 || whole.Reused != 0 {
		t.Fatalf("%+v", whole)
	}
	want := pointsTable(t, filepath.Join(folder, "whole"))
	random := rand.New(rand.NewPCG(1, 1))
	out, kept, most := "killed", 0, 0
	for range kills {
		cmd := exploreCommand(folder, out)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration((0.1 + 0.6*random.Float64()) * float64(length)))
		_ = cmd.Process.Kill() // it may be through already
		_ = cmd.Wait()
		now := recordedPoints(t, folder, out)
		if now < kept {
			t.Fatalf("%d points were recorded, now there are %d", kept, now)
		}
		kept, most = now, max(most, now)
		if kept == 144 { // nothing left to lose: begin anew
			mustCount(t, exploreCommand(folder, out))
			if !bytes.Equal(pointsTable(t, filepath.Join(folder, out)), want) {
				t.Error("the table is not that of an exploration that was left alone")
			}
			out, kept = out+"+", 0
		}
	}
	t.Logf("killed %d times; up to %d of 144 points were recorded by then", kills, most)
	last := mustCount(t, exploreCommand(folder, out))
	if last.Points != 144 || last.Done != 144 || last.Reused < kept {
		t.Errorf("%d points were recorded; the last run: %+v", kept, last)
	}
	if !bytes.Equal(pointsTable(t, filepath.Join(folder, out)), want) {
		t.Error("the table is not that of an exploration that was left alone")
	}
}

// recordedPoints counts those that a directory holds; none where the process
// was killed before there was a store with a sweep.
func recordedPoints(t *testing.T, folder, out string) int {
	t.Helper()
	show := exec.Command("npusim", "explore", out, "--format", "json")
	show.Dir = folder
	text, err := show.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == exitUsage && (bytes.Contains(exit.Stderr, []byte("no such file")) || bytes.Contains(exit.Stderr, []byte("holds no sweep")) || bytes.Contains(exit.Stderr, []byte("not one of an exploration"))) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	var c counts
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	return c.Points
}

// TestExploreTogether: two processes share the work of one directory.
func TestExploreTogether(t *testing.T) {
	folder := exploreFolder(t)
	mustCount(t, exploreCommand(folder, "whole"))
	var outputs [2]bytes.Buffer
	var commands [2]*exec.Cmd
	for i := range commands {
		commands[i] = exploreCommand(folder, "shared")
		commands[i].Stdout = &outputs[i]
		if err := commands[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	evaluated := 0
	for i, cmd := range commands {
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		var c counts
		if err := json.Unmarshal(outputs[i].Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		if c.Points != 144 || c.Done != 144 {
			t.Errorf("process %d: %+v", i, c)
		}
		evaluated += c.Points - c.Reused
	}
	if evaluated != 144 {
		t.Errorf("the two evaluated %d points, there are 144", evaluated)
	}
	if !bytes.Equal(pointsTable(t, filepath.Join(folder, "whole")), pointsTable(t, filepath.Join(folder, "shared"))) {
		t.Error("the table is not that of a single process")
	}
}

// TestExploreInterrupt: an interrupt keeps what is done and says so.
func TestExploreInterrupt(t *testing.T) {
	folder := exploreFolder(t)
	cmd := exec.Command("npusim", "explore", "many.toml", "--out", "out", "-v", "--workers", "1")
	cmd.Dir = folder
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var lines []string
	evaluated := 0
	for scanner := bufio.NewScanner(stderr); scanner.Scan(); {
		lines = append(lines, scanner.Text())
		if strings.Contains(scanner.Text(), "msg=evaluated") {
			if evaluated++; evaluated == 5 {
				if err := cmd.Process.Signal(os.Interrupt); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 128+int(syscall.SIGINT) {
		t.Errorf("%v", err)
	}
	if !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, "points are kept in out") }) || lines[len(lines)-1] != "npusim explore: interrupted" {
		t.Errorf("last lines %q", lines[max(0, len(lines)-3):])
	}
	if c := mustCount(t, exploreCommand(folder, "out")); c.Reused < 4 || c.Reused == 144 || c.Done != 144 {
		t.Errorf("after an interrupt: %+v", c)
	}
}

// TestExploreWinnerRunsTheSame: npusim run with the printed configuration gives
// the figures that the exploration recorded.
func TestExploreWinnerRunsTheSame(t *testing.T) {
	folder := exploreFolder(t)
	npusim := func(args ...string) []byte {
		t.Helper()
		cmd := exec.Command("npusim", args...)
		cmd.Dir = folder
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%q: %v: %s", args, err, stderr.Bytes())
		}
		return out
	}
	npusim("explore", "configs/sweeps/quick.toml", "--out", "out", "--reports", "1", "-q")
	checkReports(t, filepath.Join(folder, "out"))
	if err := os.Remove(filepath.Join(folder, "out", "front_2_3.png")); err != nil {
		t.Fatal(err)
	}
	npusim("explore", "out") // writes it anew
	for _, name := range []string{"front.csv", "front.txt", "sensitivity.csv", "front_1_2.svg", "front_2_3.png", "explore.html"} {
		if info, err := os.Stat(filepath.Join(folder, "out", name)); err != nil || info.Size() < 100 {
			t.Errorf("%s: %v", name, err)
		}
	}
	winner := npusim("explore", "out", "--best", "energy_uj.total where accuracy.npu_top1 >= 0.9")
	if err := os.WriteFile(filepath.Join(folder, "winner.toml"), winner, 0o644); err != nil {
		t.Fatal(err)
	}
	// The command that the file itself gives.
	var words []string
	for line := range strings.Lines(string(winner)) {
		if rest, ok := strings.CutPrefix(line, "#   npusim "); ok {
			words = strings.Fields(strings.Replace(rest, "CONFIG", "winner.toml", 1))
		}
	}
	var result struct {
		Accuracy struct {
			NPUTop1 float64 `json:"npu_top1"`
			SQNR    float64 `json:"sqnr_db"`
		} `json:"accuracy"`
		Timing struct{ Cycles int64 }
		Energy struct{ Total float64 } `json:"energy_uj"`
	}
	if err := json.Unmarshal(npusim(append(words, "--format", "json")...), &result); err != nil {
		t.Fatal(err)
	}
	id, _, _ := strings.Cut(strings.TrimPrefix(string(winner), "# Point "), " ")
	row := tableRow(t, filepath.Join(folder, "out", pointsFile), id)
	for key, value := range map[string]any{
		"accuracy.npu_top1": result.Accuracy.NPUTop1, "accuracy.sqnr_db": result.Accuracy.SQNR,
		"timing.cycles": result.Timing.Cycles, "energy_uj.total": result.Energy.Total,
	} {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if row[key] != string(text) {
			t.Errorf("%s is %s in a run, %s in the exploration", key, text, row[key])
		}
	}
	if row["accuracy.npu_top1"] < "0.9" {
		t.Errorf("the winner reaches %s only", row["accuracy.npu_top1"])
	}
}

// checkReports wants one report directory, of a run like any other, and a page
// that leads to it.
func checkReports(t *testing.T, folder string) {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(folder, "reports", "*", "report.html"))
	if err != nil || len(list) != 1 {
		t.Fatalf("reports %q: %v", list, err)
	}
	page, err := os.ReadFile(filepath.Join(folder, "explore.html"))
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Base(filepath.Dir(list[0]))
	if !bytes.Contains(page, []byte("reports/"+name+"/report.html")) {
		t.Errorf("the page does not name the report %s", name)
	}
	id, _, _ := strings.Cut(name, "-")
	text, err := os.ReadFile(filepath.Join(filepath.Dir(list[0]), summaryFile))
	if err != nil {
		t.Fatal(err)
	}
	var summary struct{ Timing struct{ Cycles json.Number } }
	if err := json.Unmarshal(text, &summary); err != nil {
		t.Fatal(err)
	}
	if row := tableRow(t, filepath.Join(folder, pointsFile), id); row["front"] != "true" || row["timing.cycles"] != summary.Timing.Cycles.String() {
		t.Errorf("the report has %s cycles, point %s has %s, front %s", summary.Timing.Cycles, id, row["timing.cycles"], row["front"])
	}
}

// tableRow is the row of a point by column.
func tableRow(t *testing.T, file, id string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	names := strings.Split(lines[0], ",")
	for _, line := range lines[1:] {
		cells := strings.Split(line, ",")
		if cells[0] == id && len(cells) == len(names) {
			row := map[string]string{}
			for i, name := range names {
				row[name] = cells[i]
			}
			return row
		}
	}
	t.Fatalf("%s has no point %s", file, id)
	return nil
}
