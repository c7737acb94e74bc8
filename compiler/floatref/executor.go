// Package floatref executes the float graph: the reference that quantized
// results are compared with, and the source of calibration statistics.
//
// Kernels are those of package ops, in float32 with the order of additions
// fixed by the graph alone, so results do not depend on the number of workers,
// on what ran before, or on whether somebody observes. Buffers are planned
// once: values whose lifetimes do not overlap share memory, element-wise
// operators work in place, reshapes cost nothing.
//
// An [Executor] is immutable and may be used by many goroutines, each with a
// [State] of its own.
package floatref

import (
	"fmt"

	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/ops"
)

// Options change how an Executor keeps its buffers.
type Options struct {
	// KeepValues gives every value memory of its own, so that State.Value is
	// valid after a run. It costs the sum of all activations for a state.
	KeepValues bool
}

// maxStateElements bounds the memory of a state: 4 GiB of float32.
const maxStateElements = 1 << 30

// Executor is a graph bound to kernels and buffers.
type Executor struct {
	graph   *graph.Graph
	steps   []step
	storage []storage // by value
	slots   []int     // elements of each buffer
	scratch int       // elements of scratch memory, the largest of all kernels
}

// step is one node that has work to do, or a view to set up.
type step struct {
	node   *graph.Node
	kernel ops.Kernel
	view   bool // the output is the input's memory, nothing to run
}

// New binds a graph, which must not change afterwards. Every node must compute
// with float32; integer constants may only be graph outputs, and integer graph
// inputs may only be unused.
func New(g *graph.Graph, options Options) (*Executor, error) {
	e := &Executor{graph: g, steps: make([]step, len(g.Nodes))}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		kernel, err := ops.Bind(g, n)
		if err != nil {
			return nil, err
		}
		e.steps[i] = step{node: n, kernel: kernel, view: kernel.View}
		e.scratch = max(e.scratch, kernel.Scratch)
	}
	for _, id := range g.Outputs {
		if v := &g.Values[id]; v.Constant == nil && v.Type != graph.Float32 {
			return nil, fmt.Errorf("output %q has type %v, must be float32 or constant", v.Name, v.Type)
		}
	}
	e.plan(options.KeepValues)
	total := e.scratch
	for _, size := range e.slots {
		total += size
	}
	if total > maxStateElements {
		return nil, fmt.Errorf("graph %q needs %d elements of working memory, the limit is %d", g.Name, total, maxStateElements)
	}
	return e, nil
}

// Graph gives the graph that New bound.
func (e *Executor) Graph() *graph.Graph { return e.graph }

// Run executes the graph once on memory of its own. See [State.Run]; who runs
// many samples should keep a State.
func (e *Executor) Run(inputs [][]float32) ([][]float32, error) {
	return e.NewState().Run(inputs)
}

// State is the working memory of one goroutine.
type State struct {
	// Observe, if not nil, is called during Run with every graph input of type
	// float32 and then, after each node, with each of its outputs. The data is
	// valid only during the call and must not be changed. Constants are not
	// observed.
	Observe func(id graph.ValueID, data []float32)

	executor *Executor
	values   [][]float32 // by value, nil for integers
	scratch  []float32
	operands []operands // by step
}

// operands are the slices that a kernel gets, allocated once.
type operands struct{ in, out [][]float32 }

// NewState allocates working memory.
func (e *Executor) NewState() *State {
	g := e.graph
	s := &State{executor: e, values: make([][]float32, len(g.Values)), scratch: make([]float32, e.scratch), operands: make([]operands, len(e.steps))}
	buffers := make([][]float32, len(e.slots))
	for i, size := range e.slots {
		buffers[i] = make([]float32, size)
	}
	for id := range g.Values {
		v := &g.Values[id]
		switch where := e.storage[id]; where.kind {
		case constantMemory:
			s.values[id] = v.Constant.Floats
		case slotMemory:
			s.values[id] = buffers[where.slot][:graph.Elements(v.Shape)]
		}
	}
	for i := range e.steps {
		n := e.steps[i].node
		s.operands[i] = operands{in: make([][]float32, len(n.Inputs)), out: make([][]float32, len(n.Outputs))}
	}
	return s
}

// Run executes the graph on one sample. inputs has the elements of every graph
// input in row-major order; an integer input, which no node reads, takes nil.
// The results are newly allocated; a constant integer output gives nil.
func (s *State) Run(inputs [][]float32) ([][]float32, error) {
	if err := s.setInputs(inputs); err != nil {
		return nil, err
	}
	e := s.executor
	for i := range e.steps {
		step, operands := &e.steps[i], &s.operands[i]
		n := step.node
		if step.view {
			s.values[n.Outputs[0]] = s.values[n.Inputs[0]]
		} else {
			for k, id := range n.Inputs {
				if id != graph.None {
					operands.in[k] = s.values[id]
				}
			}
			for k, id := range n.Outputs {
				if id != graph.None {
					operands.out[k] = s.values[id]
				}
			}
			step.kernel.Run(operands.out, operands.in, s.scratch[:step.kernel.Scratch])
		}
		if s.Observe != nil {
			for _, id := range n.Outputs {
				if id != graph.None {
					s.Observe(id, s.values[id])
				}
			}
		}
	}
	outputs := make([][]float32, len(e.graph.Outputs))
	for i, id := range e.graph.Outputs {
		if e.graph.Values[id].Type == graph.Float32 {
			outputs[i] = append([]float32{}, s.values[id]...)
		}
	}
	return outputs, nil
}

func (s *State) setInputs(inputs [][]float32) error {
	g := s.executor.graph
	if len(inputs) != len(g.Inputs) {
		return fmt.Errorf("graph %q has %d inputs, got %d", g.Name, len(g.Inputs), len(inputs))
	}
	for i, id := range g.Inputs {
		v := &g.Values[id]
		if v.Type != graph.Float32 {
			if inputs[i] != nil {
				return fmt.Errorf("input %q has type %v, which is not fed", v.Name, v.Type)
			}
			continue
		}
		if want := graph.Elements(v.Shape); len(inputs[i]) != want {
			return fmt.Errorf("input %q of shape %v has %d elements, got %d", v.Name, v.Shape, want, len(inputs[i]))
		}
		s.values[id] = inputs[i]
		if s.Observe != nil {
			s.Observe(id, inputs[i])
		}
	}
	return nil
}

// Value gives the data of a value after a run. It needs Options.KeepValues,
// unless the value is a constant, and is nil otherwise. The data is
// overwritten by the next run.
func (s *State) Value(id graph.ValueID) []float32 {
	if !s.executor.keeps(id) {
		return nil
	}
	return s.values[id]
}
