package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/npusim/npusim/compiler/dataset"
	"github.com/npusim/npusim/compiler/onnx"
)

// root is the repository seen from this package.
const root = "../.."

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"npusim": main})
}

// TestScripts runs the command-line scripts in testdata/script. Each starts in
// a folder of its own that has the glyphs model, its data and layer shapes.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join(root, "testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("GORACE", quickExit)
			return setUp(env.WorkDir)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":       exits,
			"model":       writeTestModel,
			"array":       writeTestArray,
			"truncate":    truncate,
			"gzip":        gzipFile,
			"flip":        flip,
			"jsonkeys":    jsonKeys,
			"withouthost": withoutHost,
		},
	})
}

// quickExit keeps the race detector from sleeping a second at the end of every
// process.
const quickExit = "atexit_sleep_ms=0"

// setUp copies the glyphs, layer shapes, a DRAM trace, sweeps and the
// verification cases to a folder.
func setUp(folder string) error {
	for _, name := range []string{"glyphs/glyphs.onnx", "glyphs/glyphs.toml", "glyphs/glyphs_x.npy", "glyphs/glyphs_y.npy", "shapes/resnet50.csv", "dram/triad.trc"} {
		data, err := os.ReadFile(filepath.Join(root, "testdata", filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		to := filepath.Join(folder, "testdata", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, data, 0o644); err != nil {
			return err
		}
	}
	if err := os.CopyFS(filepath.Join(folder, "configs", "sweeps"), os.DirFS(filepath.Join(root, "configs", "sweeps"))); err != nil {
		return err
	}
	return os.CopyFS(filepath.Join(folder, "testdata", "cases"), os.DirFS(filepath.Join(root, "testdata", "cases")))
}

// exits runs a command that must end with a status:
//
//	exits STATUS COMMAND [ARGUMENT...]
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND [ARGUMENT...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%s: %v", args[1], err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// writeTestModel writes a model of testModels:
//
//	model KIND FILE
func writeTestModel(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: model KIND FILE")
	}
	m, ok := testModels[args[0]]
	if !ok {
		ts.Fatalf("there is no test model %q", args[0])
	}
	f, err := os.Create(ts.MkAbs(args[1]))
	ts.Check(err)
	ts.Check(onnx.WriteModel(f, m()))
	ts.Check(f.Close())
}

// writeTestArray writes an .npy file of float32 zeros, or of another type, of
// whose elements every third is not zero:
//
//	array FILE [TYPE] DIMENSION...
func writeTestArray(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: array FILE [TYPE] DIMENSION...")
	}
	types := map[string]dataset.ElementType{"bool": dataset.Bool, "uint8": dataset.Uint8, "int8": dataset.Int8, "int16": dataset.Int16, "int64": dataset.Int64,
		"float32": dataset.Float32, "float64": dataset.Float64}
	kind, typed := types[args[1]]
	dimensions := args[1:]
	if typed {
		dimensions = args[2:]
	}
	var shape []int
	elements := 1
	for _, arg := range dimensions {
		n, err := strconv.Atoi(arg)
		ts.Check(err)
		shape = append(shape, n)
		elements *= n
	}
	values := make([]int64, elements)
	for i := 0; i < elements && typed; i += 3 {
		if values[i] = int64(i*i%23) - 11; kind == dataset.Bool || kind == dataset.Uint8 {
			values[i] = 1
		}
	}
	if !typed {
		kind = dataset.Float32
	}
	var a *dataset.Array
	var err error
	switch kind {
	case dataset.Float32:
		floats := make([]float32, elements)
		for i, v := range values {
			floats[i] = float32(v) / 16
		}
		a, err = dataset.FromFloats(shape, floats)
	case dataset.Float64:
		var data []byte
		for _, v := range values {
			data = binary.LittleEndian.AppendUint64(data, math.Float64bits(float64(v)/16))
		}
		a, err = dataset.FromBytes(shape, kind, data)
	case dataset.Bool:
		data := make([]byte, elements)
		for i, v := range values {
			data[i] = byte(v)
		}
		a, err = dataset.FromBytes(shape, kind, data)
	default:
		a, err = dataset.FromInts(shape, kind, values)
	}
	ts.Check(err)
	ts.Check(dataset.WriteNPY(ts.MkAbs(args[0]), a))
}

// truncate cuts a file:
//
//	truncate FILE BYTES
func truncate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: truncate FILE BYTES")
	}
	n, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), n))
}

// gzipFile writes a compressed copy of a file:
//
//	gzip FILE COPY
func gzipFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: gzip FILE COPY")
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := io.WriteString(w, ts.ReadFile(args[0]))
	ts.Check(err)
	ts.Check(w.Close())
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), packed.Bytes(), 0o644))
}

// flip inverts a bit of a byte of a file, counted from the end if negative:
//
//	flip FILE OFFSET
func flip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: flip FILE OFFSET")
	}
	path := ts.MkAbs(args[0])
	data, err := os.ReadFile(path)
	ts.Check(err)
	at, err := strconv.Atoi(args[1])
	ts.Check(err)
	if at < 0 {
		at += len(data)
	}
	data[at] ^= 0x10
	ts.Check(os.WriteFile(path, data, 0o644))
}

// jsonKeys checks that a file is one JSON value that has all keys (or, with !,
// none of them), written as path.to.key; [] stands for every element of a
// list, which must have one at least:
//
//	jsonkeys FILE KEY...
func jsonKeys(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: jsonkeys FILE KEY...")
	}
	var value any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &value))
	for _, key := range args[1:] {
		err := findKey(value, strings.Split(key, "."))
		switch {
		case err != nil && !neg:
			ts.Fatalf("%s: %v", key, err)
		case err == nil && neg:
			ts.Fatalf("%s: it is there", key)
		}
	}
}

func findKey(value any, path []string) error {
	if len(path) == 0 {
		return nil
	}
	if path[0] == "[]" {
		list, ok := value.([]any)
		if !ok || len(list) == 0 {
			return errors.New("no list with an element")
		}
		for i, element := range list {
			if err := findKey(element, path[1:]); err != nil {
				return fmt.Errorf("element %d: %w", i, err)
			}
		}
		return nil
	}
	object, ok := value.(map[string]any)
	if !ok {
		return fmt.Errorf("%s: its parent is no object", path[0])
	}
	member, ok := object[path[0]]
	if !ok {
		return fmt.Errorf("%s is missing", path[0])
	}
	return findKey(member, path[1:])
}

// hostSection is what a report says of the simulation itself, in its JSON and
// its text form.
var hostSection = regexp.MustCompile(`(?s),\n  "host": \{.*?\n  \}|\nSimulation\n.*`)

// withoutHost copies a report without its host section:
//
//	withouthost FILE COPY
func withoutHost(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: withouthost FILE COPY")
	}
	text := ts.ReadFile(args[0])
	if len(hostSection.FindAllString(text, -1)) != 1 {
		ts.Fatalf("%s does not have exactly one host section", args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(hostSection.ReplaceAllString(text, "")), 0o644))
}
