package export

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/npu/explore"
	"github.com/npusim/npusim/npu/explore/sweep"
)

// formula fails where there are three rows.
type formula struct{}

func (formula) Run(_ context.Context, spec *configs.Spec, _ evaluate.Request) (*evaluate.Result, evaluate.Reuse, error) {
	if spec.MACArray.Rows == 3 {
		return nil, evaluate.Reuse{}, errors.New("no three, \"please\"")
	}
	return &evaluate.Result{Model: evaluate.Model{Name: "a,b"}, Timing: evaluate.Timing{Cycles: 1 << 40, LatencyMS: 0.1 * float64(spec.MACArray.Rows)}}, evaluate.Reuse{}, nil
}

func table(t *testing.T) *explore.Table {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "net.csv"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := sweep.Parse(filepath.Join(folder, "s.toml"), []byte(`
model = "net.csv"
objectives = ["minimize timing.cycles", "minimize timing.latency_ms * 2"]
[[axis]]
key = "mac_array.rows"
range = [1, 5]
[[axis]]
key = "mac_array.overlap_drain"
values = [true]
[[axis]]
key = "compression.scheme"
values = ["none"]
`), sweep.Overrides{})
	if err != nil {
		t.Fatal(err)
	}
	open := func(context.Context, evaluate.Options) (explore.Evaluator, error) { return formula{}, nil }
	if _, err := explore.Run(t.Context(), s, explore.Options{Folder: folder, Open: open}); err != nil {
		t.Fatal(err)
	}
	a, err := explore.OpenArchive(folder, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	got, err := a.Table()
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestCSVAndParquetAgree: read back by other code, both hold the same cells.
func TestCSVAndParquetAgree(t *testing.T) {
	points := table(t)
	var text, columns bytes.Buffer
	if err := CSV(&text, points); err != nil {
		t.Fatal(err)
	}
	if err := Parquet(&columns, points); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&text).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != 6 || lines[0][0] != "id" || lines[0][len(lines[0])-1] != explore.WallSecondsColumn {
		t.Fatalf("%q", lines)
	}
	row := func(line int, name string) string { return lines[line][slices.Index(lines[0], name)] }
	for _, c := range []struct {
		line       int
		name, want string
	}{
		{1, "status", "done"}, {1, "timing.cycles", "1099511627776"}, {2, "timing.latency_ms", "0.2"}, {2, "timing.latency_ms * 2", "0.4"},
		{1, "mac_array.overlap_drain", "true"}, {1, "model.name", "a,b"}, {1, "compression.scheme", "none"}, {1, "front", "true"},
		{3, "status", "failed"}, {3, "reason", `no three, "please"`}, {3, "timing.cycles", ""}, {3, "mac_array.rows", "3"}, {3, "violation", ""},
	} {
		if got := row(c.line, c.name); got != c.want {
			t.Errorf("line %d, %s: %q, want %q", c.line, c.name, got, c.want)
		}
	}

	file, err := parquet.OpenFile(bytes.NewReader(columns.Bytes()), int64(columns.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if file.NumRows() != 5 || len(file.Schema().Columns()) != len(lines[0]) {
		t.Fatalf("%d rows of %d columns", file.NumRows(), len(file.Schema().Columns()))
	}
	rows := make([]parquet.Row, 5)
	reader := file.RowGroups()[0].Rows()
	defer reader.Close()
	if n, err := reader.ReadRows(rows); n != 5 {
		t.Fatal(n, err)
	}
	for at, path := range file.Schema().Columns() {
		for i := range rows {
			want := row(i+1, path[0])
			v := rows[i][at]
			got := v.String()
			switch {
			case v.IsNull():
				got = ""
			case v.Kind() == parquet.Double:
				x, err := strconv.ParseFloat(want, 64)
				if err != nil || x != v.Double() {
					t.Errorf("row %d, %s: %v, in CSV %q", i, path[0], v.Double(), want)
				}
				continue
			}
			if got != want {
				t.Errorf("row %d, %s: %q, in CSV %q", i, path[0], got, want)
			}
		}
	}
}
