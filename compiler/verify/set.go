package verify

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/npusim/npusim/compiler/floatref"
	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/onnx"
	"github.com/npusim/npusim/compiler/ops"
)

// runSet imports the model with the inputs of one test set, runs it, and
// compares all outputs.
func runSet(model *onnx.Model, set string) error {
	inputs, err := readTensors(set, "input_")
	if err != nil {
		return err
	}
	names := freeInputs(model)
	if len(inputs) > len(names) {
		return fmt.Errorf("%d input files for %d graph inputs", len(inputs), len(names))
	}
	if len(inputs) < len(names) {
		return fmt.Errorf("no file input_%d.pb for graph input %q", len(inputs), names[len(inputs)])
	}
	known := ops.ConstantOperands(model)
	options := ops.Options{Shapes: map[string][]int{}, Constants: map[string]*graph.Tensor{}}
	fed := map[string]*graph.Tensor{}
	for i, name := range names {
		t, err := ops.ConstantTensor(&inputs[i])
		if err != nil {
			return fmt.Errorf("input_%d.pb: %w", i, err)
		}
		if t.Type != graph.Float32 || slices.Contains(known, name) {
			options.Constants[name] = t
			continue
		}
		options.Shapes[name] = t.Shape
		fed[name] = t
	}
	g, err := ops.ImportWith(model, options)
	if err != nil {
		return err
	}
	executor, err := floatref.New(g, floatref.Options{})
	if err != nil {
		return err
	}
	var data [][]float32
	for _, id := range g.Inputs {
		data = append(data, fed[g.Values[id].Name].Floats)
	}
	results, err := executor.Run(data)
	if err != nil {
		return err
	}
	outputs, err := readTensors(set, "output_")
	if err != nil {
		return err
	}
	if len(outputs) != len(g.Outputs) {
		return fmt.Errorf("%d output files for %d graph outputs", len(outputs), len(g.Outputs))
	}
	for i, id := range g.Outputs {
		v := &g.Values[id]
		want, err := ops.ConstantTensor(&outputs[i])
		if err != nil {
			return fmt.Errorf("output_%d.pb: %w", i, err)
		}
		got := &graph.Tensor{Shape: v.Shape, Type: v.Type, Floats: results[i]}
		if v.Constant != nil {
			got.Ints = v.Constant.Ints
		}
		if err := compare(got, want); err != nil {
			return fmt.Errorf("output %d, %q: %w", i, v.Name, err)
		}
	}
	return nil
}

// compare finds the first element that differs beyond the tolerance.
func compare(got, want *graph.Tensor) error {
	if got.Type != want.Type {
		return fmt.Errorf("type %v, expected %v", got.Type, want.Type)
	}
	if !slices.Equal(got.Shape, want.Shape) {
		return fmt.Errorf("shape %v, expected %v", got.Shape, want.Shape)
	}
	wrong, first := 0, -1
	for i := range want.Floats {
		if !close(float64(got.Floats[i]), float64(want.Floats[i])) {
			if wrong++; first < 0 {
				first = i
			}
		}
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d elements differ, first element %d: %v, expected %v", wrong, len(want.Floats), first, got.Floats[first], want.Floats[first])
	}
	for i := range want.Ints {
		if got.Ints[i] != want.Ints[i] {
			return fmt.Errorf("element %d is %d, expected %d", i, got.Ints[i], want.Ints[i])
		}
	}
	return nil
}

func close(got, want float64) bool {
	if math.IsNaN(want) || math.IsInf(want, 0) || math.IsInf(got, 0) {
		return got == want || math.IsNaN(got) && math.IsNaN(want)
	}
	return math.Abs(got-want) <= AbsoluteTolerance+RelativeTolerance*math.Abs(want)
}

// freeInputs names the graph inputs that no initializer provides.
func freeInputs(model *onnx.Model) []string {
	initialized := map[string]bool{}
	for i := range model.Graph.Initializers {
		initialized[model.Graph.Initializers[i].Name] = true
	}
	var names []string
	for i := range model.Graph.Inputs {
		if name := model.Graph.Inputs[i].Name; !initialized[name] {
			names = append(names, name)
		}
	}
	return names
}

// readTensors reads prefix0.pb, prefix1.pb, ... of a test set.
func readTensors(set, prefix string) ([]onnx.Tensor, error) {
	paths, err := numbered(set, prefix, ".pb")
	if err != nil {
		return nil, err
	}
	var tensors []onnx.Tensor
	for i, path := range paths {
		if want := prefix + strconv.Itoa(i) + ".pb"; filepath.Base(path) != want {
			return nil, fmt.Errorf("%s: there is no %s", set, want)
		}
		t, err := onnx.ReadTensor(path)
		if err != nil {
			return nil, err
		}
		tensors = append(tensors, *t)
	}
	return tensors, nil
}

// numbered lists the entries of a folder named prefix, number, suffix, in the
// order of the numbers.
func numbered(folder, prefix, suffix string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	type found struct {
		number int
		path   string
	}
	var list []found
	for _, entry := range entries {
		middle, ok := strings.CutPrefix(entry.Name(), prefix)
		if !ok {
			continue
		}
		if middle, ok = strings.CutSuffix(middle, suffix); !ok {
			continue
		}
		if number, err := strconv.Atoi(middle); err == nil && number >= 0 {
			list = append(list, found{number, filepath.Join(folder, entry.Name())})
		}
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].number < list[j].number })
	var paths []string
	for _, f := range list {
		paths = append(paths, f.path)
	}
	return paths, nil
}
