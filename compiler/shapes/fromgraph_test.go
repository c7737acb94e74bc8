package shapes

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/npusim/npusim/compiler/graph"
)

// TestExportedForms: what a row cannot say is told, and groups become rows.
func TestExportedForms(t *testing.T) {
	conv := func(name string, groups int, strides, dilations []int, out []int) *graph.Graph {
		g := &graph.Graph{Name: "g"}
		x := g.AddValue(graph.Value{Name: "x", Shape: []int{1, 8, 20, 20}})
		w := g.AddValue(graph.Value{Name: "w", Shape: []int{16, 8 / groups, 3, 3}})
		y := g.AddValue(graph.Value{Name: "y", Shape: append([]int{1, 16}, out...)})
		g.Nodes = []graph.Node{{Name: name, Op: graph.Conv, Inputs: []graph.ValueID{x, w}, Outputs: []graph.ValueID{y},
			Attributes: &graph.ConvAttributes{Kernel: []int{3, 3}, Strides: strides, Dilations: dilations, PadBegin: []int{0, 0}, PadEnd: []int{0, 0}, Groups: groups}}}
		return g
	}
	for _, test := range []struct {
		graph *graph.Graph
		rows  []string
		note  string
	}{
		{conv("plain", 1, []int{1, 1}, []int{1, 1}, []int{18, 18}), []string{"plain, 20, 20, 3, 3, 8, 16, 1,"}, ""},
		{conv("DP a,b", 1, []int{1, 1}, []int{1, 1}, []int{18, 18}), []string{"dp a_b, 20, 20, 3, 3, 8, 16, 1,"}, ""},
		{conv("d", 8, []int{2, 2}, []int{1, 1}, []int{9, 9}), []string{"d_DP, 19, 19, 3, 3, 8, 2, 2,"}, ""},
		{conv("g", 2, []int{1, 1}, []int{1, 1}, []int{18, 18}), []string{"g group 1 of 2, 20, 20, 3, 3, 4, 8, 1,", "g group 2 of 2, 20, 20, 3, 3, 4, 8, 1,"}, ""},
		{conv("s", 1, []int{2, 1}, []int{1, 1}, []int{9, 18}), []string{"s, 11, 20, 3, 3, 8, 16, 1,"}, "strides [2 1]"},
		{conv("i", 1, []int{1, 1}, []int{2, 2}, []int{16, 16}), []string{"i, 18, 18, 3, 3, 8, 16, 1,"}, "dilations [2 2]"},
	} {
		topology, notes, err := FromGraph(test.graph)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := Write(&b, topology); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(b.String()), "\n")[1:]
		if !slices.Equal(lines, test.rows) || (test.note == "") != (len(notes) == 0) || test.note != "" && !strings.Contains(notes[0], test.note) {
			t.Errorf("rows %q with notes %q, want %q with %q", lines, notes, test.rows, test.note)
		}
		read, err := Parse("g.csv", b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		for i := range read.Layers {
			read.Layers[i].Line = 0
		}
		if !slices.Equal(read.Layers, topology.Layers) {
			t.Errorf("read %+v, written %+v", read.Layers, topology.Layers)
		}
	}
	empty := &graph.Graph{}
	if _, _, err := FromGraph(empty); err == nil {
		t.Error("a network without convolutions has layer shapes")
	}
}
