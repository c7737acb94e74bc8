package floatref_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/npusim/npusim/compiler/floatref"
	"github.com/npusim/npusim/compiler/graph"
)

// builder makes small graphs by hand.
type builder struct{ graph.Graph }

func (b *builder) input(name string, shape ...int) graph.ValueID {
	id := b.AddValue(graph.Value{Name: name, Shape: shape, Type: graph.Float32})
	b.Inputs = append(b.Inputs, id)
	return id
}

func (b *builder) constant(name string, shape []int, v ...float32) graph.ValueID {
	return b.AddValue(graph.Value{Name: name, Shape: shape, Type: graph.Float32,
		Constant: &graph.Tensor{Shape: shape, Type: graph.Float32, Floats: v}})
}

func (b *builder) node(op graph.Op, attributes any, shape []int, inputs ...graph.ValueID) graph.ValueID {
	id := b.AddValue(graph.Value{Name: fmt.Sprintf("v%d", len(b.Values)), Shape: shape, Type: graph.Float32})
	b.Nodes = append(b.Nodes, graph.Node{Name: b.Values[id].Name, Op: op, Inputs: inputs, Outputs: []graph.ValueID{id}, Attributes: attributes})
	return id
}

func bind(t testing.TB, g *graph.Graph, options floatref.Options) *floatref.Executor {
	t.Helper()
	e, err := floatref.New(g, options)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// randomGraph is a chain of element-wise operators, reshapes and additions of
// earlier values, which is all that buffer planning can get wrong.
func randomGraph(r *rand.Rand) *graph.Graph {
	b := &builder{}
	shapes := [][]int{{2, 6}, {12}, {3, 4}, {1, 1}}
	values := []graph.ValueID{b.input("a", 2, 6), b.input("b", 12), b.constant("c", []int{3, 4}, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)}
	for range 3 + r.IntN(15) {
		from := values[r.IntN(len(values))]
		shape := b.Values[from].Shape
		var id graph.ValueID
		switch r.IntN(5) {
		case 0:
			id = b.node(graph.Reshape, nil, shapes[r.IntN(3)], from)
		case 1:
			id = b.node(graph.Clip, &graph.ClipAttributes{Min: -20, Max: 20}, shape, from)
		case 2:
			id = b.node(graph.Identity, nil, shape, from)
		default:
			other := values[r.IntN(len(values))]
			if !slices.Equal(b.Values[other].Shape, shape) {
				other = b.node(graph.Reshape, nil, shape, other)
			}
			op := graph.Sub
			if r.IntN(2) == 0 {
				op = graph.Add
			}
			id = b.node(op, nil, shape, from, other)
		}
		values = append(values, id)
	}
	for range 1 + r.IntN(3) {
		b.Outputs = append(b.Outputs, values[r.IntN(len(values))])
	}
	return &b.Graph
}

// TestBufferReuse compares planned buffers with a buffer for every value, over
// several samples on the same state, and every observed value too.
func TestBufferReuse(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for round := range 300 {
		g := randomGraph(r)
		planned, kept := bind(t, g, floatref.Options{}).NewState(), bind(t, g, floatref.Options{KeepValues: true}).NewState()
		observed := make([][]float32, len(g.Values))
		planned.Observe = func(id graph.ValueID, data []float32) { observed[id] = slices.Clone(data) }
		for range 3 {
			inputs := [][]float32{make([]float32, 12), make([]float32, 12)}
			for i := range 12 {
				inputs[0][i], inputs[1][i] = float32(r.IntN(9)), float32(r.IntN(9))
			}
			before := [][]float32{slices.Clone(inputs[0]), slices.Clone(inputs[1])}
			got, err := planned.Run(inputs)
			if err != nil {
				t.Fatal(err)
			}
			want, err := kept.Run(inputs)
			if err != nil {
				t.Fatal(err)
			}
			for i := range want {
				if !slices.Equal(got[i], want[i]) {
					t.Fatalf("round %d: output %d is %v, want %v\n%v", round, i, got[i], want[i], g)
				}
			}
			for id := range g.Values {
				if g.Values[id].Constant == nil && !slices.Equal(observed[id], kept.Value(graph.ValueID(id))) {
					t.Fatalf("round %d: value %s observed as %v, want %v\n%v", round, g.Values[id].Name, observed[id], kept.Value(graph.ValueID(id)), g)
				}
			}
			if !slices.Equal(inputs[0], before[0]) || !slices.Equal(inputs[1], before[1]) {
				t.Fatalf("round %d: the inputs were changed\n%v", round, g)
			}
		}
	}
}

func TestObserveOrder(t *testing.T) {
	b := &builder{}
	x := b.input("x", 2)
	y := b.node(graph.Relu, nil, []int{2}, x)
	z := b.node(graph.Add, nil, []int{2}, y, b.constant("c", []int{2}, 1, 1))
	b.Outputs = []graph.ValueID{z}
	s := bind(t, &b.Graph, floatref.Options{}).NewState()
	var seen []string
	s.Observe = func(id graph.ValueID, data []float32) {
		seen = append(seen, fmt.Sprint(b.Values[id].Name, data))
	}
	if _, err := s.Run([][]float32{{-1, 2}}); err != nil {
		t.Fatal(err)
	}
	want := []string{"x[-1 2]", b.Values[y].Name + "[0 2]", b.Values[z].Name + "[1 3]"}
	if !slices.Equal(seen, want) {
		t.Errorf("observed %v, want %v", seen, want)
	}
	if s.Value(y) != nil {
		t.Error("a value that may be overwritten is given")
	}
}

func TestRunRefusesWrongInputs(t *testing.T) {
	b := &builder{}
	b.Outputs = []graph.ValueID{b.node(graph.Relu, nil, []int{2, 3}, b.input("x", 2, 3))}
	e := bind(t, &b.Graph, floatref.Options{})
	for _, c := range []struct {
		inputs  [][]float32
		message string
	}{
		{nil, "has 1 inputs, got 0"},
		{[][]float32{{1}, {2}}, "has 1 inputs, got 2"},
		{[][]float32{make([]float32, 5)}, `input "x" of shape [2 3] has 6 elements, got 5`},
	} {
		if _, err := e.Run(c.inputs); err == nil || !strings.Contains(err.Error(), c.message) {
			t.Errorf("error %v, want %q", err, c.message)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	b := &builder{}
	id := b.AddValue(graph.Value{Name: "i", Shape: []int{1}, Type: graph.Int64})
	b.Outputs = []graph.ValueID{b.node(graph.Relu, nil, []int{1}, id)}
	if _, err := floatref.New(&b.Graph, floatref.Options{}); err == nil || !strings.Contains(err.Error(), "int64") {
		t.Errorf("an integer node: error %v", err)
	}
	b = &builder{}
	b.Outputs = []graph.ValueID{b.node(graph.InvalidOp, nil, []int{1}, b.input("x", 1))}
	if _, err := floatref.New(&b.Graph, floatref.Options{}); err == nil || !strings.Contains(err.Error(), "no float kernel") {
		t.Errorf("an unknown operator: error %v", err)
	}
	b = &builder{}
	x := b.input("x", 1<<28)
	a := b.node(graph.Relu, nil, []int{1 << 28}, x)
	for range 4 {
		b.Outputs = append(b.Outputs, b.node(graph.Add, nil, []int{1 << 28}, x, a))
	}
	if _, err := floatref.New(&b.Graph, floatref.Options{}); err == nil || !strings.Contains(err.Error(), "the limit is") {
		t.Errorf("too much memory: error %v", err)
	}
}

func TestRunBatch(t *testing.T) {
	b := &builder{}
	x := b.input("x", 4)
	h := b.node(graph.Softmax, &graph.AxisAttributes{}, []int{4}, x)
	b.Outputs = []graph.ValueID{b.node(graph.Tanh, nil, []int{4}, h)}
	e := bind(t, &b.Graph, floatref.Options{})
	const samples = 64
	var want [][]float32
	for _, workers := range []int{1, 2, 7, 1000} {
		got := make([][]float32, samples)
		err := e.RunBatch(samples, workers, func(s *floatref.State, i int) error {
			out, err := s.Run([][]float32{{float32(i), 1, 2, 3}})
			if err == nil {
				got[i] = out[0]
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = got
		}
		for i := range want {
			if !slices.Equal(got[i], want[i]) || len(got[i]) != 4 {
				t.Fatalf("%d workers: sample %d is %v, want %v", workers, i, got[i], want[i])
			}
		}
	}
	for range 20 {
		err := e.RunBatch(samples, 4, func(_ *floatref.State, i int) error {
			if i%10 == 9 {
				return errors.New(fmt.Sprint("sample ", i))
			}
			return nil
		})
		if err == nil || err.Error() != "sample 9" {
			t.Fatalf("error %v, want that of sample 9", err)
		}
	}
	if err := e.RunBatch(0, 4, nil); err != nil {
		t.Fatal(err)
	}
}

// TestRunAllocatesOutputsOnly pins the allocations of a run: the list of
// outputs and each output.
func TestRunAllocatesOutputsOnly(t *testing.T) {
	b := &builder{}
	x := b.input("x", 1, 4, 8, 8)
	weights := make([]float32, 4*4*9)
	h := b.node(graph.Conv, &graph.ConvAttributes{Kernel: []int{3, 3}, Strides: []int{1, 1}, Dilations: []int{1, 1}, PadBegin: []int{1, 1}, PadEnd: []int{1, 1}, Groups: 1},
		[]int{1, 4, 8, 8}, x, b.constant("w", []int{4, 4, 3, 3}, weights...))
	h = b.node(graph.Add, nil, []int{1, 4, 8, 8}, h, x)
	h = b.node(graph.MaxPool, &graph.PoolAttributes{Kernel: []int{2, 2}, Strides: []int{2, 2}, Dilations: []int{1, 1}, PadBegin: []int{0, 0}, PadEnd: []int{0, 0}, CeilExtra: []int{0, 0}}, []int{1, 4, 4, 4}, h)
	h = b.node(graph.ReduceMean, &graph.ReduceAttributes{Axes: []int{2, 3}}, []int{1, 4}, h)
	h = b.node(graph.Gemm, &graph.GemmAttributes{Alpha: 1, Beta: 1, TransposeB: true}, []int{1, 2}, h, b.constant("head", []int{2, 4}, make([]float32, 8)...), b.constant("bias", []int{2}, 1, 2))
	b.Outputs = []graph.ValueID{h}
	s := bind(t, &b.Graph, floatref.Options{}).NewState()
	inputs := [][]float32{make([]float32, 256)}
	run := func() {
		if _, err := s.Run(inputs); err != nil {
			t.Fatal(err)
		}
	}
	run()
	if got := testing.AllocsPerRun(20, run); got > 2 {
		t.Errorf("%v allocations a run, want 2", got)
	}
}
